"""Takes turns: whatever the tenants have to store, record or claim goes into one transaction after the other.

While one transaction is on its way the next fills up, so the busier the worker, the less a message costs. A turn
that raises is halved until the culprit stands alone; trouble of the database is waited out by all.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from tenants.backoff import patiently
from tenants.errors import LeaseLost
from worker import metrics
from worker.turn import Home, Homes, Part, Turn

MOST_PARTS = 256
MOST_UPDATES = 1000
LONGEST_PAUSE = 3.0
"""Seconds between attempts while the database is away."""

log = structlog.get_logger()


class Seat(Protocol):
    """One tenant's place at the pump."""

    def bring(self) -> Part | None:
        """What it has for the next turn."""
        ...

    def take_home(self, part: Part, home: Home) -> None:
        """The turn is committed."""
        ...

    def fail(self, error: Exception) -> None:
        """Nothing of it can be stored, however often it is tried."""
        ...


class Pump:
    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._ready: dict[Seat, None] = {}
        self._something = asyncio.Event()

    def wake(self, seat: Seat) -> None:
        """It has something for the next turn."""
        self._ready[seat] = None
        self._something.set()

    def leave(self, seat: Seat) -> None:
        self._ready.pop(seat, None)

    async def run(self) -> None:
        while True:
            await self._something.wait()
            seats = self._next_seats()
            brought = [(seat, part) for seat in seats if (part := seat.bring()) is not None]
            if brought:
                await self._serve(brought)

    def _next_seats(self) -> list[Seat]:
        seats = list(self._ready)[:MOST_PARTS]
        for seat in seats:
            del self._ready[seat]
        if not self._ready:
            self._something.clear()
        return seats

    async def _serve(self, brought: Sequence[tuple[Seat, Part]]) -> None:
        if len(brought) > 1 and sum(len(part.updates) for _, part in brought) > MOST_UPDATES:
            await self._halve(brought)
            return
        try:
            homes = await self._run([part for _, part in brought])
        except Exception as error:  # noqa: BLE001  # whatever it is, it comes again for its own part alone
            if len(brought) > 1:
                await self._halve(brought)
            else:
                await self._alone(*brought[0], error)
            return
        for seat, part in brought:
            home = homes[part.tenant]
            if home.error is None:
                _hand_over(seat, part, home)
            elif isinstance(home.error, LeaseLost):
                seat.fail(home.error)
            else:  # what went out before is recorded; only the updates could not be stored
                _hand_over(seat, part.results_only(), Home())
                await self._alone(seat, part.without_results(), home.error)

    async def _halve(self, brought: Sequence[tuple[Seat, Part]]) -> None:
        middle = len(brought) // 2
        await self._serve(brought[:middle])
        await self._serve(brought[middle:])

    async def _run(self, parts: Sequence[Part]) -> Homes:
        with metrics.DATABASE_SECONDS.labels("turn").time():
            return await patiently(
                lambda: self._turn.run(parts),
                name="pump.turn",
                longest=LONGEST_PAUSE,
                failed=metrics.count_database_failure,
            )

    async def _alone(self, seat: Seat, part: Part, error: Exception) -> None:
        """Only an error that would come again sets an update aside, and only the one that it came with."""
        if isinstance(error, LeaseLost) or not part.updates or part.aside is not None:
            seat.fail(error)
            return
        log.error("turn.failed", tenant=str(part.tenant), updates=len(part.updates), error=type(error).__name__)
        if part.has_more_than_an_update:
            for piece in part.pieces():
                await self._serve([(seat, piece)])
        else:
            await self._serve([(seat, part.set_aside(type(error).__name__))])


def _hand_over(seat: Seat, part: Part, home: Home) -> None:
    """A seat that breaks ends alone."""
    try:
        seat.take_home(part, home)
    except Exception as error:
        log.exception("seat.broke", tenant=str(part.tenant))
        seat.fail(error)
