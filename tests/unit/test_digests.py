"""Two messages that show the same have one digest, whatever else Telegram says of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.bot_api.updates import read_update
from sessions.digests import digest_of, shows_other_media
from sessions.events import Edited, Message, Other, Reacted

USER = {"id": 77, "is_bot": False, "first_name": "Ann"}
CHAT = {"id": 77, "type": "private", "first_name": "Ann"}
BOLD = {"type": "bold", "offset": 0, "length": 2}


def photo(unique: str) -> dict[str, Any]:
    sizes = [{"file_id": f"{unique}-small", "file_unique_id": "s"}, {"file_id": unique, "file_unique_id": unique}]
    return {"photo": sizes}


def read(kind: str = "message", **fields: Any) -> Message:
    body = {"message_id": 9, "date": 0, "chat": CHAT, "from": USER, **fields}
    event = read_update({"update_id": 5, kind: body}).event
    message = event.message if isinstance(event, Edited) else event
    assert isinstance(message, Message)
    return message


PLACE = {"latitude": 1.5, "longitude": 2.5}
SAME = [
    ({"text": "hi"}, {"text": "hi", "edit_date": 7, "link_preview_options": {"url": "https://a.example"}}),
    ({"text": "hi"}, {"text": "hi", "entities": [{"type": "url", "offset": 0, "length": 2}]}),
    ({**photo("a"), "caption": "hi"}, {**photo("a"), "caption": "hi", "effect_id": "7"}),
    ({"location": PLACE}, {"location": {**PLACE, "heading": 90, "live_period": 60}}),
    ({"poll": {"id": "1", "options": []}}, {"poll": {"id": "1", "options": [], "total_voter_count": 3}}),
]
OTHER = [
    ({"text": "hi"}, {"text": "ho"}, False),
    ({"text": "hi"}, {"text": "hi", "entities": [BOLD]}, False),
    ({"text": "hi"}, {"text": "hi", "link_preview_options": {"is_disabled": True}}, False),
    ({**photo("a"), "caption": "hi"}, {**photo("a"), "caption": "ho"}, False),
    ({**photo("a"), "caption": "hi"}, {**photo("a"), "caption": "hi", "caption_entities": [BOLD]}, False),
    ({**photo("a"), "caption": "hi"}, {**photo("a"), "caption": "hi", "show_caption_above_media": True}, False),
    (photo("a"), photo("b"), True),
    (photo("a"), {**photo("a"), "has_media_spoiler": True}, True),
    ({"text": "hi"}, {**photo("a"), "caption": "hi"}, True),
    ({"location": PLACE}, {"location": {**PLACE, "latitude": 1.6}}, True),
]


@pytest.mark.parametrize(("before", "now"), SAME)
def test_what_nobody_sees_makes_no_difference(before: dict[str, Any], now: dict[str, Any]) -> None:
    assert read(**before).digest == read("edited_message", **now).digest


@pytest.mark.parametrize(("before", "now", "is_media"), OTHER)
def test_what_people_see_makes_one(before: dict[str, Any], now: dict[str, Any], is_media: bool) -> None:
    first, second = read(**before).digest, read("edited_message", **now).digest
    assert first != second
    assert shows_other_media(first, second) is is_media


def test_where_nothing_is_known_the_media_is_another_one() -> None:
    assert shows_other_media("", digest_of(text="hi", content="photo"))


entities = st.lists(st.tuples(st.sampled_from(["bold", "italic"]), st.integers(0, 9), st.integers(1, 9), st.just("")))


@given(st.text(), entities, st.randoms())
def test_the_order_of_formatting_makes_no_difference(text: str, marks: list[Any], chance: Any) -> None:
    mixed = list(marks)
    chance.shuffle(mixed)
    one = digest_of(text=text, content="text", entities=marks)
    assert digest_of(text=text, content="text", entities=mixed) == one
    assert len(bytes.fromhex(one)) == 16


def test_formatting_is_read_with_what_it_needs() -> None:
    marks = [
        {"type": "text_link", "offset": 0, "length": 2, "url": "https://a.example"},
        {"type": "text_mention", "offset": 0, "length": 2, "user": USER},
        {"type": "custom_emoji", "offset": 0, "length": 2, "custom_emoji_id": "7"},
        {"type": "pre", "offset": 0, "length": 2, "language": "python"},
        {"type": "hashtag", "offset": 0, "length": 2},
    ]
    found = [(kind, more) for kind, _, _, more in read(text="hi", entities=marks).entities]
    assert found == [
        ("text_link", "https://a.example"),
        ("text_mention", "77"),
        ("custom_emoji", "7"),
        ("pre", "python"),
    ]


def reaction(old: list[Any], new: list[Any]) -> object:
    kinds = [
        [{"type": "emoji", "emoji": one} if isinstance(one, str) else one for one in side] for side in (old, new)
    ]
    body = {
        "chat": CHAT,
        "message_id": 9,
        "user": USER,
        "date": 0,
        "old_reaction": kinds[0],
        "new_reaction": kinds[1],
    }
    return read_update({"update_id": 5, "message_reaction": body}).event


CUSTOM, PAID = {"type": "custom_emoji", "custom_emoji_id": "7"}, {"type": "paid"}


@pytest.mark.parametrize(
    ("old", "new", "emoji"),
    [
        ([], ["👍"], "👍"),
        (["👍"], ["👍", "🔥"], "🔥"),
        (["👍"], ["🔥", CUSTOM], "🔥"),
        (["👍", "🔥"], ["👍"], "👍"),
        (["👍"], [], None),
        (["👍"], [CUSTOM], None),
    ],
)
def test_the_newest_emoji_counts(old: list[Any], new: list[Any], emoji: str | None) -> None:
    event = reaction(old, new)
    assert isinstance(event, Reacted)
    assert (event.emoji, event.message) == (emoji, 9)


@pytest.mark.parametrize("new", [[CUSTOM], [PAID]])
def test_custom_emoji_and_paid_reactions_do_not_count(new: list[Any]) -> None:
    assert reaction([], new) == Other("message_reaction", "no_emoji")
