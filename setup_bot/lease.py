"""The right to poll the setup bot's token: one replica holds it, the others stand by.

The holder trusts itself only until a deadline that ends before the lease does, counted from the start of the last
renewal on a clock that runs through suspension.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from tenants import leases
from tenants.db import Database, is_passing
from tenants.errors import LeaseLost
from tenants.ids import WorkerId, new_id
from tenants.leases import MARGIN, SETUP_BOT, Lease, boottime

LENGTH = timedelta(seconds=15)
RENEW_EVERY = 5.0
ASK_EVERY = 1.0

log = structlog.get_logger()


class SetupBotLease:
    def __init__(
        self, database: Database, *, clock: Callable[[], float] = boottime, renew_every: float = RENEW_EVERY
    ) -> None:
        self._database = database
        self._clock = clock
        self._renew_every = renew_every
        self._holder = WorkerId(new_id())
        self._trusted_until = 0.0
        self._lease: Lease | None = None

    def current(self) -> Lease:
        """What writes in the setup bot's name join on. Raises `LeaseLost`."""
        self.require()
        if self._lease is None:
            raise LeaseLost
        return self._lease

    def require(self) -> None:
        """Raises `LeaseLost` unless this replica may poll right now."""
        if self._clock() >= self._trusted_until:
            raise LeaseLost

    async def try_take(self) -> bool:
        started = self._clock()
        async with self._database.fleet() as unit:
            taken = await leases.take(unit, self._holder, first=SETUP_BOT, last=SETUP_BOT, most=1, length=LENGTH)
        return bool(taken) and self._trust(started, taken[0])

    async def wait(self) -> None:
        """Until the lease is this replica's. A database that is away is waited for, too."""
        waited = False
        while not await self._calmly(self.try_take, seconds=self._renew_every):
            if not waited:
                log.info("setup_lease.awaited")
            waited = True
            await asyncio.sleep(ASK_EVERY)
        log.info("setup_lease.taken")

    async def keep(self) -> None:
        """Renews until the lease is lost, then raises `LeaseLost`."""
        wait = self._renew_every
        while True:
            await asyncio.sleep(wait)
            self.require()
            renewed = await self._calmly(
                self._renew, seconds=min(self._renew_every, self._trusted_until - self._clock())
            )
            self.require()
            if renewed is False:
                raise LeaseLost
            wait = self._renew_every if renewed else ASK_EVERY

    async def give_back(self) -> None:
        """Lets another replica take over at once."""
        self._trusted_until = 0.0
        async with self._database.fleet() as unit:
            await leases.give_back(unit, self._holder, [SETUP_BOT])

    async def _renew(self) -> bool:
        started = self._clock()
        async with self._database.fleet() as unit:
            kept = await leases.renew(unit, self._holder, length=LENGTH)
        return bool(kept) and self._trust(started, kept[0])

    def _trust(self, started: float, lease: Lease) -> bool:
        self._lease = lease
        self._trusted_until = started + LENGTH.total_seconds() * (1 - MARGIN)
        return True

    async def _calmly(self, attempt: Callable[[], Awaitable[bool]], *, seconds: float) -> bool | None:
        """None where the database was away: a hung one must not outlast the trust."""
        try:
            async with asyncio.timeout(seconds):
                return await attempt()
        except Exception as error:
            if not is_passing(error):
                raise
            log.warning("setup_lease.database_failed", error=type(error).__name__)
            return None
