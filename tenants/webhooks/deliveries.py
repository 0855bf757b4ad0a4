"""Deliveries as rows: taken to be sent, recorded, tried again for a day, listed, sent again on request.

At least once: what a process took along when it died is taken again, under the same id.
"""

import json
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select, text

from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.ids import RowId, TenantId
from tenants.plans import Plan
from tenants.settings.catalog import effective
from tenants.webhooks.happenings import CHANNEL
from tenants.webhooks.signing import get_secrets
from tenants.webhooks.tables import webhook_deliveries

State = Literal["waiting", "delivered", "failed"]
TRIED_FOR = timedelta(days=1)
LOST_AFTER = timedelta(seconds=60)
"""An attempt that has not ended by then went with its process."""
_PAUSES = (5, 30, 120, 600, 1800, 3600, 7200, 14400)
"""Seconds after each failed attempt; then the last one again."""

REASONS: Mapping[str, str] = {
    "refused": "The address answered with an error.",
    "redirected": "The address answered with a redirect, which is not followed.",
    "gone": "The address answered 410: it does not want to be told any more.",
    "timeout": "The address did not answer within 5 seconds.",
    "unreachable": "No connection to the address could be made.",
    "certificate": "The address has no valid certificate.",
    "private": "The address leads into a private network.",
    "removed": "The address is not in WEBHOOKS any more, or not for this event.",
}
"""Why a delivery failed, or its last attempt did: a code with its sentence."""
_FINAL = {"gone", "removed"}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One to be sent. Neither its address nor its secrets show in a repr."""

    id: RowId
    tenant: TenantId
    url: str = field(repr=False)
    body: bytes = field(repr=False)
    attempts: int
    secrets: Sequence[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`status` is the HTTP status, where there was an answer; `error` one of `REASONS`, None where it was taken."""

    status: int | None = None
    error: str | None = None


_TAKE = text(
    """
    WITH ranked AS (
        SELECT id, row_number() OVER (PARTITION BY tenant_id ORDER BY due_at, id) AS place
        FROM webhook_deliveries
        WHERE state = 'waiting' AND due_at <= clock_timestamp() AND tenant_id <> ALL(:busy)
    ),
    due AS (
        SELECT d.id FROM webhook_deliveries d JOIN ranked r ON r.id = d.id AND r.place <= :each
        WHERE d.state = 'waiting' AND d.due_at <= clock_timestamp()
        ORDER BY d.due_at LIMIT :most FOR UPDATE OF d SKIP LOCKED
    )
    UPDATE webhook_deliveries d SET attempts = d.attempts + 1, tried_at = clock_timestamp(),
        due_at = clock_timestamp() + CAST(:lost_after AS interval)
    FROM due WHERE d.id = due.id
    RETURNING d.id, d.tenant_id
    """
)


async def take(
    unit: UnitOfWork, *, most: int, each: int, busy: Collection[TenantId] = ()
) -> list[tuple[RowId, TenantId]]:
    """What is due, in a fleet unit: `each` of one tenant, and nothing of those that are `busy`. Nobody else gets it
    before it counts as lost.
    """
    values = {"most": most, "each": each, "busy": list(busy), "lost_after": LOST_AFTER}
    return [(RowId(row.id), TenantId(row.tenant_id)) for row in await unit.execute(_TAKE, values)]


_FIND = text(
    """
    SELECT d.event, d.url, d.payload, d.attempts, t.settings, t.plan
    FROM webhook_deliveries d JOIN tenants t ON t.id = d.tenant_id AND t.erased_at IS NULL
    WHERE d.tenant_id = :tenant AND d.id = :id AND d.state = 'waiting'
    """
)


async def find(unit: UnitOfWork, tenant: TenantId, delivery: RowId, keyring: Keyring) -> Delivery | None:
    """One that was taken, with all that sending it needs. None where it ended: its address is not wanted any more."""
    row = (await unit.execute(_FIND, {"tenant": tenant, "id": delivery})).first()
    if row is None:
        return None
    if row.event not in effective(row.settings, Plan(row.plan)).WEBHOOKS.get(row.url, ()):
        await record(unit, tenant, delivery, row.attempts, Outcome(error="removed"))
        return None
    body = json.dumps(row.payload, separators=(",", ":")).encode()
    return Delivery(delivery, tenant, row.url, body, row.attempts, await get_secrets(unit, tenant, keyring))


_RECORD = text(
    """
    UPDATE webhook_deliveries SET status = CAST(:status AS integer), error = CAST(:error AS text),
        state = CASE WHEN CAST(:error AS text) IS NULL THEN 'delivered'
            WHEN :final OR clock_timestamp() + :pause > since + CAST(:tried_for AS interval) THEN 'failed'
            ELSE 'waiting' END,
        ended_at = CASE WHEN CAST(:error AS text) IS NULL OR :final
            OR clock_timestamp() + :pause > since + CAST(:tried_for AS interval) THEN clock_timestamp() END,
        due_at = clock_timestamp() + :pause
    WHERE tenant_id = :tenant AND id = :id AND state = 'waiting' AND attempts = :attempts
    RETURNING state
    """
)


async def record(
    unit: UnitOfWork, tenant: TenantId, delivery: RowId, attempts: int, outcome: Outcome
) -> State | None:
    """What became of an attempt; None where another one has begun since."""
    values = {
        "tenant": tenant,
        "id": delivery,
        "attempts": attempts,
        "status": outcome.status,
        "error": outcome.error,
        "final": outcome.error in _FINAL,
        "pause": timedelta(seconds=pause_after(attempts)),
        "tried_for": TRIED_FOR,
    }
    state: State | None = (await unit.execute(_RECORD, values)).scalar_one_or_none()
    return state


def pause_after(attempts: int) -> float:
    """Seconds, with a quarter of it left to chance."""
    return _PAUSES[min(attempts, len(_PAUSES)) - 1] * random.uniform(0.75, 1)  # noqa: S311  # jitter, no secret


@dataclass(frozen=True, slots=True)
class Shown:
    """A delivery as its owner sees it. `next_at`: the next attempt, while there is one to come."""

    id: UUID
    event: str
    url: str
    payload: Mapping[str, Any]
    state: State
    attempts: int
    created_at: datetime
    tried_at: datetime | None
    next_at: datetime | None
    ended_at: datetime | None
    status: int | None
    error: str | None


async def list_page(
    unit: UnitOfWork, tenant: TenantId, *, after: UUID | None = None, limit: int, state: State | None = None
) -> list[Shown]:
    """Newest first: the page of `limit` that follows the delivery `after`."""
    table = webhook_deliveries
    query = select(table).where(table.c.tenant_id == tenant).order_by(table.c.id.desc()).limit(limit)
    if after is not None:
        query = query.where(table.c.id < after)
    if state is not None:
        query = query.where(table.c.state == state)
    return [_show(row) for row in await unit.execute(query)]


def _show(row: Any) -> Shown:
    return Shown(
        id=row.id,
        event=row.event,
        url=row.url,
        payload=row.payload,
        state=row.state,
        attempts=row.attempts,
        created_at=row.created_at,
        tried_at=row.tried_at,
        next_at=row.due_at if row.state == "waiting" else None,
        ended_at=row.ended_at,
        status=row.status,
        error=row.error,
    )


_REPLAY = text(
    """
    UPDATE webhook_deliveries SET state = 'waiting', since = clock_timestamp(), due_at = clock_timestamp(),
        ended_at = NULL
    WHERE tenant_id = :tenant AND id = :id AND state <> 'waiting'
    RETURNING id
    """
)
_EXISTS = text("SELECT 1 FROM webhook_deliveries WHERE tenant_id = :tenant AND id = :id")


async def replay(unit: UnitOfWork, tenant: TenantId, delivery: UUID) -> bool | None:
    """Another day of attempts, under the same id. False: it waits anyway. None: there is none."""
    values = {"tenant": tenant, "id": delivery}
    if (await unit.execute(_REPLAY, values)).first() is not None:
        unit.notify(CHANNEL, str(tenant))
        return True
    return False if (await unit.execute(_EXISTS, values)).first() is not None else None


_FORGET = text("DELETE FROM webhook_deliveries WHERE since < now() - interval '7 days'")


async def forget_old(unit: UnitOfWork) -> None:
    """Of all tenants, in a fleet unit."""
    await unit.execute(_FORGET)
