"""Listening: one connection per process hears what the others changed. Losing a notice loses nothing: all sweep."""

import asyncio
from collections.abc import Callable, Sequence
from uuid import UUID

import asyncpg
import structlog

from tenants.backoff import backoff
from tenants.ids import TenantId

LONGEST_PAUSE = 10.0

log = structlog.get_logger()


class Listener:
    """Calls `heard` with a tenant's id, and `connected` after every new connection, when notices may be lost."""

    def __init__(
        self,
        database_url: str,
        channels: Sequence[str],
        *,
        heard: Callable[[TenantId], None],
        connected: Callable[[], None],
    ) -> None:
        self._database_url = database_url
        self._channels = channels
        self._heard = heard
        self._connected = connected

    async def run(self) -> None:
        failures = 0
        while True:
            try:
                await self._listen()
                failures = 0
            except (
                OSError,
                TimeoutError,
                asyncpg.PostgresError,
                asyncpg.InterfaceError,
                asyncpg.InternalClientError,
            ) as error:
                log.warning("notices.connection_lost", error=type(error).__name__)
            failures += 1
            await asyncio.sleep(backoff(failures, longest=LONGEST_PAUSE))

    async def _listen(self) -> None:
        connection = await asyncpg.connect(self._database_url, timeout=10)
        closed = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: closed.set())
            for channel in self._channels:
                await connection.add_listener(channel, self._on_notice)
            log.info("notices.connected")
            self._connected()
            await closed.wait()
        finally:
            await connection.close(timeout=2)

    def _on_notice(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        try:
            self._heard(TenantId(UUID(str(payload))))
        except ValueError:
            log.warning("notices.notice_malformed")
