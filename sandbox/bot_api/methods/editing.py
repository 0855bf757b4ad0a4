"""Edits and deletions by bots."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sandbox.bot_api.call import Call
from sandbox.bot_api.errors import ApiError, bad_request
from sandbox.bot_api.keyboards import read_markup
from sandbox.bot_api.render import Json
from sandbox.bot_api.render_message import message_json
from sandbox.bot_api.targets import find_chat, find_message
from sandbox.bot_api.uploads import find_file
from sandbox.bot_api.words import check_caption, parse, read_caption, read_text
from sandbox.world import Chat, Content, Message, posting
from sandbox.world.compose import ALBUM_KINDS, why_not_in_album
from sandbox.world.messages import CAPTIONED_KINDS, MEDIA_KINDS

_DELETABLE_FOR = timedelta(hours=48)
_DICE_STAYS_FOR = timedelta(hours=24)
_ROOTS = frozenset({"supergroup_chat_created", "group_chat_created", "channel_chat_created", "forum_topic_created"})
_BATCH_LIMIT = 100
_EDITABLE_MEDIA = frozenset({"photo", "video", "animation", "audio", "document"})
_NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)


def edit_text(call: Call) -> Json:
    text, entities = read_text(call)
    markup = read_markup(call)
    message = _find_own(call)
    if message.kind != "text":
        raise bad_request("there is no text in the message to edit")
    content = replace(message.content, text=text, entities=entities)
    return _change(call, message, content, markup, link_preview=call.json("link_preview_options"))


def edit_caption(call: Call) -> Json:
    text, entities = read_caption(call)
    markup = read_markup(call)
    message = _find_own(call)
    if message.kind not in CAPTIONED_KINDS:
        raise bad_request("there is no caption in the message to edit")
    above = call.flag("show_caption_above_media")
    content = replace(message.content, text=text, entities=entities, caption_above=above)
    return _change(call, message, content, markup)


def edit_media(call: Call) -> Json:
    item = call.json("media")
    if not isinstance(item, dict) or item.get("type") not in _EDITABLE_MEDIA:
        raise bad_request("can't parse InputMedia: type must be photo, video, animation, audio or document")
    file = find_file(call, item["type"], str(item.get("media", "")), item)
    words = parse(call.world, item.get("caption") or "", item.get("parse_mode") or "", item.get("caption_entities"))
    text, entities = check_caption(words)
    markup = read_markup(call)
    message = _find_own(call)
    if message.kind != "text" and message.kind not in MEDIA_KINDS:
        raise bad_request("there is no media in the message to edit")
    _check_album(message, file.kind)
    spoiler, above = bool(item.get("has_spoiler")), bool(item.get("show_caption_above_media"))
    content = Content(file.kind, text, entities, file, spoiler=spoiler, caption_above=above)
    return _change(call, message, content, markup)


def edit_markup(call: Call) -> Json:
    markup = read_markup(call)
    message = _find_own(call)
    return _change(call, message, message.content, markup, link_preview=message.link_preview)


def delete_message(call: Call) -> bool:
    chat = find_chat(call)
    message = find_message(call, chat, "message to delete")
    _check_deletable(call, chat, message)
    posting.remove(call.world, message)
    return True


def delete_messages(call: Call) -> bool:
    chat = find_chat(call)
    numbers = call.json("message_ids")
    if not isinstance(numbers, list) or not numbers:
        raise bad_request("message identifiers are not specified")
    if len(numbers) > _BATCH_LIMIT:
        raise bad_request("too many message identifiers specified")
    for number in numbers:
        message = call.world.find_message(chat, int(number), call.bot)
        if message is not None and _why_not_deletable(call, chat, message) is None:
            posting.remove(call.world, message)
    return True


def _find_own(call: Call) -> Message:
    if not call.text("chat_id") and not call.number("message_id"):
        raise bad_request("message identifier is not specified")
    message = find_message(call, find_chat(call), "message to edit")
    post = message.chat.kind == "channel" and message.chat.member(call.bot).may("edit_messages")
    if not (message.sender is call.bot or post) or message.content.is_service or message.origin is not None:
        raise bad_request("message can't be edited")
    return message


def _check_album(message: Message, kind: str) -> None:
    """What stands in an album may only become what fits its others."""
    if message.album_id is not None and kind not in ALBUM_KINDS:
        raise bad_request("message content type can't be used in an album")
    if why_not_in_album(message, kind):
        raise bad_request("can't change media type in the album")


def _change(
    call: Call, message: Message, content: Content, markup: dict[str, Any] | None, *, link_preview: Any = None
) -> Json:
    """An edit drops the keyboard and the wishes for the preview unless they are given again."""
    old_inline = message.markup if message.keyboard else None
    if (content, markup, link_preview) == (message.content, old_inline, message.link_preview):
        raise bad_request(_NOT_MODIFIED)
    call.charge(message.chat)
    edited = posting.change(call.world, message, content=content, markup=markup, link_preview=link_preview)
    return message_json(call.world, edited, call.bot)


def _check_deletable(call: Call, chat: Chat, message: Message) -> None:
    error = _why_not_deletable(call, chat, message)
    if error is not None:
        raise error


def _why_not_deletable(call: Call, chat: Chat, message: Message) -> ApiError | None:
    """Own messages, in private chats any, in groups any with the right to; not after two days, a dice in a private
    chat only after one (Bot API: deleteMessage).
    """
    if message.kind in _ROOTS:
        return bad_request("message can't be deleted")
    age = call.world.now() - message.date
    if chat.is_private:
        may = message.kind != "dice" or age > _DICE_STAYS_FOR
    else:
        may = message.sender is call.bot or chat.member(call.bot).may("delete_messages")
    return None if may and age < _DELETABLE_FOR else bad_request("message can't be deleted for everyone")


METHODS: dict[str, Callable[[Call], Any]] = {
    "editMessageText": edit_text,
    "editMessageCaption": edit_caption,
    "editMessageMedia": edit_media,
    "editMessageReplyMarkup": edit_markup,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
}
