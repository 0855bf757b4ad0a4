"""MarkdownV2 as the domain reads it, beside the sandbox's own reading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.bot_api.errors import ApiError
from sandbox.bot_api.markup_markdown import parse_markdown_v2
from tenants.markdown import MarkupError, parse

READ = [
    ("plain", "plain", ()),
    ("*bold*", "bold", (("bold", 0, 4, ""),)),
    ("_it_ __un__", "it un", (("italic", 0, 2, ""), ("underline", 3, 2, ""))),
    ("~st~ ||sp||", "st sp", (("strikethrough", 0, 2, ""), ("spoiler", 3, 2, ""))),
    ("_a *b* c_", "a b c", (("italic", 0, 5, ""), ("bold", 2, 1, ""))),
    ("`a\\`b` c", "a`b c", (("code", 0, 3, ""),)),
    ("```python\nx=1```", "x=1", (("pre", 0, 3, "python"),)),
    ("```\nx```", "x", (("pre", 0, 1, ""),)),
    ("[a](http://x.example/\\))", "a", (("text_link", 0, 1, "http://x.example/)"),)),
    ("[Ann](tg://user?id=77)", "Ann", (("text_mention", 0, 3, "77"),)),
    ("![👍](tg://emoji?id=5368324170671202286)", "👍", (("custom_emoji", 0, 2, "5368324170671202286"),)),
    ("🎈 *b*", "🎈 b", (("bold", 3, 1, ""),)),
    (">q1\n>q2\nrest", "q1\nq2\nrest", (("blockquote", 0, 5, ""),)),
    (">q||", "q", (("expandable_blockquote", 0, 1, ""),)),
    (">a *b*\nc", "a b\nc", (("blockquote", 0, 3, ""), ("bold", 2, 1, ""))),
    ("1\\. \\*no\\*", "1. *no*", ()),
    ("  *a*  ", "a", (("bold", 0, 1, ""),)),
]
REFUSED = [
    ("a.b", 2, "“.”, must be written as “\\\\.”"),
    ("*a", 1, "bold text that begins at character 1 has no end"),
    ("a | b", 3, "“|”"),
    ("ok ```x", 4, "code block that begins at character 4 has no end"),
    ("[a](http://x", 4, "has no “\\)”"),
    ("![x](http://x)", 1, "needs \\(tg://emoji"),
    (">*a\nb*", 2, "must end in its quote"),
]


@pytest.mark.parametrize(("source", "text", "entities"), READ)
def test_it_is_read_as_telegram_reads_it(source: str, text: str, entities: tuple[object, ...]) -> None:
    assert parse(source) == (text, entities)


@pytest.mark.parametrize(("source", "at", "words"), REFUSED)
def test_what_is_broken_says_where(source: str, at: int, words: str) -> None:
    with pytest.raises(MarkupError, match=words.replace("|", "\\|")) as caught:
        parse(source)
    assert caught.value.at == at


WORDS = st.text(alphabet="ab 🎈", min_size=1, max_size=4).filter(lambda words: words.strip() == words)
ESCAPED = st.sampled_from(["\\.", "\\*", "\\_", "\\\\"])


def _around(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    marks = st.sampled_from(["*", "~", "||", "__"])
    return st.builds(lambda mark, words: f"{mark}{words}{mark}", marks, st.lists(inner, min_size=1).map(" ".join))


SOURCES = st.recursive(WORDS | ESCAPED, _around, max_leaves=6)


@given(SOURCES)
def test_well_formed_sources_mean_the_same_to_both(source: str) -> None:
    try:
        text, entities = parse_markdown_v2(source, lambda _: None)
    except ApiError:
        with pytest.raises(MarkupError):
            parse(source)
        return
    read = [(found.type, found.offset, found.length) for found in entities]
    assert (parse(source)[0], [entity[:3] for entity in parse(source)[1]]) == (text, read)
