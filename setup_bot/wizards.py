"""What the setup bot says to one who waits: the group that came, what it still lacks, the link that expired."""

import asyncio
import contextlib
from functools import partial

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramForbiddenError
from aiogram.utils.formatting import Text
from redis.exceptions import RedisError

from connecting.verification import Report
from setup_bot.failures import explain
from setup_bot.flows.group import inspect
from setup_bot.handling import LONGEST
from setup_bot.lines import Lines
from setup_bot.screens import group as group_screens
from setup_bot.screens.screen import Screen
from setup_bot.services import Services
from setup_bot.talk import Talk
from setup_bot.texts import speaking
from setup_bot.waiting import TO_BE_TRIED, Wizard
from tenants.connections import Tenant
from tenants.db import is_passing
from tenants.errors import DomainError
from tenants.ids import TenantId

log = structlog.get_logger()


class Wizards:
    """Acts in the line of the person concerned, so that nothing crosses with what they press meanwhile."""

    def __init__(self, bot: Bot, services: Services, lines: Lines) -> None:
        self._bot = bot
        self._services = services
        self._lines = lines

    async def heard(self, tenant: TenantId) -> None:
        wizard = await self._services.waiting.find(tenant)
        if wizard is not None:
            self._lines.submit(wizard.owner, partial(self._calmly, wizard))

    async def sweep(self) -> None:
        for wizard in await self._services.waiting.all():
            self._lines.submit(wizard.owner, partial(self._calmly, wizard))

    async def _calmly(self, wizard: Wizard) -> None:
        """What fails for a passing reason is tried again by the next sweep, while the link lives."""
        try:
            with speaking(await self._services.hearers.language(wizard.owner)):
                await self._try(wizard)
        except Exception as error:  # noqa: BLE001  # nobody waits for this job
            log.warning("wizard.postponed", tenant=str(wizard.tenant), error=type(error).__name__)

    async def _try(self, wizard: Wizard) -> None:
        """Raises what may pass; of anything else the person is told."""
        try:
            async with asyncio.timeout(LONGEST):
                await self._look_at(wizard)
        except (DomainError, TelegramForbiddenError):  # deleted meanwhile, or nobody there to tell
            await self._drop(wizard)
        except Exception as error:
            if isinstance(error, (TelegramAPIError, RedisError)) or is_passing(error):
                raise
            await self._give_up(wizard, explain(error))

    async def _look_at(self, wizard: Wizard) -> None:
        waiting, connections = self._services.waiting, self._services.connections
        if await waiting.find(wizard.tenant) != wizard:  # shown by a press meanwhile, or begun anew
            return
        tenant = await connections.get(wizard.owner, wizard.tenant)
        talk = Talk(self._bot, wizard.owner)
        if wizard.shown == TO_BE_TRIED:
            await self._look_for_first_message(wizard, talk, tenant)
            return
        proposed = await connections.find_proposed_group(wizard.owner, wizard.tenant)
        if proposed is not None:
            await self._look_at_group(wizard, talk, *await inspect(self._services, tenant, proposed))
        elif await waiting.now() >= wizard.until:
            await talk.edit(wizard.message, group_screens.expired(tenant))
            await waiting.drop(wizard.tenant)

    async def _look_for_first_message(self, wizard: Wizard, talk: Talk, tenant: Tenant) -> None:
        if await self._services.connections.has_relayed(wizard.owner, wizard.tenant):
            await talk.show(group_screens.works(tenant))
        elif await self._services.waiting.now() < wizard.until:
            return
        await self._services.waiting.drop(wizard.tenant)

    async def _look_at_group(self, wizard: Wizard, talk: Talk, screen: Screen, report: Report) -> None:
        """The first look rings; what is mended later is ticked off where it stands. What Telegram does not answer
        just now leaves what it said before.
        """
        waiting, shown = self._services.waiting, screen.digest()
        if not wizard.shown:
            message = await talk.replace(wizard.message, screen)
            await waiting.put(wizard.tenant, wizard.owner, message, shown)
        elif shown != wizard.shown and not report.is_silent:
            await talk.edit(wizard.message, screen)
            await waiting.put(wizard.tenant, wizard.owner, wizard.message, shown)
        elif await waiting.now() >= wizard.until:
            await waiting.drop(wizard.tenant)

    async def _give_up(self, wizard: Wizard, sentence: str | None) -> None:
        """Once: the button that checks stays where it is."""
        await self._drop(wizard)
        with contextlib.suppress(TelegramAPIError):
            await Talk(self._bot, wizard.owner).say(Text(sentence or ""))

    async def _drop(self, wizard: Wizard) -> None:
        with contextlib.suppress(RedisError):
            await self._services.waiting.drop(wizard.tenant)
