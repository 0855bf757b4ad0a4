"""Media by reference: nothing is downloaded, nothing uploaded."""

from typing import Any

from telethon.tl import types

_UNCAPTIONED = (types.DocumentAttributeSticker,)


def is_captioned(message: Any) -> bool:
    """Whether it can be sent anew with words of ours below it."""
    media = message.media
    if isinstance(media, types.MessageMediaPhoto):
        return isinstance(media.photo, types.Photo) and not media.ttl_seconds
    if not isinstance(media, types.MessageMediaDocument) or not isinstance(media.document, types.Document):
        return False
    attributes = media.document.attributes
    is_round = any(getattr(attribute, "round_message", False) for attribute in attributes)
    is_sticker = any(isinstance(attribute, _UNCAPTIONED) for attribute in attributes)
    return not is_round and not is_sticker and not media.ttl_seconds


def as_input(message: Any) -> Any:
    """Of a message that is captioned."""
    media = message.media
    if isinstance(media, types.MessageMediaPhoto):
        photo = media.photo
        reference = types.InputPhoto(photo.id, photo.access_hash, photo.file_reference)
        return types.InputMediaPhoto(id=reference, spoiler=media.spoiler)
    document = media.document
    reference = types.InputDocument(document.id, document.access_hash, document.file_reference)
    return types.InputMediaDocument(id=reference, spoiler=media.spoiler)
