"""Leases: one holder per shard, terms that grow, and writes of an expired term that touch nothing."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from tenants import intake, leases, outbox, topics
from tenants.db import Database, UnitOfWork
from tenants.errors import LeaseLost
from tenants.ids import MessageId, WorkerId, new_id
from tenants.intake import Intake
from tenants.leases import SHARDS, Lease
from tenants.outbox import Claimed, Delivered, Wish
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


def _keeper(database: Database, clock: Callable[[], float] = leases.boottime) -> LeaseKeeper:
    return LeaseKeeper(database, WorkerId(new_id()), length=LENGTH, changed=lambda: None, clock=clock)


async def test_a_renewal_counts_from_the_start_of_the_attempt(database: Database) -> None:
    """Its answer may be late, or the process may have slept before it read it."""
    keeper = _keeper(database, clock=iter((*[1000.0] * 2, *[1013.0] * 3)).__next__)
    await keeper.refresh()
    with pytest.raises(LeaseLost):
        keeper.require(keeper.held[0])


async def test_a_machine_that_slept_trusts_no_lease_when_it_wakes(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CLOCK_BOOTTIME goes on meanwhile; the monotonic clock, which the event loop has, does not."""
    keeper, awake = _keeper(database), time.clock_gettime
    await keeper.refresh()
    lease = keeper.held[0]
    keeper.require(lease)
    slept = {time.CLOCK_BOOTTIME: 3600}
    monkeypatch.setattr(time, "clock_gettime", lambda clock: awake(clock) + slept.get(clock, 0))
    with pytest.raises(LeaseLost):
        keeper.require(lease)
    await keeper.refresh()
    keeper.require(lease)


@pytest.mark.parametrize("jump", [-1_000_000, 1_000_000])
async def test_a_wall_clock_that_jumps_changes_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch, jump: int
) -> None:
    keeper, right = _keeper(database), time.time_ns
    await keeper.refresh()
    held = keeper.held
    monkeypatch.setattr(time, "time_ns", lambda: right() + jump * 10**9)
    monkeypatch.setattr(time, "time", lambda: right() / 10**9 + jump)
    keeper.require(held[0])
    await keeper.refresh()
    assert keeper.held == held
    keeper.require(held[0])
    other = _keeper(database)
    await other.refresh()
    assert not other.held, "what one holds, no other clock makes free"


async def _outdated(desk: DeskUnderTest) -> Lease:
    """The desk's lease after another worker has taken its shard."""
    await _expire(desk.database)
    await _take(desk.database, WorkerId(new_id()))
    return desk.line.lease


async def _queued(desk: DeskUnderTest) -> None:
    await desk.store_only(await _batch(desk))


async def _batch(desk: DeskUnderTest):
    await desk.session.feed(desk.session.customer("hello"))
    return await desk.session.receive(None)


async def _claim(unit: UnitOfWork, desk: DeskUnderTest, lease: Lease) -> Claimed:
    wish = Wish(desk.tenant.id, lease, GROUP, team=9, units=9, customers=9)
    return (await outbox.claim(unit, [wish], desk.keyring))[desk.tenant.id]


async def test_an_outdated_term_moves_no_cursor_and_stores_no_update(desk: DeskUnderTest) -> None:
    batch = await _batch(desk)
    await _outdated(desk)
    with pytest.raises(LeaseLost):
        await desk.store_only(batch)
    assert (
        await desk.rows("SELECT 1 FROM updates UNION ALL SELECT 1 FROM outbox UNION ALL SELECT 1 FROM dialogs") == []
    )
    assert (await desk.rows("SELECT cursor FROM intakes"))[0].cursor is None


async def test_an_outdated_term_writes_no_outcome_even_without_the_first_check(desk: DeskUnderTest) -> None:
    lease = await _outdated(desk)
    async with desk.database.tenant(desk.tenant.id) as unit:
        stored = await intake.store(unit, [Intake(desk.tenant.id, lease, [], [], "99")], desk.keyring)
    assert stored == {}
    assert (await desk.rows("SELECT cursor FROM intakes"))[0].cursor is None


async def test_an_outdated_term_claims_nothing_and_asks_for_no_topic(desk: DeskUnderTest) -> None:
    await _queued(desk)
    lease = await _outdated(desk)
    async with desk.database.tenant(desk.tenant.id) as unit:
        claimed = await _claim(unit, desk, lease)
        asked = await topics.ask_for_topics(unit, [(desk.tenant.id, lease, True)])
        mended = await topics.take_stale_topics(unit, [(desk.tenant.id, lease)])
    assert (claimed.runs, asked, mended) == ([], {}, {})
    assert {row.attempts for row in await desk.rows("SELECT attempts FROM outbox")} == {0}


async def test_an_outdated_term_records_no_result(desk: DeskUnderTest) -> None:
    await _queued(desk)
    async with desk.database.tenant(desk.tenant.id) as unit:
        claimed = await _claim(unit, desk, desk.line.lease)
    (row,) = claimed.runs[0]
    lease = await _outdated(desk)
    async with desk.database.tenant(desk.tenant.id) as unit:
        results = [Delivered(desk.tenant.id, row.id, MessageId(5))]
        refused = await outbox.record_delivered(unit, [(desk.tenant.id, lease, GROUP)], results)
    assert refused == {desk.tenant.id}
    assert [r.state for r in await desk.rows("SELECT state FROM outbox WHERE id = :id", id=row.id)] == ["sending"]


async def test_a_row_that_a_dead_worker_was_sending_is_claimed_again_with_a_second_attempt(
    desk: DeskUnderTest,
) -> None:
    await _queued(desk)
    async with desk.database.tenant(desk.tenant.id) as unit:
        await _claim(unit, desk, desk.line.lease)
    await _expire(desk.database)
    taken = {lease.shard: lease for lease in await _take(desk.database, WorkerId(new_id()))}
    async with desk.database.tenant(desk.tenant.id) as unit:
        again = await _claim(unit, desk, taken[desk.tenant.shard])
    assert [row.attempts for run in again.runs for row in run] == [2]
