"""Migrations: from nothing to today, there and back again, by a superuser and by an ordinary owner."""

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest
from alembic import command
from alembic.util import CommandError
from sqlalchemy import func, select

from backline.embedded import Postgres, temporary_folder
from tenants.columns import metadata
from tenants.connections import Connections
from tenants.db import Database
from tenants.leases import SETUP_BOT, SHARDS
from tenants.migrate import alembic_config, check, upgrade
from tenants.models import tenants
from tenants.plans import Plan
from tests.factories import OWNER, TENANT_TABLES, fill_every_table, make_tenant
from tests.work import do_jobs

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
VIEWS = "SELECT viewname FROM pg_views WHERE schemaname = 'public'"


async def _ask(url: str, statement: str) -> set[object]:
    connection = await asyncpg.connect(url)
    try:
        return {row[0] for row in await connection.fetch(statement)}
    finally:
        await connection.close()


@pytest.fixture
def empty_url(postgres_url: str) -> Iterator[str]:
    server, _, _ = postgres_url.rpartition("/")
    name = "test_empty"
    asyncio.run(_ask(f"{server}/postgres", f'CREATE DATABASE "{name}" TEMPLATE template0'))
    yield f"{server}/{name}"
    asyncio.run(_ask(f"{server}/postgres", f'DROP DATABASE "{name}" WITH (FORCE)'))


async def _fill(url: str, keyring) -> None:
    database = Database(url)
    await fill_every_table(database, await make_tenant(database, keyring))
    await database.close()


def test_an_empty_database_gets_every_table_every_shard_and_the_view(empty_url: str):
    upgrade(empty_url)
    assert asyncio.run(_ask(empty_url, TABLES)) == {*metadata.tables, "alembic_version"}
    assert asyncio.run(_ask(empty_url, VIEWS)) == {"dispositions"}
    assert asyncio.run(_ask(empty_url, "SELECT shard FROM leases")) == {*range(SHARDS), SETUP_BOT}


def test_the_models_and_the_migrations_agree(database_url: str):
    check(database_url)


def test_a_difference_between_them_would_be_noticed(database_url: str):
    asyncio.run(_ask(database_url, "ALTER TABLE pauses ADD COLUMN unknown text"))
    with pytest.raises(CommandError, match="New upgrade operations detected"):
        check(database_url)


def test_migrating_twice_changes_nothing(database_url: str, keyring):
    asyncio.run(_fill(database_url, keyring))
    upgrade(database_url)
    assert len(asyncio.run(_ask(database_url, "SELECT id FROM tenants"))) == 1


def test_it_goes_back_to_nothing_and_up_again_with_rows_there(database_url: str, keyring):
    asyncio.run(_fill(database_url, keyring))
    command.downgrade(alembic_config(database_url), "base")
    assert asyncio.run(_ask(database_url, TABLES)) == {"alembic_version"}
    assert asyncio.run(_ask(database_url, VIEWS)) == set()
    upgrade(database_url)
    check(database_url)
    asyncio.run(_fill(database_url, keyring))


def test_every_step_goes_down_and_up_by_itself(database_url: str):
    for _ in range(2):
        command.downgrade(alembic_config(database_url), "-1")
        upgrade(database_url)
    check(database_url)


@pytest.fixture
def ordinary_url() -> Iterator[str]:
    """A database whose owner is no superuser, on a server that has never seen us."""
    with temporary_folder() as folder, Postgres(folder, durable=False) as server:
        asyncio.run(_ask(server.url, "CREATE ROLE ordinary LOGIN CREATEROLE PASSWORD 'ordinary'"))
        asyncio.run(_ask(server.url, "CREATE DATABASE ordinary OWNER ordinary"))
        yield f"postgresql://ordinary:ordinary@127.0.0.1:{server.port}/ordinary"


async def _work(url: str, keyring) -> None:
    database = Database(url)
    connections = Connections(database, keyring, plan=Plan.PRO)
    kept, erased = await make_tenant(database, keyring), await make_tenant(database, keyring, bot=5001)
    await fill_every_table(database, kept)
    await fill_every_table(database, erased, number=2)
    for tenant in (kept, erased):
        async with database.tenant(tenant.id) as unit:
            for table in TENANT_TABLES:
                seen = (await unit.execute(select(table.c.tenant_id).distinct())).scalars().all()
                assert seen == [tenant.id], table.name
    await connections.erase(OWNER, erased.id)
    await do_jobs(database)
    assert [tenant.id for tenant in await connections.list_tenants(OWNER)] == [kept.id]
    async with database.fleet() as unit:
        assert (await unit.execute(select(func.count(tenants.c.id)))).scalar_one() == 1
    await database.close()


def test_an_ordinary_owner_migrates_and_works_under_the_same_rules(ordinary_url: str, keyring):
    upgrade(ordinary_url)
    check(ordinary_url)
    asyncio.run(_work(ordinary_url, keyring))
    command.downgrade(alembic_config(ordinary_url), "base")
    upgrade(ordinary_url)
