"""Does at the providers what the books ask for: ends subscriptions, and looks once a day whether both say the same.

Any number of processes share the work. A provider that is away for an hour holds up nothing else.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tenants.backoff import trouble
from tenants.billing.books import note_fact
from tenants.billing.endings import Ending, record_ending, take_endings
from tenants.billing.facts import Provider
from tenants.billing.port import Gateway
from tenants.billing.reconciliation import reconcile
from tenants.db import Database, is_passing
from tenants.errors import DomainError

SWEEP_EVERY = 5.0
MOST_AT_ONCE = 10
RECONCILE_EVERY = 86_400
RECONCILE_AGAIN = 600
"""Seconds, after it could not be done."""

log = structlog.get_logger()


class Cashier:
    def __init__(self, database: Database, gateways: Sequence[Gateway], redis: Redis) -> None:
        self._database = database
        self._gateways: Mapping[Provider, Gateway] = {gateway.provider: gateway for gateway in gateways}
        self._redis = redis

    async def run(self) -> None:
        while True:
            await self._calmly(self.end_what_is_due)
            await self._calmly(self.reconcile_if_due)
            await asyncio.sleep(SWEEP_EVERY)

    async def end_what_is_due(self) -> int:
        """How many were tried."""
        async with self._database.fleet() as unit:
            taken = await take_endings(unit, self._gateways, most=MOST_AT_ONCE)
        for ending in taken:
            error = await self._end(ending)
            async with self._database.fleet() as unit:
                await record_ending(unit, ending, error)
            log.info("subscription.ended", provider=ending.provider, refund=ending.refund, error=error)
        return len(taken)

    async def _end(self, ending: Ending) -> str | None:
        try:
            await self._gateways[ending.provider].end(
                ending.subscription, refund=ending.refund, key=f"{ending.provider}:{ending.subscription}"
            )
        except DomainError as refused:
            return refused.text
        return None

    async def reconcile_if_due(self) -> int:
        """How many providers were asked: each once a day, by one of all processes."""
        asked = 0
        for gateway in self._gateways.values():
            name = f"billing:reconciled:{gateway.provider}"
            if not await self._redis.set(name, b"1", nx=True, ex=RECONCILE_EVERY):
                continue
            asked += 1
            try:
                if not gateway.tells_again:
                    await self._fetch(gateway)
                await reconcile(self._database, gateway)
            except DomainError as refused:
                log.warning("billing.not_reconciled", provider=gateway.provider, problem=refused.text)
                await self._redis.set(name, b"1", ex=RECONCILE_AGAIN)
        return asked

    async def _fetch(self, gateway: Gateway) -> None:
        async for fact in gateway.list_facts():
            async with self._database.fleet() as unit:
                if await note_fact(unit, fact):
                    log.warning("billing.fetched", provider=gateway.provider, what=fact.note)

    async def _calmly(self, act: Callable[[], Awaitable[object]]) -> None:
        try:
            await act()
        except RedisError as error:
            log.warning("billing.postponed", what="redis", error=type(error).__name__)
        except Exception as error:
            if not is_passing(error):
                log.exception("billing.failed")
                return
            log.warning("billing.postponed", what=trouble(error), error=type(error).__name__)
