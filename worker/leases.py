"""Keeping leases: claiming free shards, renewing all in one statement, and knowing when not to trust them any more.

A worker trusts itself only until a deadline that ends before the lease does, counted from the start of the last
successful renewal on a clock that runs through suspension. It is checked right before each request to Telegram.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import structlog

from tenants import leases
from tenants.db import Database, is_passing
from tenants.errors import LeaseLost
from tenants.ids import WorkerId
from tenants.leases import MARGIN, SHARDS, Lease, boottime

RENEWALS = 3
"""In a lease's length: two may fail."""
LOOK_FOR_SHARDS = 1.0
"""Seconds, while there are none."""

log = structlog.get_logger()


class LeaseKeeper:
    """`changed` is called when shards came or went. It must not wait: a slow stop of sessions delays no renewal."""

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
        self._length = length
        self._changed = changed
        self._clock = clock
        self._held: dict[int, Lease] = {}
        self._trusted_until = 0.0

    @property
    def held(self) -> dict[int, Lease]:
        return dict(self._held)

    def require(self, lease: Lease) -> None:
        """Raises `LeaseLost` unless this worker may act under the lease right now."""
        if self._held.get(lease.shard) != lease or self._clock() >= self._trusted_until:
            raise LeaseLost

    async def run(self) -> None:
        """Renews and claims for ever. A database that is gone costs the trust, not the process."""
        while True:
            try:
                await self.refresh()
            except Exception as error:
                if not is_passing(error):
                    raise
                log.warning("lease.renewal_failed", error=type(error).__name__)
            renewal = self._length.total_seconds() / RENEWALS
            await asyncio.sleep(renewal if self._held else LOOK_FOR_SHARDS)

    async def refresh(self) -> None:
        """One renewal, then whatever shards are free."""
        started = self._clock()
        async with self._database.fleet() as unit:
            kept = await leases.renew(unit, self._worker, length=self._length)
        async with self._database.fleet() as unit:
            taken = await leases.take(
                unit, self._worker, first=0, last=SHARDS - 1, most=SHARDS - len(kept), length=self._length
            )
        self._trusted_until = started + self._length.total_seconds() * (1 - MARGIN)
        now_held = {lease.shard: lease for lease in (*kept, *taken)}
        lost = [shard for shard, lease in self._held.items() if now_held.get(shard) != lease]
        if taken or lost:
            log.info("lease.changed", taken=len(taken), lost=len(lost), held=len(now_held))
        different = now_held != self._held
        self._held = now_held
        if different:
            self._changed()

    async def give_back(self) -> None:
        """Lets another worker take over at once."""
        shards = list(self._held)
        self._held = {}
        async with self._database.fleet() as unit:
            await leases.give_back(unit, self._worker, shards)
