"""Does what is due, as the tasks process does it, but here and now and without a broker."""

from tenants.db import Database
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
