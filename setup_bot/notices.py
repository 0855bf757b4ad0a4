"""Hearing what the workers noted for owners: a group that came, a token that died.

One connection listens. A lost notice loses nothing: the wizards that wait are also looked through every few seconds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from setup_bot.failures import where
from setup_bot.polling import backoff
from tenants.db import SETUP_CHANNEL
from tenants.ids import TenantId

SWEEP_EVERY = 3.0
LONGEST_BACKOFF = 10.0

log = structlog.get_logger()


class Notices:
    """Calls `heard` with a tenant's id; `sweep` at every new connection and from time to time."""

    def __init__(
        self,
        database_url: str,
        *,
        heard: Callable[[TenantId], Awaitable[None]],
        sweep: Callable[[], Awaitable[None]],
    ) -> None:
        self._database_url = database_url
        self._heard = heard
        self._sweep = sweep
        self._queue: asyncio.Queue[TenantId] = asyncio.Queue()

    def parts(self) -> tuple[Coroutine[Any, Any, None], ...]:
        """What runs side by side, for ever."""
        return self._listen_for_ever(), self._hear(), self._sweep_for_ever()

    async def _listen_for_ever(self) -> None:
        failures = 0
        while True:
            try:
                await self._listen()
                failures = 0
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("notices.connection_lost", error=type(error).__name__)
            failures += 1
            await asyncio.sleep(min(LONGEST_BACKOFF, backoff(failures)))

    async def _listen(self) -> None:
        connection = await asyncpg.connect(self._database_url, timeout=10)
        closed = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: closed.set())
            await connection.add_listener(SETUP_CHANNEL, self._on_notice)
            log.info("notices.connected")
            await closed.wait()
        finally:
            await connection.close(timeout=2)

    def _on_notice(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        try:
            self._queue.put_nowait(TenantId(UUID(str(payload))))
        except ValueError:
            log.warning("notices.notice_malformed")

    async def _hear(self) -> None:
        while True:
            tenant = await self._queue.get()
            await self._calmly(lambda: self._heard(tenant))  # noqa: B023  # awaited here

    async def _sweep_for_ever(self) -> None:
        while True:
            await self._calmly(self._sweep)
            await asyncio.sleep(SWEEP_EVERY)

    async def _calmly(self, act: Callable[[], Awaitable[None]]) -> None:
        """What fails for a passing reason comes again with the next sweep."""
        try:
            await act()
        except Exception as error:  # noqa: BLE001  # nobody waits for this
            log.warning("notices.sweep_failed", error=type(error).__name__, at=where(error))
