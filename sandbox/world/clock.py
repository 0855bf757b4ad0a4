"""Time is an argument of the World: real by default, moved by hand in tests."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def real_clock() -> datetime:
    return datetime.now(UTC)


class ManualClock:
    """Stands still until it is told to advance."""

    def __init__(self, start: datetime = datetime(2026, 11, 1, 12, tzinfo=UTC)) -> None:
        self.now = start

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


class MovedClock:
    """Goes on as another clock does, and ahead of it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = timedelta(0)

    def __call__(self) -> datetime:
        return self._clock() + self._ahead

    def advance(self, by: timedelta) -> None:
        self._ahead += by


def advance_to(clock: ManualClock | MovedClock, moment: datetime) -> None:
    """Unless it is past that already."""
    clock.advance(max(moment - clock(), timedelta(0)))
