"""A bot becomes a connection, runs, stops and is erased, for its owner and for nobody else."""

import asyncpg
import pytest
from sqlalchemy import func, select

from tenants.access.tables import api_keys
from tenants.connections import Connections
from tenants.crypto import Keyring
from tenants.db import SETUP_CHANNEL, Database, shard_channel
from tenants.errors import Conflict, Invalid, NotFound
from tenants.groups import ProposedGroup, propose_group
from tenants.ids import ChatId, TenantId, UserId, new_id
from tenants.intake import note_problem
from tenants.leases import shard_of
from tenants.models import farewells, jobs, tenants
from tenants.plans import Plan
from tenants.runnable import list_runnable
from tenants.tokens import TOKEN_COLUMN, find_token, mark_revoked, read_token
from tests.factories import OWNER, STRANGER, TENANT_TABLES, fill_every_table, make_running, make_tenant, make_token
from tests.work import do_jobs

GROUP = ChatId(-1001)


@pytest.fixture
def connections(database: Database, keyring: Keyring) -> Connections:
    return Connections(database, keyring, plan=Plan.PRO)


async def _attach(database: Database, connections: Connections, tenant: TenantId) -> ProposedGroup:
    word = await connections.make_group_link(OWNER, tenant)
    async with database.tenant(tenant) as unit:
        assert await propose_group(unit, ProposedGroup(tenant, GROUP, "Desk", OWNER), word)
    proposed = await connections.find_proposed_group(OWNER, tenant)
    assert proposed is not None
    return proposed


async def test_a_new_connection_is_set_up_and_has_no_group(connections: Connections):
    made = await connections.connect(OWNER, make_token(5000), bot_id=UserId(5000), username="shop_bot", name="Shop")
    assert (made.state, made.plan, made.group_id, made.overrides) == ("setup", Plan.PRO, None, {})
    assert made.shard == shard_of(made.id)
    assert await connections.get(OWNER, made.id) == made
    assert await connections.list_tenants(OWNER) == [made]
    assert await connections.problem(OWNER, made.id) is None


async def test_the_token_is_stored_sealed_and_opens_for_its_tenant(connections: Connections, database, keyring):
    made = await make_tenant(database, keyring)
    async with database.tenant(made.id) as unit:
        stored = (await unit.execute(select(tenants.c.token))).scalar_one()
    assert make_token(5000).encode() not in stored
    assert await connections.token(OWNER, made.id) == make_token(5000)


async def test_a_token_moved_to_another_tenants_row_does_not_open(connections: Connections, database, keyring):
    mine, other = await make_tenant(database, keyring), await make_tenant(database, keyring, bot=5001)
    async with database.owner(OWNER) as unit:
        stolen = (await unit.execute(select(tenants.c.token).where(tenants.c.id == mine.id))).scalar_one()
        await unit.execute(tenants.update().where(tenants.c.id == other.id).values(token=stolen))
    with pytest.raises(Exception, match="does not open"):
        await connections.token(OWNER, other.id)


async def test_a_bot_is_connected_once_whoever_asks(connections: Connections, database, keyring):
    await make_tenant(database, keyring)
    for owner in (OWNER, STRANGER):
        with pytest.raises(Conflict, match="already connected") as refused:
            await connections.connect(owner, make_token(5000), bot_id=UserId(5000), username="shop_bot", name="Shop")
        assert refused.value.code == "already_connected"
    assert await connections.list_tenants(STRANGER) == []


async def test_a_group_makes_it_run(connections: Connections, database, keyring):
    made = await make_tenant(database, keyring)
    proposed = await _attach(database, connections, made.id)
    running = await connections.attach_group(OWNER, proposed, title="The desk")
    assert (running.state, running.group_id, running.group_title) == ("running", GROUP, "The desk")
    assert running.version > made.version
    assert await connections.get(OWNER, made.id) == running
    assert await connections.find_proposed_group(OWNER, made.id) is None


async def test_a_group_that_was_not_proposed_is_not_attached(connections: Connections, database, keyring):
    made = await make_tenant(database, keyring)
    await _attach(database, connections, made.id)
    with pytest.raises(Conflict):
        await connections.attach_group(OWNER, ProposedGroup(made.id, ChatId(-666), "x", OWNER), title="x")
    assert (await connections.get(OWNER, made.id)).state == "setup"


async def test_a_group_is_not_attached_twice(connections: Connections, database, keyring):
    made = await make_tenant(database, keyring)
    proposed = await _attach(database, connections, made.id)
    await connections.attach_group(OWNER, proposed, title="Desk")
    with pytest.raises(Conflict):
        await connections.attach_group(OWNER, proposed, title="Desk")


async def test_it_stops_and_starts(connections: Connections, database, keyring):
    made = await make_tenant(database, keyring)
    await make_running(database, made)
    assert (await connections.set_running(OWNER, made.id, running=False)).state == "stopped"
    assert (await connections.set_running(OWNER, made.id, running=True)).state == "running"


async def test_without_a_group_it_does_not_start(connections: Connections, database, keyring):
    made = await make_tenant(database, keyring)
    with pytest.raises(Invalid, match="Connect a group first"):
        await connections.set_running(OWNER, made.id, running=True)


async def test_with_a_revoked_token_it_neither_starts_nor_stops(connections: Connections, database, keyring):
    made = await make_tenant(database, keyring)
    await make_running(database, made)
    async with database.tenant(made.id) as unit:
        await mark_revoked(unit, made.id)
    assert (await connections.get(OWNER, made.id)).state == "revoked"
    for running in (True, False):
        with pytest.raises(Conflict, match="revoked"):
            await connections.set_running(OWNER, made.id, running=running)


async def test_what_keeps_it_from_receiving_is_told_once(connections: Connections, database, keyring):
    made = await make_tenant(database, keyring)
    async with database.tenant(made.id) as unit:
        assert await note_problem(unit, made.id, "Another program polls this bot.")
        assert not await note_problem(unit, made.id, "Another program polls this bot.")
    assert await connections.problem(OWNER, made.id) == "Another program polls this bot."


async def test_erasing_leaves_no_row_in_any_table(connections: Connections, database, keyring):
    made, kept = await make_tenant(database, keyring), await make_tenant(database, keyring, bot=5001)
    for number, tenant in enumerate((made, kept), start=1):
        await fill_every_table(database, tenant, number=number)
    await connections.erase(OWNER, made.id)
    await do_jobs(database)
    for tenant, rows in ((made, False), (kept, True)):
        async with database.tenant(tenant.id) as unit:
            assert bool((await unit.execute(select(tenants.c.id).where(tenants.c.id == tenant.id))).all()) is rows
            for table in TENANT_TABLES:
                if table in {jobs, farewells}:  # the erasure's own, done, and what has yet to be logged out
                    continue
                count = select(func.count()).select_from(table).where(table.c.tenant_id == tenant.id)
                assert bool((await unit.execute(count)).scalar_one()) is rows, table.name
    async with database.owner(OWNER) as unit:
        assert (await unit.execute(select(api_keys.c.id))).all(), "a key is the owner's, not the connection's"


async def test_an_erased_connection_is_gone_at_once_before_its_rows_are(connections: Connections, database, keyring):
    made, kept = await make_tenant(database, keyring), await make_tenant(database, keyring, bot=5001)
    await make_running(database, made)
    await connections.make_group_link(OWNER, made.id)
    await connections.erase(OWNER, made.id)
    assert [tenant.id for tenant in await connections.list_tenants(OWNER)] == [kept.id]
    assert await connections.find_for_notice(made.id) is None
    for attempt in (
        connections.get(OWNER, made.id),
        connections.token(OWNER, made.id),
        connections.erase(OWNER, made.id),
        connections.set_running(OWNER, made.id, running=True),
    ):
        with pytest.raises(NotFound):
            await attempt
    with pytest.raises(NotFound):
        await connections.save_overrides(OWNER, made, {})
    async with database.fleet() as unit:
        found = await list_runnable(unit, [made.shard, kept.shard])
    assert list(found) == [kept.id]
    async with database.tenant(made.id) as unit:
        row = (await unit.execute(select(tenants))).one()
        assert (keyring.decrypt(made.id, TOKEN_COLUMN, row.token), row.settings, row.group_id) == (b"", {}, None)
        with pytest.raises(NotFound):
            await read_token(unit, made.id, keyring)
        await mark_revoked(unit, made.id)
        assert (await unit.execute(select(tenants.c.state))).scalar_one() == "stopped"
    async with database.owner(OWNER) as unit:
        assert (await unit.execute(select(tenants.c.id))).scalars().all() == [kept.id]


async def test_an_erased_bot_can_be_connected_anew(connections: Connections, database, keyring):
    made = await make_tenant(database, keyring)
    await connections.erase(OWNER, made.id)
    anew = await make_tenant(database, keyring, owner=STRANGER)
    assert anew.id != made.id
    await do_jobs(database)
    assert await connections.get(STRANGER, anew.id) == anew


async def test_a_stranger_finds_nothing_and_changes_nothing(connections: Connections, database, keyring):
    made = await make_tenant(database, keyring)
    await make_running(database, made)
    before = await connections.get(OWNER, made.id)
    assert await connections.find(STRANGER, made.id) is None
    for attempt in (
        connections.get(STRANGER, made.id),
        connections.problem(STRANGER, made.id),
        connections.token(STRANGER, made.id),
        connections.make_group_link(STRANGER, made.id),
        connections.find_proposed_group(STRANGER, made.id),
        connections.attach_group(STRANGER, ProposedGroup(made.id, GROUP, "x", STRANGER), title="x"),
        connections.set_running(STRANGER, made.id, running=False),
        connections.erase(STRANGER, made.id),
    ):
        with pytest.raises(NotFound, match="There is no such connection"):
            await attempt
    assert await connections.get(OWNER, made.id) == before


async def test_an_unknown_tenant_is_told_like_a_strangers(connections: Connections):
    with pytest.raises(NotFound, match="There is no such connection"):
        await connections.get(OWNER, TenantId(new_id()))


async def test_pages_follow_the_one_before(connections: Connections, database, keyring):
    made = sorted([(await make_tenant(database, keyring, bot=5000 + n)).id for n in range(3)])
    first = await connections.list_tenants(OWNER, limit=2)
    assert [tenant.id for tenant in first] == made[:2]
    rest = await connections.list_tenants(OWNER, after=first[-1].id, limit=2)
    assert [tenant.id for tenant in rest] == made[2:]


async def test_workers_hear_of_every_change(connections: Connections, database, database_url, keyring):
    heard: list[tuple[str, str]] = []
    listening = await asyncpg.connect(database_url)
    made = await make_tenant(database, keyring)
    for channel in (shard_channel(made.shard), SETUP_CHANNEL):
        await listening.add_listener(channel, lambda *notice: heard.append((notice[2], notice[3])))
    await make_running(database, made)
    await connections.set_running(OWNER, made.id, running=False)
    await connections.erase(OWNER, made.id)
    await listening.execute("SELECT 1")
    assert heard == [(shard_channel(made.shard), str(made.id))] * 2
    await listening.close()


@pytest.mark.parametrize(
    "typed",
    [
        make_token(123456789),
        f"  {make_token(123456789)}\n",
        f"Use this token to access the HTTP API:\n{make_token(123456789)}\nKeep your token secure",
    ],
)
def test_a_token_is_found_in_what_botfather_writes(typed):
    assert find_token(typed) == make_token(123456789)


@pytest.mark.parametrize("typed", ["", "hello", "123456789", "123456789:short", "x" * 5000, "1:" + "A" * 35])
def test_what_holds_no_token_is_answered_with_what_to_do(typed):
    with pytest.raises(Invalid, match="@BotFather") as refused:
        find_token(typed)
    assert refused.value.code == "bad_token"
