"""Who runs which tenants. A shard's row says who holds it, under which term, until when by the database's clock.

Writers join on the term and lock the row FOR KEY SHARE; renewing does not conflict with that, taking over does
(FOR UPDATE), so that no write of the old holder commits after the new one has begun.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b

from sqlalchemy import text

from tenants.db import UnitOfWork
from tenants.errors import LeaseLost
from tenants.ids import TenantId, WorkerId

SHARDS = 256
SETUP_BOT = 256
"""The shard of the setup bot's own session, so that two replicas never poll one token."""

MARGIN = 0.2
"""The part of a lease's length before its end in which a worker does not trust it any more."""

HELD = """
    SELECT 1 FROM leases
    WHERE shard = :shard AND holder = :holder AND term = :term AND expires_at > clock_timestamp()
    FOR KEY SHARE
"""


HELD_BY_ALL = """
    SELECT w.* FROM unnest(CAST(:tenants AS uuid[]), CAST(:shards AS smallint[]), CAST(:terms AS bigint[]))
        AS w(tenant, shard, term)
    JOIN leases e ON e.shard = w.shard AND e.holder = :holder AND e.term = w.term
        AND e.expires_at > clock_timestamp()
    FOR KEY SHARE OF e
"""
"""Those of `lease_values` whose lease holds; from here on nobody can take it until the unit ends."""


def boottime() -> float:
    """Seconds on a clock that goes on while the machine sleeps (clock_gettime(2): CLOCK_BOOTTIME)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def shard_of(tenant: TenantId) -> int:
    return blake2b(tenant.bytes, digest_size=1).digest()[0]


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to run a shard's tenants and to write for them."""

    shard: int
    holder: WorkerId
    term: int

    def values(self) -> dict[str, object]:
        return {"shard": self.shard, "holder": self.holder, "term": self.term}


def lease_values(tenants: Sequence[tuple[TenantId, Lease]]) -> dict[str, object]:
    """All leases of one worker have one holder."""
    return {
        "holder": tenants[0][1].holder,
        "tenants": [tenant for tenant, _ in tenants],
        "shards": [lease.shard for _, lease in tenants],
        "terms": [lease.term for _, lease in tenants],
    }


_TAKE = text(
    """
    WITH free AS (
        SELECT shard FROM leases
        WHERE (holder IS NULL OR expires_at <= clock_timestamp()) AND shard BETWEEN :first AND :last
        ORDER BY expires_at LIMIT :most FOR UPDATE SKIP LOCKED
    )
    UPDATE leases l
    SET holder = :holder, term = l.term + 1, expires_at = clock_timestamp() + :length
    FROM free WHERE l.shard = free.shard
    RETURNING l.shard, l.term
    """
)
_RENEW = text(
    """
    UPDATE leases SET expires_at = clock_timestamp() + :length
    WHERE holder = :holder AND expires_at > clock_timestamp()
    RETURNING shard, term
    """
)
_GIVE_BACK = text(
    """
    UPDATE leases SET holder = NULL, expires_at = clock_timestamp()
    WHERE holder = :holder AND shard = ANY(:shards)
    """
)


async def take(
    unit: UnitOfWork, holder: WorkerId, *, first: int, last: int, most: int, length: timedelta
) -> list[Lease]:
    """Up to `most` free or expired shards between `first` and `last`, each under a new term."""
    values = {"holder": holder, "first": first, "last": last, "most": most, "length": length}
    rows = (await unit.execute(_TAKE, values)).all()
    return [Lease(row.shard, holder, row.term) for row in rows]


async def renew(unit: UnitOfWork, holder: WorkerId, *, length: timedelta) -> list[Lease]:
    """Everything the holder still has, renewed in one statement. What is missing is lost."""
    rows = (await unit.execute(_RENEW, {"holder": holder, "length": length})).all()
    return [Lease(row.shard, holder, row.term) for row in rows]


async def give_back(unit: UnitOfWork, holder: WorkerId, shards: Sequence[int]) -> None:
    await unit.execute(_GIVE_BACK, {"holder": holder, "shards": list(shards)})


_CHECK = text(HELD)


async def require(unit: UnitOfWork, lease: Lease) -> None:
    """Raises `LeaseLost` unless the lease holds; from here on nobody can take it until this unit ends."""
    if (await unit.execute(_CHECK, lease.values())).first() is None:
        raise LeaseLost
