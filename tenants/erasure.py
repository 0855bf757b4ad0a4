"""The rest of an erased connection goes in pieces: a transaction that deletes a million rows holds up everybody else.

`Connections.erase` has wiped the token and hidden the connection before; this deletes all that belonged to it.
"""

from sqlalchemy import Table, delete, select, text

from tenants.columns import metadata
from tenants.db import UnitOfWork
from tenants.ids import TenantId
from tenants.jobs import Job
from tenants.models import farewells, jobs, tenants

PIECE = 5000
"""Rows of one transaction."""


def _tables() -> list[Table]:
    """All that belongs to tenants, what refers to others first, but what outlives them: this job, and the logins that
    have yet to be logged out.
    """
    outliving = {jobs, farewells}
    return [table for table in reversed(metadata.sorted_tables) if "tenant_id" in table.c and table not in outliving]


async def erase_tenant(unit: UnitOfWork, job: Job) -> bool:
    """One piece. Whether nothing is left."""
    if job.tenant is None or not await _is_erased(unit, job.tenant):
        return True
    room = PIECE
    for table in _tables():
        room -= await _delete_some(unit, table, job.tenant, room)
        if room <= 0:
            return False
    await unit.execute(delete(jobs).where(jobs.c.tenant_id == job.tenant, jobs.c.id != job.id))
    await unit.execute(delete(tenants).where(tenants.c.id == job.tenant))  # with what a session stored meanwhile
    return True


async def _is_erased(unit: UnitOfWork, tenant: TenantId) -> bool:
    query = select(tenants.c.id).where(tenants.c.id == tenant, tenants.c.erased_at.is_not(None))
    return (await unit.execute(query)).first() is not None


async def _delete_some(unit: UnitOfWork, table: Table, tenant: TenantId, most: int) -> int:
    statement = text(
        f"DELETE FROM {table.name} WHERE tenant_id = :tenant AND ctid = ANY(ARRAY("  # noqa: S608  # our own tables
        f"SELECT ctid FROM {table.name} WHERE tenant_id = :tenant LIMIT :most))"
    )
    return (await unit.execute(statement, {"tenant": tenant, "most": most})).rowcount
