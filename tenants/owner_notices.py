"""What owners are told without asking: rows of the setup bot's own lanes, one per owner.

They are put into the transaction that knows the news, and sent by whoever holds the setup bot's lease.

An owner is told once per event and of a trouble that comes and goes at most once an hour. What is not true any more
when its turn comes is not said.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from tenants.db import SETUP_CHANNEL, UnitOfWork
from tenants.errors import LeaseLost
from tenants.ids import MessageId, RowId, TenantId, UserId, new_id
from tenants.leases import HELD, Lease

REVOKED = "revoked"
CONFLICT = "conflict"
GROUP_TROUBLE = "group_trouble"
GROUP_MENDED = "group_mended"
GROUP_STATE = "group_state"
GROUP_FINE = "group_fine"
DEAF = "deaf"
BEHIND = "behind"
HOUSEKEEPER = "housekeeper"
HOUSEKEEPER_GONE = "housekeeper_gone"
ADMINISTRATOR_JOINED = "administrator_joined"
TRANSFERRED = "transferred"
USAGE_NEAR = "usage_near"
USAGE_FULL = "usage_full"
USAGE_WAITS = "usage_waits"
USAGE_FLOWS = "usage_flows"
USAGE_EXPIRED = "usage_expired"
PLAN_PAID = "plan_paid"
PAYMENT_FAILED = "payment_failed"
PLAN_UNPAID = "plan_unpaid"
PLAN_ENDED = "plan_ended"

CALM = timedelta(hours=1)
"""Between two notices of one trouble of one tenant."""
CONFLICT_LASTS = timedelta(minutes=1)
"""A worker that takes over may meet the last poll of the one before it; what lasts is somebody else's program."""


@dataclass(frozen=True, slots=True)
class OwnerNotice:
    """`attempts` counts this one. `params` hold no secret."""

    id: RowId
    tenant: TenantId
    owner: UserId
    kind: str
    params: Mapping[str, Any]
    attempts: int


_ENQUEUE = text(
    """
    INSERT INTO owner_notices (id, tenant_id, owner_id, kind, key, params, not_before)
    SELECT :id, t.id, t.owner_id, :kind, :key, CAST(:params AS jsonb), greatest(now(), (
        SELECT max(n.ended_at) + CAST(:calm AS interval) FROM owner_notices n
        WHERE n.tenant_id = t.id AND n.kind = :kind AND n.state = 'delivered'
            AND (:whatever OR n.params = CAST(:params AS jsonb))
    ))
    FROM tenants t WHERE t.id = :tenant AND t.erased_at IS NULL
    ON CONFLICT (key) DO NOTHING
    RETURNING id
    """
)


async def enqueue_notice(
    unit: UnitOfWork,
    tenant: TenantId,
    kind: str,
    *,
    key: str | None = None,
    params: Mapping[str, Any] | None = None,
    calm: timedelta | None = None,
    whatever: bool = True,
) -> None:
    """Its owner is told if the caller's transaction commits: once per `key`, `calm` after the last of this kind, or,
    if not `whatever` it said, after the last that said the same.
    """
    values = {
        "id": new_id(),
        "tenant": tenant,
        "kind": kind,
        "key": key,
        "params": json.dumps(params or {}),
        "calm": calm,
        "whatever": whatever,
    }
    if (await unit.execute(_ENQUEUE, values)).first() is not None:
        unit.notify(SETUP_CHANNEL, str(tenant))


_EPISODE = text(
    """
    SELECT extract(epoch FROM problem_at) AS began FROM intakes
    WHERE tenant_id = :tenant AND problem = :problem AND problem_at < now() - CAST(:lasts AS interval)
    """
)


async def tell_conflict(unit: UnitOfWork, tenant: TenantId, problem: str) -> None:
    """Called whenever it is noted again: told once per episode, when it has lasted."""
    values = {"tenant": tenant, "problem": problem, "lasts": CONFLICT_LASTS}
    began = (await unit.execute(_EPISODE, values)).scalar_one_or_none()
    if began is not None:
        key = f"{CONFLICT}:{tenant}:{began}"
        await enqueue_notice(unit, tenant, CONFLICT, key=key, params={"problem": problem}, calm=CALM)


_REWORD = text(
    """
    UPDATE owner_notices SET params = CAST(:params AS jsonb)
    WHERE tenant_id = :tenant AND kind = :kind AND state = 'waiting'
    RETURNING 1
    """
)
_WAS_TOLD = text(
    """
    SELECT coalesce(
        (SELECT kind = :trouble FROM owner_notices
        WHERE tenant_id = :tenant AND kind IN (:trouble, :mended) AND state IN ('sending', 'delivered')
        ORDER BY created_at DESC LIMIT 1), false)
    """
)


async def was_told(unit: UnitOfWork, tenant: TenantId, trouble: str, *, mended: str) -> bool:
    """Whether the last that was said of it is that it is there: only then it is called off."""
    kinds = {"tenant": tenant, "trouble": trouble, "mended": mended}
    return bool((await unit.execute(_WAS_TOLD, kinds)).scalar_one())


_KNOWS = text("SELECT cardinality(group_troubles) > 0 FROM intakes WHERE tenant_id = :tenant")


async def tell_group_news(unit: UnitOfWork, tenant: TenantId, problem: str | None) -> None:
    """What keeps messages out of the group; None once one got through. Its owner may know already what is wrong."""
    if problem is not None and (await unit.execute(_KNOWS, {"tenant": tenant})).scalar_one():
        return
    params = None if problem is None else {"problem": problem}
    await _tell_or_call_off(unit, tenant, GROUP_TROUBLE, GROUP_MENDED, params)


async def tell_group_state(unit: UnitOfWork, tenant: TenantId, troubles: Sequence[str]) -> None:
    """What is wrong with the group, by name; nothing once it is as it has to be."""
    params = {"troubles": list(troubles)} if troubles else None
    await _tell_or_call_off(unit, tenant, GROUP_STATE, GROUP_FINE, params)


async def _tell_or_call_off(
    unit: UnitOfWork, tenant: TenantId, trouble: str, mended: str, params: Mapping[str, Any] | None
) -> None:
    """Only a trouble that was told is called off."""
    if params is None:
        if await was_told(unit, tenant, trouble, mended=mended):
            await enqueue_notice(unit, tenant, mended)
        return
    values = {"tenant": tenant, "kind": trouble, "params": json.dumps(params)}
    if (await unit.execute(_REWORD, values)).first() is None:
        await enqueue_notice(unit, tenant, trouble, params=params, calm=CALM, whatever=trouble == GROUP_TROUBLE)


_CLAIM = text(
    f"""
    WITH held AS ({HELD}),
    heads AS (
        SELECT DISTINCT ON (n.owner_id) n.id FROM owner_notices n
        WHERE n.state IN ('waiting', 'sending') AND n.not_before <= clock_timestamp() AND n.kind = ANY(:kinds)
            AND (n.state = 'waiting' OR n.term <> :term OR n.tried_at < clock_timestamp() - interval '10 minutes')
            AND n.owner_id <> ALL(:busy) AND EXISTS (SELECT FROM held) AND NOT EXISTS (
                SELECT FROM owner_notices b WHERE b.owner_id = n.owner_id AND b.state = 'waiting'
                    AND b.tried_at IS NOT NULL AND b.not_before > clock_timestamp())
        ORDER BY n.owner_id, n.created_at, n.id LIMIT :most
    )
    UPDATE owner_notices n SET state = 'sending', attempts = n.attempts + 1, term = :term,
        tried_at = clock_timestamp()
    FROM heads h WHERE n.id = h.id
    RETURNING n.id, n.tenant_id, n.owner_id, n.kind, n.params, n.attempts
    """  # noqa: S608  # a constant of ours
)


async def claim_notices(
    unit: UnitOfWork, lease: Lease, kinds: Iterable[str], *, busy: Iterable[UserId], most: int
) -> list[OwnerNotice]:
    """The oldest that is due for each owner; the attempts are recorded. `busy` owners are being written to.

    One that failed before and waits holds up the others of its owner. One that a dead sender had in hand comes again
    at once, one of which this sender could not record what became of it much later.
    """
    values = {"kinds": list(kinds), "busy": list(busy), "most": most, **lease.values()}
    return [
        OwnerNotice(row.id, row.tenant_id, row.owner_id, row.kind, row.params, row.attempts)
        for row in await unit.execute(_CLAIM, values)
    ]


_HOLDS = text(
    """
    SELECT t.erased_at IS NULL AND CASE :kind
        WHEN 'revoked' THEN t.state = 'revoked'
        WHEN 'conflict' THEN i.problem IS NOT NULL
        WHEN 'group_trouble' THEN i.group_problem IS NOT NULL AND cardinality(i.group_troubles) = 0
        WHEN 'group_mended' THEN i.group_problem IS NULL
        WHEN 'usage_waits' THEN i.release_at IS NOT NULL
        WHEN 'usage_flows' THEN i.release_at IS NULL
        WHEN 'group_state' THEN cardinality(i.group_troubles) > 0
        WHEN 'group_fine' THEN cardinality(i.group_troubles) = 0
        ELSE true
    END
    FROM tenants t JOIN intakes i ON i.tenant_id = t.id WHERE t.id = :tenant
    """
)


async def still_holds(unit: UnitOfWork, notice: OwnerNotice) -> bool:
    """Whether it is still so, in a unit of its tenant."""
    found = (await unit.execute(_HOLDS, {"tenant": notice.tenant, "kind": notice.kind})).scalar_one_or_none()
    return bool(found)


_RECORD = text(
    f"""
    WITH held AS ({HELD})
    UPDATE owner_notices SET state = CAST(:state AS text), error = CAST(:error AS text),
        result_message_id = CAST(:message AS bigint),
        not_before = clock_timestamp() + :delay, attempts = attempts - CASE WHEN :counted THEN 0 ELSE 1 END,
        ended_at = CASE WHEN CAST(:state AS text) <> 'waiting' THEN clock_timestamp() END
    WHERE id = :id AND term = :term AND state = 'sending' AND EXISTS (SELECT FROM held)
    RETURNING 1
    """  # noqa: S608  # a constant of ours
)


@dataclass(frozen=True, slots=True)
class Told:
    """What became of an attempt: a message, an error for good, or an error and a while to wait."""

    message: MessageId | None = None
    error: str | None = None
    wait: timedelta | None = None
    counted: bool = True

    @property
    def state(self) -> str:
        if self.message is not None:
            return "delivered"
        return "buried" if self.wait is None else "waiting"


async def record_told(unit: UnitOfWork, lease: Lease, notice: OwnerNotice, told: Told) -> None:
    """Raises `LeaseLost`."""
    values = {
        "id": notice.id,
        "state": told.state,
        "error": told.error,
        "message": told.message,
        "delay": told.wait or timedelta(0),
        "counted": told.counted,
        **lease.values(),
    }
    if (await unit.execute(_RECORD, values)).first() is None:
        raise LeaseLost


_FORGET = text("DELETE FROM owner_notices WHERE ended_at < now() - interval '30 days'")


async def forget_told(unit: UnitOfWork) -> None:
    """Late enough that no event is told a second time."""
    await unit.execute(_FORGET)
