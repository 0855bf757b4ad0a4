"""sendMessage and its many kin."""

from collections.abc import Callable
from typing import Any

from sandbox.bot_api.call import Call
from sandbox.bot_api.errors import bad_request
from sandbox.bot_api.keyboards import read_markup
from sandbox.bot_api.render import Json
from sandbox.bot_api.render_message import message_json
from sandbox.bot_api.targets import Target, find_chat, find_target, find_topic
from sandbox.bot_api.uploads import find_file, read_file
from sandbox.bot_api.words import check_caption, parse, read_caption, read_text
from sandbox.world import Content, Message
from sandbox.world.compose import poll_details, throw
from sandbox.world.messages import CAPTIONED_KINDS, DICE_HIGHEST
from sandbox.world.posting import post

_ALBUM_LIMIT = 10
_ALBUM_KINDS = frozenset({"photo", "video", "live_photo", "audio", "document"})
_ACTIONS = frozenset(
    {
        "cancel",
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "record_audio",
        "upload_audio",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    }
)


def send_content(call: Call, content: Content, **more: Any) -> Message:
    """Put one message where the call says, with the marks that every sending method knows."""
    markup = read_markup(call)
    target = find_target(call)
    call.charge(target.chat)
    return post_to(call, target, content, markup=markup, **more)


def post_to(call: Call, target: Target, content: Content, **more: Any) -> Message:
    return post(
        call.world,
        target.chat,
        call.bot,
        content,
        topic_id=target.topic_id,
        reply_to=target.reply_to,
        reply_to_chat=target.reply_to_chat,
        quote=target.quote,
        protected=call.flag("protect_content"),
        silent=call.flag("disable_notification"),
        **more,
    )


def _answer(call: Call, content: Content, **more: Any) -> Json:
    return message_json(call.world, send_content(call, content, **more), call.bot)


def send_message(call: Call) -> Json:
    text, entities = read_text(call)
    preview = call.json("link_preview_options")
    return _answer(call, Content("text", text, entities), link_preview=preview)


def _send_media(kind: str) -> Callable[[Call], Json]:
    def send(call: Call) -> Json:
        file = read_file(call, kind)
        text, entities = read_caption(call) if kind in CAPTIONED_KINDS else ("", ())
        content = Content(
            file.kind,
            text,
            entities,
            file,
            spoiler=call.flag("has_spoiler"),
            caption_above=call.flag("show_caption_above_media"),
        )
        return _answer(call, content)

    return send


def send_location(call: Call) -> Json:
    return _answer(call, Content("location", details=_place(call)))


def send_venue(call: Call) -> Json:
    details = _place(call) | {"title": call.required("title"), "address": call.required("address")}
    return _answer(call, Content("venue", details=details))


def send_contact(call: Call) -> Json:
    details = {name: call.required(name) for name in ("phone_number", "first_name")}
    details |= {name: call.text(name) for name in ("last_name", "vcard") if call.text(name)}
    return _answer(call, Content("contact", details=details))


def send_poll(call: Call) -> Json:
    question = call.required("question")
    options = call.json("options", "poll options")
    if not isinstance(options, list) or not options:
        raise bad_request("poll must have at least 1 option")
    given: dict[str, Any] = {"question": question, "options": options, "type": call.text("type") or "regular"}
    if given["type"] == "quiz":
        given["correct_option_ids"] = call.json("correct_option_ids") or [call.number("correct_option_id", -1)]
    if "is_anonymous" in call.params:
        given["is_anonymous"] = call.flag("is_anonymous")
    given["allows_multiple_answers"] = call.flag("allows_multiple_answers")
    return _answer(call, Content("poll", details=poll_details(call.world, given)))


def send_dice(call: Call) -> Json:
    emoji = call.text("emoji") or "🎲"
    if emoji not in DICE_HIGHEST:
        raise bad_request("DICE_EMOJI_INVALID")
    return _answer(call, throw(call.world, emoji))


def send_media_group(call: Call) -> list[Json]:
    items = call.json("media")
    if not isinstance(items, list):
        raise bad_request("can't parse media JSON object" if items is not None else "media is empty")
    if not items:
        raise bad_request("there are no messages to send")
    if len(items) > _ALBUM_LIMIT:
        raise bad_request("too many messages to send as an album")
    contents = [_album_item(call, item) for item in items]
    _check_mixture({content.kind for content in contents})
    target = find_target(call)
    call.charge(target.chat, len(contents) if call.flood.rules.count_each_copy else 1)
    album_id = call.world.ids.album() if len(contents) > 1 else None
    messages = [post_to(call, target, content, album_id=album_id) for content in contents]
    return [message_json(call.world, message, call.bot) for message in messages]


def _check_mixture(kinds: set[str]) -> None:
    """(td, get_input_message_group: documents and audios stay among themselves.)"""
    for kind in ("document", "audio"):
        if kind in kinds and len(kinds) > 1:
            raise bad_request(f"{kind} can't be mixed with other media types")


def _album_item(call: Call, item: Any) -> Content:
    if not isinstance(item, dict) or item.get("type") not in _ALBUM_KINDS:
        raise bad_request("can't parse InputMedia: type must be photo, video, audio or document")
    file = find_file(call, item["type"], str(item.get("media", "")), item)
    words = parse(call.world, item.get("caption") or "", item.get("parse_mode") or "", item.get("caption_entities"))
    text, entities = check_caption(words)
    above = bool(item.get("show_caption_above_media"))
    return Content(file.kind, text, entities, file, spoiler=bool(item.get("has_spoiler")), caption_above=above)


def send_chat_action(call: Call) -> bool:
    if call.text("action") not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    chat = find_chat(call)
    find_topic(call, chat)
    call.world.emit("chat.action", (call.bot, call.text("action"), call.number("message_thread_id")), chat)
    return True


def _place(call: Call) -> dict[str, Any]:
    place: dict[str, Any] = {"latitude": call.decimal("latitude"), "longitude": call.decimal("longitude")}
    if call.number("live_period"):
        place["live_period"] = call.number("live_period")
    return place


METHODS: dict[str, Callable[[Call], Any]] = {
    "sendMessage": send_message,
    "sendPhoto": _send_media("photo"),
    "sendVideo": _send_media("video"),
    "sendAnimation": _send_media("animation"),
    "sendLivePhoto": _send_media("live_photo"),
    "sendAudio": _send_media("audio"),
    "sendVoice": _send_media("voice"),
    "sendVideoNote": _send_media("video_note"),
    "sendDocument": _send_media("document"),
    "sendSticker": _send_media("sticker"),
    "sendLocation": send_location,
    "sendVenue": send_venue,
    "sendContact": send_contact,
    "sendPoll": send_poll,
    "sendDice": send_dice,
    "sendMediaGroup": send_media_group,
    "sendChatAction": send_chat_action,
}
