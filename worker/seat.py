"""One tenant's place at the pump: the batch that waits to be stored, what waited for the plan's limit, its sender."""

import asyncio
from collections.abc import Sequence

import structlog

from sessions.events import Batch, Incoming
from worker import metrics
from worker.allowance import Allowance
from worker.housekeeper import Housekeeper
from worker.leases import LeaseKeeper
from worker.line import Line
from worker.pump import Pump
from worker.sender import Sender
from worker.turn import Home, Part

log = structlog.get_logger()


class TenantSeat:
    def __init__(
        self,
        line: Line,
        keeper: LeaseKeeper,
        allowance: Allowance,
        pump: Pump,
        housekeeper: Housekeeper | None = None,
    ) -> None:
        self._line = line
        self._pump = pump
        self._batch: Batch | None = None
        self._stored: asyncio.Future[None] | None = None
        self._waited: Sequence[Incoming] = ()
        self._released: asyncio.Future[None] | None = None
        self.sender = Sender(line, keeper, allowance, housekeeper, wake=lambda: pump.wake(self))

    async def store(self, batch: Batch) -> None:
        """Until the batch's effects and its cursor are committed. Raises `LeaseLost`."""
        self._batch = batch
        self._stored = asyncio.get_running_loop().create_future()
        self._pump.wake(self)
        with metrics.UPDATE_AGE.time():
            await self._stored

    async def release(self, updates: Sequence[Incoming]) -> None:
        """Until what had waited is handled, as far as there is room. Raises `LeaseLost`."""
        self._waited = updates
        self._released = asyncio.get_running_loop().create_future()
        self._pump.wake(self)
        await self._released

    def bring(self) -> Part | None:
        """What waited goes first."""
        batch, waited = self._batch, self._waited
        part = self.sender.bring(comes=batch is not None or bool(waited))
        if part is not None and batch is not None:
            part.updates, part.cursor, part.completes = batch.updates, batch.cursor, True
            part.hashes = batch.hashes
        if part is not None and waited:
            part.updates, part.completes_release = [*waited, *part.updates], True
        return part

    def take_home(self, part: Part, home: Home) -> None:
        for outcome in home.stored:
            disposition = outcome.disposition
            log.info(
                "update.stored",
                tenant=str(self._line.tenant),
                update=outcome.update_id,
                disposition=disposition.name,
                reason=disposition.reason,
            )
            if disposition.name == "failed":
                metrics.FAILED.inc()
        self.sender.take_home(part, home)
        if part.completes and self._stored is not None:
            self._batch = None
            if not self._stored.done():
                self._stored.set_result(None)
        if part.completes_release and self._released is not None:
            self._waited = ()
            if not self._released.done():
                self._released.set_result(None)

    def fail(self, error: Exception) -> None:
        self._batch, self._waited = None, ()
        self.sender.fail(error, for_good=True)
        for awaited in (self._stored, self._released):
            if awaited is not None and not awaited.done():
                awaited.set_exception(error)

    def close(self) -> None:
        self._pump.leave(self)
        self.sender.close()
        for awaited in (self._stored, self._released):
            if awaited is not None:
                awaited.cancel()
