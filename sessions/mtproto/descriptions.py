"""What bots may not copy, in words: the same lines as over the Bot API, read off Telethon's types."""

from collections.abc import Callable, Mapping
from typing import Any

from telethon.tl import types

from sessions.descriptions import describe
from sessions.events import Contact, Origin
from tenants.ids import UserId


def describe_media(media: Any) -> str | None:
    """None for what can be copied."""
    read = _READERS.get(type(media))
    return None if read is None else describe(read(media))


def _read_checklist(media: Any) -> dict[str, Any]:
    done = {completion.id for completion in media.completions or ()}
    tasks = [
        {"text": item.title.text, **({"completion_date": 0} if item.id in done else {})} for item in media.todo.list
    ]
    return {"checklist": {"title": media.todo.title.text, "tasks": tasks}}


def _read_invoice(media: Any) -> dict[str, Any]:
    amount = {"total_amount": media.total_amount, "currency": media.currency}
    return {"invoice": {"title": media.title, "description": media.description, **amount}}


_READERS: Mapping[type, Callable[[Any], dict[str, Any]]] = {
    types.MessageMediaGiveaway: lambda media: {"giveaway": {"winner_count": media.quantity}},
    types.MessageMediaGiveawayResults: lambda media: {"giveaway_winners": {"winner_count": media.winners_count}},
    types.MessageMediaInvoice: _read_invoice,
    types.MessageMediaPaidMedia: lambda media: {"paid_media": {"star_count": media.stars_amount}},
    types.MessageMediaGame: lambda media: {"game": {"title": media.game.title}},
    types.MessageMediaToDo: _read_checklist,
}
"""The same fields as the Bot API's."""


def is_quiz(media: Any) -> bool:
    return isinstance(media, types.MessageMediaPoll) and bool(media.poll.quiz)


def thrown(media: Any) -> str:
    """What a dice shows; nothing for anything else."""
    return f"{media.emoticon} {media.value}" if isinstance(media, types.MessageMediaDice) else ""


def read_contact(media: Any) -> Contact | None:
    if not isinstance(media, types.MessageMediaContact):
        return None
    name = " ".join(part for part in (media.first_name, media.last_name) if part)
    return Contact(name, media.phone_number, UserId(media.user_id) if media.user_id else None)


def read_origin(header: Any, people: Any, chats: Any) -> Origin | None:
    """Of a forwarded message (core.telegram.org/constructor/messageFwdHeader)."""
    if not isinstance(header, types.MessageFwdHeader):
        return None
    source = header.from_id
    if isinstance(source, types.PeerUser):
        known = people.get(source.user_id)
        name = " ".join(part for part in (known.first_name, known.last_name) if part) if known is not None else ""
        return Origin(name or header.from_name or "", UserId(source.user_id))
    number = getattr(source, "channel_id", None) or getattr(source, "chat_id", None)
    known = chats.get(number)
    return Origin(known.title if known is not None else header.from_name or "")
