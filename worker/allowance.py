"""What one tenant's sender may send now: the budgets of its group, its bot and its customers' chats together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from time import monotonic

from tenants.ids import LaneId
from tenants.outbox import Row
from worker.limits import BotBudget, ChatBudgets, Clock, GroupBudget
from worker.sending import units_of


@dataclass(frozen=True, slots=True)
class Spent:
    """What a call cost, and when, so that a refusal can be set against it. `lane` is None for the group."""

    units: int
    at: float
    bot_at: float
    lane: LaneId | None


class Allowance:
    """`per_minute` is the group's budget, as configured. A customer's chat is known by its lane; one that is a group
    or a channel has a minute of its own.
    """

    def __init__(self, per_minute: int, clock: Clock = monotonic) -> None:
        self._group = GroupBudget(per_minute, clock)
        self._bot = BotBudget(clock=clock)
        self._people: ChatBudgets[LaneId] = ChatBudgets(clock=clock)
        self._groups: ChatBudgets[LaneId] = ChatBudgets(clock=clock, make=lambda: GroupBudget(per_minute, clock))

    def remember(self, ages: Iterable[float]) -> None:
        """Seconds since the group's messages and errands of the last minute, of an earlier life."""
        self._group.remember(ages)

    def remember_groups(self, sends: Iterable[tuple[LaneId, float]]) -> None:
        """The same for groups and channels that are customers."""
        self._groups.remember(sends)

    def for_messages(self, errand_waits: float | None) -> int:
        """Units of the group's budget for a claim; one is left for an errand that has waited too long, in seconds."""
        return self._group.for_messages({} if errand_waits is None else {"topic": errand_waits})

    def is_scarce(self) -> bool:
        """Less than half of the group's minute is left."""
        return 2 * self._group.available() < self._group.limit

    def for_group(self) -> int:
        return self._group.available()

    def sends(self) -> int:
        """Calls that the bot may still make in this second."""
        return self._bot.available()

    def resting(self) -> dict[LaneId, float]:
        """The lanes whose chats must wait, and for how many seconds."""
        return self._people.resting() | self._groups.resting()

    def spend(self, run: Sequence[Row]) -> Spent:
        first, size = run[0], len(run)
        if first.direction == "customer":
            chats = self._groups if first.customer is not None and first.customer < 0 else self._people
            return Spent(size, chats.spend(first.lane, size), self._bot.spend(size), first.lane)
        units = units_of(run)
        return Spent(units, self._group.spend(units), self._bot.spend(units), None)

    def spend_on_errand(self) -> Spent:
        return Spent(1, self._group.spend_on_errand(), self._bot.spend(1), None)

    def refused(self, spent: Spent, seconds: float) -> None:
        """Telegram asked to wait: what it really takes may be less than what we thought."""
        if spent.lane is None:
            self._group.refused(seconds, spent.units, spent.at)
        else:
            chats = self._groups if self._groups.knows(spent.lane) else self._people
            chats.refused(spent.lane, seconds, spent.units, spent.at)
        self._bot.refused_in(spent.lane or "group", seconds, spent.units, spent.bot_at)

    def wait(self) -> float:
        """Seconds until something that has to wait may go; 0 where nothing has to."""
        waits = (self._group.wait(), self._bot.wait(), *self.resting().values())
        return min((wait for wait in waits if wait > 0), default=0.0)
