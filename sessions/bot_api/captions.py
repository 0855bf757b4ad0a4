"""Media with other words below them than the message has that they come from, as the Bot API takes them."""

from typing import Any

from aiogram.methods import CopyMessage, SendMediaGroup
from aiogram.types import (
    InputMediaAnimation,
    InputMediaAudio,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
)

from sessions.bot_api.mirrors import place, write_entities
from sessions.errors import Rejected
from sessions.mirrors import marked
from sessions.port import Caption, Copy, Mirror

MEDIA: dict[str, Any] = {
    "photo": InputMediaPhoto,
    "video": InputMediaVideo,
    "animation": InputMediaAnimation,
    "audio": InputMediaAudio,
    "document": InputMediaDocument,
}
"""What can be named by its file_id (Bot API: InputMedia)."""
ABOVE = frozenset({"photo", "video", "animation"})
"""What can stand below its caption, or under a spoiler (Bot API: InputMedia)."""
_GROUPED = MEDIA.keys() - {"animation"}
"""Bot API: sendMediaGroup."""


def input_media(caption: Caption) -> Any:
    more: dict[str, Any] = {}
    if caption.content in ABOVE:
        more = {"show_caption_above_media": caption.look.above, "has_spoiler": caption.look.spoiler}
    return MEDIA[caption.content](
        media=caption.look.media, caption=caption.text, caption_entities=write_entities(caption.entities), **more
    )


def caption_request(copy: Copy) -> CopyMessage:
    (caption,) = copy.captions
    values = place(copy)
    if caption.look.above and caption.content in ABOVE:
        values["show_caption_above_media"] = True
    return CopyMessage(
        chat_id=copy.to,
        from_chat_id=copy.source,
        message_id=copy.ids[0],
        caption=caption.text,
        caption_entities=write_entities(caption.entities),
        **values,
    )


def album_request(album: Copy | Mirror) -> SendMediaGroup:
    """Raises `Rejected` where not all of it can be named."""
    if not all(caption.content in _GROUPED and caption.look.media for caption in album.captions):
        raise Rejected("not_copyable", "Telegram does not let bots send these as one album.")
    captions = [_marked(caption) for caption in album.captions] if isinstance(album, Mirror) else album.captions
    return SendMediaGroup(chat_id=album.to, media=[input_media(caption) for caption in captions], **place(album))


def _marked(caption: Caption) -> Caption:
    text, entities = marked(caption.text, caption.entities, caption=True)
    return Caption(text, caption.content, entities, caption.look)
