"""Brings what waits for webhooks to its addresses: taken in one transaction, sent in none, recorded in another.

Any number of processes share the work. A tenant whose addresses are slow has a few attempts at once and holds up
nobody else.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import structlog

from tenants.backoff import trouble
from tenants.crypto import Keyring
from tenants.db import Database, is_passing
from tenants.ids import RowId, TenantId
from tenants.webhooks.deliveries import Outcome, find, record, take
from tenants.webhooks.signing import headers

SWEEP_EVERY = 2.0
MOST_AT_ONCE = 64
MOST_OF_ONE = 8

log = structlog.get_logger()


class Post(Protocol):
    async def __call__(self, url: str, headers: Mapping[str, str], body: bytes, /) -> Outcome: ...


class Courier:
    def __init__(
        self, database: Database, keyring: Keyring, post: Post, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._post = post
        self._clock = clock
        self._woken = asyncio.Event()
        self._in_hand: Counter[TenantId] = Counter()
        self._under_way: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled; what is under way then is tried again by whoever lives."""
        try:
            while True:
                self._woken.clear()
                await self._calmly(self.round)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(SWEEP_EVERY):
                        await self._woken.wait()
        finally:
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)

    async def round(self) -> int:
        """Takes what is due and there is room for, and begins to send it. How many."""
        room = MOST_AT_ONCE - len(self._under_way)
        if room <= 0:
            return 0
        busy = [tenant for tenant, number in self._in_hand.items() if number >= MOST_OF_ONE]
        async with self._database.fleet() as unit:
            taken = await take(unit, most=room, each=MOST_OF_ONE, busy=busy)
        for delivery, tenant in taken:
            self._begin(delivery, tenant)
        return len(taken)

    async def finish(self) -> None:
        """Until nothing is under way."""
        while self._under_way:
            await asyncio.gather(*self._under_way)

    def _begin(self, delivery: RowId, tenant: TenantId) -> None:
        self._in_hand[tenant] += 1
        task = asyncio.create_task(self._deliver_calmly(delivery, tenant))
        self._under_way.add(task)

        def end(_: object) -> None:
            self._under_way.discard(task)
            self._in_hand[tenant] -= 1
            if not self._in_hand[tenant]:
                del self._in_hand[tenant]
            self.wake()

        task.add_done_callback(end)

    async def _deliver_calmly(self, delivery: RowId, tenant: TenantId) -> None:
        """One that is poisoned counts as lost each time, and is no other's trouble."""
        try:
            await self._calmly(lambda: self._deliver(delivery, tenant))
        except Exception:
            log.exception("webhook.not_sent", tenant=str(tenant), delivery=str(delivery))

    async def _deliver(self, taken: RowId, tenant: TenantId) -> None:
        async with self._database.tenant(tenant) as unit:
            delivery = await find(unit, tenant, taken, self._keyring)
        if delivery is None:
            return
        signed = headers(delivery.secrets, str(delivery.id), int(self._clock()), delivery.body)
        outcome = await self._post(delivery.url, signed, delivery.body)
        async with self._database.tenant(tenant) as unit:
            state = await record(unit, tenant, delivery.id, delivery.attempts, outcome)
        if state == "failed":
            log.warning("webhook.failed", tenant=str(tenant), delivery=str(delivery.id), error=outcome.error)

    async def _calmly(self, act: Callable[[], Awaitable[object]]) -> None:
        """What the database breaks off counts as lost, and comes again."""
        try:
            await act()
        except Exception as error:
            if not is_passing(error):
                raise
            log.warning("webhooks.postponed", what=trouble(error), error=type(error).__name__)
