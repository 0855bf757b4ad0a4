"""What owners are told without asking: once per event, calmly, in order, by whoever holds the setup bot's lease."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import select, text

from tenants import leases, owner_notices
from tenants.connections import Connections, Tenant
from tenants.crypto import Keyring
from tenants.db import SETUP_CHANNEL, Database
from tenants.errors import LeaseLost
from tenants.ids import MessageId, UserId, WorkerId, new_id
from tenants.intake import note_group_problem, note_problem
from tenants.leases import SETUP_BOT, Lease
from tenants.models import owner_notices as table
from tenants.owner_notices import (
    OwnerNotice,
    Told,
    claim_notices,
    enqueue_notice,
    forget_told,
    record_told,
    still_holds,
)
from tenants.plans import Plan
from tenants.tokens import mark_revoked
from tests.factories import OWNER, STRANGER, make_tenant

KINDS = ("revoked", "conflict", "group_trouble", "group_mended")
SENT = Told(message=MessageId(7))
OTHERS = "Another program polls this bot."


@pytest.fixture
async def tenant(database: Database, keyring: Keyring) -> Tenant:
    return await make_tenant(database, keyring)


@pytest.fixture
async def lease(database: Database) -> Lease:
    return await take_over(database)


async def take_over(database: Database) -> Lease:
    async with database.fleet() as unit:
        await unit.execute(
            text("UPDATE leases SET holder = NULL, expires_at = now() WHERE shard = :shard"), {"shard": SETUP_BOT}
        )
        (taken,) = await leases.take(
            unit, WorkerId(new_id()), first=SETUP_BOT, last=SETUP_BOT, most=1, length=timedelta(seconds=60)
        )
    return taken


async def revoke(database: Database, tenant: Tenant) -> None:
    async with database.tenant(tenant.id) as unit:
        await mark_revoked(unit, tenant.id)


async def group_problem(database: Database, tenant: Tenant, problem: str | None) -> None:
    async with database.tenant(tenant.id) as unit:
        await note_group_problem(unit, tenant.id, problem)


async def conflict(database: Database, tenant: Tenant) -> None:
    async with database.tenant(tenant.id) as unit:
        await note_problem(unit, tenant.id, OTHERS)


EARLIER = text(
    """
    WITH problems AS (UPDATE intakes SET problem_at = problem_at - CAST(CAST(:interval AS text) AS interval))
    UPDATE owner_notices SET not_before = not_before - CAST(CAST(:interval AS text) AS interval),
        ended_at = ended_at - CAST(CAST(:interval AS text) AS interval),
        created_at = created_at - CAST(CAST(:interval AS text) AS interval)
    """
)


async def later(database: Database, tenant: Tenant, interval: str) -> None:
    """As if everything had happened earlier."""
    async with database.tenant(tenant.id) as unit:
        await unit.execute(EARLIER, {"interval": interval})


async def claim(database: Database, lease: Lease, busy: Sequence[UserId] = ()) -> list[OwnerNotice]:
    async with database.fleet() as unit:
        return await claim_notices(unit, lease, KINDS, busy=busy, most=10)


async def record(database: Database, lease: Lease, notice: OwnerNotice, told: Told = SENT) -> None:
    async with database.fleet() as unit:
        await record_told(unit, lease, notice, told)


async def tell(database: Database, lease: Lease) -> list[tuple[str, str | None]]:
    """What a sender does: what holds is sent, the rest is buried. What was said."""
    said = []
    while notices := await claim(database, lease):
        for notice in notices:
            async with database.tenant(notice.tenant) as unit:
                holds = await still_holds(unit, notice)
            if holds:
                said.append((notice.kind, notice.params.get("problem")))
            await record(database, lease, notice, SENT if holds else Told(error="not so any more"))
    return said


async def rows(database: Database, tenant: Tenant) -> list[Any]:
    async with database.tenant(tenant.id) as unit:
        return list((await unit.execute(select(table).order_by(table.c.created_at))).all())


async def test_a_dead_token_is_told_once_and_wakes_the_setup_bot(
    database: Database, database_url: str, tenant: Tenant, lease: Lease
) -> None:
    heard: list[str] = []
    listening = await asyncpg.connect(database_url)
    await listening.add_listener(SETUP_CHANNEL, lambda *notice: heard.append(notice[3]))
    for _ in range(3):
        await revoke(database, tenant)
    await listening.execute("SELECT 1")
    await listening.close()
    assert heard == [str(tenant.id)]
    assert await tell(database, lease) == [("revoked", None)]
    await revoke(database, tenant)
    assert await tell(database, lease) == []
    assert [row.result_message_id for row in await rows(database, tenant)] == [7]


async def test_what_is_rolled_back_is_not_told(database: Database, tenant: Tenant, lease: Lease) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.tenant(tenant.id) as unit:
            await mark_revoked(unit, tenant.id)
            raise ZeroDivisionError
    assert await tell(database, lease) == []


async def test_only_the_holder_of_the_lease_claims_and_records(
    database: Database, tenant: Tenant, lease: Lease
) -> None:
    await revoke(database, tenant)
    (notice,) = await claim(database, lease)
    new = await take_over(database)
    with pytest.raises(LeaseLost):
        await record(database, lease, notice)
    assert await claim(database, lease) == []
    (again,) = await claim(database, new)
    assert (again.id, again.attempts) == (notice.id, 2)
    await record(database, new, again)
    assert await claim(database, new) == []


async def test_owners_are_written_to_side_by_side_each_in_order(
    database: Database, keyring: Keyring, tenant: Tenant, lease: Lease
) -> None:
    second = await make_tenant(database, keyring, bot=5001)
    other = await make_tenant(database, keyring, bot=5002, owner=STRANGER)
    for one in (tenant, second, other):
        await revoke(database, one)
    first = {notice.owner: notice for notice in await claim(database, lease)}
    assert {owner: notice.tenant for owner, notice in first.items()} == {OWNER: tenant.id, STRANGER: other.id}
    assert await claim(database, lease, busy=[OWNER, STRANGER]) == []
    flood = Told(error="flood", wait=timedelta(minutes=1), counted=False)
    await record(database, lease, first[OWNER], flood)
    await record(database, lease, first[STRANGER])
    assert await claim(database, lease) == [], "the second waits behind the first"
    await later(database, tenant, "1 minute")
    (again,) = await claim(database, lease)
    assert (again.tenant, again.attempts) == (tenant.id, 1)
    await record(database, lease, again, Told(error="blocked"))
    assert [notice.tenant for notice in await claim(database, lease)] == [second.id]
    assert [row.state for row in await rows(database, tenant)] == ["buried"]


async def test_a_group_in_trouble_is_told_and_called_off(database: Database, tenant: Tenant, lease: Lease) -> None:
    for problem in ("no topics", "no topics", None, None):
        await group_problem(database, tenant, problem)
        await later(database, tenant, "1 second")
        said = await tell(database, lease)
        assert said in ([], [("group_trouble", "no topics")], [("group_mended", None)])
    assert [row.kind for row in await rows(database, tenant)] == ["group_trouble", "group_mended"]


async def test_a_trouble_that_was_mended_before_it_was_told_is_not_told(
    database: Database, tenant: Tenant, lease: Lease
) -> None:
    await group_problem(database, tenant, "no topics")
    await group_problem(database, tenant, None)
    assert await tell(database, lease) == []


async def test_a_trouble_that_comes_and_goes_is_told_once_an_hour(
    database: Database, tenant: Tenant, lease: Lease
) -> None:
    said = []
    for _ in range(12):
        await group_problem(database, tenant, "no topics")
        said += await tell(database, lease)
        await later(database, tenant, "5 minutes")
        await group_problem(database, tenant, None)
        said += await tell(database, lease)
        await later(database, tenant, "4 minutes")
    assert said.count(("group_trouble", "no topics")) == 2
    assert said.count(("group_mended", None)) == 2


async def test_a_trouble_that_stays_is_told_when_the_hour_is_over_in_its_newest_words(
    database: Database, tenant: Tenant, lease: Lease
) -> None:
    await group_problem(database, tenant, "no topics")
    assert await tell(database, lease) == [("group_trouble", "no topics")]
    for problem in ("removed", "no rights"):
        await group_problem(database, tenant, problem)
        assert await tell(database, lease) == []
    await later(database, tenant, "1 hour")
    assert await tell(database, lease) == [("group_trouble", "no rights")]


async def test_another_program_is_told_of_when_it_lasts(database: Database, tenant: Tenant, lease: Lease) -> None:
    await conflict(database, tenant)
    await conflict(database, tenant)
    assert await tell(database, lease) == [], "so it looks when a worker takes over"
    await later(database, tenant, "1 minute")
    assert await tell(database, lease) == []
    for _ in range(3):
        await conflict(database, tenant)
    assert await tell(database, lease) == [("conflict", OTHERS)]
    await conflict(database, tenant)
    assert await tell(database, lease) == []


async def test_nothing_is_told_of_what_was_erased(
    database: Database, keyring: Keyring, tenant: Tenant, lease: Lease
) -> None:
    await revoke(database, tenant)
    await Connections(database, keyring, plan=Plan.PRO).erase(OWNER, tenant.id)
    assert await tell(database, lease) == []
    async with database.tenant(tenant.id) as unit:
        await enqueue_notice(unit, tenant.id, owner_notices.REVOKED)
    assert await tell(database, lease) == []


async def test_what_was_told_is_forgotten_after_a_month(database: Database, tenant: Tenant, lease: Lease) -> None:
    await revoke(database, tenant)
    await tell(database, lease)
    for age, left in (("29 days", 1), ("2 days", 0)):
        await later(database, tenant, age)
        async with database.fleet() as unit:
            await forget_told(unit)
        assert len(await rows(database, tenant)) == left
