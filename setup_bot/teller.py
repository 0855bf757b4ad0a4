"""Telling owners what happened without being asked: rows of `tenants.owner_notices`, in order for each owner."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import structlog
from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNotFound,
    TelegramRetryAfter,
)

from setup_bot.failures import where
from setup_bot.handling import LONGEST
from setup_bot.hearers import Hearers
from setup_bot.lines import Lines
from setup_bot.screens import told
from setup_bot.talk import Talk
from setup_bot.texts import speaking
from tenants.backoff import backoff, patiently
from tenants.connections import Connections
from tenants.db import Database
from tenants.errors import LeaseLost
from tenants.ids import MessageId, UserId
from tenants.leases import Lease
from tenants.owner_notices import OwnerNotice, Told, claim_notices, record_told, still_holds

SWEEP_EVERY = 3.0
AT_ONCE = 16
"""Owners that are written to at once."""
MOST_ATTEMPTS = 100
LONGEST_BACKOFF = 600.0

log = structlog.get_logger()


class Teller:
    """`lease` gives the right to speak in the setup bot's name, or raises `LeaseLost`.

    It speaks in the line of the person concerned, so that nothing crosses with what they press meanwhile.
    """

    def __init__(
        self,
        bot: Bot,
        connections: Connections,
        hearers: Hearers,
        database: Database,
        lines: Lines,
        *,
        lease: Callable[[], Lease],
    ) -> None:
        self._bot = bot
        self._connections = connections
        self._hearers = hearers
        self._database = database
        self._lines = lines
        self._lease = lease
        self._busy: set[UserId] = set()
        self._woken = asyncio.Event()

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        while True:
            self._woken.clear()
            await self._calmly(self._look)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_EVERY):
                    await self._woken.wait()

    async def _look(self) -> None:
        lease = self._lease()
        room = AT_ONCE - len(self._busy)
        if room <= 0:
            return
        async with self._database.fleet() as unit:
            notices = await claim_notices(unit, lease, told.KINDS, busy=self._busy, most=room)
        for notice in notices:
            self._busy.add(notice.owner)
            self._lines.submit(notice.owner, partial(self._tell, lease, notice))

    async def _tell(self, lease: Lease, notice: OwnerNotice) -> None:
        try:
            await self._calmly(lambda: self._say_and_record(lease, notice))
        finally:
            self._busy.discard(notice.owner)
            self.wake()

    async def _say_and_record(self, lease: Lease, notice: OwnerNotice) -> None:
        became = await self._say(notice)
        await patiently(lambda: self._record(lease, notice, became), name="teller.record")
        log.info("owner.told", tenant=str(notice.tenant), kind=notice.kind, state=became.state, error=became.error)

    async def _say(self, notice: OwnerNotice) -> Told:
        tenant = await self._connections.find_for_notice(notice.tenant)
        async with self._database.tenant(notice.tenant) as unit:
            holds = await still_holds(unit, notice)
        if tenant is None or not holds:
            return Told(error="not so any more")
        with speaking(await self._hearers.language(notice.owner)):
            screen = told.screen(tenant, notice.kind, notice.params)
        self._lease()  # as late as can be
        try:
            async with asyncio.timeout(LONGEST):
                return Told(message=MessageId(await Talk(self._bot, notice.owner).show(screen)))
        except (TelegramAPIError, TimeoutError) as error:
            return refused(error, notice.attempts)

    async def _record(self, lease: Lease, notice: OwnerNotice, became: Told) -> None:
        async with self._database.fleet() as unit:
            await record_told(unit, lease, notice, became)

    async def _calmly(self, act: Callable[[], Awaitable[None]]) -> None:
        """What fails comes again with a later look: the row says how far it got."""
        try:
            await act()
        except LeaseLost:
            log.info("teller.lease_lost")
        except Exception as error:  # noqa: BLE001  # nobody waits for this
            log.warning("teller.postponed", error=type(error).__name__, at=where(error))


def refused(error: Exception, attempts: int) -> Told:
    """A flood is waited out; one who blocked the bot is not asked again; everything else is tried again for long."""
    name = type(error).__name__
    if isinstance(error, TelegramRetryAfter):
        return Told(error=name, wait=timedelta(seconds=error.retry_after), counted=False)
    if isinstance(error, (TelegramForbiddenError, TelegramBadRequest, TelegramNotFound)) or attempts >= MOST_ATTEMPTS:
        return Told(error=name)
    return Told(error=name, wait=timedelta(seconds=backoff(attempts, longest=LONGEST_BACKOFF)))
