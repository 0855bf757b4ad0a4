"""What another program sent, shown over the Bot API: for a tenant that polls again while such rows still wait."""

from collections.abc import Sequence
from typing import Any

from aiogram.methods import CopyMessage, EditMessageCaption, EditMessageText, SendMessage, TelegramMethod
from aiogram.types import (
    DisabledButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    Message,
    MessageEntity,
    ReplyParameters,
)

from sessions.events import Buttons
from sessions.mirrors import CAPTIONED, marked
from sessions.port import Copy, Edit, Mirror, Text
from tenants.outbox import Entity

_NEEDS = {"pre": "language", "text_link": "url", "custom_emoji": "custom_emoji_id"}
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


def write_entities(entities: Sequence[Entity]) -> list[MessageEntity]:
    """A mention of a person goes without its link: that needs more of the person than is kept."""
    return [
        MessageEntity(type=kind, offset=offset, length=length, **_more(kind, more))
        for kind, offset, length, more in entities
        if kind != "text_mention"
    ]


def _more(kind: str, more: str) -> dict[str, Any]:
    return {_NEEDS[kind]: more} if more and kind in _NEEDS else {}


def disabled(buttons: Buttons) -> InlineKeyboardMarkup | None:
    """The same keyboard, without effect: a press would reach the other program."""
    if not buttons:
        return None
    rows = [[InlineKeyboardButton(text=label, disabled=DisabledButton()) for label in row] for row in buttons]
    return InlineKeyboardMarkup(inline_keyboard=rows)


def place(outgoing: Text | Copy | Mirror) -> dict[str, Any]:
    """Where it goes, and what it replies to."""
    values: dict[str, Any] = {}
    if outgoing.topic is not None:
        values["message_thread_id"] = outgoing.topic
    if outgoing.reply_to is not None:
        values["reply_parameters"] = ReplyParameters(message_id=outgoing.reply_to, allow_sending_without_reply=True)
    return values


def mirror_request(mirror: Mirror) -> SendMessage | CopyMessage | None:
    """None for albums and for what has no caption: a forward shows the bot as its author."""
    if len(mirror.ids) > 1:
        return None
    common = {"chat_id": mirror.to, "reply_markup": disabled(mirror.buttons), **place(mirror)}
    if mirror.content == "text":
        words, entities = marked(mirror.text, mirror.entities)
        return SendMessage(text=words, entities=write_entities(entities), link_preview_options=NO_PREVIEW, **common)
    if mirror.content not in CAPTIONED:
        return None
    words, entities = marked(mirror.text, mirror.entities, caption=True)
    return CopyMessage(
        from_chat_id=mirror.source,
        message_id=mirror.ids[0],
        caption=words,
        caption_entities=write_entities(entities),
        **common,
    )


def edit_request(edit: Edit) -> TelegramMethod[Message | bool] | None:
    """None where nothing of it can be shown: a sticker has no words."""
    common: dict[str, Any] = {
        "chat_id": edit.to,
        "message_id": edit.message,
        "reply_markup": disabled(edit.buttons),
    }
    words, entities = marked(edit.text, edit.entities, caption=edit.content != "text")
    if edit.content == "text":
        return EditMessageText(
            text=words, entities=write_entities(entities), link_preview_options=NO_PREVIEW, **common
        )
    if edit.content not in CAPTIONED:
        return None
    return EditMessageCaption(caption=words, caption_entities=write_entities(entities), **common)
