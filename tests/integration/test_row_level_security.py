"""The database's own rules: a tenant sees nothing of another, whatever the statement says."""

from typing import Any

import pytest
from sqlalchemy import Executable, LargeBinary, Table, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError, ProgrammingError

from tenants.access.tables import api_keys, idempotency_keys
from tenants.columns import metadata
from tenants.connections import Tenant
from tenants.db import APP_ROLE, FLEET_ROLE, Database, UnitOfWork
from tenants.ids import UserId, new_id
from tenants.models import dialogs, lanes, outbox, tenants, updates
from tenants.people import People, people
from tests.factories import OWNER, STRANGER, TENANT_TABLES, fill_every_table, make_tenant

REFUSED = "row-level security"


@pytest.fixture
async def mine(database: Database, keyring) -> Tenant:
    made = await make_tenant(database, keyring)
    await fill_every_table(database, made)
    return made


@pytest.fixture
async def theirs(database: Database, keyring) -> Tenant:
    made = await make_tenant(database, keyring, owner=STRANGER, bot=6000)
    await fill_every_table(database, made, number=2)
    return made


async def _rows(database: Database, table: Table, tenant: Tenant) -> list[Any]:
    async with database.tenant(tenant.id) as unit:
        return list((await unit.execute(select(table))).mappings())


async def _refused(database: Database, tenant: Tenant, statement: Executable) -> None:
    with pytest.raises(ProgrammingError, match=REFUSED):
        async with database.tenant(tenant.id) as unit:
            await unit.execute(statement)


def test_there_is_a_row_to_protect_in_every_table():
    assert {table.name for table in TENANT_TABLES} >= {"dialogs", "outbox", "updates", "message_map", "group_links"}


async def test_a_tenant_reads_its_own_rows_only(database: Database, mine, theirs):
    async with database.tenant(mine.id) as unit:
        for table in TENANT_TABLES:
            found = (await unit.execute(select(table.c.tenant_id).distinct())).scalars().all()
            assert found == [mine.id], table.name
            forged = (await unit.execute(select(table).where(table.c.tenant_id == theirs.id))).all()
            assert forged == [], table.name


async def test_a_tenant_changes_and_deletes_no_row_of_another(database: Database, mine, theirs):
    before = {table.name: await _rows(database, table, theirs) for table in TENANT_TABLES}
    assert all(before.values())
    async with database.tenant(mine.id) as unit:
        for table in reversed(TENANT_TABLES):
            forged = table.c.tenant_id == theirs.id
            changed = await unit.execute(update(table).where(forged).values(tenant_id=mine.id))
            deleted = await unit.execute(delete(table).where(forged))
            assert (changed.rowcount, deleted.rowcount) == (0, 0), table.name
            await unit.execute(delete(table))
    assert {table.name: await _rows(database, table, theirs) for table in TENANT_TABLES} == before


async def test_a_tenant_inserts_no_row_for_another(database: Database, mine, theirs):
    for table in TENANT_TABLES:
        (row, *_) = await _rows(database, table, theirs)
        await _refused(database, mine, insert(table).values(**row))


async def test_a_tenant_gives_no_row_away(database: Database, mine, theirs):
    for table in TENANT_TABLES:
        await _refused(database, mine, update(table).values(tenant_id=theirs.id))


@pytest.mark.usefixtures("theirs")
async def test_with_no_tenant_set_nothing_is_visible(database: Database, mine):
    async with UnitOfWork(database._engine, APP_ROLE) as unit:
        for table in (*TENANT_TABLES, tenants, api_keys, idempotency_keys, people):
            assert (await unit.execute(select(func.count()).select_from(table))).scalar_one() == 0, table.name
        with pytest.raises(ProgrammingError, match=REFUSED):
            await unit.execute(
                insert(updates).values(tenant_id=mine.id, update_id=9, kind="x", disposition="handled")
            )


async def test_a_tenant_sees_itself_among_the_tenants_and_no_other(database: Database, mine, theirs):
    async with database.tenant(mine.id) as unit:
        assert (await unit.execute(select(tenants.c.id))).scalars().all() == [mine.id]
        changed = await unit.execute(update(tenants).where(tenants.c.id == theirs.id).values(state="stopped"))
        deleted = await unit.execute(delete(tenants).where(tenants.c.id == theirs.id))
        assert (changed.rowcount, deleted.rowcount) == (0, 0)
        assert (await unit.execute(select(api_keys.c.id))).all() == []


async def test_an_owner_sees_the_tenants_and_keys_of_its_own_and_no_rows(database: Database, mine, theirs):
    async with database.owner(OWNER) as unit:
        assert (await unit.execute(select(tenants.c.id))).scalars().all() == [mine.id]
        assert (await unit.execute(select(api_keys.c.owner_id))).scalars().all() == [OWNER]
        for table in TENANT_TABLES:
            assert (await unit.execute(select(func.count()).select_from(table))).scalar_one() == 0, table.name
        changed = await unit.execute(update(tenants).where(tenants.c.id == theirs.id).values(state="stopped"))
        assert changed.rowcount == 0


@pytest.mark.usefixtures("theirs")
async def test_an_owner_makes_no_tenant_and_no_key_for_another(database: Database, mine):
    key = {"id": new_id(), "owner_id": STRANGER, "digest": b"x", "label": "x"}
    with pytest.raises(ProgrammingError, match=REFUSED):
        async with database.owner(OWNER) as unit:
            await unit.execute(insert(api_keys).values(key))
    with pytest.raises(ProgrammingError, match=REFUSED):
        async with database.owner(OWNER) as unit:
            await unit.execute(update(tenants).where(tenants.c.id == mine.id).values(owner_id=STRANGER))


async def test_nobody_sees_or_sets_anothers_language(database: Database):
    theirs = People(database)
    await theirs.choose_language(UserId(STRANGER), "ru")
    async with database.owner(UserId(OWNER)) as unit:
        assert (await unit.execute(select(people.c.user_id))).all() == []
        changed = await unit.execute(update(people).values(language="fr"))
        assert changed.rowcount == 0
    with pytest.raises(ProgrammingError, match=REFUSED):
        async with database.owner(UserId(OWNER)) as unit:
            await unit.execute(insert(people).values(user_id=STRANGER + 1, language="fr"))
    assert (await theirs.languages(UserId(STRANGER))).chosen == "ru"


async def test_what_became_of_updates_is_each_tenants_own(database: Database, mine, theirs):
    async with database.tenant(mine.id) as unit:
        found = (await unit.execute(text("SELECT tenant_id FROM dispositions"))).scalars().all()
    assert found == [mine.id]
    async with database.fleet() as unit:
        found = (await unit.execute(text("SELECT tenant_id FROM dispositions"))).scalars().all()
    assert set(found) == {mine.id, theirs.id}


async def test_no_row_points_at_another_tenants(database: Database, mine, theirs):
    (dialog,), (lane,) = await _rows(database, dialogs, theirs), await _rows(database, lanes, theirs)
    for statement in (
        update(lanes).values(dialog_id=dialog["id"]),
        update(outbox).values(lane_id=lane["id"], lane_seq=9),
    ):
        with pytest.raises(IntegrityError, match="foreign key"):
            async with database.tenant(mine.id) as unit:
                await unit.execute(statement)


async def _units(database: Database, tenant: Tenant) -> list[UnitOfWork]:
    return [database.tenant(tenant.id), database.owner(UserId(OWNER)), database.fleet()]


WHO = text(
    """
    SELECT current_user, r.rolsuper, r.rolbypassrls, r.rolcanlogin,
        (SELECT count(*) FROM pg_tables t WHERE t.schemaname = 'public' AND t.tableowner = current_user) AS owned
    FROM pg_roles r WHERE r.rolname = current_user
    """
)


async def test_no_unit_is_a_superuser_or_owns_a_table(database: Database, mine):
    names = []
    for opened in await _units(database, mine):
        async with opened as unit:
            row = (await unit.execute(WHO)).one()
        names.append(row.current_user)
        assert (row.rolsuper, row.rolbypassrls, row.rolcanlogin, row.owned) == (False, False, False, 0)
    assert names == [APP_ROLE, APP_ROLE, FLEET_ROLE]


async def test_nothing_of_a_unit_is_left_on_its_connection(database_url, keyring):
    database = Database(database_url, pool_size=1)
    tenant = await make_tenant(database, keyring)
    left = text("SELECT current_user, current_setting('app.tenant_id', true), current_setting('app.owner_id', true)")
    for opened in await _units(database, tenant):
        async with opened:
            pass
        async with database._engine.connect() as connection:
            user, tenant_id, owner_id = (await connection.execute(left)).one()
        assert user not in {APP_ROLE, FLEET_ROLE}
        assert not tenant_id
        assert not owner_id
    await database.close()


DIGESTS = {("api_keys", "digest"), ("invitations", "digest")}
"""Of what a stranger brings along, and whose it is has to be found."""
SECRET_COLUMNS = {
    (table.name, column.name)
    for table in metadata.sorted_tables
    for column in table.columns
    if isinstance(column.type, LargeBinary) and (table.name, column.name) not in DIGESTS
} | {
    ("tenants", "settings"),
    ("tenants", "bot_name"),
    ("tenants", "group_title"),
    ("dialogs", "name"),
    ("dialogs", "username"),
    ("dialogs", "chat_id"),
    ("outbox", "error"),
    ("outbox", "error_text"),
    ("updates", "chat_id"),
    ("message_map", "chat_id"),
    ("api_keys", "label"),
    ("audit", "actor_id"),
    ("audit", "actor_name"),
    ("audit", "subject"),
    ("audit", "params"),
    ("webhook_deliveries", "url"),
    ("webhook_deliveries", "payload"),
    ("archive", "author_id"),
    ("archive", "chat_id"),
}


async def _denied(database: Database, statement: Executable) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with database.fleet() as unit:
            await unit.execute(statement)


@pytest.mark.usefixtures("mine")
async def test_the_fleet_reads_no_secret_and_no_personal_column(database: Database):
    assert {("tenants", "token"), ("updates", "body"), ("outbox", "body")} <= SECRET_COLUMNS
    for table, column in sorted(SECRET_COLUMNS):
        await _denied(database, select(metadata.tables[table].c[column]))


FORGOTTEN = {"updates", "outbox", "jobs", "owner_notices", "audit", "webhook_deliveries", "archive"}


@pytest.mark.usefixtures("mine")
async def test_the_fleet_forgets_rows_and_writes_none(database: Database):
    for table in (*TENANT_TABLES, tenants, api_keys, people):
        if table.name not in FORGOTTEN:
            await _denied(database, delete(table))
        key = next(iter(table.primary_key.columns))
        await _denied(database, update(table).values({key: key}))


async def test_every_table_is_under_the_rules_even_for_its_owner(database: Database):
    query = text("SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = to_regclass(:name)")
    async with database._engine.connect() as connection:
        for table in (*TENANT_TABLES, tenants, api_keys, idempotency_keys, people):
            assert (await connection.execute(query, {"name": table.name})).scalar_one(), table.name
