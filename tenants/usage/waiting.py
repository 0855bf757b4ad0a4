"""Updates that wait for the plan's limit: read to be handled when the day turns or the plan changes, and set aside
after seven days.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.ids import TenantId, UpdateId
from tenants.intake import OVER_LIMIT, UPDATE_BODY
from tenants.jobs import Job, enqueue_job
from tenants.owner_notices import USAGE_EXPIRED, enqueue_notice

TELL_EXPIRED = "tell_expired"

_DUE = text(
    """
    SELECT i.tenant_id FROM intakes i JOIN tenants t ON t.id = i.tenant_id
    WHERE i.release_at <= clock_timestamp() AND t.shard = ANY(:shards)
        AND (CAST(:only AS uuid) IS NULL OR i.tenant_id = :only)
        AND EXISTS (SELECT FROM updates u WHERE u.tenant_id = i.tenant_id AND u.disposition = 'held')
    """
)
_READ = text(
    """
    SELECT u.update_id, u.body, u.received_at FROM intakes i
    JOIN updates u ON u.tenant_id = i.tenant_id AND u.disposition = 'held'
    WHERE i.tenant_id = :tenant AND i.release_at <= clock_timestamp()
    ORDER BY u.received_at, u.place LIMIT :limit
    """
)
_LET_GO = text("UPDATE intakes SET release_at = now() WHERE tenant_id = :tenant AND release_at IS NOT NULL")
_BURY = text(
    """
    WITH buried AS (
        UPDATE updates SET disposition = 'failed', reason = :reason, aside_at = now()
        WHERE disposition = 'held' AND received_at < now() - interval '7 days'
        RETURNING tenant_id
    )
    SELECT tenant_id, count(*) AS number FROM buried GROUP BY tenant_id
    """
)
_TODAY = text("SELECT (now() AT TIME ZONE 'UTC')::date")
_GIVE_UP = text(
    """
    UPDATE updates SET disposition = 'failed', reason = :reason, aside_at = now()
    WHERE tenant_id = :tenant AND update_id = :update AND disposition = 'held'
    """
)
_COUNT = text("SELECT count(DISTINCT tenant_id) FROM updates WHERE disposition = 'held'")


@dataclass(frozen=True, slots=True)
class Waiting:
    """An update as `sessions.kept` wrote it, and when it came."""

    update: UpdateId
    raw: bytes
    received_at: datetime


async def list_due(unit: UnitOfWork, shards: Sequence[int], *, only: TenantId | None = None) -> list[TenantId]:
    """The tenants of some shards of which something waits that may have room now, in a fleet unit."""
    return list((await unit.execute(_DUE, {"shards": list(shards), "only": only})).scalars())


async def read_waiting(unit: UnitOfWork, tenant: TenantId, keyring: Keyring, *, limit: int) -> list[Waiting]:
    """The oldest, in the order in which they came; none before it is time to look again."""
    rows = await unit.execute(_READ, {"tenant": tenant, "limit": limit})
    return [Waiting(row.update_id, keyring.decrypt(tenant, UPDATE_BODY, row.body), row.received_at) for row in rows]


async def look_again(unit: UnitOfWork, tenant: TenantId) -> None:
    """What waits may have room: the plan is another one."""
    await unit.execute(_LET_GO, {"tenant": tenant})


async def set_aside_what_waited_too_long(unit: UnitOfWork) -> None:
    """Dead letters from now on, for seven more days, in a fleet unit. A job tells their owners."""
    for row in await unit.execute(_BURY, {"reason": OVER_LIMIT}):
        await enqueue_job(unit, TELL_EXPIRED, TenantId(row.tenant_id), {"number": row.number})


async def tell_expired(unit: UnitOfWork, job: Job) -> bool:
    """Once a day."""
    if job.tenant is not None:
        today = (await unit.execute(_TODAY)).scalar_one()
        key = f"{USAGE_EXPIRED}:{job.tenant}:{today}"
        await enqueue_notice(unit, job.tenant, USAGE_EXPIRED, key=key, params={"number": job.payload["number"]})
    return True


async def give_up(unit: UnitOfWork, tenant: TenantId, update: UpdateId, reason: str) -> None:
    """It can't be read: a dead letter."""
    await unit.execute(_GIVE_UP, {"tenant": tenant, "update": update, "reason": reason})


async def count_tenants_that_wait(unit: UnitOfWork) -> int:
    """In a fleet unit."""
    return int((await unit.execute(_COUNT)).scalar_one())
