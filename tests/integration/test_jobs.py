"""Work that is no message: rows that are done once, whatever the process or the broker does in between."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text

from tenants.connections import Connections, Tenant
from tenants.crypto import Keyring
from tenants.db import Database, UnitOfWork
from tenants.erasure import PIECE
from tenants.ids import RowId, TenantId, new_id
from tenants.job_kinds import FORGET, KINDS
from tenants.jobs import MOST_ATTEMPTS, Job, count_dead_jobs, enqueue_job, enqueue_periodic, hand_out, run_job
from tenants.models import jobs, tenants, updates
from tenants.plans import Plan
from tests.factories import OWNER, fill_every_table, make_tenant
from tests.work import do_jobs

NO_PATIENCE = timedelta(0)
NOTE = text(
    "INSERT INTO updates (tenant_id, update_id, kind, disposition, reason) "
    "SELECT :tenant, coalesce(max(update_id), 0) + 1, 'x', 'handled', 'x' FROM updates"
)


class Deed:
    """A kind whose work shows: each time it is done there is one more update of its tenant."""

    def __init__(self, *, fails: int = 0, pieces: int = 1) -> None:
        self.attempts = 0
        self._fails = fails
        self._pieces = pieces

    async def __call__(self, unit: UnitOfWork, job: Job) -> bool:
        self.attempts += 1
        await unit.execute(NOTE, {"tenant": job.tenant})
        if self.attempts <= self._fails:
            raise ValueError("a text that nobody may read")
        self._pieces -= 1
        return self._pieces <= 0


@pytest.fixture
async def tenant(database: Database, keyring: Keyring) -> Tenant:
    return await make_tenant(database, keyring)


async def put(database: Database, tenant: TenantId, *, due: datetime | None = None) -> RowId:
    async with database.tenant(tenant) as unit:
        return await enqueue_job(unit, "deed", tenant, {}, due=due)


async def done_times(database: Database, tenant: TenantId) -> int:
    async with database.tenant(tenant) as unit:
        return int((await unit.execute(select(func.count()).select_from(updates))).scalar_one())


async def find(database: Database, job: RowId) -> Any:
    async with database.fleet() as unit:
        return (await unit.execute(select(jobs).where(jobs.c.id == job))).one()


async def given(database: Database, kinds: Mapping[str, Any], **values: Any) -> list[RowId]:
    async with database.fleet() as unit:
        return [job for job, _ in await hand_out(unit, kinds, **values)]


async def make_due(database: Database) -> None:
    async with database.fleet() as unit:
        await unit.execute(text("UPDATE jobs SET due_at = now()"))


async def test_it_is_there_if_the_caller_commits_and_only_then(database: Database, tenant: Tenant) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.tenant(tenant.id) as unit:
            await enqueue_job(unit, "deed", tenant.id, {})
            raise ZeroDivisionError
    assert await given(database, {"deed": Deed()}) == []
    job = await put(database, tenant.id)
    assert await given(database, {"deed": Deed()}) == [job]


async def test_it_is_done_once_however_often_it_is_delivered(database: Database, tenant: Tenant) -> None:
    deed = Deed()
    job = await put(database, tenant.id)
    for _ in range(3):
        await run_job(database, job, {"deed": deed})
    assert (deed.attempts, await done_times(database, tenant.id)) == (1, 1)
    row = await find(database, job)
    assert row.done_at is not None
    assert await given(database, {"deed": deed}, patience=NO_PATIENCE) == []


async def test_what_is_in_somebodys_hands_is_left_to_them(database: Database, tenant: Tenant) -> None:
    job = await put(database, tenant.id)
    begun, may_end, other = asyncio.Event(), asyncio.Event(), Deed()

    async def slow(_: UnitOfWork, __: Job) -> bool:
        begun.set()
        await may_end.wait()
        return True

    running = asyncio.create_task(run_job(database, job, {"deed": slow}))
    await begun.wait()
    await run_job(database, job, {"deed": other})
    assert await given(database, {"deed": other}, patience=NO_PATIENCE) == []
    may_end.set()
    await running
    assert other.attempts == 0
    assert (await find(database, job)).done_at is not None


async def test_a_crash_between_handing_out_and_done_is_handed_out_again_and_done_once(
    database: Database, tenant: Tenant
) -> None:
    job = await put(database, tenant.id)
    deed = Deed()

    class Killed(BaseException):
        pass

    async def dies(unit: UnitOfWork, one: Job) -> bool:
        await deed(unit, one)
        raise Killed

    assert await given(database, {"deed": dies}) == [job]
    with pytest.raises(Killed):
        await run_job(database, job, {"deed": dies})
    assert await done_times(database, tenant.id) == 0
    assert await given(database, {"deed": deed}) == [], "the broker still has time"
    assert await given(database, {"deed": deed}, patience=NO_PATIENCE) == [job]
    await run_job(database, job, {"deed": deed})
    assert await done_times(database, tenant.id) == 1


async def test_a_failure_leaves_nothing_behind_and_comes_again_later(database: Database, tenant: Tenant) -> None:
    deed = Deed(fails=1)
    job = await put(database, tenant.id)
    await run_job(database, job, {"deed": deed})
    row = await find(database, job)
    assert (row.attempts, row.error, row.done_at, row.died_at) == (1, "ValueError", None, None)
    assert row.due_at > row.created_at
    assert await done_times(database, tenant.id) == 0
    await run_job(database, job, {"deed": deed})
    assert deed.attempts == 1, "not before it is due"
    await make_due(database)
    await do_jobs(database, {"deed": deed})
    assert (deed.attempts, await done_times(database, tenant.id)) == (2, 1)


async def test_a_poisoned_one_dies_is_seen_and_holds_up_nobody(
    database: Database, tenant: Tenant, capfd: pytest.CaptureFixture[str]
) -> None:
    poison, healthy = Deed(fails=10**6), Deed()
    job = await put(database, tenant.id)
    for _ in range(MOST_ATTEMPTS + 2):
        await do_jobs(database, {"deed": poison})
        await make_due(database)
    row = await find(database, job)
    assert (poison.attempts, row.attempts, row.error) == (MOST_ATTEMPTS, MOST_ATTEMPTS, "ValueError")
    assert row.died_at is not None
    log = capfd.readouterr().out
    assert "job.died" in log
    assert "nobody may read" not in log
    async with database.fleet() as unit:
        assert await count_dead_jobs(unit) == {"deed": 1}
    await put(database, tenant.id)
    await do_jobs(database, {"deed": healthy})
    assert healthy.attempts == 1


async def test_one_that_takes_its_process_along_dies_too(database: Database, tenant: Tenant) -> None:
    job = await put(database, tenant.id)
    async with database.fleet() as unit:
        await unit.execute(text("UPDATE jobs SET attempts = :most"), {"most": MOST_ATTEMPTS})
    deed = Deed()
    await run_job(database, job, {"deed": deed})
    assert deed.attempts == 0
    assert (await find(database, job)).died_at is not None


async def test_work_in_pieces_is_a_transaction_for_each(database: Database, tenant: Tenant) -> None:
    deed = Deed(pieces=3)
    job = await put(database, tenant.id)
    await run_job(database, job, {"deed": deed})
    row = await find(database, job)
    assert (row.done_at, row.enqueued_at, row.attempts) == (None, None, 0)
    await do_jobs(database, {"deed": deed})
    assert (deed.attempts, await done_times(database, tenant.id)) == (3, 3)


async def test_only_what_is_due_and_known_is_handed_out_and_not_too_much(database: Database, tenant: Tenant) -> None:
    await put(database, tenant.id, due=datetime.now(UTC) + timedelta(hours=1))
    first = [await put(database, tenant.id) for _ in range(3)]
    assert await given(database, {"a_kind_of_tomorrow": Deed()}) == []
    some = await given(database, {"deed": Deed()}, most=2)
    assert len(some) == 2
    assert await given(database, {"deed": Deed()}, most=2) == []
    assert {*some, *await given(database, {"deed": Deed()})} == {*first}


async def test_a_periodic_one_is_there_once_whoever_asks(database: Database) -> None:
    hour = timedelta(hours=1)
    async with database.fleet() as unit:
        assert [await enqueue_periodic(unit, FORGET, hour) for _ in range(3)] == [True, False, False]
    await do_jobs(database)
    async with database.fleet() as unit:
        assert not await enqueue_periodic(unit, FORGET, hour), "this period's is done"
        await unit.execute(text("UPDATE jobs SET done_at = NULL"))
        assert not await enqueue_periodic(unit, FORGET, timedelta(seconds=1)), "the last one is not done"
        await unit.execute(text("UPDATE jobs SET done_at = now()"))
        assert await enqueue_periodic(unit, FORGET, timedelta(minutes=7))


async def test_the_past_is_forgotten_by_the_fleets_own_job(database: Database, tenant: Tenant) -> None:
    old = {"received_at": text("now() - interval '3 days'"), "kind": "message", "disposition": "handled"}
    async with database.tenant(tenant.id) as unit:
        await unit.execute(insert(updates).values(tenant_id=tenant.id, update_id=1, reason="x", **old))
        ended = {"kind": "deed", "tenant_id": tenant.id, "done_at": text("now() - interval '8 days'")}
        await unit.execute(insert(jobs).values(id=new_id(), **ended))
    async with database.fleet() as unit:
        await enqueue_periodic(unit, FORGET, timedelta(minutes=10))
    await do_jobs(database)
    assert await done_times(database, tenant.id) == 0
    async with database.fleet() as unit:
        assert (await unit.execute(select(jobs.c.kind))).scalars().all() == [FORGET]


async def test_an_erasure_goes_in_pieces_and_ends(database: Database, keyring: Keyring, tenant: Tenant) -> None:
    await fill_every_table(database, tenant)
    many = text(
        "INSERT INTO updates (tenant_id, update_id, kind, disposition, reason) "
        "SELECT :tenant, n + 10, 'x', 'handled', 'x' FROM generate_series(1, :n) AS n"
    )
    async with database.tenant(tenant.id) as unit:
        await unit.execute(many, {"tenant": tenant.id, "n": PIECE})
    await Connections(database, keyring, plan=Plan.PRO).erase(OWNER, tenant.id)
    (job,) = await given(database, KINDS)
    await run_job(database, job, KINDS)
    assert (await find(database, job)).done_at is None
    assert 0 < await done_times(database, tenant.id) < PIECE
    await do_jobs(database)
    assert (await find(database, job)).done_at is not None
    async with database.fleet() as unit:
        assert (await unit.execute(select(tenants.c.id))).all() == []
        assert (await unit.execute(select(jobs.c.id))).scalars().all() == [job]


async def test_an_erasure_of_one_that_lives_deletes_nothing(database: Database, tenant: Tenant) -> None:
    await fill_every_table(database, tenant)
    async with database.tenant(tenant.id) as unit:
        await enqueue_job(unit, "erase_tenant", tenant.id, {})
    await do_jobs(database)
    assert await done_times(database, tenant.id) == 1
