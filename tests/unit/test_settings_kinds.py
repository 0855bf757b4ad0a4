"""Values as people type them, and keyword expressions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.errors import Invalid
from tenants.settings.kinds import FLAG, IDS, KEYWORDS, NUMBER, TEXT, matches

WORDS = st.text(min_size=1, max_size=12).filter(lambda word: word.strip("~ "))
PLAIN = WORDS.filter(lambda word: not word.startswith("~"))
GROUPS = st.lists(st.lists(WORDS, min_size=1, max_size=3), max_size=4)
TEXTS = st.text(max_size=40)


@given(GROUPS)
def test_keywords_are_typed_as_they_are_shown(groups):
    assert KEYWORDS.parse(KEYWORDS.show(groups)) == groups


@given(st.lists(st.integers(min_value=-(2**52), max_value=2**52), max_size=20, unique=True))
def test_ids_are_typed_as_they_are_shown(ids):
    assert IDS.parse(IDS.show(ids)) == ids


@given(st.integers(min_value=-(10**18), max_value=10**18))
def test_numbers_are_typed_as_they_are_shown(number):
    assert NUMBER.parse(NUMBER.show(number)) == number


@pytest.mark.parametrize("kind", [TEXT, NUMBER, FLAG, IDS, KEYWORDS], ids=lambda kind: kind.name)
@given(typed=TEXTS)
def test_whatever_is_typed_is_a_value_or_a_sentence(kind, typed):
    try:
        value = kind.parse(typed)
    except Invalid:
        return
    assert kind.parse(kind.show(value)) == value


@pytest.mark.parametrize(
    ("kind", "typed", "value"),
    [
        (TEXT, "  Hello ", "Hello"),
        (TEXT, "off", ""),
        (NUMBER, " 1 000 000 ", 1_000_000),
        (FLAG, "on", True),
        (FLAG, " Off ", False),
        (IDS, "1001, -1002\n1001,", [1001, -1002]),
        (IDS, "Off", []),
        (KEYWORDS, '"help"', [["help"]]),
        (KEYWORDS, "“help”, «price»", [["help"], ["price"]]),
        (KEYWORDS, '"help", ["call","operator"], ["price","~wholesale"]', [["help"], ["call", "operator"], ["price", "~wholesale"]]),  # noqa: E501
        (KEYWORDS, '"say “hi”"', [["say “hi”"]]),
        (KEYWORDS, "OFF", []),
    ],
)  # fmt: skip
def test_what_people_type_is_understood(kind, typed, value):
    assert kind.parse(typed) == value


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        (NUMBER, "soon"),
        (NUMBER, "--5"),
        (NUMBER, "1.5"),
        (NUMBER, "-"),
        (NUMBER, "9" * 5000),
        (FLAG, "yes"),
        (IDS, "@ann"),
        (IDS, "--5"),
        (IDS, "9" * 5000),
        (KEYWORDS, "help, price"),
        (KEYWORDS, '"a" "b"'),
        (KEYWORDS, "1"),
        (KEYWORDS, '[["a"]]'),
        (KEYWORDS, '""'),
        (KEYWORDS, "[]"),
        (KEYWORDS, "[" * 5000),
    ],
)
def test_what_can_not_be_understood_is_refused_with_what_to_type_instead(kind, typed):
    with pytest.raises(Invalid) as refused:
        kind.parse(typed)
    assert len(refused.value.text) < 200


def test_no_keywords_match_nothing():
    assert not matches([], "anything")


@given(PLAIN, TEXTS, TEXTS)
def test_a_keyword_matches_wherever_it_stands(word, before, after):
    assert matches([[word]], before + word + after)


@given(PLAIN, TEXTS)
def test_a_negated_keyword_matches_exactly_where_the_plain_one_does_not(word, text):
    assert matches([["~" + word]], text) is not matches([[word]], text)


@given(GROUPS, GROUPS, TEXTS)
def test_commas_mean_or(some, others, text):
    assert matches(some + others, text) is (matches(some, text) or matches(others, text))


@given(st.lists(WORDS, min_size=1, max_size=3), st.lists(WORDS, min_size=1, max_size=3), TEXTS)
def test_a_group_means_and(some, others, text):
    assert matches([some + others], text) is (matches([some], text) and matches([others], text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I need HELP", True),
        ("call me, operator", True),
        ("call me", False),
        ("what is the price?", True),
        ("the wholesale price", False),
        ("STRASSE", True),
        ("", False),
    ],
)
def test_an_expression_reads_as_documented(text, expected):
    expression = '"help", ["call","operator"], ["price","~wholesale"], "straße"'
    assert matches(KEYWORDS.parse(expression), text) is expected
