"""What changes a message that was sent, as requests of the Bot API."""

from typing import Any

from aiogram.methods import EditMessageCaption, EditMessageMedia, EditMessageText, TelegramMethod
from aiogram.types import (
    InputMediaAnimation,
    InputMediaAudio,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
    Message,
)

from sessions.bot_api.mirrors import NO_PREVIEW, disabled, write_entities
from sessions.errors import Rejected
from sessions.mirrors import CAPTIONED
from sessions.port import Edit

_REPLACEABLE: dict[str, Any] = {
    "photo": InputMediaPhoto,
    "video": InputMediaVideo,
    "animation": InputMediaAnimation,
    "audio": InputMediaAudio,
    "document": InputMediaDocument,
}
"""What one message may hold in the place of another (Bot API: editMessageMedia)."""
_ABOVE = frozenset({"photo", "video", "animation"})
"""What can stand below its caption, or under a spoiler (Bot API: InputMedia)."""


def edit_request(edit: Edit) -> TelegramMethod[Message | bool]:
    """Raises `Rejected` for what has no words that could be changed: a sticker, a poll, a place."""
    common: dict[str, Any] = {
        "chat_id": edit.to,
        "message_id": edit.message,
        "reply_markup": disabled(edit.buttons),
    }
    entities = write_entities(edit.entities)
    if edit.content == "text":
        preview: dict[str, Any] = {} if edit.look.preview else {"link_preview_options": NO_PREVIEW}
        return EditMessageText(text=edit.text, entities=entities, **preview, **common)
    if edit.look.media and edit.content in _REPLACEABLE:
        return EditMessageMedia(media=_media(edit), **common)
    if edit.content not in CAPTIONED:
        raise Rejected("not_editable", "Telegram does not let the bot change this kind of message.")
    above: dict[str, Any] = {"show_caption_above_media": True} if edit.look.above and edit.content in _ABOVE else {}
    return EditMessageCaption(caption=edit.text, caption_entities=entities, **above, **common)


def _media(edit: Edit) -> Any:
    more: dict[str, Any] = {}
    if edit.content in _ABOVE:
        more = {"show_caption_above_media": edit.look.above, "has_spoiler": edit.look.spoiler}
    return _REPLACEABLE[edit.content](
        media=edit.look.media, caption=edit.text, caption_entities=write_entities(edit.entities), **more
    )
