"""Listening: one connection per worker hears what other processes changed. Losing a notice loses nothing."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import asyncpg
import structlog

from tenants.db import shard_channel
from tenants.ids import TenantId
from tenants.leases import SHARDS
from worker.backoff import backoff

log = structlog.get_logger()


class Wakeups:
    """Calls `heard` with a tenant's id, and `reconnected` after every new connection, when notices may be lost."""

    def __init__(
        self, database_url: str, *, heard: Callable[[TenantId], None], reconnected: Callable[[], None]
    ) -> None:
        self._database_url = database_url
        self._heard = heard
        self._reconnected = reconnected

    async def run(self) -> None:
        failures = 0
        while True:
            try:
                await self._listen()
                failures = 0
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("wakeups.connection_lost", error=type(error).__name__)
            failures += 1
            await asyncio.sleep(backoff(failures, longest=10))

    async def _listen(self) -> None:
        connection = await asyncpg.connect(self._database_url, timeout=10)
        closed = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: closed.set())
            for shard in range(SHARDS):
                await connection.add_listener(shard_channel(shard), self._on_notice)
            self._reconnected()
            await closed.wait()
        finally:
            await connection.close(timeout=2)

    def _on_notice(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        try:
            self._heard(TenantId(UUID(str(payload))))
        except ValueError:
            log.warning("wakeups.notice_malformed")
