"""Does what is due, as the tasks process does it, but here and now and without a broker."""

from datetime import timedelta

from sqlalchemy import text

from tenants.db import Database
from tenants.ids import TenantId
from tenants.job_kinds import KINDS
from tenants.jobs import Kinds, hand_out, run_job


async def do_jobs(database: Database, kinds: Kinds = KINDS) -> None:
    """Until nothing is due."""
    while True:
        async with database.fleet() as unit:
            due = await hand_out(unit, kinds)
        if not due:
            return
        for job, _ in due:
            await run_job(database, job, kinds)


async def let_books_age(database: Database, tenant: TenantId, by: timedelta) -> None:
    """What billing's books hold of a tenant was told that much earlier: time alone may change something then."""
    columns = {
        "billing_facts": ("at", "received_at", "paid_until"),
        "plan_ledger": ("at",),
        "standings": ("look_at", "paid_until"),
    }
    async with database.tenant(tenant) as unit:
        for table, names in columns.items():
            earlier = ", ".join(f"{name} = {name} - CAST(:by AS interval)" for name in names)
            await unit.execute(text(f"UPDATE {table} SET {earlier}"), {"by": by})  # noqa: S608
