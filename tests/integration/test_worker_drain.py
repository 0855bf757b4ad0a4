"""In which order a worker ends sessions and gives shards away, with a pool that only says what it saw."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from tenants.config import Config
from tenants.db import Database
from tenants.ids import WorkerId, new_id
from tenants.leases import SHARDS
from worker.leases import HANDED_OVER_AT_ONCE, LeaseKeeper
from worker.main import Worker

SOON = 20


class Pool:
    """`saw` holds, for each call, the shards that should run, those that the table gives the worker, and the rest."""

    def __init__(self, keeper: LeaseKeeper, database: Database) -> None:
        self._keeper = keeper
        self._database = database
        self.saw: list[tuple[str, int, int, bool]] = []
        self.failure: Exception | None = None

    async def _look(self, call: str) -> None:
        statement = (
            "SELECT w.draining, (SELECT count(*) FROM leases WHERE holder = w.id) FROM workers w WHERE w.id = :id"
        )
        async with self._database.fleet() as unit:
            draining, held = (await unit.execute(text(statement), {"id": self._keeper._worker})).one()
        self.saw.append((call, len(self._keeper.held), held, draining))
        if self.failure is not None:
            raise self.failure

    async def reconcile(self) -> None:
        await self._look("reconcile")

    async def stop(self) -> None:
        await self._look("stop")


@pytest.fixture
def worker(database: Database, database_url: str, redis_url: str, keyring_file: Path) -> Worker:
    given = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "BACKLINE_KEYRING": str(keyring_file)}
    made = Worker(Config.from_env(given), database, WorkerId(new_id()))
    made.pool = Pool(made.keeper, database)
    return made


async def _follow(worker: Worker) -> None:
    """Until everything that leases asked for has been done."""
    async with asyncio.timeout(SOON):
        while worker._tasks:
            await asyncio.gather(*worker._tasks)


async def _join(database: Database) -> LeaseKeeper:
    other = LeaseKeeper(database, WorkerId(new_id()), length=timedelta(seconds=15), changed=lambda: None)
    await other.refresh()
    return other


async def test_surplus_is_given_back_after_its_sessions_have_ended(worker: Worker, database: Database) -> None:
    await worker.keeper.refresh()
    await _follow(worker)
    await _join(database)
    await worker.keeper.look()
    await _follow(worker)
    left = SHARDS - HANDED_OVER_AT_ONCE
    assert worker.pool.saw == [("reconcile", SHARDS, SHARDS, False), ("reconcile", left, SHARDS, False)]
    assert worker.keeper.leaving == ()
    await worker.pool.reconcile()
    assert worker.pool.saw[-1] == ("reconcile", left, left, False)


async def test_what_could_not_be_ended_is_not_given_back_but_tried_again(worker: Worker, database: Database) -> None:
    await worker.keeper.refresh()
    await _follow(worker)
    await _join(database)
    worker.pool.failure = TimeoutError()
    await worker.keeper.look()
    await _follow(worker)
    assert len(worker.keeper.leaving) == HANDED_OVER_AT_ONCE
    worker.pool.failure = None
    await worker._follow_leases()
    assert worker.keeper.leaving == ()


@pytest.mark.parametrize("failure", [None, RuntimeError("a session that does not end")])
async def test_a_worker_that_stops_tells_the_fleet_ends_its_sessions_and_then_frees_its_shards(
    worker: Worker, database: Database, failure: Exception | None
) -> None:
    await worker.keeper.refresh()
    await _follow(worker)
    worker.pool.failure = failure
    await worker._drain()
    assert worker.pool.saw[-1] == ("stop", 0, SHARDS, True)
    assert len((await _join(database)).held) == SHARDS
