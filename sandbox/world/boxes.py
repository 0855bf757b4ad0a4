"""What happened, as MTProto counts it: a sequence for a bot's private chats and small groups, one per supergroup.

A sequence's number is its pts (core.telegram.org/api/updates); each event adds one for each message it is about.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sandbox.world.entities import Bot, Chat
from sandbox.world.messages import Message

REMEMBERED = 20_000
FIRST_PTS = 1


@dataclass(frozen=True, slots=True)
class Event:
    """`pts` is the number after it. A new or changed message as it was then; of a deletion only the ids remain."""

    pts: int
    count: int
    what: Literal["new", "edited", "deleted"]
    message: Message | None
    ids: tuple[int, ...]
    at: datetime


@dataclass(slots=True)
class Box:
    pts: int = FIRST_PTS
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def add(
        self, what: Literal["new", "edited", "deleted"], message: Message | None, ids: Sequence[int], at: datetime
    ) -> Event:
        self.pts += len(ids)
        event = Event(self.pts, len(ids), what, message, tuple(ids), at)
        self.events.append(event)
        return event

    def skip(self, count: int) -> None:
        """What is not known any more has had its numbers."""
        self.pts += count
        self.events.clear()

    def after(self, pts: int) -> list[Event] | None:
        """None if some of them are forgotten."""
        if pts >= self.pts:
            return []
        newer = [event for event in self.events if event.pts > pts]
        if not newer or newer[0].pts - newer[0].count > pts:
            return None
        return newer


class Boxes:
    """Of all bots and supergroups, made when they are first asked for."""

    def __init__(self) -> None:
        self.accounts: dict[int, Box] = {}
        self.channels: dict[int, Box] = {}
        self.qts: dict[int, int] = {}
        """By bot: of what reaches one session only."""
        self.random_ids: dict[tuple[int, int, int], None] = {}
        """By bot, or login, and chat: those that were taken."""

    def of_account(self, bot: Bot) -> Box:
        return self.accounts.setdefault(bot.id, Box())

    def of_channel(self, chat: Chat) -> Box:
        return self.channels.setdefault(chat.id, Box())

    def all(self) -> list[Box]:
        return [*self.accounts.values(), *self.channels.values()]

    def skip(self, count: int) -> None:
        for box in self.all():
            box.skip(count)

    def note(
        self, chat: Chat, what: Literal["new", "edited", "deleted"], messages: Iterable[Message], at: datetime
    ) -> list[tuple[Bot | None, Event]]:
        """The event in each box that it belongs to; None stands for the supergroup's own."""
        found = list(messages)
        last = found[-1] if what != "deleted" else None
        if chat.counts_for_itself:
            event = self.of_channel(chat).add(what, last, [message.id for message in found], at)
            return [(None, event)]
        bots = [chat.bot] if chat.bot is not None else list(chat.bots.values())
        return [
            (bot, self.of_account(bot).add(what, last, [message.id_for(bot) for message in found], at))
            for bot in bots
        ]
