"""How much of its plan a tenant has used: today, and on each day of the month."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text

from tenants.connections import Connections
from tenants.db import Database
from tenants.ids import TenantId, UserId
from tenants.plans import Plan, TermsByPlan
from tenants.usage.limits import Allotment, day_turns

_MONTH = text(
    """
    SELECT day, updates, allowed FROM usage
    WHERE tenant_id = :tenant AND day >= date_trunc('month', CAST(:today AS date))
        AND day < date_trunc('month', CAST(:today AS date)) + interval '1 month'
    ORDER BY day
    """
)
_NOW = text("SELECT now() AT TIME ZONE 'UTC' AS today, now() AS now")
_WAITING = text("SELECT count(*) FROM updates WHERE tenant_id = :tenant AND disposition = 'held'")


@dataclass(frozen=True, slots=True)
class Day:
    """A UTC day on which something was handled. `allowed`: how many updates it allowed."""

    day: date
    updates: int
    allowed: int

    @property
    def is_over(self) -> bool:
        return self.updates > self.allowed


@dataclass(frozen=True, slots=True)
class Usage:
    """`days` are those of the month so far, today among them if anything came. `waiting`: updates that are kept until
    there is room; `turns_at`: when the next day begins.
    """

    plan: Plan
    allotment: Allotment
    days: Sequence[Day]
    waiting: int
    turns_at: datetime


class Meter:
    """What an owner can see of it."""

    def __init__(self, database: Database, connections: Connections, terms: TermsByPlan) -> None:
        self._database = database
        self._connections = connections
        self._terms = terms

    async def read(self, person: UserId, tenant: TenantId) -> Usage:
        """Raises `NotFound`."""
        found = await self._connections.get(person, tenant)
        async with self._database.tenant(tenant) as unit:
            moment = (await unit.execute(_NOW)).one()
            today = moment.today.date()
            rows = (await unit.execute(_MONTH, {"tenant": tenant, "today": today})).all()
            waiting = (await unit.execute(_WAITING, {"tenant": tenant})).scalar_one()
        return Usage(
            found.plan, self._allotment(found.plan, rows, today), _days(rows), waiting, day_turns(moment.now)
        )

    def _allotment(self, plan: Plan, rows: Sequence[Any], today: date) -> Allotment:
        terms = self._terms[plan]
        others = [day for day in _days(rows) if day.day != today]
        now = next((day for day in _days(rows) if day.day == today), Day(today, 0, 0))
        return Allotment(
            used=now.updates,
            allowed=max(now.allowed, terms.updates_a_day),
            days_over=sum(day.is_over for day in others),
            tolerated=terms.tolerated_days,
        )


def _days(rows: Sequence[Any]) -> list[Day]:
    return [Day(row.day, row.updates, row.allowed) for row in rows]
