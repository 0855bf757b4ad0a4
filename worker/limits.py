"""Telegram's limits as one tenant's sender sees them: of the group, of the whole bot, of each private chat.

20 sends, edits and topic creations a minute per bot and group, all topics together (Bots FAQ; levlam, td#2592).
About one message a second to a person, with bursts; about 30 a second in all (Bots FAQ). None of it is promised:
what Telegram says with retry_after always wins, and a limit that it refuses sinks to what it had accepted.
"""

import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Generic, Literal, TypeVar

Clock = Callable[[], float]
Chat = TypeVar("Chat", bound=Hashable)
ErrandKind = Literal["topic", "status"]

WINDOW = 60.0
"""Seconds in which a group's sends are counted."""
FLOOR = 5
"""No limit sinks below: one refusal out of the blue must not silence a chat."""
CLEAN_SECONDS = 60.0
"""After this long without a refusal a limit that has sunk rises by one."""
PATIENCE: Mapping[ErrandKind, float] = {"topic": 30.0, "status": 60.0}
"""Seconds for which an errand stands back behind messages."""
ERRANDS_SHARE = 4
"""Errands that have lost patience take one in so many units of the minute from waiting messages."""
TEACHES = 5.0
"""Seconds. A group's shorter waits say nothing of its minute."""
SECOND = 1.0
TROUBLED_CHATS = 3
"""Telegram does not say whose limit it was. So many chats that refuse within `TROUBLE_SECONDS` are the bot's."""
TROUBLE_SECONDS = 2.0
_A_MOMENT = 1e-6
"""Sums of floats don't come out even: a wait that has ended has ended."""


class Window:
    """At most so many units in any so many seconds; fewer, once Telegram has refused what that allowed."""

    __slots__ = ("_clean_since", "_clock", "_floor", "_limit", "_most", "_paused_until", "_seconds", "_spent")

    def __init__(self, most: int, seconds: float, clock: Clock = time.monotonic) -> None:
        self._most = self._limit = most
        self._floor = min(FLOOR, most)
        self._seconds = seconds
        self._clock = clock
        self._spent: deque[float] = deque()
        self._paused_until = self._clean_since = float("-inf")

    @property
    def limit(self) -> int:
        """What is counted with now: as configured, or as learned."""
        if self._limit < self._most:
            rises = int((self._clock() - self._clean_since) // CLEAN_SECONDS)
            self._limit = min(self._most, self._limit + rises)
            self._clean_since += rises * CLEAN_SECONDS
        return self._limit

    @property
    def is_fresh(self) -> bool:
        """Whether a new window would be just the same."""
        return self.limit == self._most and self.available() == self._most

    def remember(self, ages: Iterable[float]) -> None:
        """Seconds since sends of an earlier life."""
        now = self._clock()
        self._spent = deque(sorted(now - max(0.0, age) for age in ages))

    def used(self) -> int:
        return self._count(self._clock())

    def available(self) -> int:
        now = self._clock()
        if now < self._paused_until - _A_MOMENT:
            return 0
        return max(0, self.limit - self._count(now))

    def spend(self, units: int) -> float:
        """When that was: `refused` asks."""
        now = self._clock()
        self._count(now)  # a window that nobody asks doesn't grow for ever
        self._spent.extend([now] * units)
        return now

    def pause(self, seconds: float) -> None:
        """Nothing more for so long. Says nothing about the limit."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)

    def refused(self, seconds: float, units: int = 1, at: float | None = None) -> None:
        """Telegram's retry_after for a call that was spent `at`. Without that, it was the last one."""
        self.pause(seconds)
        now = self._clock()
        self._clean_since = now
        was_allowed = self._count(now) <= self.limit
        if self._take_back(units, at) and was_allowed:
            self._limit = min(self._limit, max(self._floor, len(self._spent)))

    def wait(self) -> float:
        """Seconds until something is available again; 0 where it is."""
        if self.available():
            return 0.0
        now, limit = self._clock(), self.limit
        freed = self._spent[-limit] + self._seconds if len(self._spent) >= limit else now
        return max(0.0, self._paused_until - now, freed - now)

    def _count(self, now: float) -> int:
        old = now - self._seconds + _A_MOMENT
        spent = self._spent
        while spent and spent[0] <= old:
            spent.popleft()
        return len(spent)

    def _take_back(self, units: int, at: float | None) -> bool:
        """What was refused was not accepted. False where the window has gone on meanwhile: nothing to learn then."""
        if not self._spent:
            return False
        at = self._spent[-1] if at is None else at
        found = min(units, self._spent.count(at))
        for _ in range(found):
            self._spent.remove(at)
        return found > 0


class GroupBudget(Window):
    """What one bot may still send into its group in the running minute, and who goes first.

    Messages, then topics to be made, then titles and cards. An errand that has lost patience may go before
    messages, as long as all errands of the minute are less than their share of it.
    """

    __slots__ = ("_errands",)

    def __init__(self, per_minute: int, clock: Clock = time.monotonic) -> None:
        super().__init__(per_minute, WINDOW, clock)
        self._errands = Window(per_minute, WINDOW, clock)

    def refused(self, seconds: float, units: int = 1, at: float | None = None) -> None:
        """A short wait says that calls came too close together, a long one that the minute is used up."""
        if seconds < TEACHES:
            self.pause(seconds)
        else:
            super().refused(seconds, units, at)

    def spend_on_errand(self) -> float:
        self._errands.spend(1)
        return self.spend(1)

    def for_messages(self, errands: Mapping[ErrandKind, float]) -> int:
        """What a claim may take. `errands`: the age in seconds of the oldest one that is due, for each kind."""
        return max(0, self.available() - (self._impatient(errands) is not None))

    def next_errand(
        self, errands: Mapping[ErrandKind, float], *, claimed: int = 0, waiting: int = 0
    ) -> ErrandKind | None:
        """The kind of errand that may run now. `claimed`: units of messages on their way that are not spent yet;
        `waiting`: units that could follow at once. What waits for a topic to be made is no reason not to make it.
        """
        left = self.available() - claimed
        if not errands or left <= 0:
            return None
        if left > waiting:
            return _first(errands)
        return self._impatient(errands)

    def _impatient(self, errands: Mapping[ErrandKind, float]) -> ErrandKind | None:
        overdue = {kind: age for kind, age in errands.items() if age >= PATIENCE[kind]}
        share = max(1, self.limit // ERRANDS_SHARE)
        if not overdue or self._errands.used() >= share:
            return None
        return _first(overdue)


def _first(errands: Mapping[ErrandKind, float]) -> ErrandKind:
    """Topics before titles, but a title that is more overdue than the topic has its turn."""
    topic, status = errands.get("topic"), errands.get("status")
    if topic is None or status is None:
        return "status" if topic is None else "topic"
    status_is_late = status - PATIENCE["status"]
    return "status" if status_is_late >= 0 and status_is_late > topic - PATIENCE["topic"] else "topic"


class BotBudget(Window):
    """What a bot may send in a second, to whomever. Answers are no bulk: this guards, it rarely binds."""

    __slots__ = ("_refusals",)

    def __init__(self, per_second: int = 30, clock: Clock = time.monotonic) -> None:
        super().__init__(per_second, SECOND, clock)
        self._refusals: dict[Hashable, tuple[float, float]] = {}

    def refused_in(self, chat: Hashable, seconds: float, units: int = 1, at: float | None = None) -> None:
        """A chat that refuses has its own pause. Several at once: the bot rests for the shortest of theirs."""
        now = self._clock()
        self._refusals[chat] = now, seconds
        self._refusals = {
            chat: refusal for chat, refusal in self._refusals.items() if refusal[0] > now - TROUBLE_SECONDS
        }
        if len(self._refusals) < TROUBLED_CHATS:
            self._take_back(units, at)
            return
        self.refused(min(seconds for _, seconds in self._refusals.values()), units, at)


class ChatBudgets(Generic[Chat]):
    """What a bot may send to each person: `burst` messages at once, and one in `interval` seconds on average. Or to
    each chat for which `make` makes a window of its own.

    A chat is whatever the caller names it by. Chats in which nothing happens are forgotten.
    """

    def __init__(
        self,
        burst: int = 20,
        interval: float = 1.0,
        clock: Clock = time.monotonic,
        make: Callable[[], Window] | None = None,
    ) -> None:
        self._seconds = burst * interval
        self._make = make or (lambda: Window(burst, burst * interval, clock))
        self._clock = clock
        self._chats: dict[Chat, Window] = {}
        self._resting: set[Chat] = set()
        self._sweep_at = clock() + self._seconds

    def __len__(self) -> int:
        return len(self._chats)

    def knows(self, chat: Chat) -> bool:
        return chat in self._chats

    def remember(self, sends: Iterable[tuple[Chat, float]]) -> None:
        """Sends of an earlier life: to whom, and how many seconds ago."""
        ages: dict[Chat, list[float]] = {}
        for chat, age in sends:
            ages.setdefault(chat, []).append(age)
        for chat, of_chat in ages.items():
            window = self._window(chat)
            window.remember(of_chat)
            self._note(chat, window)

    def spend(self, chat: Chat, units: int = 1) -> float:
        """When that was: `refused` asks."""
        window = self._window(chat)
        at = window.spend(units)
        self._note(chat, window)
        if at >= self._sweep_at:
            self._forget_idle(at)
        return at

    def refused(self, chat: Chat, seconds: float, units: int = 1, at: float | None = None) -> None:
        window = self._window(chat)
        window.refused(seconds, units, at)
        self._note(chat, window)

    def resting(self) -> dict[Chat, float]:
        """The chats that nothing may be sent to now, and for how many seconds."""
        waits = {chat: self._chats[chat].wait() for chat in self._resting}
        self._resting = {chat for chat, seconds in waits.items() if seconds > 0}
        return {chat: waits[chat] for chat in self._resting}

    def _window(self, chat: Chat) -> Window:
        window = self._chats.get(chat)
        if window is None:
            window = self._chats[chat] = self._make()
        return window

    def _note(self, chat: Chat, window: Window) -> None:
        if not window.available():
            self._resting.add(chat)

    def _forget_idle(self, now: float) -> None:
        self._sweep_at = now + self._seconds
        self._chats = {chat: window for chat, window in self._chats.items() if not window.is_fresh}
        self._resting &= self._chats.keys()
