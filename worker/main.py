"""The worker process: leases, sessions, sweeps, put together."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from sessions.bot_api import BotApiSessions
from tenants.config import Config
from tenants.crypto import load_keyring
from tenants.db import Database, is_passing, shard_channel
from tenants.errors import LeaseLost
from tenants.ids import TenantId, WorkerId, new_id
from tenants.leases import SHARDS
from tenants.notices import Listener
from worker.leases import LeaseKeeper
from worker.pool import Pool

SWEEP_EVERY = 5.0
FORGET_EVERY = 600.0

log = structlog.get_logger()


async def run(config: Config, ready: Callable[[], None]) -> None:
    """Runs until cancelled, then drains: what is on its way is finished and the shards are given back."""
    keyring = load_keyring(config.backline_keyring)
    database = Database(config.database_url.get_secret_value(), lease_seconds=config.lease_seconds)
    sessions = BotApiSessions(config.telegram_api_root)
    worker = Worker(config, database, WorkerId(new_id()))
    worker.pool = Pool(config, database, keyring, sessions, worker.keeper)
    try:
        await worker.keeper.refresh()
        ready()
        await worker.run()
    finally:
        with contextlib.suppress(Exception):
            await worker.pool.stop()
            await worker.keeper.give_back()
        await sessions.close()
        await database.close()


class Worker:
    """The loops of one process."""

    pool: Pool

    def __init__(self, config: Config, database: Database, identity: WorkerId) -> None:
        self.keeper = LeaseKeeper(
            database, identity, length=timedelta(seconds=config.lease_seconds), changed=self._leases_changed
        )
        channels = [shard_channel(shard) for shard in range(SHARDS)]
        self._listener = Listener(
            config.database_url.get_secret_value(), channels, heard=self._heard, connected=self._reconnected
        )
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.keeper.run())
            group.create_task(self._listener.run())
            group.create_task(self._repeat(self._sweep, SWEEP_EVERY))
            group.create_task(self._repeat(self.pool.forget, FORGET_EVERY))

    async def _sweep(self) -> None:
        await self.pool.reconcile()
        await self.pool.close_due()

    async def _repeat(self, act: Callable[[], Awaitable[None]], seconds: float) -> None:
        while True:
            await self._calmly(act)
            await asyncio.sleep(seconds)

    async def _calmly(self, act: Callable[[], Awaitable[None]]) -> None:
        """A sweep that fails for a passing reason comes again by itself."""
        try:
            await act()
        except LeaseLost:
            log.info("sweep.lease_lost")
        except Exception as error:
            if not is_passing(error):
                raise
            log.warning("sweep.failed", error=type(error).__name__)

    def _leases_changed(self) -> None:
        self._later(self.pool.reconcile)

    def _heard(self, tenant: TenantId) -> None:
        self._later(lambda: self.pool.changed(tenant))

    def _reconnected(self) -> None:
        self._later(self.pool.reconcile)

    def _later(self, act: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.create_task(self._calmly(act))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
