"""Media as references: what a message shows of a file, and the file that a reference means."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from telethon.tl import types

from sandbox.mtproto.methods.rare_media import RARE
from sandbox.mtproto.rpc import RpcError
from sandbox.world.compose import poll_details, throw
from sandbox.world.files import File
from sandbox.world.messages import Content
from sandbox.world.world import World

_LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
_REFERENCE = b"reference"


def file_number(file: File) -> int:
    return int.from_bytes(hashlib.blake2b(file.unique_id.encode(), digest_size=8).digest(), "big") >> 1


def media_of(content: Content) -> Any:
    if content.file is not None:
        is_picture = content.kind in {"photo", "live_photo"}
        return _photo(content, content.file) if is_picture else _document(content, content.file)
    if content.kind in {"text", "rich_message"}:
        return None
    make = _MADE.get(content.kind)
    return types.MessageMediaUnsupported() if make is None else make(content.details)


def _photo(content: Content, file: File) -> Any:
    size = types.PhotoSize(type="y", w=file.width or 1, h=file.height or 1, size=file.size)
    photo = types.Photo(
        id=file_number(file),
        access_hash=file_number(file),
        file_reference=_REFERENCE,
        date=_LONG_AGO,
        sizes=[size],
        dc_id=2,
    )
    return types.MessageMediaPhoto(photo=photo, spoiler=content.spoiler or None)


def _document(content: Content, file: File) -> Any:
    document = types.Document(
        id=file_number(file),
        access_hash=file_number(file),
        file_reference=_REFERENCE,
        date=_LONG_AGO,
        mime_type=file.mime_type or "application/octet-stream",
        size=file.size,
        dc_id=2,
        attributes=_attributes(content.kind, file),
    )
    return types.MessageMediaDocument(document=document, spoiler=content.spoiler or None)


def _attributes(kind: str, file: File) -> list[Any]:
    size = {"w": file.width or 1, "h": file.height or 1}
    named: list[Any] = [types.DocumentAttributeFilename(file.name)] if file.name else []
    match kind:
        case "video" | "video_note" | "animation":
            is_round = kind == "video_note" or None
            video = types.DocumentAttributeVideo(duration=float(file.duration), round_message=is_round, **size)
            animated = [types.DocumentAttributeAnimated()] if kind == "animation" else []
            return [video, *animated, *named]
        case "audio" | "voice":
            return [types.DocumentAttributeAudio(duration=int(file.duration), voice=kind == "voice" or None), *named]
        case "sticker":
            sticker = types.DocumentAttributeSticker(alt=file.emoji, stickerset=types.InputStickerSetEmpty())
            return [sticker, types.DocumentAttributeImageSize(**size), *named]
        case _:
            return named


def _point(details: Mapping[str, Any]) -> Any:
    return types.GeoPoint(long=details["longitude"], lat=details["latitude"], access_hash=0)


def _place(details: Mapping[str, Any]) -> Any:
    if "live_period" in details:
        period, heading = details["live_period"], details.get("heading")
        return types.MessageMediaGeoLive(geo=_point(details), period=period, heading=heading)
    return types.MessageMediaGeo(geo=_point(details))


def _venue(details: Mapping[str, Any]) -> Any:
    return types.MessageMediaVenue(
        geo=_point(details.get("location", details)),
        title=details.get("title", ""),
        address=details.get("address", ""),
        provider="",
        venue_id="",
        venue_type="",
    )


def _contact(details: Mapping[str, Any]) -> Any:
    return types.MessageMediaContact(
        phone_number=details.get("phone_number", ""),
        first_name=details.get("first_name", ""),
        last_name=details.get("last_name", ""),
        vcard="",
        user_id=int(details.get("user_id", 0)),
    )


def _poll(details: Mapping[str, Any]) -> Any:
    answers = [
        types.PollAnswer(text=types.TextWithEntities(str(option), []), option=bytes([number]))
        for number, option in enumerate(details["options"])
    ]
    question = types.TextWithEntities(str(details["question"]), [])
    closed, quiz = details.get("is_closed") or None, details.get("type") == "quiz" or None
    poll = types.Poll(id=int(details["id"]), question=question, answers=answers, hash=0, closed=closed, quiz=quiz)
    return types.MessageMediaPoll(poll=poll, results=types.PollResults())


_MADE: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "location": _place,
    "venue": _venue,
    "contact": _contact,
    "poll": _poll,
    **RARE,
    "dice": lambda details: types.MessageMediaDice(value=details["value"], emoticon=details["emoji"]),
}


class Library:
    """Files by the number that references carry."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[int, Content] = {}

    def content(self, media: Any) -> Content:
        """Without its caption. Raises RpcError."""
        match media:
            case types.InputMediaPhoto() | types.InputMediaDocument():
                found = self._find(media.id.id)
                return Content(found.kind, file=found.file, spoiler=bool(media.spoiler))
            case types.InputMediaGeoPoint():
                return Content(
                    "location", details={"latitude": media.geo_point.lat, "longitude": media.geo_point.long}
                )
            case types.InputMediaVenue():
                place = {"latitude": media.geo_point.lat, "longitude": media.geo_point.long}
                return Content("venue", details=place | {"title": media.title, "address": media.address})
            case types.InputMediaContact():
                names = {"first_name": media.first_name, "last_name": media.last_name}
                return Content("contact", details={"phone_number": media.phone_number, **names})
            case types.InputMediaDice():
                return throw(self._world, media.emoticon)
            case types.InputMediaPoll():
                options = [answer.text.text for answer in media.poll.answers]
                asked = {"question": media.poll.question.text, "options": options}
                return Content("poll", details=poll_details(self._world, asked))
            case _:
                raise RpcError(400, "MEDIA_INVALID")

    def _find(self, number: int) -> Content:
        if number not in self._known:
            chats = (*self._world.chats.values(), *self._world.privates.values())
            for chat in chats:
                for message in chat.messages.values():
                    if message.content.file is not None:
                        self._known[file_number(message.content.file)] = message.content
        found = self._known.get(number)
        if found is None:
            raise RpcError(400, "MEDIA_EMPTY")
        return found
