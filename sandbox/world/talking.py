"""What a person may say where, as the apps would let them."""

from collections.abc import Iterator
from dataclasses import replace

from sandbox.world import topics
from sandbox.world.autolinks import with_links
from sandbox.world.entities import GENERAL, Bot, Chat, Topic, User
from sandbox.world.messages import Content, Entity, Message, Quote, utf16_length
from sandbox.world.state import NotAllowed, State

_QUOTE_LIMIT = 1024
_QUOTED_MARKS = frozenset({"bold", "italic", "underline", "strikethrough", "spoiler", "custom_emoji", "date_time"})
"""(Bot API: TextQuote.entities)"""


def say(text: str) -> Content:
    return Content("text", text, with_links(text))


def check_may_write(state: State, user: User, chat: Chat, topic: Topic | int | None) -> int | None:
    """The topic's id, None where there are none."""
    if user.is_deleted:
        raise NotAllowed("This account has been deleted.")
    if chat.bot is not None:
        _check_private(user, chat, chat.bot)
        return None
    if chat.migrated_to is not None:
        raise NotAllowed("This group was upgraded to a supergroup; write there.")
    member = chat.member(user)
    if not member.is_present:
        raise NotAllowed("You are not a member of this group.")
    if not member.is_admin and "send_messages" not in chat.permissions:
        raise NotAllowed("Only administrators can write here.")
    if chat.kind == "channel" and not member.may("post_messages"):
        raise NotAllowed("Only administrators post in this channel.")
    if not chat.is_forum:
        return None
    found = state.topic(chat, GENERAL if topic is None else topic)
    if not topics.may_post(chat, user, found):
        raise NotAllowed("This topic is closed.")
    return found.id


def _check_private(user: User, chat: Chat, bot: Bot) -> None:
    if chat.user is not user:
        raise NotAllowed("This is somebody else's chat.")
    if bot.is_deleted:
        raise NotAllowed("This bot has been deleted.")
    if chat.blocked:
        raise NotAllowed("You have blocked this bot. Restart it to write to it.")


def make_quote(message: Message, part: str | None) -> Quote | None:
    if not part:
        return None
    made = cut_quote(message, part)
    if made is None:
        raise NotAllowed("The quoted words are not in the message.")
    return made


def cut_quote(message: Message, part: str, position: int | None = None) -> Quote | None:
    """A part of the text with its formatting, at that position or the first one; None if it was not said."""
    units = message.text.encode("utf-16-le")
    quoted = part.encode("utf-16-le")
    at = position if position is not None and units[2 * position :].startswith(quoted) else None
    if at is None:
        found = message.text.find(part)
        if found < 0 or utf16_length(part) > _QUOTE_LIMIT:
            return None
        at = utf16_length(message.text[:found])
    return Quote(part, at, tuple(_marks_within(message, at, at + utf16_length(part))))


def _marks_within(message: Message, start: int, end: int) -> Iterator[Entity]:
    for mark in message.content.entities:
        first, last = max(mark.offset, start), min(mark.offset + mark.length, end)
        if mark.type in _QUOTED_MARKS and first < last:
            yield replace(mark, offset=first - start, length=last - first)
