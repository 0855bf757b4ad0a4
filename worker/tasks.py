"""The tasks process: work that is no message. Rows become messages of the broker, and its actors do them.

dramatiq carries ids from here to here and spreads them over replicas; everything else is the rows' (`tenants.jobs`):
what is due, what failed and when it comes again. So its own retries, limits and results are off. Webhooks go out
beside them (`worker.courier`): a call into the network is no transaction.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import CancelledError
from datetime import timedelta
from typing import Any
from uuid import UUID

import dramatiq
import structlog
from dramatiq.brokers.redis import RedisBroker
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from tenants.billing.cashier import Cashier
from tenants.config import Config
from tenants.crypto import load_keyring
from tenants.db import Database, is_passing
from tenants.ids import RowId
from tenants.job_kinds import KINDS, PERIODIC
from tenants.jobs import JOBS_CHANNEL, PATIENCE, Kinds, count_dead_jobs, enqueue_periodic, hand_out, run_job
from tenants.notices import Listener
from tenants.webhooks.happenings import CHANNEL
from worker.courier import Courier
from worker.posting import Poster

SWEEP_EVERY = 2.0
LOOK_AT_PERIODS_EVERY = 30.0
DRAIN_SECONDS = 8.0
REDIS_SECONDS = 3.0
THREADS = 4
"""Jobs at once: a thread waits for each while the loop does it."""
IDLE_MILLISECONDS = 250
"""Between two looks of an idle consumer into Redis."""
HEARTBEAT_MILLISECONDS = 10_000
MAINTENANCE_CHANCE = 200_000
"""Of a million commands, those that look for the messages of dead processes. With dramatiq's defaults such a message
comes again after minutes.
"""

Actor = dramatiq.Actor[[str], None]

log = structlog.get_logger()


async def run(config: Config, ready: Callable[[], None]) -> None:
    """Runs until cancelled, then drains: jobs in hand are finished, or begun again elsewhere."""
    keyring = load_keyring(config.backline_keyring)
    database = Database(config.database_url.get_secret_value())
    try:
        async with Poster(loopback=config.webhook_loopback) as poster, _cashier(config, database) as cashier:
            courier = Courier(database, keyring, poster.post)
            await Tasks(config, database, KINDS, courier=courier, cashier=cashier).run(ready)
    finally:
        await database.close()


@contextlib.asynccontextmanager
async def _cashier(config: Config, database: Database) -> AsyncIterator[Cashier | None]:
    """None where no card is taken: then Stripe's library is not even loaded."""
    if config.stripe_secret_key is None:
        yield None
        return
    from tenants.billing.gateway import open_gateway  # noqa: PLC0415

    gateway = open_gateway(config)
    redis = AsyncRedis.from_url(config.redis_url.get_secret_value(), socket_timeout=REDIS_SECONDS)
    try:
        yield Cashier(database, [gateway] if gateway else [], redis)
    finally:
        await redis.aclose()
        if gateway is not None:
            await gateway.close()


def open_broker(redis_url: str) -> RedisBroker:
    """A Redis that is away is noticed in seconds: the library's own patience is a minute."""
    client = Redis.from_url(
        redis_url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS, retry=Retry(NoBackoff(), 1)
    )
    return RedisBroker(  # type: ignore[no-untyped-call]
        client=client,
        middleware=[],
        namespace="backline_tasks",
        heartbeat_timeout=HEARTBEAT_MILLISECONDS,
        maintenance_chance=MAINTENANCE_CHANCE,
    )


def declare_actors(broker: RedisBroker, kinds: Kinds, do: Callable[[RowId], None]) -> Mapping[str, Actor]:
    """One actor for each kind of job, named after it."""

    def act(job: str) -> None:
        do(RowId(UUID(job)))

    return {kind: dramatiq.actor(broker=broker, actor_name=kind, queue_name="jobs")(act) for kind in kinds}


class Tasks:
    """The loops of one process. Any number of processes share the work."""

    def __init__(
        self,
        config: Config,
        database: Database,
        kinds: Kinds,
        *,
        periodic: Mapping[str, timedelta] = PERIODIC,
        patience: timedelta = PATIENCE,
        drain_seconds: float = DRAIN_SECONDS,
        courier: Courier | None = None,
        cashier: Cashier | None = None,
    ) -> None:
        self._database = database
        self._kinds = kinds
        self._periodic = periodic
        self._patience = patience
        self._drain_seconds = drain_seconds
        self._courier = courier
        self._cashier = cashier
        self._woken = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._in_hand: set[asyncio.Task[None]] = set()
        self._broker = open_broker(config.redis_url.get_secret_value())
        self._actors = declare_actors(self._broker, kinds, self._do_from_thread)
        self._listener = Listener(
            config.database_url.get_secret_value(),
            [JOBS_CHANNEL, CHANNEL],
            heard=lambda _: self._wake(),
            connected=self._wake,
        )

    def _wake(self) -> None:
        self._woken.set()
        if self._courier is not None:
            self._courier.wake()

    async def run(self, ready: Callable[[], None]) -> None:
        worker = dramatiq.Worker(self._broker, worker_threads=THREADS, worker_timeout=IDLE_MILLISECONDS)
        self._broker.emit_after("process_boot")  # a Worker inside a process of ours does not say it by itself
        worker.start()
        ready()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listener.run())
                group.create_task(self._hand_out_for_ever())
                group.create_task(self._look_at_periods_for_ever())
                if self._courier is not None:
                    group.create_task(self._courier.run())
                if self._cashier is not None:
                    group.create_task(self._cashier.run())
        finally:
            await self._drain(worker)

    async def _drain(self, worker: dramatiq.Worker) -> None:
        stopping = asyncio.create_task(asyncio.to_thread(worker.stop, int(self._drain_seconds * 1000)))
        await asyncio.wait([stopping], timeout=self._drain_seconds)
        for task in self._in_hand:  # rolled back, and handed out again by whoever lives
            task.cancel()
        await asyncio.gather(stopping, *self._in_hand, return_exceptions=True)
        await asyncio.to_thread(self._broker.close)

    def _do_from_thread(self, job: RowId) -> None:
        """The body of all actors: the thread waits while the process's one loop does the job."""
        with contextlib.suppress(CancelledError):
            asyncio.run_coroutine_threadsafe(self._do(job), self._loop).result()

    async def _do(self, job: RowId) -> None:
        task = asyncio.ensure_future(self._calmly(lambda: run_job(self._database, job, self._kinds)))
        self._in_hand.add(task)
        task.add_done_callback(self._in_hand.discard)
        await task

    async def _hand_out_for_ever(self) -> None:
        while True:
            self._woken.clear()
            await self._calmly(self._hand_out)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_EVERY):
                    await self._woken.wait()

    async def _hand_out(self) -> None:
        async with self._database.fleet() as unit:
            due = await hand_out(unit, self._kinds, patience=self._patience)
        for job, kind in due:
            await asyncio.to_thread(self._actors[kind].send, str(job))

    async def _look_at_periods_for_ever(self) -> None:
        while True:
            await self._calmly(self._look_at_periods)
            await asyncio.sleep(LOOK_AT_PERIODS_EVERY)

    async def _look_at_periods(self) -> None:
        began = False
        async with self._database.fleet() as unit:
            for kind, every in self._periodic.items():
                began |= await enqueue_periodic(unit, kind, every)
            dead = await count_dead_jobs(unit)
        if dead and began:
            log.error("jobs.dead", kinds=dead)

    async def _calmly(self, act: Callable[[], Awaitable[Any]]) -> None:
        """What fails for a passing reason comes again with the next sweep."""
        try:
            await act()
        except Exception as error:
            if not (is_passing(error) or isinstance(error, RedisError)):
                raise
            log.warning("tasks.postponed", error=type(error).__name__)
