"""The registry of workers, and what each may hold: shards are shared among those that are alive and not draining.

A worker's row expires like its leases, by the database's clock, and never after them: when a dead worker's shards are
free, the survivors' shares have grown already.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text

from tenants.db import UnitOfWork
from tenants.ids import WorkerId
from tenants.leases import SHARDS

REMEMBERED = timedelta(days=1)
"""How long the row of a worker that died stays to be looked at."""


def fair_share(alive: int) -> int:
    """Shards for one of `alive` workers, rounded up: a free shard means that somebody has less than this."""
    return -(-SHARDS // max(alive, 1))


@dataclass(frozen=True, slots=True)
class Look:
    """The fleet at one moment. `alive` counts no draining worker; `free` is shards without a holder, or expired."""

    alive: int
    free: int


_REGISTER = text(
    """
    WITH forgotten AS (
        DELETE FROM workers WHERE expires_at < clock_timestamp() - CAST(:remembered AS interval) AND id <> :id
    )
    INSERT INTO workers (id, name, draining, seen_at, expires_at)
    VALUES (:id, :name, :draining, clock_timestamp(), clock_timestamp() + CAST(:length AS interval))
    ON CONFLICT (id) DO UPDATE
    SET draining = excluded.draining, seen_at = excluded.seen_at, expires_at = excluded.expires_at
    """
)
_LOOK = text(
    f"""
    SELECT
        (SELECT count(*) FROM workers WHERE NOT draining AND expires_at > statement_timestamp()) AS alive,
        (
            SELECT count(*) FROM leases
            WHERE shard < {SHARDS} AND (holder IS NULL OR expires_at <= statement_timestamp())
        ) AS free
    """  # noqa: S608  # a number of our own
)
_DRAIN = text("UPDATE workers SET draining = true WHERE id = :id")
_LEAVE = text("DELETE FROM workers WHERE id = :id")


async def register(unit: UnitOfWork, worker: WorkerId, *, name: str, draining: bool, length: timedelta) -> None:
    """Alive for another `length`. Comes before the renewal of the leases, so that it does not outlast them."""
    values = {"id": worker, "name": name, "draining": draining, "length": length, "remembered": REMEMBERED}
    await unit.execute(_REGISTER, values)


async def look(unit: UnitOfWork) -> Look:
    row = (await unit.execute(_LOOK)).one()
    return Look(alive=row.alive, free=row.free)


async def drain(unit: UnitOfWork, worker: WorkerId) -> None:
    """From now on the others' shares are without this worker."""
    await unit.execute(_DRAIN, {"id": worker})


async def leave(unit: UnitOfWork, worker: WorkerId) -> None:
    await unit.execute(_LEAVE, {"id": worker})
