"""A worker follows the mode of its tenants: which sessions it opens, closes and logs out."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from sessions.errors import Flaky, Revoked, SessionError
from sessions.events import Batch, Cursor
from sessions.port import Safe
from tenants.config import Config
from tenants.connections import Connections, Tenant
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.ids import WorkerId, new_id
from tenants.parallel import Mode, add_farewell
from tenants.plans import Plan
from tests.factories import OWNER, make_running, make_tenant
from tests.fakes import GROUP, FakeSession
from tests.integration.conftest import DeskUnderTest
from worker.farewells import Farewells
from worker.leases import LeaseKeeper
from worker.main import Worker
from worker.pool import Pool
from worker.runner import NOT_CONFIGURED

SOON = 20
AT_ONCE = 1.0
LOGIN = b"a login"


@dataclass
class Factory:
    """`sessions.port.SessionFactory`, with what was opened. `told` is set whenever something happens."""

    told: asyncio.Event = field(default_factory=asyncio.Event)
    opened: list["Watched"] = field(default_factory=list)
    safes: list[Safe | None] = field(default_factory=list)
    ended: list[bytes] = field(default_factory=list)
    refusals: list[SessionError] = field(default_factory=list)

    def open(self, token: str, guard: Callable[[], None] | None = None, safe: Safe | None = None) -> "Watched":
        session = Watched(is_parallel=safe is not None, told=self.told)
        self.opened.append(session)
        self.safes.append(safe)
        self.told.set()
        return session

    def is_receiving(self) -> bool:
        return bool(self.opened and self.opened[-1].cursors)

    async def end_login(self, login: bytes, guard: Callable[[], None] | None = None) -> None:
        assert guard is not None
        guard()
        self.ended.append(login)
        if self.refusals:
            raise self.refusals.pop(0)

    async def close(self) -> None: ...


@dataclass
class Watched(FakeSession):
    told: asyncio.Event = field(default_factory=asyncio.Event)
    cursors: list[Cursor | None] = field(default_factory=list)

    async def receive(self, cursor: Cursor | None) -> Batch:
        self.cursors.append(cursor)
        self.told.set()
        return await super().receive(cursor)

    async def close(self) -> None:
        await super().close()
        self.told.set()


@dataclass
class House:
    worker: Worker
    connections: Connections
    database: Database
    tenant: Tenant
    polling: Factory
    parallel: Factory
    told: asyncio.Event

    async def until(self, met: Callable[[], bool], seconds: float = SOON) -> None:
        async with asyncio.timeout(seconds):
            while not met():
                self.told.clear()
                await self.told.wait()

    async def set_mode(self, mode: Mode) -> None:
        await self.connections.set_mode(OWNER, self.tenant.id, mode)

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        async with self.database.tenant(self.tenant.id) as unit:
            return list((await unit.execute(text(statement), values)).all())


@pytest.fixture
def config(database_url: str, redis_url: str, keyring_file: Path) -> Config:
    given = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "BACKLINE_KEYRING": str(keyring_file)}
    return Config.from_env(given)


async def _build(config: Config, database: Database, keyring: Keyring) -> House:
    connections = Connections(database, keyring, plan=Plan.BUSINESS, parallel=True)
    tenant = await make_tenant(database, keyring)
    await make_running(database, tenant, group=GROUP)
    told = asyncio.Event()
    polling, parallel = Factory(told), Factory(told)
    worker = Worker(config, database, WorkerId(new_id()))
    worker.pool = Pool(config, database, keyring, polling, worker.keeper, parallel=parallel)
    return House(worker, connections, database, tenant, polling, parallel, told)


@asynccontextmanager
async def _alive(house: House) -> AsyncIterator[None]:
    ready = asyncio.Event()
    living = asyncio.create_task(house.worker.live(ready.set))
    async with asyncio.timeout(SOON):
        await ready.wait()
    yield
    living.cancel()
    await asyncio.gather(living, return_exceptions=True)


@pytest.fixture
async def house(config: Config, database: Database, keyring: Keyring) -> AsyncIterator[House]:
    built = await _build(config, database, keyring)
    async with _alive(built):
        await built.until(built.polling.is_receiving)
        yield built


async def test_the_running_session_follows_a_new_mode_at_once(house: House):
    (polling,) = house.polling.opened
    await house.set_mode(Mode.PARALLEL)
    await house.until(house.parallel.is_receiving, AT_ONCE)
    (parallel,) = house.parallel.opened
    assert polling.closed
    assert house.parallel.safes[0] is not None
    await parallel.feed(parallel.customer("hello"))
    await parallel.until(lambda: parallel.sent(GROUP))
    await house.until(lambda: len(parallel.cursors) == 2)
    await house.set_mode(Mode.POLLING)
    await house.until(lambda: len(house.polling.opened) > 1 and house.polling.is_receiving(), AT_ONCE)
    assert parallel.closed
    assert house.polling.opened[1].cursors == [None]


async def test_stop_ends_a_parallel_session_at_once(house: House):
    await house.set_mode(Mode.PARALLEL)
    await house.until(house.parallel.is_receiving)
    await house.connections.set_running(OWNER, house.tenant.id, running=False)
    await house.until(lambda: house.parallel.opened[0].closed, AT_ONCE)
    await house.connections.set_running(OWNER, house.tenant.id, running=True)
    await house.until(lambda: len(house.parallel.opened) == 2)


async def test_a_worker_that_stops_closes_its_sessions(config, database, keyring):
    house = await _build(config, database, keyring)
    async with _alive(house):
        await house.until(house.polling.is_receiving)
    assert house.polling.opened[0].closed


async def test_a_parallel_session_is_closed_when_the_lease_is_in_doubt(house: House):
    await house.set_mode(Mode.PARALLEL)
    await house.until(house.parallel.is_receiving)
    house.worker.keeper._trusted_until = 0.0
    await house.worker.pool.let_go_in_doubt()
    await house.until(lambda: house.parallel.opened[0].closed, AT_ONCE)


async def test_a_login_of_a_mode_that_was_left_is_logged_out(house: House):
    await house.set_mode(Mode.PARALLEL)
    await house.until(lambda: bool(house.parallel.safes))
    safe = house.parallel.safes[0]
    assert safe is not None
    await safe.save_login(LOGIN)
    await house.set_mode(Mode.POLLING)
    await house.worker.pool.say_farewells()
    assert house.parallel.ended == [LOGIN]
    assert await house.rows("SELECT 1 FROM farewells") == []


async def test_without_a_configured_application_the_owner_is_told_and_nothing_spins(config, database, keyring):
    house = await _build(config, database, keyring)
    house.worker.pool = Pool(config, database, keyring, house.polling, house.worker.keeper)
    await house.set_mode(Mode.PARALLEL)
    await house.worker.keeper.refresh()
    async with _alive(house):
        async with asyncio.timeout(SOON):
            while (problem := await house.connections.problem(OWNER, house.tenant.id)) is None:
                pass
        assert problem == NOT_CONFIGURED
        await house.set_mode(Mode.POLLING)
        await house.until(house.polling.is_receiving, AT_ONCE)
        assert await house.connections.problem(OWNER, house.tenant.id) is None


async def test_once_it_is_configured_the_problem_is_gone(config, database, keyring):
    house = await _build(config, database, keyring)
    await house.set_mode(Mode.PARALLEL)
    await house.rows("UPDATE intakes SET problem = :problem RETURNING 1", problem=NOT_CONFIGURED)
    async with _alive(house):
        await house.until(house.parallel.is_receiving)
    assert await house.connections.problem(OWNER, house.tenant.id) is None


async def test_parallel_mode_off_runs_no_parallel_session(config, database, keyring):
    switched_off = config.model_copy(update={"parallel_mode": False})
    house = await _build(switched_off, database, keyring)
    other = await make_tenant(database, keyring, bot=5001)
    await house.connections.set_mode(OWNER, other.id, Mode.PARALLEL)
    async with _alive(house):
        await house.until(house.polling.is_receiving)
        assert list(house.worker.pool._runners) == [house.tenant.id]
        assert house.parallel.opened == []


async def test_a_cursor_of_the_mode_before_is_not_stored(desk: DeskUnderTest):
    connections = Connections(desk.database, desk.keyring, plan=Plan.BUSINESS, parallel=True)
    await connections.set_mode(OWNER, desk.tenant.id, Mode.PARALLEL)
    fed = await desk.session.feed(desk.session.customer("just before"))
    await desk.store_only(Batch(tuple(fed), fed[-1].cursor))
    assert await desk.rows("SELECT cursor FROM intakes") == [(None,)]
    assert await desk.dispositions() == {"waiting": 1}
    await connections.set_mode(OWNER, desk.tenant.id, Mode.POLLING)
    fed = await desk.session.feed(desk.session.customer("just after"))
    await desk.store_only(Batch(tuple(fed), fed[-1].cursor))
    assert await desk.rows("SELECT cursor FROM intakes") == [(fed[-1].cursor,)]


@dataclass
class Goodbye:
    """A farewell that waits, and who says it."""

    factory: Factory
    farewells: Farewells
    database: Database
    tenant: Tenant

    async def waiting(self) -> int:
        async with self.database.tenant(self.tenant.id) as unit:
            return len((await unit.execute(text("SELECT 1 FROM farewells"))).all())


@pytest.fixture
async def goodbye(database: Database, keyring: Keyring) -> Goodbye:
    tenant = await make_tenant(database, keyring)
    keeper = LeaseKeeper(database, WorkerId(new_id()), length=timedelta(seconds=15), changed=lambda: None)
    await keeper.refresh()
    async with database.tenant(tenant.id) as unit:
        await add_farewell(unit, tenant.id, keyring, LOGIN)
    factory = Factory()
    return Goodbye(factory, Farewells(database, keyring, keeper, factory, None), database, tenant)


async def test_a_farewell_is_said_once(goodbye: Goodbye):
    await goodbye.farewells.say()
    await goodbye.farewells.say()
    assert goodbye.factory.ended == [LOGIN]
    assert await goodbye.waiting() == 0


async def test_a_login_that_is_dead_already_needs_no_farewell(goodbye: Goodbye):
    goodbye.factory.refusals.append(Revoked())
    await goodbye.farewells.say()
    assert await goodbye.waiting() == 0


async def test_a_farewell_that_failed_is_said_later_and_not_at_once(goodbye: Goodbye):
    goodbye.factory.refusals.append(Flaky("network", "Telegram can't be reached.", ambiguous=False))
    await goodbye.farewells.say()
    await goodbye.farewells.say()
    assert (goodbye.factory.ended, await goodbye.waiting()) == ([LOGIN], 1)
    goodbye.farewells._again_at.clear()
    await goodbye.farewells.say()
    assert (goodbye.factory.ended, await goodbye.waiting()) == ([LOGIN, LOGIN], 0)


async def test_a_farewell_is_given_up_after_a_week(goodbye: Goodbye):
    async with goodbye.database.tenant(goodbye.tenant.id) as unit:
        await unit.execute(text("UPDATE farewells SET created_at = now() - interval '8 days'"))
    await goodbye.farewells.say()
    assert (goodbye.factory.ended, await goodbye.waiting()) == ([], 0)


async def test_without_a_configured_application_a_farewell_waits(goodbye: Goodbye, database, keyring):
    await Farewells(database, keyring, goodbye.farewells._keeper, None, None).say()
    assert await goodbye.waiting() == 1


async def test_a_farewell_of_another_workers_shard_is_left_alone(goodbye: Goodbye, database, keyring):
    keeper = LeaseKeeper(database, WorkerId(new_id()), length=timedelta(seconds=15), changed=lambda: None)
    await Farewells(database, keyring, keeper, goodbye.factory, None).say()
    assert (goodbye.factory.ended, await goodbye.waiting()) == ([], 1)
