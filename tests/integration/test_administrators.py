"""Who may manage a connection, as the database sees it: borders hold whatever is asked for."""

import asyncio

import pytest
from sqlalchemy import func, select, text, update

from tenants.access.administrators import MOST, Administrators
from tenants.access.keys import Keys, create_key, find_key
from tenants.access.tables import administrators, invitations
from tenants.audit import Action
from tenants.connections import Connections, Tenant
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.errors import Conflict, Forbidden, Invalid, NotFound
from tenants.ids import UserId
from tenants.models import audit, tenants
from tenants.plans import Plan
from tenants.tokens import mark_revoked
from tests.factories import OWNER, STRANGER, make_tenant, make_token

ADAM = UserId(21)
EVE = UserId(22)


@pytest.fixture
def connections(database: Database, keyring: Keyring) -> Connections:
    return Connections(database, keyring, plan=Plan.BUSINESS)


@pytest.fixture
def people(database: Database, connections: Connections) -> Administrators:
    return Administrators(database, connections)


@pytest.fixture
async def tenant(database: Database, keyring: Keyring) -> Tenant:
    return await make_tenant(database, keyring)


async def _acts(database: Database, tenant: Tenant) -> list[str]:
    async with database.tenant(tenant.id) as unit:
        return list((await unit.execute(select(audit.c.action).order_by(audit.c.id))).scalars())


async def test_a_co_administrator_manages_this_connection_and_no_other(
    database: Database, keyring: Keyring, connections: Connections, people: Administrators, tenant: Tenant
) -> None:
    other = await make_tenant(database, keyring, bot=5001)
    await people.accept(ADAM, "Adam", await people.invite(OWNER, tenant.id))
    assert [found.id for found in await connections.list_tenants(ADAM)] == [tenant.id]
    assert {found.id for found in await connections.list_tenants(OWNER)} == {tenant.id, other.id}
    await connections.save_overrides(ADAM, await connections.get(ADAM, tenant.id), {"AUTOCLOSE": 5})
    for refused in (
        connections.get(ADAM, other.id),
        connections.token(ADAM, other.id),
        people.list_administrators(ADAM, other.id),
        connections.get(EVE, tenant.id),
        people.invite(EVE, tenant.id),
        people.remove(EVE, tenant.id, ADAM),
        people.remove(EVE, tenant.id, EVE),
    ):
        with pytest.raises(NotFound):
            await refused
    async with database.owner(ADAM) as unit:
        changed = await unit.execute(update(tenants).values(bot_name="mine now"))
        assert changed.rowcount == 0
    assert Action.ADMINISTRATOR_ADDED in await _acts(database, tenant)


async def test_what_only_the_owner_may_do_is_forbidden_to_others(
    connections: Connections, people: Administrators, tenant: Tenant
) -> None:
    await people.accept(ADAM, "Adam", await people.invite(OWNER, tenant.id))
    await people.accept(EVE, "Eve", await people.invite(OWNER, tenant.id))
    for refused in (
        connections.erase(ADAM, tenant.id),
        people.invite(ADAM, tenant.id),
        people.remove(ADAM, tenant.id, EVE),
        people.transfer(ADAM, tenant.id, ADAM, name="Adam", version=tenant.version),
    ):
        with pytest.raises(Forbidden, match="Only the owner of @shop5000_bot"):
            await refused
    assert [one.name for one in await people.list_administrators(ADAM, tenant.id)] == ["Adam", "Eve"]


async def test_of_many_who_accept_one_invitation_at_once_one_gets_in(people: Administrators, tenant: Tenant) -> None:
    word = await people.invite(OWNER, tenant.id)
    came = await asyncio.gather(
        *(people.accept(UserId(100 + n), f"Person {n}", word) for n in range(8)), return_exceptions=True
    )
    assert len([one for one in came if isinstance(one, Tenant)]) == 1
    assert all(isinstance(one, (Tenant, Invalid)) for one in came)
    assert len(await people.list_administrators(OWNER, tenant.id)) == 1


async def test_an_invitation_older_than_a_day_is_worth_nothing(
    database: Database, people: Administrators, tenant: Tenant
) -> None:
    word = await people.invite(OWNER, tenant.id)
    async with database.tenant(tenant.id) as unit:
        await unit.execute(update(invitations).values(expires_at=func.now()))
    assert await people.find_invited(word) is None
    with pytest.raises(Invalid, match="ask for a new one"):
        await people.accept(ADAM, "Adam", word)


async def test_there_are_only_so_many(database: Database, people: Administrators, tenant: Tenant) -> None:
    rows = [{"tenant_id": tenant.id, "user_id": 1000 + n, "name": "x", "added_by": OWNER} for n in range(MOST)]
    async with database.tenant(tenant.id) as unit:
        await unit.execute(administrators.insert().values(rows))
    word = await people.invite(OWNER, tenant.id)
    with pytest.raises(Conflict, match="remove one first"):
        await people.accept(ADAM, "Adam", word)
    await people.remove(OWNER, tenant.id, UserId(1000))
    assert (await people.accept(ADAM, "Adam", word)).id == tenant.id


async def test_given_away_it_is_the_new_owners_with_the_old_one_beside(
    database: Database, connections: Connections, people: Administrators, tenant: Tenant
) -> None:
    await people.accept(ADAM, "Adam", await people.invite(OWNER, tenant.id))
    open_invitation = await people.invite(OWNER, tenant.id)
    given = await people.transfer(OWNER, tenant.id, ADAM, name="Olivia", version=tenant.version)
    assert given.owner_id == ADAM
    assert [one.name for one in await people.list_administrators(OWNER, tenant.id)] == ["Olivia"]
    assert await people.find_invited(open_invitation) is None
    with pytest.raises(Forbidden):
        await connections.erase(OWNER, tenant.id)
    with pytest.raises(Forbidden):
        await people.transfer(OWNER, tenant.id, OWNER, name="Olivia", version=given.version)
    assert (await _acts(database, tenant))[-1] == Action.TRANSFERRED


async def test_nobody_becomes_owner_unasked_or_by_an_old_button(people: Administrators, tenant: Tenant) -> None:
    with pytest.raises(NotFound):
        await people.transfer(OWNER, tenant.id, STRANGER, name="Olivia", version=tenant.version)
    await people.accept(ADAM, "Adam", await people.invite(OWNER, tenant.id))
    with pytest.raises(Conflict):
        await people.transfer(OWNER, tenant.id, ADAM, name="Olivia", version=tenant.version + 7)


async def test_a_key_is_worth_as_much_as_its_persons_rights(
    database: Database, connections: Connections, people: Administrators, tenant: Tenant
) -> None:
    keys = Keys(database, connections)
    await people.accept(ADAM, "Adam", await people.invite(OWNER, tenant.id))
    key = await keys.renew(ADAM, tenant.id, "a program")
    found = await find_key(database, key)
    assert found is not None
    assert (found.owner, found.only) == (ADAM, tenant.id)
    assert [one.label for one in await keys.list_keys(ADAM)] == ["a program"]
    assert await keys.list_keys(OWNER) == []
    with pytest.raises(NotFound):
        await keys.revoke(OWNER, found.id)
    with pytest.raises(NotFound):
        await keys.renew(EVE, tenant.id, "a thief")
    await people.remove(OWNER, tenant.id, ADAM)
    with pytest.raises(NotFound):
        await connections.get(found.owner, tenant.id)


async def test_that_a_key_was_used_is_noted_once_a_minute(database: Database, connections: Connections) -> None:
    keys = Keys(database, connections)
    key = await create_key(database, OWNER, "a program")
    assert [one.used_at for one in await keys.list_keys(OWNER)] == [None]
    await find_key(database, key)
    (first,) = await keys.list_keys(OWNER)
    assert first.used_at is not None
    await find_key(database, key)
    assert (await keys.list_keys(OWNER))[0].used_at == first.used_at
    async with database.owner(OWNER) as unit:
        await unit.execute(text("UPDATE api_keys SET used_at = now() - interval '2 minutes'"))
    await find_key(database, key)
    assert ((await keys.list_keys(OWNER))[0].used_at or first.used_at) > first.used_at


async def test_a_new_token_is_sealed_and_counted_and_the_refusal_of_the_old_one_ends_nothing(
    database: Database, connections: Connections, tenant: Tenant
) -> None:
    changed = await connections.replace_token(
        OWNER, tenant.id, make_token(5000)[:-1] + "B", username="new_bot", name="New", version=tenant.version
    )
    assert (changed.bot_username, changed.state) == ("new_bot", "setup")
    async with database.tenant(tenant.id) as unit:
        await mark_revoked(unit, tenant.id, 1)
        assert (await unit.execute(select(tenants.c.state))).scalar_one() == "setup"
        await mark_revoked(unit, tenant.id, 2)
        assert (await unit.execute(select(tenants.c.state))).scalar_one() == "revoked"
    assert (await connections.token(OWNER, tenant.id)).endswith("B")
    with pytest.raises(Conflict):
        await connections.replace_token(
            OWNER, tenant.id, make_token(5000), username="x_bot", name="X", version=tenant.version
        )
