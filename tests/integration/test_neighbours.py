"""Who shares a group: known to those who share it, and to nobody else, whatever the statement says."""

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest
from sqlalchemy import text

from backline.embedded import Postgres, temporary_folder
from tenants.connections import Connections, Tenant
from tenants.db import Database, UnitOfWork
from tenants.ids import TenantId, new_id
from tenants.migrate import upgrade
from tenants.neighbours import list_neighbours, picked
from tenants.plans import Plan
from tests.factories import OWNER, STRANGER, make_running, make_tenant

HERE, ELSEWHERE = -1001, -1002


async def _names(unit: UnitOfWork, tenant: TenantId) -> list[str]:
    return [neighbour.username for neighbour in await list_neighbours(unit, tenant)]


@pytest.fixture
async def three(database: Database, keyring) -> list[Tenant]:
    """Of one owner in one group, oldest first."""
    made = []
    for bot in (5001, 5002, 5003):
        made.append(await make_tenant(database, keyring, bot=bot))
        await make_running(database, made[-1], group=HERE)
    return sorted(made, key=lambda tenant: tenant.id)


async def test_those_who_share_a_group_are_named_oldest_first(database: Database, three):
    expected = [tenant.bot_username for tenant in three]
    async with database.tenant(three[1].id) as unit:
        assert await _names(unit, three[1].id) == expected
    async with database.tenants([three[2].id]) as unit:
        assert await _names(unit, three[2].id) == expected


async def test_strangers_other_groups_and_those_that_do_not_run_are_not_named(database: Database, keyring, three):
    stranger = await make_tenant(database, keyring, owner=STRANGER, bot=6000)
    await make_running(database, stranger, group=HERE)
    elsewhere = await make_tenant(database, keyring, bot=5004)
    await make_running(database, elsewhere, group=ELSEWHERE)
    connections = Connections(database, keyring, plan=Plan.BUSINESS)
    await connections.set_running(OWNER, three[0].id, running=False)
    await connections.erase(OWNER, three[1].id)
    async with database.tenants([three[2].id, stranger.id, elsewhere.id]) as unit:
        assert await _names(unit, three[2].id) == [three[2].bot_username]
        assert await _names(unit, stranger.id) == [stranger.bot_username]
        assert await _names(unit, elsewhere.id) == [elsewhere.bot_username]


async def test_who_may_not_see_a_tenant_learns_nothing_of_its_neighbours(database: Database, keyring, three):
    stranger = await make_tenant(database, keyring, owner=STRANGER, bot=6000)
    await make_running(database, stranger, group=HERE)
    for opened in (
        database.tenant(stranger.id),
        database.tenants([stranger.id]),
        database.tenants([]),
        database.owner(STRANGER),
        database.owner(OWNER),
    ):
        async with opened as unit:
            for tenant in (*three, None):
                assert await _names(unit, TenantId(new_id()) if tenant is None else tenant.id) == []


async def test_the_function_lends_its_rights_to_nothing_else(database: Database, three):
    async with database.tenants([three[0].id]) as unit:
        assert (await unit.execute(text("SELECT id FROM tenants"))).scalars().all() == [three[0].id]
        await _names(unit, three[0].id)
        assert (await unit.execute(text("SELECT id FROM tenants"))).scalars().all() == [three[0].id]
        found = await unit.execute(
            text(
                "SELECT p.proname, r.rolname, r.rolsuper, r.rolbypassrls, p.proconfig FROM pg_proc p JOIN pg_roles r"
                " ON r.oid = p.proowner WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace"
                " ORDER BY p.proname"
            )
        )
        assert [tuple(row) for row in found] == [
            (name, "backline_fleet", False, False, ["search_path=pg_catalog, pg_temp"])
            for name in ("connections_sharing_group", "note_effect")
        ]
        may_create = text("SELECT has_schema_privilege('backline_fleet', 'public', 'CREATE')")
        assert (await unit.execute(may_create)).scalar_one() is False
        may_call = text("SELECT has_function_privilege(:role, 'connections_sharing_group(uuid)', 'EXECUTE')")
        for role, expected in (("backline_worker", True), ("backline_app", True), ("pg_monitor", False)):
            assert (await unit.execute(may_call, {"role": role})).scalar_one() is expected


async def test_a_bot_is_picked_by_its_username_or_by_the_connections_id(database: Database, three):
    async with database.tenant(three[0].id) as unit:
        found = await list_neighbours(unit, three[0].id)
    second = three[1]
    words = (f"i{second.bot_username}", f"I@{second.bot_username.upper()}", f"i{second.id}", f"i{second.id.hex}")
    for word in words:
        one = picked(word, found)
        assert one is not None
        assert one.tenant == second.id
    for word in ("i", "i@", "ice", f"i{new_id()}", f"i{str(second.id)[:8]}", "i" + second.bot_username * 9):
        assert picked(word, found) is None


@pytest.fixture
def ordinary_url() -> Iterator[str]:
    """A database whose owner is no superuser."""
    with temporary_folder() as folder, Postgres(folder, durable=False) as server:
        asyncio.run(_run(server.url, "CREATE ROLE ordinary LOGIN CREATEROLE PASSWORD 'ordinary'"))
        asyncio.run(_run(server.url, "CREATE DATABASE ordinary OWNER ordinary"))
        yield f"postgresql://ordinary:ordinary@127.0.0.1:{server.port}/ordinary"


async def _run(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


def test_it_works_where_the_database_belongs_to_an_ordinary_role(ordinary_url: str, keyring):
    upgrade(ordinary_url)
    asyncio.run(_share(ordinary_url, keyring))


async def _share(url: str, keyring) -> None:
    database = Database(url)
    first, second = await make_tenant(database, keyring), await make_tenant(database, keyring, bot=5001)
    for tenant in (first, second):
        await make_running(database, tenant)
    async with database.tenants([second.id]) as unit:
        assert await _names(unit, second.id) == sorted(tenant.bot_username for tenant in (first, second))
    async with database.tenants([]) as unit:
        assert await _names(unit, second.id) == []
    await database.close()
