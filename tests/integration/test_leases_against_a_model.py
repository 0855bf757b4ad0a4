"""Leases under any order of events: the SQL against a model of a few lines, and a fleet against its promise.

Time is the test's: the database's is moved by moving what it is compared with, the keepers' is a number. A step is so
long that the real seconds in between do not matter.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from tenants import fleet, intake, leases
from tenants.connections import Tenant
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.errors import LeaseLost
from tenants.ids import WorkerId, new_id
from tenants.intake import Intake
from tenants.leases import HELD, HELD_BY_ALL, SHARDS, Lease, lease_values
from tests.factories import make_tenant
from worker.leases import LeaseKeeper

STEP = 1000
"""Seconds."""
LENGTH = timedelta(seconds=2.5 * STEP)
FEW = 3
"""Shards, and holders."""

holders = st.integers(0, FEW - 1)


def _settings(examples: int, steps: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )


class Servers:
    """A database, and a loop for the machines' steps, which are no coroutines."""

    def __init__(self, url: str, keyring: Keyring, runner: asyncio.Runner) -> None:
        self.database = Database(url, pool_size=2)
        self.keyring = keyring
        self.run = runner.run
        self.tenants: list[Tenant] = [
            self.run(make_tenant(self.database, keyring, bot=5000 + number)) for number in range(FEW)
        ]

    async def reset(self) -> None:
        async with self.database.fleet() as unit:
            await unit.execute(text("UPDATE leases SET holder = NULL, term = 0, expires_at = clock_timestamp()"))
            await unit.execute(text("DELETE FROM workers"))

    async def let_time_pass(self, seconds: float) -> None:
        gone = {"gone": timedelta(seconds=seconds)}
        async with self.database.fleet() as unit:
            await unit.execute(text("UPDATE leases SET expires_at = expires_at - CAST(:gone AS interval)"), gone)
            await unit.execute(text("UPDATE workers SET expires_at = expires_at - CAST(:gone AS interval)"), gone)

    async def in_fleet(self, act: Callable[..., Coroutine[Any, Any, Any]], *args: Any, **values: Any) -> Any:
        async with self.database.fleet() as unit:
            return await act(unit, *args, **values)

    async def rows(self) -> dict[int, Any]:
        statement = text("SELECT shard, holder, term, expires_at > clock_timestamp() AS runs FROM leases")
        async with self.database.fleet() as unit:
            return {row.shard: row for row in (await unit.execute(statement)).all()}

    async def accepted(self, asked: set[Lease]) -> set[Lease]:
        """Those under which writers would write, by the statement that guards many and the one that guards one."""
        by_one, by_all = set(), set()
        for holder in {lease.holder for lease in asked}:
            mine = [lease for lease in asked if lease.holder == holder]
            values = lease_values([(self.tenants[0].id, lease) for lease in mine])
            async with self.database.fleet() as unit:
                rows = (await unit.execute(text(HELD_BY_ALL), values)).all()
                by_all |= {Lease(row.shard, holder, row.term) for row in rows}
                by_one |= {lease for lease in mine if (await unit.execute(text(HELD), lease.values())).first()}
        assert by_one == by_all
        return by_all

    async def write(self, lease: Lease, cursor: str) -> bool:
        """Whether a cursor was written, which another statement reads."""
        tenant = self.tenants[lease.shard].id
        async with self.database.tenant(tenant) as unit:
            stored = await intake.store(unit, [Intake(tenant, lease, [], [], cursor)], self.keyring)
        async with self.database.tenant(tenant) as unit:
            written: bool = (await unit.execute(text("SELECT cursor FROM intakes"))).scalar_one() == cursor
        assert bool(stored) == written
        return written


@pytest.fixture
def servers(database_url: str, keyring: Keyring) -> Iterator[Servers]:
    with asyncio.Runner() as runner:
        made = Servers(database_url, keyring, runner)
        yield made
        runner.run(made.database.close())


@dataclass
class Row:
    """A shard, as the model has it."""

    holder: WorkerId | None = None
    term: int = 0
    expires_at: float = 0


class LeaseMachine(RuleBasedStateMachine):
    """Holders that come and go as they like, and the table of leases."""

    def __init__(self, servers: Servers) -> None:
        super().__init__()
        self.servers = servers
        self.run = servers.run
        self.now = 0.0
        self.model = {shard: Row() for shard in range(FEW)}
        self.holders = [WorkerId(new_id()) for _ in range(FEW)]
        self.ever: list[Lease] = []
        self.run(servers.reset())

    def _is_free(self, shard: int) -> bool:
        row = self.model[shard]
        return row.holder is None or row.expires_at <= self.now

    def _current(self) -> set[Lease]:
        return {
            Lease(shard, row.holder, row.term)
            for shard, row in self.model.items()
            if row.holder is not None and row.expires_at > self.now
        }

    @rule(number=holders, most=st.integers(1, FEW))
    def take(self, number: int, most: int) -> None:
        holder = self.holders[number]
        free = {shard for shard in self.model if self._is_free(shard)}
        act = self.servers.in_fleet(leases.take, holder, first=0, last=FEW - 1, most=most, length=LENGTH)
        taken: list[Lease] = self.run(act)
        assert len(taken) == min(most, len(free))
        for lease in taken:
            assert lease == Lease(lease.shard, holder, self.model[lease.shard].term + 1)
            assert lease.shard in free
            self.model[lease.shard] = Row(holder, lease.term, self.now + LENGTH.total_seconds())
        self.ever.extend(sorted(taken, key=lambda lease: lease.shard))

    @rule(number=holders)
    def renew(self, number: int) -> None:
        holder = self.holders[number]
        kept = self.run(self.servers.in_fleet(leases.renew, holder, length=LENGTH))
        assert set(kept) == {lease for lease in self._current() if lease.holder == holder}
        for lease in kept:
            self.model[lease.shard].expires_at = self.now + LENGTH.total_seconds()

    @rule(number=holders, shards=st.sets(st.integers(0, FEW - 1)))
    def give_back(self, number: int, shards: set[int]) -> None:
        self.run(self.servers.in_fleet(leases.give_back, self.holders[number], list(shards)))
        for shard in shards:
            if self.model[shard].holder == self.holders[number]:
                self.model[shard] = Row(None, self.model[shard].term, self.now)

    @rule(steps=st.integers(1, 3))
    def time_passes(self, steps: int) -> None:
        self.now += steps * STEP
        self.run(self.servers.let_time_pass(steps * STEP))

    @precondition(lambda self: self.ever)
    @rule(number=st.integers(0, 100))
    def write_under_any_lease_there_ever_was(self, number: int) -> None:
        lease = self.ever[-1 - number % len(self.ever)]
        expected = lease in self._current()
        assert self.run(self.servers.write(lease, cursor=str(new_id()))) == expected

    @invariant()
    def one_holder_at_most_would_be_accepted(self) -> None:
        forged = {Lease(shard, holder, row.term) for shard, row in self.model.items() for holder in self.holders}
        accepted = self.run(self.servers.accepted({*self.ever, *forged}))
        assert accepted == self._current()
        assert len({lease.shard for lease in accepted}) == len(accepted)

    @invariant()
    def the_table_is_as_the_model_has_it(self) -> None:
        rows = self.run(self.servers.rows())
        for shard, row in self.model.items():
            assert (rows[shard].holder, rows[shard].term) == (row.holder, row.term)
            assert (rows[shard].holder is None or not rows[shard].runs) == self._is_free(shard)


class FleetMachine(RuleBasedStateMachine):
    """Workers that join, sleep, die, drain and leave. One that is told nothing is as good as one that is paused."""

    def __init__(self, servers: Servers) -> None:
        super().__init__()
        self.servers = servers
        self.run = servers.run
        self.now = 1_000_000.0
        self.alive: list[LeaseKeeper] = []
        self.gone: list[LeaseKeeper] = []
        self.terms = dict.fromkeys(range(SHARDS), 0)
        self.run(servers.reset())

    @precondition(lambda self: len(self.alive) < FEW)
    @rule()
    def join(self) -> None:
        keeper = LeaseKeeper(
            self.servers.database, WorkerId(new_id()), length=LENGTH, changed=lambda: None, clock=lambda: self.now
        )
        self.run(keeper.refresh())
        self.alive.append(keeper)

    def _one(self, number: int) -> LeaseKeeper:
        return self.alive[number % len(self.alive)]

    @precondition(lambda self: self.alive)
    @rule(number=holders)
    def renew(self, number: int) -> None:
        self.run(self._one(number).refresh())

    @precondition(lambda self: self.alive)
    @rule(number=holders)
    def look(self, number: int) -> None:
        self.run(self._one(number).look())

    @precondition(lambda self: self.alive)
    @rule(number=holders)
    def release(self, number: int) -> None:
        keeper = self._one(number)
        self.run(keeper.release(keeper.leaving))

    @precondition(lambda self: self.alive)
    @rule(number=holders)
    def drain(self, number: int) -> None:
        self.run(self._one(number).drain())

    @precondition(lambda self: self.alive)
    @rule(number=holders)
    def leave(self, number: int) -> None:
        keeper = self._one(number)
        self.run(keeper.give_back())
        self.alive.remove(keeper)
        self.gone.append(keeper)

    @precondition(lambda self: self.alive)
    @rule(number=holders)
    def die(self, number: int) -> None:
        """As far as the others know: it may go on believing what it believed."""
        keeper = self._one(number)
        self.alive.remove(keeper)
        self.gone.append(keeper)

    @rule(steps=st.integers(1, 6))
    def time_passes(self, steps: int) -> None:
        self.now += steps * STEP / 2
        self.run(self.servers.let_time_pass(steps * STEP / 2))

    def _trusted(self) -> list[Lease]:
        trusted = []
        for keeper in (*self.alive, *self.gone):
            for lease in (*keeper.held.values(), *keeper.leaving):
                with contextlib.suppress(LeaseLost):
                    keeper.require(lease)
                    trusted.append(lease)
        return trusted

    @invariant()
    def who_would_act_is_alone_and_the_database_agrees(self) -> None:
        trusted = self._trusted()
        assert len({lease.shard for lease in trusted}) == len(trusted)
        rows = self.run(self.servers.rows())
        for lease in trusted:
            row = rows[lease.shard]
            assert (row.holder, row.term, row.runs) == (lease.holder, lease.term, True)

    @invariant()
    def terms_only_grow(self) -> None:
        for shard, row in self.run(self.servers.rows()).items():
            if shard in self.terms:
                assert row.term >= self.terms[shard]
                self.terms[shard] = row.term

    def teardown(self) -> None:
        """Whatever has happened: as soon as the dead have expired, those that do not drain share everything."""
        self.now += LENGTH.total_seconds()
        self.run(self.servers.let_time_pass(LENGTH.total_seconds()))
        while len(self.alive) < FEW:
            self.join()
        while True:
            before = [keeper.held for keeper in self.alive]
            for keeper in self.alive:
                self.run(keeper.refresh())
                self.run(keeper.release(keeper.leaving))
            if before == [keeper.held for keeper in self.alive]:
                break
        counts = [len(keeper.held) for keeper in self.alive if not keeper.draining]
        if counts:
            assert sum(counts) == SHARDS
            assert max(counts) <= fleet.fair_share(len(counts))


def test_leases_do_what_the_model_does(servers: Servers) -> None:
    run_state_machine_as_test(lambda: LeaseMachine(servers), settings=_settings(40, 25))


def test_a_fleet_never_has_two_that_would_act_for_one_shard(servers: Servers) -> None:
    run_state_machine_as_test(lambda: FleetMachine(servers), settings=_settings(25, 20))
