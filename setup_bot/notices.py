"""Hearing what the workers noted for owners: a group that came, news that the teller shall tell.

One connection listens. A lost notice loses nothing: the wizards that wait are also looked through every few seconds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from setup_bot.failures import where
from tenants.db import SETUP_CHANNEL
from tenants.ids import TenantId
from tenants.notices import Listener

SWEEP_EVERY = 3.0

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
        self._heard = heard
        self._sweep = sweep
        self._queue: asyncio.Queue[TenantId] = asyncio.Queue()
        self._listener = Listener(database_url, [SETUP_CHANNEL], heard=self._queue.put_nowait, connected=lambda: None)

    def parts(self) -> tuple[Coroutine[Any, Any, None], ...]:
        """What runs side by side, for ever."""
        return self._listener.run(), self._hear(), self._sweep_for_ever()

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
