"""The tasks process over a real broker: rows become work, whatever happens to Redis or to the process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis
from sqlalchemy import select, text

from backline.embedded import Valkey, temporary_folder
from tenants.config import Config
from tenants.connections import Connections, Tenant
from tenants.crypto import Keyring
from tenants.db import Database, UnitOfWork
from tenants.ids import RowId
from tenants.job_kinds import FORGET
from tenants.jobs import Job, Kinds, enqueue_job
from tenants.models import jobs
from tenants.plans import Plan
from tests.factories import OWNER, fill_every_table, make_tenant
from worker.tasks import Tasks, run

DEADLINE = 30


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    with temporary_folder() as folder, Valkey(folder, durable=False) as server:
        yield server


@pytest.fixture
def config(database_url: str, valkey: Valkey, keyring_file: Path) -> Config:
    return Config(
        database_url=SecretStr(database_url), redis_url=SecretStr(valkey.url), backline_keyring=keyring_file
    )


@pytest.fixture
async def tenant(database: Database, keyring: Keyring) -> Tenant:
    return await make_tenant(database, keyring)


@dataclass
class Deed:
    """It waits, where it is told to, so that the world can change meanwhile."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    attempts: int = 0

    async def __call__(self, _: UnitOfWork, __: Job) -> bool:
        self.attempts += 1
        self.begun.set()
        await self.may_end.wait()
        return True


@contextlib.asynccontextmanager
async def tasks(
    config: Config,
    database: Database,
    kinds: Kinds,
    *,
    patience: timedelta = timedelta(seconds=30),
    drain_seconds: float = 8,
) -> AsyncIterator[None]:
    ready = asyncio.Event()
    process = Tasks(config, database, kinds, periodic={}, patience=patience, drain_seconds=drain_seconds)
    running = asyncio.create_task(process.run(ready.set))
    async with asyncio.timeout(DEADLINE):
        await ready.wait()
    try:
        yield
    finally:
        running.cancel()
        async with asyncio.timeout(DEADLINE):
            await asyncio.gather(running, return_exceptions=True)


async def put(database: Database, tenant: Tenant) -> RowId:
    async with database.tenant(tenant.id) as unit:
        return await enqueue_job(unit, "deed", tenant.id, {})


async def is_done(database: Database, job: RowId) -> bool:
    async with database.fleet() as unit:
        return (await unit.execute(select(jobs.c.done_at).where(jobs.c.id == job))).scalar_one() is not None


async def until_done(database: Database, job: RowId) -> None:
    async with asyncio.timeout(DEADLINE):
        while not await is_done(database, job):
            pass


async def until_handed_out(database: Database, job: RowId) -> None:
    async with asyncio.timeout(DEADLINE):
        while True:
            async with database.fleet() as unit:
                if (await unit.execute(select(jobs.c.enqueued_at).where(jobs.c.id == job))).scalar_one() is not None:
                    return


async def test_a_row_is_done_as_soon_as_it_is_committed(config: Config, database: Database, tenant: Tenant) -> None:
    deed = Deed()
    deed.may_end.set()
    async with tasks(config, database, {"deed": deed}):
        await until_done(database, await put(database, tenant))
    assert deed.attempts == 1


async def test_what_waited_before_the_process_came_is_done(
    config: Config, database: Database, tenant: Tenant
) -> None:
    job, deed = await put(database, tenant), Deed()
    deed.may_end.set()
    async with tasks(config, database, {"deed": deed}):
        await until_done(database, job)


async def test_a_flush_of_redis_in_the_middle_of_a_job_loses_nothing(
    config: Config, database: Database, tenant: Tenant, valkey: Valkey
) -> None:
    """Some are being done, some were fetched, most wait in the broker: it forgets them all."""
    deed = Deed()
    made = [await put(database, tenant) for _ in range(20)]
    async with tasks(config, database, {"deed": deed}, patience=timedelta(seconds=2)):
        await deed.begun.wait()
        for job in made:
            await until_handed_out(database, job)
        async with Redis.from_url(valkey.url) as redis:
            assert await redis.llen("backline_tasks:jobs") > 0
            await redis.flushall()
        deed.may_end.set()
        for job in made:
            await until_done(database, job)
    assert deed.attempts == len(made)


async def test_what_a_lost_redis_took_along_is_handed_out_again(
    config: Config, database: Database, tenant: Tenant, valkey: Valkey
) -> None:
    deed = Deed()
    deed.may_end.set()
    async with tasks(config, database, {"deed": deed}, patience=timedelta(seconds=1)):
        await until_done(database, await put(database, tenant))
        await asyncio.to_thread(valkey.__exit__, None, None, None)
        job = await put(database, tenant)
        await until_handed_out(database, job)
        valkey.start()
        await until_done(database, job)


async def test_two_processes_share_the_work_and_do_nothing_twice(
    config: Config, database: Database, tenant: Tenant
) -> None:
    deed = Deed()
    deed.may_end.set()
    async with tasks(config, database, {"deed": deed}), tasks(config, database, {"deed": deed}):
        for job in [await put(database, tenant) for _ in range(20)]:
            await until_done(database, job)
    assert deed.attempts == 20


async def test_a_process_that_stops_finishes_what_it_has_in_hand(
    config: Config, database: Database, tenant: Tenant
) -> None:
    deed = Deed()
    job = await put(database, tenant)
    async with tasks(config, database, {"deed": deed}):
        await deed.begun.wait()
        asyncio.get_running_loop().call_later(0.5, deed.may_end.set)
    assert await is_done(database, job)


async def test_a_job_that_outlasts_the_stop_is_undone_and_done_by_the_next_process(
    config: Config, database: Database, tenant: Tenant
) -> None:
    endless, deed = Deed(), Deed()
    deed.may_end.set()
    job = await put(database, tenant)
    async with tasks(config, database, {"deed": endless}, drain_seconds=0.5):
        await endless.begun.wait()
    assert not await is_done(database, job)
    async with tasks(config, database, {"deed": deed}, patience=timedelta(seconds=1)):
        await until_done(database, job)


async def test_the_whole_process_erases_and_forgets(
    config: Config, database: Database, keyring: Keyring, tenant: Tenant
) -> None:
    await fill_every_table(database, tenant)
    ready = asyncio.Event()
    running = asyncio.create_task(run(config, ready.set))
    await ready.wait()
    await Connections(database, keyring, plan=Plan.PRO).erase(OWNER, tenant.id)
    ended = text("SELECT kind FROM jobs WHERE done_at IS NOT NULL AND NOT EXISTS (SELECT FROM tenants)")
    done: set[str] = set()
    async with asyncio.timeout(DEADLINE):
        while not {FORGET, "erase_tenant"} <= done:
            async with database.fleet() as unit:
                done = set((await unit.execute(ended)).scalars())
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
