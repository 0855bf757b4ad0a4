"""What waited for the plan's limit goes on: read again in pieces, and brought to turns like what comes."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import structlog

from sessions.events import Incoming
from sessions.kept import load_event
from tenants.backoff import patiently
from tenants.crypto import Keyring
from tenants.db import Database, UnitOfWork
from tenants.ids import TenantId
from tenants.usage.waiting import Waiting, give_up, read_waiting

AT_ONCE = 50
"""Updates in one turn: what comes for other tenants meanwhile waits no longer than for a batch of Telegram's."""

log = structlog.get_logger()


class Release:
    """One tenant's. `store` returns once the updates are handled, as far as there is room."""

    def __init__(
        self,
        tenant: TenantId,
        database: Database,
        keyring: Keyring,
        store: Callable[[Sequence[Incoming]], Awaitable[None]],
    ) -> None:
        self._tenant = tenant
        self._database = database
        self._keyring = keyring
        self._store = store
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Unless it is at it."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        """Until nothing waits, or there is no room before the day turns. Trouble of the seat's ends its session."""
        number = 0
        try:
            while updates := await patiently(self._read, name="release.read"):
                await self._store(updates)
                number += len(updates)
        except Exception as error:  # noqa: BLE001  # what is left waits for the next sweep
            log.warning("release.ended", tenant=str(self._tenant), error=type(error).__name__)
        if number:
            log.info("updates.released", tenant=str(self._tenant), number=number)

    async def _read(self) -> list[Incoming]:
        async with self._database.tenant(self._tenant) as unit:
            waiting = await read_waiting(unit, self._tenant, self._keyring, limit=AT_ONCE)
            return [read for one in waiting if (read := await self._load(unit, one)) is not None]

    async def _load(self, unit: UnitOfWork, waiting: Waiting) -> Incoming | None:
        """What another release wrote and this one can't read is set aside: it holds up nobody."""
        try:
            return replace(load_event(waiting.raw), waited_since=waiting.received_at)
        except Exception as error:
            log.exception("release.unreadable", tenant=str(self._tenant), update=waiting.update)
            await give_up(unit, self._tenant, waiting.update, type(error).__name__)
            return None
