"""What a parallel session keeps: sealed, each tenant's own, written under the lease only; and how a mode changes."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from tenants import parallel
from tenants.config import ConfigError
from tenants.connections import NOT_OFFERED, Connections, Tenant
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.errors import Conflict, Invalid, LeaseLost, NotFound
from tenants.farewells import Farewell, find_login, list_farewells
from tenants.ids import ChatId, UserId, WorkerId, new_id
from tenants.leases import SHARDS, Lease, give_back, take
from tenants.models import access_hashes, logins
from tenants.parallel import Mode
from tenants.plans import Plan
from tenants.runnable import list_runnable
from tenants.tokens import mark_revoked
from tests.factories import OWNER, STRANGER, fill_every_table, make_running, make_tenant, make_token
from tests.work import do_jobs
from worker.safe import TenantSafe

LOGIN = b'[2,"149.154.167.51",443,"an authorization key"]'


@pytest.fixture
def connections(database: Database, keyring: Keyring) -> Connections:
    return Connections(database, keyring, plan=Plan.PRO, parallel=True)


@pytest.fixture
async def tenant(connections: Connections) -> Tenant:
    return await _connect(connections, 5000)


async def _connect(connections: Connections, bot: int, mode: Mode = Mode.PARALLEL) -> Tenant:
    return await connections.connect(
        OWNER, make_token(bot), bot_id=UserId(bot), username=f"shop{bot}_bot", name="Shop", mode=mode
    )


@pytest.fixture
async def safe(database: Database, keyring: Keyring, tenant: Tenant) -> TenantSafe:
    return await _safe(database, keyring, tenant)


async def _safe(database: Database, keyring: Keyring, tenant: Tenant) -> TenantSafe:
    holder, length = WorkerId(new_id()), timedelta(seconds=30)
    async with database.fleet() as unit:
        (lease,) = await take(unit, holder, first=tenant.shard, last=tenant.shard, most=1, length=length)
    return TenantSafe(database, keyring, tenant.id, lease)


async def _rows(database: Database, tenant: Tenant, statement: str, **values: Any) -> list[Any]:
    async with database.tenant(tenant.id) as unit:
        return list((await unit.execute(text(statement), values)).all())


async def _farewells(database: Database, keyring: Keyring) -> list[tuple[Farewell, bytes | None]]:
    async with database.fleet() as unit:
        found = await list_farewells(unit, range(SHARDS))
    opened = []
    for farewell in found:
        async with database.tenant(farewell.tenant) as unit:
            opened.append((farewell, await find_login(unit, farewell, keyring)))
    return opened


async def _steal(database: Database, safe: TenantSafe) -> Lease:
    async with database.fleet() as unit:
        await give_back(unit, safe.lease.holder, [safe.lease.shard])
        holder, shard = WorkerId(new_id()), safe.lease.shard
        (lease,) = await take(unit, holder, first=shard, last=shard, most=1, length=timedelta(seconds=30))
    return lease


async def test_a_new_safe_is_empty(safe: TenantSafe):
    kept = await safe.load()
    assert (kept.login, kept.login_wait, kept.tops) == (None, 0.0, {})
    assert await safe.find_hashes([77]) == {}


async def test_a_login_is_kept_sealed_and_comes_back(safe: TenantSafe, database, tenant):
    await safe.save_login(b"an older one")
    await safe.save_login(LOGIN)
    ((stored,),) = await _rows(database, tenant, "SELECT login FROM logins")
    assert b"authorization" not in stored
    assert (await safe.load()).login == LOGIN


async def test_access_hashes_are_kept_sealed_and_come_back(safe: TenantSafe, database, keyring, tenant):
    async with database.tenants([tenant.id]) as unit:
        await parallel.save_hashes(unit, keyring, {tenant.id: {77: 1, -1001: -(2**63)}})
        await parallel.save_hashes(unit, keyring, {tenant.id: {77: 123456789}})
    assert await safe.find_hashes([77, -1001, 78]) == {77: 123456789, -1001: -(2**63)}
    for row in await _rows(database, tenant, "SELECT hash FROM access_hashes"):
        assert b"123456789" not in row.hash


async def test_a_ciphertext_opens_in_its_own_column_and_row_only(
    safe: TenantSafe, connections, database, keyring, tenant
):
    other = await _connect(connections, 5001)
    await safe.save_login(LOGIN)
    ((stored,),) = await _rows(database, tenant, "SELECT login FROM logins")
    await _rows(database, other, "INSERT INTO logins VALUES (:id, :login) RETURNING 1", id=other.id, login=stored)
    await _rows(
        database, tenant, "INSERT INTO access_hashes VALUES (:id, 77, :x) RETURNING 1", id=tenant.id, x=stored
    )
    async with database.tenant(other.id) as unit:
        with pytest.raises(ConfigError, match="does not open"):
            await parallel.load_login(unit, other.id, keyring)
    with pytest.raises(ConfigError, match="does not open"):
        await safe.find_hashes([77])


async def test_another_tenant_reads_nothing_of_it(safe: TenantSafe, connections, database, keyring, tenant):
    other = await _connect(connections, 5001)
    await safe.save_login(LOGIN)
    async with database.tenants([tenant.id]) as unit:
        await parallel.save_hashes(unit, keyring, {tenant.id: {77: 1}})
    for unit in (database.tenant(other.id), database.tenants([other.id])):
        async with unit:
            assert await parallel.find_hashes(unit, tenant.id, keyring, [77]) == {}
            for table in (logins, access_hashes):
                assert (await unit.execute(select(table.c.tenant_id))).all() == []
            await parallel.forget_login(unit, tenant.id)
    assert (await safe.load()).login == LOGIN


async def test_a_forgotten_login_takes_the_access_hashes_along(safe: TenantSafe, database, keyring, tenant):
    await safe.save_login(LOGIN)
    async with database.tenants([tenant.id]) as unit:
        await parallel.save_hashes(unit, keyring, {tenant.id: {77: 1}})
    await safe.save_login(None)
    assert (await safe.load()).login is None
    assert await safe.find_hashes([77]) == {}
    assert await _farewells(database, keyring) == []


async def test_a_login_that_has_to_wait_waits_by_the_databases_clock(safe: TenantSafe):
    await safe.postpone_login(2838)
    assert 2800 < (await safe.load()).login_wait <= 2838
    await safe.save_login(None)
    assert (await safe.load()).login_wait > 2800
    await safe.save_login(LOGIN)
    assert (await safe.load()).login == LOGIN


async def test_without_the_lease_nothing_is_read_or_written(safe: TenantSafe, database, keyring, tenant):
    await safe.save_login(LOGIN)
    await _steal(database, safe)
    for attempt in (safe.load(), safe.save_login(None), safe.postpone_login(9), safe.find_hashes([77])):
        with pytest.raises(LeaseLost):
            await attempt
    async with database.tenant(tenant.id) as unit:
        assert (await parallel.load_login(unit, tenant.id, keyring)).login == LOGIN


async def test_a_login_that_comes_after_the_lease_is_logged_out_not_lost(safe: TenantSafe, database, keyring):
    await _steal(database, safe)
    with pytest.raises(LeaseLost):
        await safe.save_login(LOGIN)
    assert [login for _, login in await _farewells(database, keyring)] == [LOGIN]


async def test_a_login_that_comes_after_the_mode_was_left_is_logged_out_not_kept(
    safe: TenantSafe, connections, database, keyring, tenant
):
    await connections.set_mode(OWNER, tenant.id, Mode.POLLING)
    with pytest.raises(LeaseLost):
        await safe.save_login(LOGIN)
    assert await _rows(database, tenant, "SELECT 1 FROM logins") == []
    assert [login for _, login in await _farewells(database, keyring)] == [LOGIN]


async def test_a_new_mode_begins_afresh(connections: Connections, database, tenant):
    for mode in (Mode.POLLING, Mode.PARALLEL):
        await _rows(
            database, tenant, "UPDATE intakes SET cursor = '99', problem = 'x', problem_at = now() RETURNING 1"
        )
        changed = await connections.set_mode(OWNER, tenant.id, mode)
        assert changed.mode is mode
        assert (await connections.get(OWNER, tenant.id)).mode is mode
        ((cursor, problem),) = await _rows(database, tenant, "SELECT cursor, problem FROM intakes")
        assert (cursor, problem) == (None, None)
        fresh = "SELECT 1 FROM tenants WHERE mode_changed_at > now() - interval '1 minute'"
        assert await _rows(database, tenant, fresh)
        async with database.fleet() as unit:
            (runnable,) = (await list_runnable(unit, [tenant.shard])).values()
        assert runnable.mode is mode


async def test_the_mode_that_it_has_changes_nothing(connections: Connections, database, tenant):
    await _rows(database, tenant, "UPDATE intakes SET cursor = '99' RETURNING 1")
    assert await connections.set_mode(OWNER, tenant.id, Mode.PARALLEL) == tenant
    assert await _rows(database, tenant, "SELECT cursor FROM intakes") == [("99",)]


async def test_a_login_is_to_be_ended_when_its_mode_is_left(safe: TenantSafe, connections, database, keyring, tenant):
    await safe.save_login(LOGIN)
    async with database.tenants([tenant.id]) as unit:
        await parallel.save_hashes(unit, keyring, {tenant.id: {77: 1}})
    await connections.set_mode(OWNER, tenant.id, Mode.POLLING)
    assert await _rows(database, tenant, "SELECT 1 FROM logins UNION ALL SELECT 1 FROM access_hashes") == []
    ((stored,),) = await _rows(database, tenant, "SELECT login FROM farewells")
    assert b"authorization" not in stored
    ((farewell, login),) = await _farewells(database, keyring)
    assert (farewell.tenant, farewell.shard, farewell.is_too_old, login) == (tenant.id, tenant.shard, False, LOGIN)


async def test_a_wait_outlasts_a_change_of_the_mode(safe: TenantSafe, connections, tenant):
    await safe.save_login(LOGIN)
    await safe.postpone_login(2838)
    for mode in (Mode.POLLING, Mode.PARALLEL):
        await connections.set_mode(OWNER, tenant.id, mode)
    kept = await safe.load()
    assert kept.login is None
    assert kept.login_wait > 2800


async def test_a_login_that_does_not_open_holds_up_nobody(connections: Connections, database, keyring, tenant):
    await fill_every_table(database, tenant)
    await _rows(database, tenant, "DELETE FROM farewells RETURNING 1")
    await connections.set_mode(OWNER, tenant.id, Mode.POLLING)
    assert await _farewells(database, keyring) == []
    assert await _rows(database, tenant, "SELECT 1 FROM logins") == []


async def test_an_erased_connections_login_outlives_it(safe: TenantSafe, connections, database, keyring, tenant):
    await safe.save_login(LOGIN)
    async with database.tenants([tenant.id]) as unit:
        await parallel.save_hashes(unit, keyring, {tenant.id: {77: 1}})
    await connections.erase(OWNER, tenant.id)
    assert await _rows(database, tenant, "SELECT 1 FROM logins") == []
    await do_jobs(database)
    assert await _rows(database, tenant, "SELECT 1 FROM tenants UNION ALL SELECT 1 FROM access_hashes") == []
    ((farewell, login),) = await _farewells(database, keyring)
    assert (farewell.tenant, login) == (tenant.id, LOGIN)


async def test_a_deployment_without_it_offers_no_parallel_mode(database: Database, keyring, tenant):
    without = Connections(database, keyring, plan=Plan.PRO)
    polling = await make_tenant(database, keyring, bot=5001)
    for attempt in (without.set_mode(OWNER, polling.id, Mode.PARALLEL), _connect(without, 5002)):
        with pytest.raises(Invalid, match="switched off here") as refused:
            await attempt
        assert (refused.value.code, refused.value.field) == ("parallel_not_offered", "mode")
    assert await without.problem(OWNER, tenant.id) == NOT_OFFERED
    assert await without.problem(OWNER, polling.id) is None
    assert (await without.set_mode(OWNER, tenant.id, Mode.POLLING)).mode is Mode.POLLING


async def test_a_stranger_and_a_revoked_bot_change_no_mode(connections: Connections, database, tenant):
    with pytest.raises(NotFound):
        await connections.set_mode(STRANGER, tenant.id, Mode.POLLING)
    async with database.tenant(tenant.id) as unit:
        await mark_revoked(unit, tenant.id)
    with pytest.raises(Conflict, match="revoked"):
        await connections.set_mode(OWNER, tenant.id, Mode.POLLING)
    assert (await connections.get(OWNER, tenant.id)).mode is Mode.PARALLEL


MAP = "INSERT INTO message_map VALUES (:id, :chat, :message, :group, :in_topic) RETURNING 1"
GROUP = ChatId(-1000000001234)


async def _map(database: Database, tenant: Tenant, **values: int) -> None:
    await _rows(database, tenant, MAP, **{"id": tenant.id, "group": GROUP, **values})


async def test_a_session_that_takes_over_from_polling_knows_what_was_seen(connections, database, keyring):
    tenant = await _connect(connections, 5000, Mode.POLLING)
    safe = await _safe(database, keyring, tenant)
    await make_running(database, tenant, group=GROUP)
    await _map(database, tenant, chat=77, message=41, in_topic=900)
    await _map(database, tenant, chat=78, message=40, in_topic=901)
    await _map(database, tenant, chat=79, message=39, in_topic=5000, group=-1000000009999)
    await _rows(database, tenant, "UPDATE intakes SET alive_at = now() RETURNING 1")
    await connections.set_mode(OWNER, tenant.id, Mode.PARALLEL)
    assert (await safe.load()).tops == {0: 41, 1234: 901}
    await _rows(database, tenant, "UPDATE intakes SET cursor = '[]' RETURNING 1")
    assert (await safe.load()).tops == {}


async def test_what_came_while_nobody_received_is_no_gap(connections, database, keyring):
    tenant = await _connect(connections, 5000, Mode.POLLING)
    safe = await _safe(database, keyring, tenant)
    await make_running(database, tenant, group=GROUP)
    await _map(database, tenant, chat=77, message=41, in_topic=900)
    await _rows(database, tenant, "UPDATE intakes SET alive_at = now() - interval '2 hours' RETURNING 1")
    await connections.set_mode(OWNER, tenant.id, Mode.PARALLEL)
    assert (await safe.load()).tops == {}
