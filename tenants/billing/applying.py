"""What follows from billing's books takes effect: the plan of a tenant, what its owner is told, what has to end."""

from datetime import timedelta
from typing import Any

from sqlalchemy import text

from tenants.billing.books import APPLY, REMINDERS, bring_up_to_date, note_fact
from tenants.billing.endings import want_one
from tenants.billing.facts import Fact
from tenants.billing.ledger import Entry
from tenants.billing.standing import GRACE, Reason, Standing
from tenants.db import Database, UnitOfWork
from tenants.ids import TenantId
from tenants.jobs import Job, enqueue_job
from tenants.owner_notices import (
    PAYMENT_FAILED,
    PLAN_ENDED,
    PLAN_PAID,
    PLAN_UNPAID,
    enqueue_notice,
)
from tenants.plan_change import change_plan

LOOK = "look_at_standings"
LOOK_EVERY = timedelta(minutes=10)
MOST_AT_ONCE = 500

_LIVES = text("SELECT 1 FROM tenants WHERE id = :tenant AND erased_at IS NULL")
_DUE = text("SELECT tenant_id FROM standings WHERE look_at <= now() ORDER BY look_at LIMIT :most")


async def apply(unit: UnitOfWork, job: Job) -> bool:
    """A job of one tenant, which may be done again at any time."""
    if job.tenant is not None:
        await apply_to(unit, job.tenant)
    return True


async def apply_to(unit: UnitOfWork, tenant: TenantId) -> Standing:
    """What counts now."""
    new, standing = await bring_up_to_date(unit, tenant)
    await change_plan(unit, tenant, standing.plan, units=standing.units, why=standing.reason)
    for entry in new:
        await _tell(unit, tenant, entry, standing)
    if not new:
        await _remind(unit, tenant, standing)
    await want_one(unit, tenant)
    return standing


async def settle(database: Database, fact: Fact) -> Standing | None:
    """Notes a fact and lets it count at once. What counts now; None where the connection is gone."""
    async with database.fleet() as unit:
        await note_fact(unit, fact)
    if fact.tenant is None:
        return None
    async with database.tenant(fact.tenant) as unit:
        is_there = (await unit.execute(_LIVES, {"tenant": fact.tenant})).first() is not None
        return await apply_to(unit, fact.tenant) if is_there else None


async def look(unit: UnitOfWork, _: Job) -> bool:
    """The fleet's: tenants for which time has changed something."""
    for tenant in (await unit.execute(_DUE, {"most": MOST_AT_ONCE})).scalars():
        await enqueue_job(unit, APPLY, TenantId(tenant), {})
    return True


async def _tell(unit: UnitOfWork, tenant: TenantId, entry: Entry, standing: Standing) -> None:
    kind = _KINDS.get(entry.reason)
    if kind is None:
        return
    params: dict[str, Any] = {"plan": entry.plan}
    if standing.until is not None:
        params["until"] = f"{standing.until:%Y-%m-%d}"
    await enqueue_notice(unit, tenant, kind, key=f"{kind}:{tenant}:{entry.at.isoformat()}", params=params)


_KINDS = {
    Reason.PAID: PLAN_PAID,
    Reason.GRACE: PAYMENT_FAILED,
    Reason.UNPAID: PLAN_UNPAID,
    Reason.ENDED: PLAN_ENDED,
}


async def _remind(unit: UnitOfWork, tenant: TenantId, standing: Standing) -> None:
    """While the payment fails: once more on each day of `REMINDERS`, the last of them where several have passed."""
    if standing.reason is not Reason.GRACE or standing.until is None:
        return
    left = standing.until - (await unit.execute(text("SELECT now()"))).scalar_one()
    passed = [after for after in REMINDERS if left <= GRACE - after]
    if passed:
        params = {"plan": standing.plan, "until": f"{standing.until:%Y-%m-%d}"}
        key = f"{PAYMENT_FAILED}:{tenant}:{standing.until.isoformat()}:{passed[-1].days}"
        await enqueue_notice(unit, tenant, PAYMENT_FAILED, key=key, params=params)
