"""The fleet: workers over one database share the shards, hand them over in order, and take over the dead's."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy import text

from tenants.db import Database
from tenants.errors import LeaseLost
from tenants.ids import WorkerId, new_id
from tenants.leases import SHARDS, Lease
from worker.leases import HANDED_OVER_AT_ONCE, LeaseKeeper

LENGTH = timedelta(seconds=15)
SOON = 20


def _nothing() -> None:
    return None


def _keeper(database: Database, *, length: timedelta = LENGTH, changed: Callable[[], None] = _nothing) -> LeaseKeeper:
    return LeaseKeeper(database, WorkerId(new_id()), length=length, changed=changed)


async def _settle(*keepers: LeaseKeeper) -> None:
    """Everybody looks and hands over until nobody has anything to do."""
    for _ in range(SHARDS):
        before = [keeper.held for keeper in keepers]
        for keeper in keepers:
            await keeper.refresh()
            await keeper.release(keeper.leaving)
        if before == [keeper.held for keeper in keepers]:
            return
    raise AssertionError("They never settle.")


def _counts(keepers: Sequence[LeaseKeeper]) -> list[int]:
    return sorted(len(keeper.held) for keeper in keepers)


def _nothing_is_held_twice(keepers: Sequence[LeaseKeeper]) -> bool:
    shards = [shard for keeper in keepers for shard in (*keeper.held, *(lease.shard for lease in keeper.leaving))]
    return len(shards) == len(set(shards))


def _may_act(keeper: LeaseKeeper, lease: Lease) -> bool:
    try:
        keeper.require(lease)
    except LeaseLost:
        return False
    return True


async def _rows(database: Database, statement: str) -> list[tuple[object, ...]]:
    async with database.fleet() as unit:
        return [tuple(row) for row in (await unit.execute(text(statement))).all()]


async def _let_time_pass(database: Database, seconds: float) -> None:
    """For the database: what would expire by then has."""
    gone = {"gone": timedelta(seconds=seconds)}
    async with database.fleet() as unit:
        await unit.execute(text("UPDATE leases SET expires_at = expires_at - CAST(:gone AS interval)"), gone)
        await unit.execute(text("UPDATE workers SET expires_at = expires_at - CAST(:gone AS interval)"), gone)


@pytest.mark.parametrize(("workers", "shares"), [(1, [256]), (2, [128] * 2), (3, [84, 86, 86]), (7, [34] + [37] * 6)])
async def test_the_shards_are_shared_fairly(database: Database, workers: int, shares: list[int]) -> None:
    keepers = [_keeper(database) for _ in range(workers)]
    await _settle(*keepers)
    assert _counts(keepers) == shares
    assert _nothing_is_held_twice(keepers)


async def test_a_worker_that_joins_is_given_a_share_a_few_shards_at_a_time(database: Database) -> None:
    asked: list[int] = []
    old = _keeper(database, changed=lambda: asked.append(len(old.leaving)))
    await old.refresh()
    new = _keeper(database)
    await new.refresh()
    assert not new.held
    await old.look()
    assert (asked, len(old.held)) == ([0, HANDED_OVER_AT_ONCE], SHARDS - HANDED_OVER_AT_ONCE)
    await _settle(old, new)
    assert (len(old.held), len(new.held)) == (128, 128)


async def test_what_leaves_is_not_free_and_may_be_finished_until_it_is_released(database: Database) -> None:
    old, new = _keeper(database), _keeper(database)
    for keeper in (old, new, old):
        await keeper.refresh()
    leaving = old.leaving
    await new.look()
    assert leaving
    assert not new.held
    assert all(_may_act(old, lease) for lease in leaving)
    assert old.held.keys().isdisjoint(lease.shard for lease in leaving)
    await old.look()
    assert old.leaving == leaving, "the next few wait for these"

    await old.release(leaving)
    assert not any(_may_act(old, lease) for lease in leaving)
    await new.look()
    assert new.held.keys() == {lease.shard for lease in leaving}
    assert all(new.held[lease.shard].term == lease.term + 1 for lease in leaving)


async def test_an_outdated_release_gives_nothing_back(database: Database) -> None:
    old, new = _keeper(database), _keeper(database)
    for keeper in (old, new, old):
        await keeper.refresh()
    leaving = old.leaving
    await old.release(leaving)
    await new.give_back()
    await old.look()
    other = _keeper(database)
    await other.refresh()
    await old.look()
    assert {lease.shard for lease in old.leaving} & {lease.shard for lease in leaving}, "the same ones leave again"
    await old.release(leaving)
    assert len(old.leaving) == HANDED_OVER_AT_ONCE


async def test_a_release_that_fails_leaves_the_shards_where_they_are(database: Database, database_url: str) -> None:
    old, new = _keeper(database), _keeper(database)
    for keeper in (old, new, old):
        await keeper.refresh()
    other = await asyncpg.connect(database_url)
    await other.execute("BEGIN; SELECT 1 FROM leases FOR UPDATE")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await old.release(old.leaving)
    await other.close()
    assert not old.leaving
    await old.refresh()
    assert len(old.held) + len(old.leaving) == SHARDS
    await _settle(old, new)
    assert (len(old.held), len(new.held)) == (128, 128)


async def test_a_draining_worker_does_not_count_and_gives_everything_back(database: Database) -> None:
    stopping, staying = _keeper(database), _keeper(database)
    await _settle(stopping, staying)
    mine = stopping.held
    await stopping.drain()
    assert not stopping.held
    assert set(stopping.leaving) == set(mine.values())
    assert all(_may_act(stopping, lease) for lease in mine.values()), "what is on its way is finished"
    await stopping.refresh()
    await staying.look()
    assert (len(stopping.leaving), len(staying.held)) == (128, 128)
    await stopping.give_back()
    await staying.look()
    assert len(staying.held) == SHARDS
    assert await _rows(database, "SELECT count(*) FROM workers") == [(1,)]


async def test_a_drain_that_the_database_did_not_hear_of_is_told_with_the_next_renewal(database: Database) -> None:
    keeper, gone = _keeper(database), Database("postgresql://nobody@127.0.0.1:1/none")
    await keeper.refresh()
    keeper._database = gone
    with pytest.raises(OSError):  # noqa: PT011
        await keeper.drain()
    await gone.close()
    keeper._database = database
    await keeper.refresh()
    assert await _rows(database, "SELECT draining FROM workers") == [(True,)]
    assert (len(keeper.held), len(keeper.leaving)) == (0, SHARDS)


async def test_the_survivors_share_what_a_dead_worker_held_as_soon_as_its_lease_ends(database: Database) -> None:
    dead, *alive = (_keeper(database) for _ in range(3))
    await _settle(dead, *alive)
    await _let_time_pass(database, LENGTH.total_seconds() - 1)
    for keeper in alive:
        await keeper.refresh()
    assert _counts(alive) != [128, 128]
    await _let_time_pass(database, 2)
    for keeper in alive:
        await keeper.look()
    assert _counts(alive) == [128, 128]
    assert _nothing_is_held_twice(alive)


async def test_a_worker_that_comes_back_from_the_dead_has_lost_everything_and_gets_a_share_anew(
    database: Database,
) -> None:
    sleeper, other = _keeper(database), _keeper(database)
    await _settle(sleeper, other)
    await _let_time_pass(database, LENGTH.total_seconds() + 1)
    await other.refresh()
    assert len(other.held) == SHARDS
    await sleeper.refresh()
    assert not sleeper.held
    await _settle(sleeper, other)
    assert (len(sleeper.held), len(other.held)) == (128, 128)


async def test_a_worker_s_row_never_outlasts_its_leases(database: Database) -> None:
    keeper = _keeper(database)
    for _ in range(2):
        await keeper.refresh()
        late = "SELECT count(*) FROM leases l JOIN workers w ON w.id = l.holder WHERE w.expires_at > l.expires_at"
        assert await _rows(database, late) == [(0,)]


async def test_workers_that_died_long_ago_are_forgotten(database: Database) -> None:
    await _keeper(database).refresh()
    await _let_time_pass(database, 3600)
    await _keeper(database).refresh()
    assert await _rows(database, "SELECT count(*) FROM workers") == [(2,)]
    await _let_time_pass(database, 2 * 24 * 3600)
    await _keeper(database).refresh()
    assert await _rows(database, "SELECT count(*) FROM workers") == [(1,)]


class RunningWorker:
    """A keeper that keeps itself, and hands over as soon as it is asked to. `wait` wakes with each change."""

    def __init__(self, database: Database, length: timedelta) -> None:
        self.keeper = _keeper(database, length=length, changed=self._changed)
        self._changes = asyncio.Event()
        self._tasks = {asyncio.create_task(self.keeper.run())}

    def _changed(self) -> None:
        self._changes.set()
        if self.keeper.leaving:
            task = asyncio.create_task(self.keeper.release(self.keeper.leaving))
            self._tasks.add(task)

    async def wait_for(self, shards: int) -> None:
        async with asyncio.timeout(SOON):
            while len(self.keeper.held) != shards:
                self._changes.clear()
                await self._changes.wait()

    async def kill(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def test_a_takeover_takes_no_longer_than_the_lease_and_two_seconds(database: Database) -> None:
    length = timedelta(seconds=3)
    victim, survivor = RunningWorker(database, length), RunningWorker(database, length)
    both = (victim.keeper, survivor.keeper)
    try:
        async with asyncio.timeout(SOON):
            while sum(len(keeper.held) for keeper in both) != SHARDS or not all(keeper.held for keeper in both):
                await asyncio.gather(*(worker.keeper.look() for worker in (victim, survivor)))
        left = len(survivor.keeper.held)
        killed_at = time.monotonic()
        await victim.kill()
        await survivor.wait_for(SHARDS)
        took = time.monotonic() - killed_at
    finally:
        await victim.kill()
        await survivor.kill()
    assert left < SHARDS
    assert took <= length.total_seconds() + 2
