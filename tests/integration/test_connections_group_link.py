"""The one-time word that lets a group become the desk: ten minutes, one use, one user."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from tenants.connections import Connections, Tenant
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.errors import Conflict
from tenants.groups import LINK_LIVES, ProposedGroup, propose_group
from tenants.ids import ChatId, UserId
from tenants.models import group_links
from tenants.plans import Plan
from tests.factories import OWNER, STRANGER, make_tenant

GROUP, ELSEWHERE = ChatId(-1001), ChatId(-1002)


@pytest.fixture
def connections(database: Database, keyring: Keyring) -> Connections:
    return Connections(database, keyring, plan=Plan.PRO)


@pytest.fixture
async def tenant(database: Database, keyring: Keyring) -> Tenant:
    return await make_tenant(database, keyring)


async def _propose(
    database: Database, tenant: Tenant, word: str, *, user: UserId = OWNER, chat: ChatId = GROUP
) -> bool:
    async with database.tenant(tenant.id) as unit:
        return await propose_group(unit, ProposedGroup(tenant.id, chat, "Desk", user), word)


async def test_the_right_word_proposes_the_group(connections: Connections, database, tenant):
    word = await connections.make_group_link(OWNER, tenant.id)
    assert await connections.find_proposed_group(OWNER, tenant.id) is None
    assert await _propose(database, tenant, word)
    assert await connections.find_proposed_group(OWNER, tenant.id) == ProposedGroup(tenant.id, GROUP, "Desk", OWNER)


async def test_a_word_fits_into_a_start_link(connections: Connections, tenant):
    word = await connections.make_group_link(OWNER, tenant.id)
    assert len(word) <= 64
    assert word.replace("-", "").replace("_", "").isalnum()


async def test_a_word_is_good_once(connections: Connections, database, tenant):
    word = await connections.make_group_link(OWNER, tenant.id)
    assert await _propose(database, tenant, word)
    assert not await _propose(database, tenant, word, chat=ELSEWHERE)
    proposed = await connections.find_proposed_group(OWNER, tenant.id)
    assert proposed is not None
    assert proposed.chat == GROUP


async def test_a_wrong_word_proposes_nothing_and_spends_nothing(connections: Connections, database, tenant):
    word = await connections.make_group_link(OWNER, tenant.id)
    for wrong in ("", "x", word[:-1], word + "x", word.swapcase()):
        assert not await _propose(database, tenant, wrong)
    assert await connections.find_proposed_group(OWNER, tenant.id) is None
    assert await _propose(database, tenant, word)


async def test_another_users_word_proposes_nothing(connections: Connections, database, tenant):
    word = await connections.make_group_link(OWNER, tenant.id)
    assert not await _propose(database, tenant, word, user=STRANGER)
    assert await connections.find_proposed_group(OWNER, tenant.id) is None


async def test_another_tenants_word_proposes_nothing(connections: Connections, database, keyring, tenant):
    other = await make_tenant(database, keyring, bot=5001)
    word = await connections.make_group_link(OWNER, other.id)
    await connections.make_group_link(OWNER, tenant.id)
    assert not await _propose(database, tenant, word)


async def test_a_new_word_replaces_the_last(connections: Connections, database, tenant):
    old = await connections.make_group_link(OWNER, tenant.id)
    new = await connections.make_group_link(OWNER, tenant.id)
    assert old != new
    assert not await _propose(database, tenant, old)
    assert await _propose(database, tenant, new)


async def test_a_word_lives_ten_minutes(connections: Connections, database, tenant):
    assert timedelta(minutes=10) == LINK_LIVES
    word = await connections.make_group_link(OWNER, tenant.id)
    async with database.tenant(tenant.id) as unit:
        left = (await unit.execute(select(group_links.c.expires_at - func.now()))).scalar_one()
        assert timedelta(minutes=9) < left <= timedelta(minutes=10)
        await unit.execute(update(group_links).values(expires_at=func.now()))
    assert not await _propose(database, tenant, word)


async def test_the_word_itself_is_not_stored(connections: Connections, database, tenant):
    word = await connections.make_group_link(OWNER, tenant.id)
    async with database.tenant(tenant.id) as unit:
        row = (await unit.execute(select(group_links))).one()
    assert word not in str(row)
    assert word.encode() not in row.digest


async def _attach(connections: Connections, database: Database, owner: UserId, bot: int) -> Tenant:
    token = f"{bot}:{'A' * 35}"
    made = await connections.connect(owner, token, bot_id=UserId(bot), username=f"b{bot}_bot", name="B")
    word = await connections.make_group_link(owner, made.id)
    assert await _propose(database, made, word, user=owner)
    return await connections.attach_group(owner, ProposedGroup(made.id, GROUP, "Desk", owner), title="Desk")


async def test_bots_of_one_owner_may_share_a_group_but_not_those_of_two(connections: Connections, database):
    first = await _attach(connections, database, OWNER, 7001)
    second = await _attach(connections, database, OWNER, 7002)
    assert first.group_id == second.group_id == GROUP
    with pytest.raises(Conflict, match="another owner's desk"):
        await _attach(connections, database, STRANGER, 7003)
