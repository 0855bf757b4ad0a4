"""The worker process: leases, sessions, sweeps, put together."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from sessions.bot_api import BotApiSessions
from tenants.backoff import patiently
from tenants.config import Config, ConfigError
from tenants.crypto import load_keyring
from tenants.db import Database, is_passing, shard_channel
from tenants.errors import LeaseLost
from tenants.ids import TenantId, WorkerId, new_id
from tenants.leases import SHARDS
from tenants.notices import Listener
from worker.farewells import ParallelSessions
from worker.health import Health, served
from worker.leases import LeaseKeeper
from worker.pace import EgressPace, connect_pace, open_redis
from worker.pool import Pool
from worker.watchdog import watched

SWEEP_EVERY = 5.0
DOUBT_EVERY = 0.25
GOODBYE_SECONDS = 5.0
"""For each thing that a worker which stops tells the database; the leases end by themselves anyway."""
SHORTEST_STUCK = 10.0
"""Seconds. Otherwise a loop counts as stuck when it would have lost its leases."""

log = structlog.get_logger()


async def run(config: Config, ready: Callable[[], None]) -> None:
    """Runs until cancelled, then drains: what is on its way is finished and the shards are given back."""
    keyring = load_keyring(config.backline_keyring)
    url = config.database_url.get_secret_value()
    database = Database(url, lease_seconds=config.lease_seconds)
    renewing = Database(url, pool_size=2, lease_seconds=config.lease_seconds)  # a renewal waits for no message
    sessions = BotApiSessions(config.telegram_api_root)
    worker = Worker(config, renewing, WorkerId(new_id()))
    redis = open_redis(config.redis_url.get_secret_value())
    pace = EgressPace(
        redis,
        config.egress,
        per_minute=config.cold_starts_per_minute,
        per_hour=config.cold_starts_per_hour,
    )
    connects = connect_pace(redis, config.egress)
    parallel = open_parallel(config, connects.wait_for_cold_start)
    worker.pool = Pool(
        config, database, keyring, sessions, worker.keeper, parallel=parallel, pace=pace, connects=connects
    )
    health = Health(worker.keeper, renewing, worker.pool.count_sessions)
    stuck_after = max(config.lease_seconds, SHORTEST_STUCK)
    try:
        with watched(asyncio.get_running_loop(), limit=stuck_after):
            async with served(health, config):
                await worker.live(ready)
    finally:
        await sessions.close()
        if parallel is not None:
            await parallel.close()
        await redis.aclose()
        await database.close()
        await renewing.close()


def open_parallel(
    config: Config, before_connect: Callable[[], Awaitable[object]] | None = None
) -> ParallelSessions | None:
    """None where it is not configured, or switched off. `before_connect` returns when a session may connect."""
    if config.telegram_api_id is None or config.telegram_api_hash is None or not config.parallel_mode:
        return None
    from sessions.mtproto import AppIdentity, DataCentre, MtprotoSessions  # noqa: PLC0415  # 0.4 s and 50 MB

    centre = None
    if config.telegram_dc is not None and config.telegram_dc_key is not None:
        try:
            centre = DataCentre.private(config.telegram_dc, config.telegram_dc_key)
        except (OSError, ValueError):
            raise ConfigError("TELEGRAM_DC_KEY: must be the path of a file with an RSA public key as PEM.") from None
    app = AppIdentity(config.telegram_api_id, config.telegram_api_hash.get_secret_value())
    return MtprotoSessions(app, centre, before_connect=before_connect)


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

    async def live(self, ready: Callable[[], None]) -> None:
        try:
            await patiently(self.keeper.refresh, name="worker.first_leases")
            ready()
            await self._work()
        finally:
            await self._drain()

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.keeper.run())
            group.create_task(self._listener.run())
            group.create_task(self._repeat(self._sweep, SWEEP_EVERY))
            group.create_task(self._repeat(self.pool.let_go_in_doubt, DOUBT_EVERY))
            group.create_task(self._repeat(self.pool.say_farewells, SWEEP_EVERY))

    async def _drain(self) -> None:
        """The others' shares grow, then sessions end while leases are still renewed, then the shards are free."""
        renewing = asyncio.create_task(self.keeper.run())
        try:
            await _politely(self.keeper.drain, GOODBYE_SECONDS)
            await _politely(self.pool.stop, None)
        finally:
            await _cancel(renewing, *self._tasks)
        await _politely(self.keeper.give_back, GOODBYE_SECONDS)

    async def _sweep(self) -> None:
        await self._follow_leases()
        await self.pool.wake_waiting()
        await self.pool.note_alive()
        await self.pool.close_due()

    async def _follow_leases(self) -> None:
        """Sessions first, shards second: what leaves is given back when its sessions have ended."""
        leaving = self.keeper.leaving
        await self.pool.reconcile()
        await self.keeper.release(leaving)

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
        self._later(self._follow_leases)

    def _heard(self, tenant: TenantId) -> None:
        self._later(lambda: self.pool.changed(tenant))

    def _reconnected(self) -> None:
        self._later(self._follow_leases)

    def _later(self, act: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.create_task(self._calmly(act))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _politely(act: Callable[[], Awaitable[None]], seconds: float | None) -> None:
    """Stopping goes on whatever fails: leases end by themselves."""
    try:
        async with asyncio.timeout(seconds):
            await act()
    except Exception as error:  # logged, with a trace where nobody expected it
        log.warning("worker.goodbye_failed", error=type(error).__name__, exc_info=not is_passing(error))


async def _cancel(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
