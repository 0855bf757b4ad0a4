"""Keeping leases: a fair share of the shards, all renewed in one statement, and knowing when not to trust them.

A worker trusts itself only until a deadline that ends before the lease does, counted from the start of the last
successful renewal on a clock that runs through suspension. It is checked right before each request to Telegram.

Surplus is handed over in order: its leases are `leaving`, so that `held` is without them; whoever runs sessions ends
them; then `release` gives the shards back. Until then they are renewed, and what is on its way may be finished.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta

import structlog

from tenants import fleet, leases
from tenants.db import Database, is_passing
from tenants.errors import LeaseLost
from tenants.ids import WorkerId
from tenants.leases import MARGIN, SHARDS, Lease, boottime
from worker.metrics import LEASE_EVENTS

RENEWALS = 3
"""In a lease's length: two may fail. None may take longer than until the next one is due."""
LOOK_EVERY = 1.0
"""Seconds between two looks for shards that are free: what a takeover takes on top of the lease, with `RETRY`."""
RETRY = 0.1
"""Of a lease's length, after an attempt that failed; no longer than `LOOK_EVERY`."""
HANDED_OVER_AT_ONCE = 8
"""Shards. Their tenants' sessions stand still until the other worker's next look."""

log = structlog.get_logger()


def name_of_this_process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


class LeaseKeeper:
    """`changed` is called when shards came, went, or should leave. It must not wait: that would delay a renewal."""

    def __init__(
        self,
        database: Database,
        worker: WorkerId,
        *,
        length: timedelta,
        changed: Callable[[], None],
        clock: Callable[[], float] = boottime,
    ) -> None:
        self._database = database
        self._worker = worker
        self._name = name_of_this_process()
        self._length = length
        self._changed = changed
        self._clock = clock
        self._held: dict[int, Lease] = {}
        self._leaving: dict[int, Lease] = {}
        self._trusted_until = 0.0
        self._renewal_due = 0.0
        self._tried_at = clock()
        self._draining = False
        self._turn = asyncio.Lock()  # what a statement said is known here before the next one is asked

    @property
    def held(self) -> dict[int, Lease]:
        """What this worker should run."""
        return dict(self._held)

    @property
    def leaving(self) -> tuple[Lease, ...]:
        """What is to be released as soon as nothing runs under it any more."""
        return tuple(self._leaving.values())

    @property
    def draining(self) -> bool:
        return self._draining

    @property
    def is_trusted(self) -> bool:
        """Whether the last renewal is young enough to act, if there are shards."""
        return self._clock() < self._trusted_until

    @property
    def idle_seconds(self) -> float:
        """Since the last attempt to renew or to look began."""
        return self._clock() - self._tried_at

    def require(self, lease: Lease) -> None:
        """Raises `LeaseLost` unless this worker may act under the lease right now."""
        known = self._held.get(lease.shard) or self._leaving.get(lease.shard)
        if known != lease or not self.is_trusted:
            raise LeaseLost

    def may_act(self, lease: Lease) -> bool:
        try:
            self.require(lease)
        except LeaseLost:
            return False
        return True

    async def run(self) -> None:
        """Renews and looks for ever. A database that is gone costs the trust, not the process."""
        every = min(LOOK_EVERY, self._length.total_seconds() / RENEWALS)
        while True:
            fine = await self._calmly(self.refresh if self._clock() >= self._renewal_due else self.look)
            await asyncio.sleep(every if fine else min(every, self._length.total_seconds() * RETRY))

    async def refresh(self) -> None:
        """One renewal, of the leases and of this worker's own row, then one look."""
        async with self._turn:
            started = self._tried_at = self._clock()
            async with self._database.fleet() as unit:
                await fleet.register(
                    unit, self._worker, name=self._name, draining=self._draining, length=self._length
                )
                kept = await leases.renew(unit, self._worker, length=self._length)
            self._trusted_until = started + self._length.total_seconds() * (1 - MARGIN)
            self._renewal_due = started + self._length.total_seconds() / RENEWALS
            changed = self._keep({lease.shard: lease for lease in kept})
            changed = await self._look() or changed
        if changed:
            self._changed()

    async def look(self) -> None:
        """Takes what is free and due to this worker, or begins to hand over what it has too much."""
        async with self._turn:
            self._tried_at = self._clock()
            changed = await self._look()
        if changed:
            self._changed()

    async def release(self, given: Iterable[Lease]) -> None:
        """Gives back those that are `leaving`. Nothing may run under them any more.

        Where the database is away they stay this worker's: the next renewal finds them and they leave again.
        """
        async with self._turn:
            gone = [lease.shard for lease in given if self._leaving.get(lease.shard) == lease]
            if not gone:
                return
            for shard in gone:
                del self._leaving[shard]
            async with self._database.fleet() as unit:
                await leases.give_back(unit, self._worker, gone)
            LEASE_EVENTS.labels("given_back").inc(len(gone))
            log.info("lease.given_back", shards=len(gone), held=len(self._held))

    async def drain(self) -> None:
        """Everything leaves, nothing is taken any more, and the others' shares grow: before sessions are ended."""
        self._draining = True
        async with self._turn:
            self._leaving |= self._held
            self._held = {}
            async with self._database.fleet() as unit:
                await fleet.drain(unit, self._worker)

    async def give_back(self) -> None:
        """Leaves the fleet: another worker takes over at once. Nothing renews or looks after this."""
        async with self._turn:
            count = len(self._held) + len(self._leaving)
            self._held, self._leaving = {}, {}
            async with self._database.fleet() as unit:
                await leases.give_back(unit, self._worker, range(SHARDS))  # also what a cancelled look took
                await fleet.leave(unit, self._worker)
            LEASE_EVENTS.labels("given_back").inc(count)

    async def _calmly(self, attempt: Callable[[], Awaitable[None]]) -> bool:
        try:
            async with asyncio.timeout(self._length.total_seconds() / RENEWALS):
                await attempt()
        except Exception as error:
            if not is_passing(error):
                raise
            LEASE_EVENTS.labels("attempt_failed").inc()
            log.warning("lease.renewal_failed", error=type(error).__name__)
            return False
        return True

    def _keep(self, kept: dict[int, Lease]) -> bool:
        """What was renewed and is not leaving is held. Whether that changed anything."""
        known = self._held | self._leaving
        lost = [lease for shard, lease in known.items() if kept.get(shard) != lease]
        if lost:
            LEASE_EVENTS.labels("lost").inc(len(lost))
            log.warning("lease.lost", shards=len(lost), held=len(kept))
        before = self._held
        self._leaving = {shard: lease for shard, lease in self._leaving.items() if kept.get(shard) == lease}
        found = {shard: lease for shard, lease in kept.items() if shard not in self._leaving}
        self._held = {} if self._draining else found
        if self._draining:
            self._leaving |= found
        return self._held != before

    async def _look(self) -> bool:
        """Whether something came or should leave."""
        if self._draining:
            return False
        async with self._database.fleet() as unit:
            seen = await fleet.look(unit)
            room = fleet.fair_share(seen.alive) - len(self._held) - len(self._leaving)
            taken: list[Lease] = []
            if seen.free and room > 0:
                taken = await leases.take(
                    unit, self._worker, first=0, last=SHARDS - 1, most=room, length=self._length
                )
        if taken:
            self._held |= {lease.shard: lease for lease in taken}
            LEASE_EVENTS.labels("taken").inc(len(taken))
            log.info("lease.taken", shards=len(taken), held=len(self._held), workers=seen.alive)
        surplus = 0 if self._leaving else min(-room, HANDED_OVER_AT_ONCE)
        for _ in range(surplus):
            shard, lease = self._held.popitem()
            self._leaving[shard] = lease
        return bool(taken) or surplus > 0
