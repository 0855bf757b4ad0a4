"""Another plan counts for a tenant: from the next message on, for whoever decided it."""

from sqlalchemy import text

from tenants.audit import SYSTEM, Act, Action, record
from tenants.db import UnitOfWork, shard_channel
from tenants.ids import TenantId
from tenants.leases import shard_of
from tenants.plans import Plan
from tenants.usage.waiting import look_again

_CHANGE = text(
    """
    UPDATE tenants t SET plan = :plan, units = :units, version = t.version + 1
    FROM tenants o WHERE t.id = :tenant AND o.id = t.id AND t.erased_at IS NULL
        AND (t.plan, t.units) IS DISTINCT FROM (CAST(:plan AS text), CAST(:units AS integer))
    RETURNING o.plan AS old
    """
)


async def change_plan(unit: UnitOfWork, tenant: TenantId, plan: Plan, *, units: int = 1, why: str) -> bool:
    """Whether it is news. Settings that a lower plan does not allow are kept and not used, what waits for the limit
    is looked at again. `why` stands in the audit log.
    """
    values = {"tenant": tenant, "plan": plan, "units": units}
    old = (await unit.execute(_CHANGE, values)).scalar_one_or_none()
    if old is None:
        return False
    await record(unit, tenant, Act(Action.PLAN_CHANGED, SYSTEM, why, {"old": old, "new": plan}))
    await look_again(unit, tenant)
    unit.notify(shard_channel(shard_of(tenant)), str(tenant))
    return True
