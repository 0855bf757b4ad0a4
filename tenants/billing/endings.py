"""Subscriptions that have to end at their provider: rows, until somebody with a gateway has ended them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text

from tenants.backoff import backoff
from tenants.billing.books import read_facts
from tenants.billing.facts import Provider, Status
from tenants.billing.standing import Subscription, read_subscriptions
from tenants.db import UnitOfWork
from tenants.ids import RowId, TenantId, new_id
from tenants.plans import Plan

LOST_AFTER = timedelta(minutes=2)
"""An attempt that has not ended by then went with its process."""
LONGEST_PAUSE = 3600.0

_WANT = text(
    """
    INSERT INTO subscription_endings (id, provider, subscription, refund)
    VALUES (:id, :provider, :subscription, :refund) ON CONFLICT (provider, subscription) DO NOTHING
    """
)
_TAKE = text(
    """
    UPDATE subscription_endings e SET attempts = e.attempts + 1, due_at = clock_timestamp() + :lost_after
    FROM (
        SELECT id FROM subscription_endings
        WHERE ended_at IS NULL AND due_at <= clock_timestamp() AND provider = ANY(:providers)
        ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED
    ) due
    WHERE e.id = due.id RETURNING e.id, e.provider, e.subscription, e.refund, e.attempts
    """
)
_RECORD = text(
    """
    UPDATE subscription_endings SET error = :error,
        ended_at = CASE WHEN CAST(:error AS text) IS NULL THEN clock_timestamp() END,
        due_at = clock_timestamp() + CAST(:pause AS interval)
    WHERE id = :id
    """
)


@dataclass(frozen=True, slots=True)
class Ending:
    id: RowId
    provider: Provider
    subscription: str
    refund: bool
    attempts: int


def living(subscriptions: Collection[Subscription]) -> list[Subscription]:
    """Those that go on costing money, the oldest first."""
    alive = {Status.ACTIVE, Status.PAST_DUE}
    return [one for one in subscriptions if one.newest.status in alive and one.newest.plan is not None]


async def want_end(unit: UnitOfWork, provider: Provider, subscription: str, *, refund: bool) -> None:
    """Happens if the caller's transaction commits, also where the tenant is gone by then."""
    values = {"id": new_id(), "provider": provider, "subscription": subscription, "refund": refund}
    await unit.execute(_WANT, values)


async def want_one(unit: UnitOfWork, tenant: TenantId) -> None:
    """Two are paid for at once: the higher plan stays, of equal ones the older; the others end, and what was paid
    last for them is given back.
    """
    alive = sorted(living(read_subscriptions(await read_facts(unit, tenant))), key=_worth, reverse=True)
    for one in alive[1:]:
        await want_end(unit, one.newest.provider, one.id, refund=True)


def _worth(one: Subscription) -> tuple[bool, int, float]:
    plan = one.newest.plan
    place = -1 if plan is None else list(Plan).index(plan)
    return one.newest.status is Status.ACTIVE, place, -one.began_at.timestamp()


async def want_none(unit: UnitOfWork, tenant: TenantId) -> None:
    """The connection is being erased: nobody pays for it from now on."""
    for one in living(read_subscriptions(await read_facts(unit, tenant))):
        await want_end(unit, one.newest.provider, one.id, refund=False)


async def take_endings(unit: UnitOfWork, providers: Collection[Provider], *, most: int) -> list[Ending]:
    """In a fleet unit. What is taken is due again after `LOST_AFTER`."""
    asked = {"providers": list(providers), "most": most, "lost_after": LOST_AFTER}
    return [
        Ending(row.id, Provider(row.provider), row.subscription, row.refund, row.attempts)
        for row in await unit.execute(_TAKE, asked)
    ]


async def record_ending(unit: UnitOfWork, ending: Ending, error: str | None) -> None:
    """`error`: why it has not ended yet, to be tried again, at most an hour later."""
    pause = timedelta(seconds=backoff(ending.attempts, longest=LONGEST_PAUSE))
    await unit.execute(_RECORD, {"id": ending.id, "error": error, "pause": pause})
