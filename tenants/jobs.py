"""Work that is no message, as rows: put into the caller's transaction, handed to the broker, done in one of its own.

The row is the truth and the broker a messenger: what it loses is handed out again, what it delivers twice is done
once. A job that fails comes again with backoff; after `MOST_ATTEMPTS` it is dead, and stays to be looked at.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import text

from tenants.backoff import backoff
from tenants.db import Database, UnitOfWork
from tenants.ids import RowId, TenantId, new_id

JOBS_CHANNEL = "jobs"
MOST_ATTEMPTS = 10
LONGEST_BACKOFF = 600.0
LONGEST_STEP = 60.0
"""Seconds that one transaction of a job may take."""
PATIENCE = timedelta(seconds=30)
"""How long the broker has for a job before it is handed out again."""
MOST_OUT = 256
"""Jobs that the broker holds at once: what it holds, it may lose or deliver late."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """Without a tenant it is the fleet's. `payload` holds ids only."""

    id: RowId
    kind: str
    tenant: TenantId | None
    payload: Mapping[str, Any]
    attempts: int


Work = Callable[[UnitOfWork, Job], Awaitable[bool]]
"""What a kind of job does in the unit that is given: the tenant's, or the fleet's. False: there is more to do."""
Kinds = Mapping[str, Work]

_ENQUEUE = text(
    """
    INSERT INTO jobs (id, tenant_id, kind, payload, due_at)
    VALUES (:id, :tenant, :kind, CAST(:payload AS jsonb), coalesce(CAST(:due AS timestamptz), now()))
    """
)


async def enqueue_job(
    unit: UnitOfWork, kind: str, tenant: TenantId, payload: Mapping[str, Any], *, due: datetime | None = None
) -> RowId:
    """Is done if the caller's transaction commits, as soon as it does or when it is due."""
    job = RowId(new_id())
    values = {"id": job, "tenant": tenant, "kind": kind, "payload": json.dumps(payload), "due": due}
    await unit.execute(_ENQUEUE, values)
    unit.notify(JOBS_CHANNEL, str(job))
    return job


_ENQUEUE_PERIODIC = text(
    """
    INSERT INTO jobs (id, kind, key)
    SELECT :id, :kind, :kind || ':' || floor(extract(epoch FROM now()) / :seconds)
    WHERE NOT EXISTS (SELECT FROM jobs WHERE kind = :kind AND done_at IS NULL AND died_at IS NULL)
    ON CONFLICT (key) DO NOTHING
    RETURNING id
    """
)


async def enqueue_periodic(unit: UnitOfWork, kind: str, every: timedelta) -> bool:
    """At most one per period, whoever asks and how often, and none while the last one is not done. Whether it was."""
    values = {"id": new_id(), "kind": kind, "seconds": every.total_seconds()}
    job = (await unit.execute(_ENQUEUE_PERIODIC, values)).scalar_one_or_none()
    if job is not None:
        unit.notify(JOBS_CHANNEL, str(job))
    return job is not None


_HAND_OUT = text(
    """
    WITH room AS (
        SELECT :most - count(*) AS n FROM jobs
        WHERE done_at IS NULL AND died_at IS NULL AND enqueued_at > clock_timestamp() - CAST(:patience AS interval)
    ),
    due AS (
        SELECT id FROM jobs
        WHERE done_at IS NULL AND died_at IS NULL AND due_at <= clock_timestamp() AND kind = ANY(:kinds)
            AND (enqueued_at IS NULL OR enqueued_at <= clock_timestamp() - CAST(:patience AS interval))
        ORDER BY due_at LIMIT (SELECT greatest(n, 0) FROM room) FOR UPDATE SKIP LOCKED
    )
    UPDATE jobs j SET enqueued_at = clock_timestamp() FROM due WHERE j.id = due.id
    RETURNING j.id, j.kind
    """
)


async def hand_out(
    unit: UnitOfWork, kinds: Iterable[str], *, patience: timedelta = PATIENCE, most: int = MOST_OUT
) -> list[tuple[RowId, str]]:
    """What is due and not with the broker, or was given to it too long ago. Noted as handed out when this commits.

    A job that is being done is locked, and so left out however long it takes.
    """
    values = {"kinds": list(kinds), "patience": patience, "most": most}
    return [(RowId(row.id), row.kind) for row in await unit.execute(_HAND_OUT, values)]


_BEGIN = text(
    """
    UPDATE jobs j SET attempts = j.attempts + 1
    FROM (
        SELECT id FROM jobs
        WHERE id = :id AND kind = ANY(:kinds) AND done_at IS NULL AND died_at IS NULL
            AND due_at <= clock_timestamp()
        FOR UPDATE SKIP LOCKED
    ) mine
    WHERE j.id = mine.id
    RETURNING j.id, j.tenant_id, j.kind, j.payload, j.attempts
    """
)
_LOCK = text(
    "SELECT id FROM jobs WHERE id = :id AND done_at IS NULL AND died_at IS NULL FOR NO KEY UPDATE SKIP LOCKED"
)
_DONE = text("UPDATE jobs SET done_at = clock_timestamp(), error = NULL WHERE id = :id")
_GO_ON = text("UPDATE jobs SET due_at = clock_timestamp(), enqueued_at = NULL, attempts = 0 WHERE id = :id")
_FAIL = text(
    """
    UPDATE jobs SET error = :error, enqueued_at = NULL, due_at = clock_timestamp() + :delay,
        died_at = CASE WHEN :dead THEN clock_timestamp() END
    WHERE id = :id AND done_at IS NULL
    """
)


async def run_job(database: Database, job_id: RowId, kinds: Kinds) -> None:
    """One attempt, counted before it is made, so that one that takes the process along counts, too.

    The work and the note that it is done share a transaction. Done already, not due, in somebody's hands: nothing.
    """
    async with database.fleet() as unit:
        row = (await unit.execute(_BEGIN, {"id": job_id, "kinds": list(kinds)})).first()
    if row is None:
        return
    job = Job(row.id, row.kind, row.tenant_id, row.payload, row.attempts)
    if job.attempts > MOST_ATTEMPTS:
        await _fail(database, job, "attempts that ended with their process")
        return
    try:
        async with asyncio.timeout(LONGEST_STEP):
            await _attempt(database, job, kinds[job.kind])
    except Exception as error:  # noqa: BLE001  # whatever it is, it is recorded
        await _fail(database, job, type(error).__name__)


async def _attempt(database: Database, job: Job, work: Work) -> None:
    scope = database.fleet() if job.tenant is None else database.tenant(job.tenant)
    async with scope as unit:
        if (await unit.execute(_LOCK, {"id": job.id})).first() is None:
            return
        if await work(unit, job):
            await unit.execute(_DONE, {"id": job.id})
            log.info("job.done", job=str(job.id), kind=job.kind, attempts=job.attempts)
        else:
            await unit.execute(_GO_ON, {"id": job.id})
            unit.notify(JOBS_CHANNEL, str(job.id))


async def _fail(database: Database, job: Job, error: str) -> None:
    dead = job.attempts >= MOST_ATTEMPTS
    values = {
        "id": job.id,
        "error": error,
        "delay": timedelta(seconds=backoff(job.attempts, longest=LONGEST_BACKOFF)),
        "dead": dead,
    }
    async with database.fleet() as unit:
        await unit.execute(_FAIL, values)
    note = log.error if dead else log.warning
    note("job.died" if dead else "job.failed", job=str(job.id), kind=job.kind, attempts=job.attempts, error=error)


_DEAD = text("SELECT kind, count(*) AS n FROM jobs WHERE died_at IS NOT NULL GROUP BY kind ORDER BY kind")
_FORGET = text("DELETE FROM jobs WHERE done_at < now() - interval '7 days'")


async def count_dead_jobs(unit: UnitOfWork) -> dict[str, int]:
    return {row.kind: row.n for row in await unit.execute(_DEAD)}


async def forget_done_jobs(unit: UnitOfWork) -> None:
    """A dead one stays until somebody has looked at it."""
    await unit.execute(_FORGET)
