"""MarkdownV2 as the domain reads it, beside the sandbox's own reading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.bot_api.errors import ApiError
from sandbox.bot_api.markup_markdown import parse_markdown_v2
from tenants.errors import Invalid
from tenants.markdown import MarkupError, parse
from tenants.outbox.rows import Entity
from tenants.plans import Plan
from tenants.settings.catalog import effective, get_entry
from tenants.settings.schema import GREETING

READ = [
    ("plain", "plain", ()),
    ("*bold*", "bold", (("bold", 0, 4, ""),)),
    ("_it_ __un__", "it un", (("italic", 0, 2, ""), ("underline", 3, 2, ""))),
    ("~st~ ||sp||", "st sp", (("strikethrough", 0, 2, ""), ("spoiler", 3, 2, ""))),
    ("_a *b* c_", "a b c", (("italic", 0, 5, ""), ("bold", 2, 1, ""))),
    ("___x_**__", "x", (("underline", 0, 1, ""), ("italic", 0, 1, ""))),
    ("`a\\`b` c", "a`b c", (("code", 0, 3, ""),)),
    ("`a*b.`", "a*b.", (("code", 0, 4, ""),)),
    ("```python\nx=1```", "x=1", (("pre", 0, 3, "python"),)),
    ("```\nx```", "x", (("pre", 0, 1, ""),)),
    ("[a](http://x.example/\\))", "a", (("text_link", 0, 1, "http://x.example/)"),)),
    ("[Ann](tg://user?id=77)", "Ann", (("text_mention", 0, 3, "77"),)),
    ("![👍](tg://emoji?id=5368324170671202286)", "👍", (("custom_emoji", 0, 2, "5368324170671202286"),)),
    ("![now](tg://time?unix=1647531900&format=wDT)", "now", (("date_time", 0, 3, "1647531900 wDT"),)),
    ("![now](tg://time?unix=1647531900)", "now", (("date_time", 0, 3, "1647531900"),)),
    ("🎈 *b*", "🎈 b", (("bold", 3, 1, ""),)),
    (">q1\n>q2\nrest", "q1\nq2\nrest", (("blockquote", 0, 5, ""),)),
    (">q||", "q", (("expandable_blockquote", 0, 1, ""),)),
    (">q||\r\nrest", "q\nrest", (("expandable_blockquote", 0, 1, ""),)),
    (">a *b*\nc", "a b\nc", (("blockquote", 0, 3, ""), ("bold", 2, 1, ""))),
    (">a\n**>b||", "a\nb", (("blockquote", 0, 1, ""), ("expandable_blockquote", 2, 1, ""))),
    (">a\n>>b", "a\nb", (("blockquote", 0, 3, ""),)),
    ("*a\n>b\n*", "a\nb", (("bold", 0, 3, ""), ("blockquote", 2, 1, ""))),
    ("1\\. \\*no\\*", "1. *no*", ()),
    ("  *a*  ", "a", (("bold", 0, 1, ""),)),
    ("*  🎈 a  * ", "🎈 a", (("bold", 0, 4, ""),)),
    ("", "", ()),
]
ADDRESSES = [
    ("example.com", "http://example.com/"),
    ("HTTPS://Example.com?q=a b", "https://example.com/?q=a%20b"),
    ("http://[::1]:80/x", "http://[::1]:80/x"),
    ("tg:resolve?domain=backline", "tg://resolve?domain=backline"),
    ("tg://user?id=0", "tg://user?id=0"),
]
NO_ADDRESSES = ["", "word", "ftp://example.com", "http://[a", "http://a b.example", "tg://a b"]
REFUSED = [
    ("a.b", 2, "“.”, must be written as “\\.”"),
    ("*a", 1, "bold text that begins at character 1 has no end"),
    ("a | b", 3, "“|”"),
    ("🎈!", 2, "“!”"),
    ("a\r\n>b>", 5, "“>”"),
    ("ok ```x", 4, "code block that begins at character 4 has no end"),
    ("```a`b```", 1, "code block that begins at character 1 has no end"),
    ("[a](http://x", 4, "has no “)”"),
    ("![x](http://x)", 1, "needs (tg://emoji"),
    ("![x](tg://emoji?id=99999999999999999999)", 1, "needs (tg://emoji"),
    ("![x](tg://time?unix=5&format=q)", 1, "(tg://time?unix=…)"),
    ("![x]", 1, "needs (tg://emoji"),
    (">*a\nb*", 2, "must end in its quote"),
    ("___x___", 7, "italic text that begins at character 7 has no end"),
]


@pytest.mark.parametrize(("source", "text", "entities"), READ)
def test_it_is_read_as_telegram_reads_it(source: str, text: str, entities: tuple[object, ...]) -> None:
    assert parse(source) == (text, entities)


@pytest.mark.parametrize(("typed", "address"), ADDRESSES)
def test_an_address_is_completed(typed: str, address: str) -> None:
    assert parse(f"[a]({typed})") == ("a", (("text_link", 0, 1, address),))


@pytest.mark.parametrize("typed", NO_ADDRESSES)
def test_what_is_no_address_makes_no_link(typed: str) -> None:
    assert parse(f"[a]({typed})") == ("a", ())


def test_brackets_alone_link_to_what_they_say() -> None:
    assert parse("[t\\.me/a]") == ("t.me/a", (("text_link", 0, 6, "http://t.me/a"),))


def test_of_two_links_the_outer_one_stays() -> None:
    assert parse("[a [b](b.example) c](c.example)") == ("a b c", (("text_link", 0, 5, "http://c.example/"),))


@pytest.mark.parametrize(("source", "at", "words"), REFUSED)
def test_what_is_broken_says_where(source: str, at: int, words: str) -> None:
    with pytest.raises(MarkupError) as caught:
        parse(source)
    assert words in str(caught.value)
    assert caught.value.at == at


def _parsed(source: str) -> tuple[str, tuple[Entity, ...]]:
    try:
        return parse(source)
    except MarkupError:
        return "", ()


@given(
    st.text(alphabet="a1.:/?#@[]()<>!|`*_~\\\n\r= 🎈"), st.sampled_from(["{}", "[a]({})", "![a](tg://emoji?id={})"])
)
def test_whatever_is_typed_is_refused_or_has_its_entities_inside_of_its_text(typed: str, within: str) -> None:
    text, entities = _parsed(within.replace("{}", typed))
    length = len(text.encode("utf-16-le")) // 2
    assert all(0 <= offset < offset + size <= length for _, offset, size, _ in entities)


PIECES = st.sampled_from(
    [
        *("a", "b c", "🎈", "\n", "\\.", "\\*", "\\_", "\\\\"),
        *("`a*b`", "`\\``", "```\nx```", "```python\nx = 1\n```"),
        *("[a *b*](http://x.example/)", "![👍](tg://emoji?id=7)"),
    ]
)
DAMAGE = st.sampled_from(["", "", "", "*", "_", "__", "~", "|", "||", "[", ".", "#", "{", "}", "=", "(", ")"])


def _around(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    marks = st.sampled_from(["*", "_", "__", "~", "||"])
    return st.builds(lambda mark, parts: f"{mark}{''.join(parts)}{mark}", marks, st.lists(inner, min_size=1))


SOURCES = st.builds(
    lambda before, damage, after: f"x{before}{damage}{after}x",
    st.recursive(PIECES, _around, max_leaves=6),
    DAMAGE,
    st.recursive(PIECES, _around, max_leaves=6),
)


@given(SOURCES)
def test_both_readings_agree(source: str) -> None:
    try:
        text, entities = parse_markdown_v2(source, lambda _: None)
    except ApiError:
        with pytest.raises(MarkupError):
            parse(source)
        return
    more = [found.url or found.language or found.custom_emoji_id or "" for found in entities]
    read = [(found.type, found.offset, found.length, own) for found, own in zip(entities, more, strict=True)]
    assert (parse(source)[0], sorted(parse(source)[1])) == (text, sorted(read))


def test_a_broken_welcome_is_refused_with_its_place() -> None:
    with pytest.raises(Invalid, match="WELCOME: Character 11, “!”, must be written as"):
        get_entry("WELCOME").check("Hi {title}!", Plan.PRO)


@pytest.mark.parametrize(
    "welcome", [GREETING, "{title}", "*{title}*", "![now](tg://time?unix=1647531900&format=r)", ""]
)
def test_a_welcome_that_telegram_would_send_is_taken(welcome: str) -> None:
    assert get_entry("WELCOME").check(welcome, Plan.PRO) == welcome


def test_a_broken_welcome_of_an_earlier_day_counts_as_unset() -> None:
    assert effective({"WELCOME": "Hi {title}!"}, Plan.PRO).WELCOME == GREETING
