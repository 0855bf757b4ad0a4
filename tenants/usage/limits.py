"""The arithmetic of a plan's limit: how many updates may still be handled today, and when there will be more."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

WARN_AT = 0.8
"""The part of a day's updates at which the owner is told."""


@dataclass(frozen=True, slots=True)
class Allotment:
    """One tenant's day. `days_over`: the other days of this month that went over theirs; `tolerated`: how many may.

    A day that begins while fewer than `tolerated` days went over may go over itself, and without end.
    """

    used: int
    allowed: int
    days_over: int
    tolerated: int

    @property
    def is_tolerated(self) -> bool:
        """Whether today may go over its limit."""
        return self.days_over < self.tolerated

    @property
    def room(self) -> int | None:
        """How many more updates today takes; None where nobody counts."""
        return None if self.is_tolerated else max(0, self.allowed - self.used)

    @property
    def tolerated_used(self) -> int:
        """Tolerated days that are used up, today among them."""
        return min(self.tolerated, self.days_over + (1 if self.used > self.allowed else 0))

    def crosses(self, before: int, after: int, part: float = 1.0) -> bool:
        """Whether that part of the day's updates is reached between two counts."""
        return before < part * self.allowed <= after


UNLIMITED = Allotment(used=0, allowed=0, days_over=0, tolerated=1)


@dataclass(slots=True)
class Gate:
    """What a turn may handle for one tenant. `holds`: something of it waits already, so what comes waits behind."""

    allotment: Allotment = UNLIMITED
    holds: bool = False
    counted: int = field(default=0, init=False)

    @property
    def has_room(self) -> bool:
        room = self.allotment.room
        return room is None or self.counted < room

    @property
    def is_open(self) -> bool:
        """For what comes; what waited only needs room."""
        return self.has_room and not self.holds

    def count(self) -> None:
        """One is handled."""
        self.counted += 1

    def hold(self) -> None:
        """One waits."""
        self.holds = True


def day_turns(now: datetime) -> datetime:
    """When the UTC day after `now` begins."""
    tomorrow = now.astimezone(UTC).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), UTC)
