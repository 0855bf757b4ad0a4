"""One tenant's session: a relay and a sender, restarted when they break, stopped for good when told."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any

import structlog

from sessions.errors import Rejected, Revoked, SessionError
from sessions.events import Cursor
from sessions.port import Session, SessionFactory
from tenants.backoff import backoff, patiently
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.errors import LeaseLost, NotFound
from tenants.ids import ChatId, LaneId, TenantId
from tenants.intake import Desk, note_problem, open_desk
from tenants.leases import Lease, require
from tenants.outbox import ages_of_recent_sends, recent_sends_to_groups
from tenants.parallel import Mode
from tenants.runnable import Runnable
from tenants.tokens import mark_revoked, read_token
from worker import metrics
from worker.allowance import Allowance
from worker.housekeeper import Housekeeper
from worker.leases import LeaseKeeper
from worker.line import Line
from worker.manual import listed
from worker.pace import EgressPace
from worker.pump import Pump
from worker.relay import Relay
from worker.release import Release
from worker.replays import Replays
from worker.safe import TenantSafe
from worker.seat import TenantSeat
from worker.sender import Sender

DRAIN_SECONDS = 8.0
NOTE_ALIVE_EVERY = 600.0
NOT_CONFIGURED = (
    "Parallel mode is not available on this deployment: TELEGRAM_API_ID and TELEGRAM_API_HASH are not set."
)
STATES = ("starting", "running", "stopping", "over")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Means:
    """What all sessions of a worker share. `parallel` is None where it is not configured. `alive` collects the
    tenants whose tokens Telegram has loaded.
    """

    database: Database
    keyring: Keyring
    sessions: SessionFactory
    keeper: LeaseKeeper
    pump: Pump
    replays: Replays
    pace: EgressPace | None
    housekeeper: Housekeeper | None
    group_sends_per_minute: int
    parallel: SessionFactory | None = None
    alive: set[TenantId] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Recent:
    """Ages of the last minute's sends, in seconds: into the team's group, and into groups that are customers."""

    team: list[float]
    groups: list[tuple[LaneId, float]]


class Runner:
    def __init__(self, means: Means, tenant: TenantId, lease: Lease) -> None:
        self.lease = lease
        self._means = means
        self._tenant = tenant
        self._seat: TenantSeat | None = None
        self._release: Release | None = None
        self._turn: asyncio.Task[Any] | None = None
        self._stopping = False
        self._line: Line | None = None
        self._group: ChatId | None = None
        self._mode = Mode.POLLING
        self._token_version = 0
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
        """Another group, mode or token needs a new start; another housekeeper there is only news."""
        if self._turn is None:
            self._heard_early = wanted
        elif (wanted.group, wanted.mode, wanted.token_version) != (self._group, self._mode, self._token_version):
            self._group_is_new |= wanted.group != self._group
            self._end_turn()
        elif self._seat is not None:
            self._seat.sender.housekeeper = self._means.housekeeper if wanted.is_housekept else None

    def let_go(self) -> None:
        """The lease is not certain any more: Telegram ends a login for good that is used from two connections."""
        if self._mode is Mode.PARALLEL:
            self._end_turn()

    async def replay(self) -> None:
        """Updates that were set aside and that somebody asked for."""
        if self._line is not None and await self._means.replays.run(self._line):
            self.wake()

    def release(self) -> None:
        """Updates that waited for the plan's limit."""
        if self._release is not None:
            self._release.begin()

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
        if self._turn is not None:
            self._turn.cancel()

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
        desk, token, recent = await patiently(self._read, name="runner.read", failed=metrics.count_database_failure)
        self._group, self._mode, self._token_version = desk.group_id, desk.mode, desk.token_version
        if desk.mode is Mode.PARALLEL and means.parallel is None:
            await self._wait_for_another_mode()
            return
        session = await self._open_session(desk, token)
        try:
            line = self._line = Line(self._tenant, self.lease, session, desk.group_id, desk.mode)
            await self._publish_commands(session)
            await self._serve(line, desk, recent)
        finally:
            self._line = None
            await session.close()

    async def _read(self) -> tuple[Desk, str, Recent]:
        means = self._means
        async with means.database.tenant(self._tenant) as unit:
            desk = await open_desk(unit, self._tenant, self.lease)
            if desk.mode is Mode.PARALLEL:
                await note_problem(unit, self._tenant, NOT_CONFIGURED if means.parallel is None else None)
            token = await read_token(unit, self._tenant, means.keyring)
            team = await ages_of_recent_sends(unit, self._tenant)
            return desk, token, Recent(team, await recent_sends_to_groups(unit, self._tenant))

    async def _wait_for_another_mode(self) -> None:
        """What is not configured is not there before this process starts anew."""
        log.warning("session.not_configured", tenant=str(self._tenant), mode=self._mode)
        never = self._begin_turn(asyncio.create_task(asyncio.Event().wait()))
        try:
            await asyncio.wait([never])
        finally:
            never.cancel()
            self._turn = None

    async def _open_session(self, desk: Desk, token: str) -> Session:
        means = self._means
        guard = partial(means.keeper.require, self.lease)
        if desk.mode is Mode.PARALLEL and means.parallel is not None:
            return means.parallel.open(
                token, guard, TenantSafe(means.database, means.keyring, self._tenant, self.lease)
            )
        if not desk.is_warm and means.pace is not None:
            await means.pace.wait_for_cold_start()
        return means.sessions.open(token, guard)

    async def _serve(self, line: Line, desk: Desk, recent: Recent) -> None:
        means = self._means
        allowance = Allowance(means.group_sends_per_minute)
        allowance.remember(recent.team)
        allowance.remember_groups(recent.groups)
        housekeeper = means.housekeeper if desk.is_housekept else None
        seat = self._seat = TenantSeat(line, means.keeper, allowance, means.pump, housekeeper)
        relay = Relay(
            line,
            means.keeper,
            means.database,
            cursor=None if desk.cursor is None else Cursor(desk.cursor),
            store=seat.store,
            answered=self._answered,
        )
        self._release = Release(self._tenant, means.database, means.keyring, seat.release)
        seat.sender.heard_for = relay.heard_for
        relaying = self._begin_turn(asyncio.create_task(relay.run()))
        seat.sender.wake()
        try:
            await self._until_over(relaying, seat.sender, line.session)
        finally:
            relaying.cancel()
            await asyncio.gather(relaying, self._release.stop(), return_exceptions=True)
            seat.close()
            self._seat = self._turn = self._release = None

    def _begin_turn(self, turn: asyncio.Task[Any]) -> asyncio.Task[Any]:
        """What was heard while it began counts now."""
        self._turn = turn
        if self._heard_early is not None:
            heard, self._heard_early = self._heard_early, None
            self.follow(heard)
        if self._stopping:
            self._end_turn()
        return turn

    def _answered(self) -> None:
        if self._mode is Mode.POLLING and monotonic() >= self._alive_again_at:
            self._alive_again_at = monotonic() + NOTE_ALIVE_EVERY
            self._means.alive.add(self._tenant)

    async def _until_over(self, relaying: asyncio.Task[None], sender: Sender, session: Session) -> None:
        """Raises what ended it. What Telegram accepted is recorded, whatever ended the relay."""
        await asyncio.wait([relaying, sender.ended], return_when=asyncio.FIRST_COMPLETED)
        if not self._means.keeper.may_act(self.lease):
            await session.close()
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
                await session.publish_commands(listed())

    async def _revoke(self) -> None:
        async with self._means.database.tenant(self._tenant) as unit:
            await require(unit, self.lease)
            await mark_revoked(unit, self._tenant, self._token_version)
        log.warning("session.revoked", tenant=str(self._tenant))
