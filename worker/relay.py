"""What comes in: batches are received, handed over to be stored, and acknowledged once they are.

A crash before the commit means that Telegram delivers again; after it, nothing is done twice.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

import structlog

from sessions.errors import Flaky, FloodWait, Revoked, SessionError
from sessions.events import Batch, Cursor
from tenants import intake
from tenants.backoff import backoff, patiently
from tenants.db import Database
from tenants.errors import LeaseLost
from tenants.leases import require
from worker.checkpoints import checkpoint
from worker.leases import LeaseKeeper
from worker.line import Line

log = structlog.get_logger()


class Relay:
    """One tenant's intake. `store` returns once the batch and its cursor are committed; `answered` hears of every
    answer of Telegram's.
    """

    def __init__(
        self,
        line: Line,
        keeper: LeaseKeeper,
        database: Database,
        *,
        cursor: Cursor | None,
        store: Callable[[Batch], Awaitable[None]],
        answered: Callable[[], None],
    ) -> None:
        self._line = line
        self._keeper = keeper
        self._database = database
        self._cursor = cursor
        self._store = store
        self._answered = answered
        self._failures = 0
        self._conflicted = False
        self._listening_since: float | None = None

    def heard_for(self) -> float:
        """Seconds for which it has listened without a failure: what was waiting has been received by then."""
        return 0.0 if self._listening_since is None else monotonic() - self._listening_since

    async def run(self) -> None:
        """Receives for ever. Raises `LeaseLost` and `Revoked`; everything else is waited out."""
        while True:
            self._keeper.require(self._line.lease)
            if self._listening_since is None:
                self._listening_since = monotonic()
            try:
                batch = await self._line.session.receive(self._cursor)
            except Revoked:
                raise
            except SessionError as error:
                await self._wait_out(error)
                continue
            await self._note_recovery()
            if batch.updates:
                checkpoint("relay.received")
                await self._store(batch)
                self._cursor = batch.cursor
                checkpoint("relay.acknowledged")

    async def _note_recovery(self) -> None:
        self._failures = 0
        self._answered()
        if self._conflicted:
            self._conflicted = False
            await patiently(lambda: self._note_problem(None), name="relay.note_recovery")

    async def _wait_out(self, error: SessionError) -> None:
        """A flood wait is a pause; the cursor stays where it is."""
        self._listening_since = None
        self._failures += 1
        delay = error.seconds if isinstance(error, FloodWait) else backoff(self._failures)
        log.warning(
            "session.receive_failed",
            tenant=str(self._line.tenant),
            code=error.code,
            wait=round(delay, 1),
            lease_held=self._holds_lease(),
        )
        if isinstance(error, Flaky) and error.code == "conflict" and self._holds_lease():
            self._conflicted = True
            await patiently(lambda: self._note_problem(error.text), name="relay.note_problem")
        await asyncio.sleep(delay)

    def _holds_lease(self) -> bool:
        try:
            self._keeper.require(self._line.lease)
        except LeaseLost:
            return False
        return True

    async def _note_problem(self, problem: str | None) -> None:
        async with self._database.tenant(self._line.tenant) as unit:
            await require(unit, self._line.lease)  # whoever has lost it is itself the other program
            await intake.note_problem(unit, self._line.tenant, problem)
