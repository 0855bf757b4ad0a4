"""What the setup bot says to one who waits: the group that a wizard waited for, its expired link."""

import asyncio
import contextlib
from functools import partial

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramForbiddenError
from aiogram.utils.formatting import Text
from redis.exceptions import RedisError

from setup_bot.failures import explain
from setup_bot.flows.group import inspect
from setup_bot.handling import LONGEST
from setup_bot.lines import Lines
from setup_bot.screens import group as group_screens
from setup_bot.services import Services
from setup_bot.talk import Talk
from setup_bot.texts import speaking
from setup_bot.waiting import Wizard
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
        proposed = await connections.find_proposed_group(wizard.owner, wizard.tenant)
        talk = Talk(self._bot, wizard.owner)
        if proposed is not None:
            await talk.replace(wizard.message, (await inspect(self._services, tenant, proposed))[0])
            await waiting.drop(wizard.tenant)
        elif await waiting.now() >= wizard.until:
            await talk.edit(wizard.message, group_screens.expired(tenant))
            await waiting.drop(wizard.tenant)

    async def _give_up(self, wizard: Wizard, sentence: str | None) -> None:
        """Once: the button that checks stays where it is."""
        await self._drop(wizard)
        with contextlib.suppress(TelegramAPIError):
            await Talk(self._bot, wizard.owner).say(Text(sentence or ""))

    async def _drop(self, wizard: Wizard) -> None:
        with contextlib.suppress(RedisError):
            await self._services.waiting.drop(wizard.tenant)
