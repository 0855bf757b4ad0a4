"""What changes a message that was sent, as requests of the Bot API."""

from typing import Any

from aiogram.methods import EditMessageCaption, EditMessageMedia, EditMessageText, TelegramMethod
from aiogram.types import Message

from sessions.bot_api.captions import ABOVE, MEDIA, input_media
from sessions.bot_api.mirrors import NO_PREVIEW, disabled, write_entities
from sessions.errors import Rejected
from sessions.mirrors import CAPTIONED
from sessions.port import Caption, Edit


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
    if edit.look.media and edit.content in MEDIA:
        return EditMessageMedia(
            media=input_media(Caption(edit.text, edit.content, edit.entities, edit.look)), **common
        )
    if edit.content not in CAPTIONED:
        raise Rejected("not_editable", "Telegram does not let the bot change this kind of message.")
    above: dict[str, Any] = {"show_caption_above_media": True} if edit.look.above and edit.content in ABOVE else {}
    return EditMessageCaption(caption=edit.text, caption_entities=entities, **above, **common)
