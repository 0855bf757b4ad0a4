"""Telegram's limits as the sender sees them.

20 sends, edits and topic creations a minute per bot and group, all topics together (Bots FAQ; levlam, td#2592).
What Telegram itself says with retry_after always wins.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable

WINDOW = 60.0
"""Seconds."""


class GroupBudget:
    """What one bot may still send into its group in the running minute."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._spent: deque[float] = deque()
        self._paused_until = 0.0

    def remember(self, ages: Iterable[float]) -> None:
        """Seconds since sends of an earlier life."""
        now = self._clock()
        self._spent = deque(sorted(now - age for age in ages))

    def available(self) -> int:
        now = self._clock()
        if now < self._paused_until:
            return 0
        while self._spent and self._spent[0] <= now - WINDOW:
            self._spent.popleft()
        return max(0, self._per_minute - len(self._spent))

    def spend(self, units: int) -> None:
        self._spent.extend([self._clock()] * units)

    def pause(self, seconds: float) -> None:
        self._paused_until = max(self._paused_until, self._clock() + seconds)

    def wait(self) -> float:
        """Seconds until something is available again; 0 where it is."""
        if self.available():
            return 0.0
        now = self._clock()
        freed = self._spent[-self._per_minute] + WINDOW if len(self._spent) >= self._per_minute else now
        return max(0.0, self._paused_until - now, freed - now)
