"""Logins that nobody uses any more, until somebody has logged them out. They outlive the tenants they were of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.ids import TenantId
from tenants.parallel import FAREWELL

KEPT = timedelta(days=7)
"""After so long it is given up."""


@dataclass(frozen=True, slots=True)
class Farewell:
    id: UUID
    tenant: TenantId
    shard: int
    is_too_old: bool


_LIST = text(
    """
    SELECT id, tenant_id, shard, created_at < now() - CAST(:kept AS interval) AS is_too_old FROM farewells
    WHERE shard = ANY(:shards) ORDER BY created_at
    """
)
_READ = text("SELECT login FROM farewells WHERE id = :id AND tenant_id = :tenant")
_END = text("DELETE FROM farewells WHERE id = :id AND tenant_id = :tenant")


async def list_farewells(unit: UnitOfWork, shards: Sequence[int]) -> list[Farewell]:
    """Oldest first, in a fleet unit."""
    rows = (await unit.execute(_LIST, {"shards": list(shards), "kept": KEPT})).all()
    return [Farewell(row.id, row.tenant_id, row.shard, row.is_too_old) for row in rows]


async def find_login(unit: UnitOfWork, farewell: Farewell, keyring: Keyring) -> bytes | None:
    """None where it is over already."""
    values = {"id": farewell.id, "tenant": farewell.tenant}
    sealed = (await unit.execute(_READ, values)).scalar_one_or_none()
    return None if sealed is None else keyring.decrypt(farewell.tenant, FAREWELL, sealed)


async def end_farewell(unit: UnitOfWork, farewell: Farewell) -> None:
    await unit.execute(_END, {"id": farewell.id, "tenant": farewell.tenant})
