"""Telegram's flood control: what a bot may send to whom, and for how long it must wait.

20 messages, edits and new topics a minute to a group with all its topics; about one a second to a
person after a burst; 30 a second in all.
"""

import math
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.world import Chat


@dataclass(slots=True)
class FloodRules:
    enabled: bool = True
    per_group: int = 20
    group_window: timedelta = timedelta(minutes=1)
    private_burst: int = 20
    private_interval: timedelta = timedelta(seconds=1)
    per_bot: int = 30
    bot_window: timedelta = timedelta(seconds=1)
    count_topic_edits: bool = True
    """Renaming, closing and reopening a topic count as a message. [M]"""
    count_each_copy: bool = True
    """copyMessages, forwardMessages and albums of N count as N. [M]"""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a bot has left in one chat; `blocked_until` is when its last refused call may be repeated,
    `frees_at` when the oldest of what it has sent no longer counts.
    """

    used: int
    limit: int
    blocked_until: datetime | None
    frees_at: datetime | None = None


class _Window:
    """Events of the last while; in a private chat the window refills one by one."""

    __slots__ = ("blocked_until", "events")

    def __init__(self) -> None:
        self.events: deque[datetime] = deque()
        self.blocked_until: datetime | None = None

    def forget(self, before: datetime) -> None:
        events = self.events
        while events and events[0] <= before:
            events.popleft()


class Flood:
    def __init__(self, rules: FloodRules | None = None) -> None:
        self.rules = rules or FloodRules()
        self._chats: dict[tuple[int, int], _Window] = {}
        self._bots: dict[int, _Window] = {}

    def charge(self, bot_id: int, chat: Chat, cost: int, now: datetime) -> int | None:
        """Take from the budget; or, if there is too little, the seconds to wait."""
        if not self.rules.enabled or cost <= 0:
            return None
        limit, span = self._limit(chat)
        window = self._window(bot_id, chat)
        whole = self._bots.setdefault(bot_id, _Window())
        wait = max(
            _wait(window, limit, span, cost, now),
            _wait(whole, self.rules.per_bot, self.rules.bot_window, cost, now),
        )
        if wait > timedelta(0):
            seconds = max(1, math.ceil(wait.total_seconds()))
            window.blocked_until = now + timedelta(seconds=seconds)
            return seconds
        window.blocked_until = None
        window.events.extend([now] * cost)
        whole.events.extend([now] * cost)
        return None

    def budget(self, bot_id: int, chat: Chat, now: datetime) -> Budget:
        limit, span = self._limit(chat)
        window = self._chats.get((bot_id, chat.id))
        if window is None:
            return Budget(0, limit, None)
        window.forget(now - span)
        until = window.blocked_until
        frees_at = window.events[0] + span if window.events else None
        return Budget(len(window.events), limit, until if until is not None and until > now else None, frees_at)

    def _limit(self, chat: Chat) -> tuple[int, timedelta]:
        rules = self.rules
        if chat.is_private:
            return rules.private_burst, rules.private_interval * rules.private_burst
        return rules.per_group, rules.group_window

    def _window(self, bot_id: int, chat: Chat) -> _Window:
        key = (bot_id, chat.id)
        window = self._chats.get(key)
        if window is None:
            window = self._chats[key] = _Window()
        return window


def _wait(window: _Window, limit: int, span: timedelta, cost: int, now: datetime) -> timedelta:
    """How long until so many more fit. What never fits is let through alone."""
    window.forget(now - span)
    events = window.events
    surplus = len(events) + min(cost, limit) - limit
    if surplus <= 0:
        return timedelta(0)
    return events[surplus - 1] + span - now
