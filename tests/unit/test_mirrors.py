"""The mark on what another program wrote: within Telegram's limits, the formatting where it was."""

import pytest

from sessions.bot_api.changes import edit_request
from sessions.bot_api.mirrors import disabled, mirror_request, write_entities
from sessions.errors import Rejected
from sessions.mirrors import marked
from sessions.port import Edit, IdempotencyKey, Mirror
from tenants.ids import ChatId, MessageId, TopicId
from tenants.outbox import PLAIN_LOOK, Body, Look, utf16

KEY = IdempotencyKey("k")


def mirror(content: str = "text", *ids: int) -> Mirror:
    numbers = tuple(MessageId(number) for number in ids or (5,))
    to, topic, source = ChatId(-1001), TopicId(4), ChatId(77)
    return Mirror(KEY, to, topic, source, numbers, None, text="hi", content=content, buttons=(("A", "B"),))


def edit(content: str, look: Look = PLAIN_LOOK) -> Edit:
    return Edit(KEY, ChatId(-1001), MessageId(9), (ChatId(77), MessageId(5)), text="hi", content=content, look=look)


def test_the_mark_moves_the_formatting_along() -> None:
    assert marked("hello", [("bold", 1, 2, ""), ("text_link", 0, 5, "https://a.example")]) == (
        "🤖 hello",
        (("bold", 4, 2, ""), ("text_link", 3, 5, "https://a.example")),
    )


@pytest.mark.parametrize(("caption", "limit"), [(False, 4096), (True, 1024)])
@pytest.mark.parametrize("char", ["x", "🙂"])
def test_a_long_text_is_cut_to_the_limit_and_its_formatting_with_it(caption: bool, limit: int, char: str) -> None:
    words, entities = marked(char * 5000, [("bold", 0, 9000, ""), ("italic", 9000, 5, "")], caption=caption)
    assert limit - 1 <= utf16(words) <= limit
    assert words.startswith("🤖 " + char)
    assert entities == (("bold", 3, utf16(words) - 3, ""),)


def test_without_words_only_the_mark_is_left() -> None:
    assert marked("", []) == ("🤖", ())


def test_a_body_keeps_its_buttons_and_old_bodies_load() -> None:
    body = Body("hi", content="photo", entities=(("bold", 0, 2, ""),), buttons=(("A", "B"), ("C",)))
    assert Body.load(body.dump()) == body
    assert Body.load(b'["hi", false, "text"]') == Body("hi")
    assert Body.load(b'["hi", true, "text", [["bold", 0, 2, ""]]]') == Body(
        "hi", markdown=True, entities=(("bold", 0, 2, ""),)
    )
    assert Body.load(Body("hi").dump()) == Body("hi")


def test_buttons_have_no_effect() -> None:
    keyboard = disabled((("A", "B"), ("C",)))
    assert keyboard is not None
    assert [[button.text for button in row] for row in keyboard.inline_keyboard] == [["A", "B"], ["C"]]
    assert all(button.disabled is not None for row in keyboard.inline_keyboard for button in row)
    assert disabled(()) is None


def test_formatting_carries_what_its_kind_needs() -> None:
    kinds = [("pre", 0, 1, "python"), ("text_link", 0, 1, "https://a.example"), ("custom_emoji", 0, 1, "7")]
    pre, link, emoji = write_entities([*kinds, ("text_mention", 0, 1, "77")])
    assert (pre.language, link.url, emoji.custom_emoji_id) == ("python", "https://a.example", "7")


@pytest.mark.parametrize(
    ("outgoing", "method"),
    [
        (mirror("text"), "sendMessage"),
        (mirror("photo"), "copyMessage"),
        (mirror("sticker"), None),
        (mirror("photo", 5, 6), None),
    ],
)
def test_what_has_no_caption_is_forwarded(outgoing: Mirror, method: str | None) -> None:
    request = mirror_request(outgoing)
    assert (request and request.__api_method__) == method


@pytest.mark.parametrize(
    ("content", "media", "method"),
    [
        ("text", "", "editMessageText"),
        ("video", "", "editMessageCaption"),
        ("video", "file", "editMessageMedia"),
        ("voice", "file", "editMessageCaption"),
    ],
)
def test_an_edit_changes_the_words_or_the_media_too(content: str, media: str, method: str) -> None:
    assert edit_request(edit(content, Look(media=media))).__api_method__ == method


@pytest.mark.parametrize("content", ["dice", "sticker", "poll", "video_note"])
def test_what_has_no_words_can_not_be_edited(content: str) -> None:
    with pytest.raises(Rejected) as refused:
        edit_request(edit(content))
    assert refused.value.code == "not_editable"


def test_an_edit_says_again_what_telegram_would_take_away() -> None:
    above = edit_request(edit("photo", Look(above=True)))
    assert (above.caption, above.show_caption_above_media) == ("hi", True)
    media = edit_request(edit("photo", Look(media="file", above=True, spoiler=True))).media
    assert (media.media, media.caption, media.has_spoiler, media.show_caption_above_media) == (
        "file",
        "hi",
        True,
        True,
    )
    assert edit_request(edit("document", Look(media="file", spoiler=True))).media.caption == "hi"
    assert edit_request(edit("text", Look(preview=False))).link_preview_options.is_disabled
    assert "link_preview_options" not in edit_request(edit("text")).model_fields_set


def test_a_body_keeps_its_look() -> None:
    body = Body("hi", content="photo", look=Look(media="file", above=True, preview=False))
    assert Body.load(body.dump()) == body
