"""Leases: one holder per shard, terms that grow, and writes of an expired term that touch nothing."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from tenants import intake, leases, outbox, topics
from tenants.db import Database
from tenants.errors import LeaseLost
from tenants.ids import MessageId, WorkerId, new_id
from tenants.leases import SHARDS, Lease
from tenants.outbox import Delivered
from tests.fakes import GROUP
from tests.integration.conftest import DeskUnderTest
from worker.leases import LeaseKeeper

LENGTH = timedelta(seconds=15)


async def _take(database: Database, holder: WorkerId, most: int = SHARDS) -> list[Lease]:
    async with database.fleet() as unit:
        return await leases.take(unit, holder, first=0, last=SHARDS - 1, most=most, length=LENGTH)


async def _expire(database: Database, shard: int | None = None) -> None:
    async with database.fleet() as unit:
        await unit.execute(
            text("UPDATE leases SET expires_at = now() - interval '1 second' WHERE shard = coalesce(:shard, shard)"),
            {"shard": shard},
        )


async def test_two_workers_never_hold_one_shard(database: Database) -> None:
    first, second = WorkerId(new_id()), WorkerId(new_id())
    mine = await _take(database, first, most=200)
    theirs = await _take(database, second)
    assert (len(mine), len(theirs)) == (200, SHARDS - 200)
    assert {lease.shard for lease in mine}.isdisjoint(lease.shard for lease in theirs)


async def test_an_expired_shard_is_taken_under_a_higher_term(database: Database) -> None:
    before = await _take(database, WorkerId(new_id()))
    await _expire(database)
    after = await _take(database, WorkerId(new_id()))
    assert [lease.term for lease in after] == [lease.term + 1 for lease in before]


async def test_what_was_given_back_is_free_at_once(database: Database) -> None:
    first = WorkerId(new_id())
    await _take(database, first)
    async with database.fleet() as unit:
        await leases.give_back(unit, first, [3, 4])
    taken = await _take(database, WorkerId(new_id()))
    assert {lease.shard for lease in taken} == {3, 4}


async def test_renewing_does_not_bring_back_what_has_expired(database: Database) -> None:
    holder = WorkerId(new_id())
    await _take(database, holder)
    await _expire(database, shard=7)
    async with database.fleet() as unit:
        kept = await leases.renew(unit, holder, length=LENGTH)
    assert {lease.shard for lease in kept} == set(range(SHARDS)) - {7}


async def test_a_keeper_trusts_a_lease_only_until_shortly_before_its_end(database: Database) -> None:
    now = 1000.0

    def nothing() -> None:
        return None

    keeper = LeaseKeeper(database, WorkerId(new_id()), length=LENGTH, changed=nothing, clock=lambda: now)
    await keeper.refresh()
    lease = keeper.held[0]
    keeper.require(lease)
    now += LENGTH.total_seconds() * 0.8
    with pytest.raises(LeaseLost):
        keeper.require(lease)


async def _outdated(desk: DeskUnderTest) -> Lease:
    """The desk's lease after another worker has taken its shard."""
    await _expire(desk.database)
    await _take(desk.database, WorkerId(new_id()))
    return desk.line.lease


async def _queued(desk: DeskUnderTest) -> None:
    await desk.relay.store(await _batch(desk))


async def _batch(desk: DeskUnderTest):
    await desk.session.feed(desk.session.customer("hello"))
    return await desk.session.receive(None)


async def test_an_outdated_term_moves_no_cursor_and_stores_no_update(desk: DeskUnderTest) -> None:
    batch = await _batch(desk)
    await _outdated(desk)
    with pytest.raises(LeaseLost):
        await desk.relay.store(batch)
    assert (
        await desk.rows("SELECT 1 FROM updates UNION ALL SELECT 1 FROM outbox UNION ALL SELECT 1 FROM dialogs") == []
    )
    assert (await desk.rows("SELECT cursor FROM intakes"))[0].cursor is None


async def test_an_outdated_term_writes_no_outcome_even_without_the_first_check(desk: DeskUnderTest) -> None:
    lease = await _outdated(desk)
    with pytest.raises(LeaseLost):
        async with desk.database.tenant(desk.tenant.id) as unit:
            await intake.store_outcomes(unit, desk.tenant.id, lease, [], cursor="99", keyring=desk.line.keyring)
    assert (await desk.rows("SELECT cursor FROM intakes"))[0].cursor is None


async def test_an_outdated_term_claims_nothing_and_asks_for_no_topic(desk: DeskUnderTest) -> None:
    await _queued(desk)
    lease = await _outdated(desk)
    async with desk.database.tenant(desk.tenant.id) as unit:
        claimed = await outbox.claim(
            unit, desk.tenant.id, lease, desk.line.keyring, group=GROUP, team=9, customers=9, busy=[]
        )
        asked = await topics.ask_for_topic(unit, desk.tenant.id, lease)
    assert (claimed.runs, asked) == ([], None)
    assert {row.attempts for row in await desk.rows("SELECT attempts FROM outbox")} == {0}


async def test_an_outdated_term_records_no_result(desk: DeskUnderTest) -> None:
    await _queued(desk)
    async with desk.database.tenant(desk.tenant.id) as unit:
        claimed = await outbox.claim(
            unit, desk.tenant.id, desk.line.lease, desk.line.keyring, group=GROUP, team=9, customers=9, busy=[]
        )
    (row,) = claimed.runs[0]
    lease = await _outdated(desk)
    with pytest.raises(LeaseLost):
        async with desk.database.tenant(desk.tenant.id) as unit:
            results = [Delivered(row.id, MessageId(5))]
            await outbox.record_delivered(unit, desk.tenant.id, lease, results, group=GROUP)
    assert [r.state for r in await desk.rows("SELECT state FROM outbox WHERE id = :id", id=row.id)] == ["sending"]


async def test_a_row_that_a_dead_worker_was_sending_is_claimed_again_with_a_second_attempt(
    desk: DeskUnderTest,
) -> None:
    await _queued(desk)
    claim = {"group": GROUP, "team": 9, "customers": 9, "busy": []}
    async with desk.database.tenant(desk.tenant.id) as unit:
        await outbox.claim(unit, desk.tenant.id, desk.line.lease, desk.line.keyring, **claim)
    await _expire(desk.database)
    taken = {lease.shard: lease for lease in await _take(desk.database, WorkerId(new_id()))}
    async with desk.database.tenant(desk.tenant.id) as unit:
        again = await outbox.claim(unit, desk.tenant.id, taken[desk.tenant.shard], desk.line.keyring, **claim)
    assert [row.attempts for run in again.runs for row in run] == [2]
