"""The setup bot's lease against a real Postgres, its waiting wizards against a real Redis."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from setup_bot.lease import LENGTH, SetupBotLease
from setup_bot.waiting import Waiting
from tenants.db import Database
from tenants.errors import LeaseLost
from tenants.ids import TenantId, UserId, new_id
from tenants.leases import MARGIN, SETUP_BOT, SHARDS


class HandClock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def expire(database: Database) -> None:
    async with database.fleet() as unit:
        await unit.execute(
            text("UPDATE leases SET expires_at = clock_timestamp() - interval '1 second' WHERE shard = 256")
        )


async def test_one_of_two_holds_the_lease_and_only_that_of_the_setup_bot(database: Database) -> None:
    first, second = SetupBotLease(database), SetupBotLease(database)
    assert await first.try_take()
    assert not await second.try_take()
    first.require()
    with pytest.raises(LeaseLost):
        second.require()
    async with database.fleet() as unit:
        held = (await unit.execute(text("SELECT shard FROM leases WHERE holder IS NOT NULL"))).scalars().all()
    assert held == [SETUP_BOT]
    assert SETUP_BOT not in range(SHARDS)


async def test_a_lease_given_back_is_free_at_once(database: Database) -> None:
    first, second = SetupBotLease(database), SetupBotLease(database)
    await first.wait()
    waiting = asyncio.create_task(second.wait())
    await first.give_back()
    with pytest.raises(LeaseLost):
        first.require()
    async with asyncio.timeout(5):
        await waiting
    second.require()


async def test_of_two_that_grasp_for_an_expired_lease_one_gets_it(database: Database) -> None:
    dead = SetupBotLease(database)
    await dead.try_take()
    await expire(database)
    taken = await asyncio.gather(*(SetupBotLease(database).try_take() for _ in range(8)))
    assert sum(taken) == 1


async def test_a_lease_is_not_trusted_up_to_its_end(database: Database) -> None:
    clock = HandClock()
    lease = SetupBotLease(database, clock=clock)
    await lease.try_take()
    clock.now += LENGTH.total_seconds() * (1 - MARGIN) - 0.1
    lease.require()
    clock.now += 0.2
    with pytest.raises(LeaseLost):
        lease.require()


async def test_a_holder_that_was_overtaken_learns_it_when_it_renews(database: Database) -> None:
    old, new = SetupBotLease(database, renew_every=0.1), SetupBotLease(database)
    await old.try_take()
    await expire(database)
    assert await new.try_take()
    with pytest.raises(LeaseLost):
        async with asyncio.timeout(5):
            await old.keep()


async def test_keeping_renews_in_the_database(database: Database) -> None:
    lease = SetupBotLease(database, renew_every=0.05)
    await lease.try_take()
    query = text("SELECT expires_at FROM leases WHERE shard = 256")

    async def expires_at() -> object:
        async with database.fleet() as unit:
            return (await unit.execute(query)).scalar_one()

    before = await expires_at()
    keeping = asyncio.create_task(lease.keep())
    async with asyncio.timeout(5):
        while await expires_at() == before:
            pass
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator["Redis"]:
    async with Redis.from_url(redis_url) as opened:
        await opened.delete("setup_bot:waiting")
        yield opened
        await opened.delete("setup_bot:waiting")


async def test_a_wizard_is_found_by_its_tenant_until_it_is_dropped(redis: "Redis") -> None:
    waiting = Waiting(redis)
    one, two = TenantId(new_id()), TenantId(new_id())
    await waiting.put(one, UserId(7), 70)
    await waiting.put(two, UserId(8), 80)
    await waiting.put(one, UserId(7), 71)
    found = await waiting.find(one)
    assert found is not None
    assert (found.tenant, found.owner, found.message) == (one, 7, 71)
    assert 599 <= found.until - await waiting.now() <= 600
    assert {wizard.tenant for wizard in await waiting.all()} == {one, two}
    await waiting.drop(one)
    assert await waiting.find(one) is None
    assert 0 < await redis.ttl("setup_bot:waiting") <= 24 * 3600
