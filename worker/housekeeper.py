"""The setup bot as a second pair of hands in a group: topics, titles and closing go through it where it may.

One per worker. Its budget is per group, as Telegram counts it; all tenants that share a group share it.
"""

from collections.abc import Callable
from time import monotonic

from sessions.errors import Gone, Rejected, SessionError
from sessions.port import Session
from tenants.ids import ChatId
from worker.limits import WINDOW, GroupBudget

FORGET_ABOVE = 1000


class Housekeeper:
    def __init__(self, session: Session, per_minute: int, clock: Callable[[], float] = monotonic) -> None:
        self.session = session
        self._per_minute = per_minute
        self._clock = clock
        self._budgets: dict[ChatId, tuple[float, GroupBudget]] = {}

    def budget(self, group: ChatId) -> GroupBudget:
        found = self._budgets.pop(group, None)
        budget = GroupBudget(self._per_minute, self._clock) if found is None else found[1]
        self._budgets[group] = (self._clock(), budget)
        if len(self._budgets) > FORGET_ABOVE:
            self._forget()
        return budget

    def _forget(self) -> None:
        before = self._clock() - WINDOW
        self._budgets = {group: entry for group, entry in self._budgets.items() if entry[0] > before}


def is_dismissal(error: SessionError) -> bool:
    """Whether the answer means that it has nothing to do there, not that the errand went wrong."""
    return (isinstance(error, Gone) and error.what in {"group", "customer"}) or (
        isinstance(error, Rejected) and error.code == "no_rights"
    )
