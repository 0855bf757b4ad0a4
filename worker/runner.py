"""One tenant's session: a relay and a sender, restarted when they break, stopped for good when told."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from time import monotonic

import structlog

from sessions.errors import Rejected, Revoked, SessionError
from sessions.port import Cursor, Session, SessionFactory
from tenants.backoff import backoff, patiently
from tenants.connections import Runnable, mark_revoked, read_token
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.errors import LeaseLost, NotFound
from tenants.ids import ChatId, TenantId
from tenants.intake import Desk, open_desk
from tenants.leases import Lease, require
from tenants.outbox import ages_of_recent_sends
from worker import metrics
from worker.allowance import Allowance
from worker.commands import COMMANDS
from worker.housekeeper import Housekeeper
from worker.leases import LeaseKeeper
from worker.line import Line
from worker.pace import EgressPace
from worker.pump import Pump
from worker.relay import Relay
from worker.replays import Replays
from worker.seat import TenantSeat
from worker.sender import Sender

DRAIN_SECONDS = 8.0
NOTE_ALIVE_EVERY = 600.0
STATES = ("starting", "running", "stopping", "over")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Means:
    """What all sessions of a worker share. `alive` collects the tenants that Telegram has answered."""

    database: Database
    keyring: Keyring
    sessions: SessionFactory
    keeper: LeaseKeeper
    pump: Pump
    replays: Replays
    pace: EgressPace | None
    housekeeper: Housekeeper | None
    group_sends_per_minute: int
    alive: set[TenantId] = field(default_factory=set)


class Runner:
    def __init__(self, means: Means, tenant: TenantId, lease: Lease) -> None:
        self.lease = lease
        self._means = means
        self._tenant = tenant
        self._seat: TenantSeat | None = None
        self._relaying: asyncio.Task[None] | None = None
        self._stopping = False
        self._line: Line | None = None
        self._group: ChatId | None = None
        self._group_is_new = False
        self._alive_again_at = 0.0
        self._heard_early: Runnable | None = None
        self._task = asyncio.create_task(self._run())

    @property
    def is_over(self) -> bool:
        return self._task.done()

    @property
    def state(self) -> str:
        """One of `STATES`."""
        if self.is_over:
            return "over"
        if self._stopping:
            return "stopping"
        return "starting" if self._seat is None else "running"

    def wake(self) -> None:
        if self._seat is not None:
            self._seat.sender.wake()

    def follow(self, wanted: Runnable) -> None:
        """Another group needs a new start; another housekeeper there is only news."""
        seat = self._seat
        if seat is None:
            self._heard_early = wanted
        elif wanted.group != self._group:
            self._group_is_new = True
            self._end_turn()
        else:
            seat.sender.housekeeper = self._means.housekeeper if wanted.is_housekept else None

    async def replay(self) -> None:
        """Updates that were set aside and that somebody asked for."""
        if self._line is not None and await self._means.replays.run(self._line):
            self.wake()

    async def stop(self) -> None:
        """Receives nothing more, finishes what is on its way, then ends."""
        self._stopping = True
        self._end_turn()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await asyncio.wait([self._task])
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    def _end_turn(self) -> None:
        if self._relaying is not None:
            self._relaying.cancel()

    async def _run(self) -> None:
        failures = 0
        while not self._stopping:
            try:
                await self._live()
                failures = 0
            except (LeaseLost, NotFound):
                log.info("session.ended", tenant=str(self._tenant), reason="lease or tenant gone")
                return
            except (Revoked, Rejected):
                await patiently(self._revoke, name="runner.revoke")
                return
            except Exception:
                failures += 1
                log.exception("session.crashed", tenant=str(self._tenant), failures=failures)
                await asyncio.sleep(backoff(failures))

    async def _live(self) -> None:
        """From reading the tenant to the end of its relay and sender."""
        means = self._means
        desk, token, ages = await patiently(self._read, name="runner.read", failed=metrics.count_database_failure)
        self._group = desk.group_id
        if not desk.is_warm and means.pace is not None:
            await means.pace.wait_for_cold_start()
        line = self._line = Line(
            self._tenant,
            self.lease,
            means.sessions.open(token, guard=lambda: means.keeper.require(self.lease)),
            desk.group_id,
        )
        await self._publish_commands(line.session)
        allowance = Allowance(means.group_sends_per_minute)
        allowance.remember(ages)
        housekeeper = means.housekeeper if desk.is_housekept else None
        seat = self._seat = TenantSeat(line, means.keeper, allowance, means.pump, housekeeper)
        cursor = None if desk.cursor is None else Cursor(desk.cursor)
        relay = Relay(
            line,
            means.keeper,
            means.database,
            cursor=cursor,
            store=seat.store,
            answered=self._answered,
        )
        seat.sender.heard_for = relay.heard_for
        relaying = self._relaying = asyncio.create_task(relay.run())
        seat.sender.wake()
        if self._heard_early is not None:
            heard, self._heard_early = self._heard_early, None
            self.follow(heard)
        try:
            if self._stopping:
                self._end_turn()
            await self._until_over(relaying, seat.sender)
        finally:
            relaying.cancel()
            await asyncio.gather(relaying, return_exceptions=True)
            seat.close()
            self._seat = None

    async def _read(self) -> tuple[Desk, str, list[float]]:
        means = self._means
        async with means.database.tenant(self._tenant) as unit:
            desk = await open_desk(unit, self._tenant, self.lease)
            token = await read_token(unit, self._tenant, means.keyring)
            return desk, token, await ages_of_recent_sends(unit, self._tenant)

    def _answered(self) -> None:
        if monotonic() >= self._alive_again_at:
            self._alive_again_at = monotonic() + NOTE_ALIVE_EVERY
            self._means.alive.add(self._tenant)

    async def _until_over(self, relaying: asyncio.Task[None], sender: Sender) -> None:
        """Raises what ended it. What Telegram accepted is recorded, whatever ended the relay."""
        await asyncio.wait([relaying, sender.ended], return_when=asyncio.FIRST_COMPLETED)
        ends: list[asyncio.Future[None]] = [sender.ended, relaying]
        found = [end.exception() for end in ends if end.done() and not end.cancelled()]
        errors = [error for error in found if error is not None]
        if not any(isinstance(error, LeaseLost) for error in errors):
            sender.drain()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_SECONDS):
                    await sender.idle.wait()
        if errors:
            raise errors[0]

    async def _publish_commands(self, session: Session) -> None:
        """Once per new group: Telegram then offers them to its administrators. A nicety, no reason to fail."""
        if self._group_is_new:
            self._group_is_new = False
            with contextlib.suppress(SessionError):
                await session.publish_commands([(command.name, command.summary) for command in COMMANDS])

    async def _revoke(self) -> None:
        async with self._means.database.tenant(self._tenant) as unit:
            await require(unit, self.lease)
            await mark_revoked(unit, self._tenant)
        log.warning("session.revoked", tenant=str(self._tenant))
