"""The setup bot's process: lease, polling, notices, put together."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import structlog
from aiogram import Bot
from aiogram.enums import BotCommandScopeType
from aiogram.exceptions import TelegramAPIError
from aiogram.fsm.storage.base import DefaultKeyBuilder
from aiogram.fsm.storage.redis import RedisStorage
from aiogram.methods import GetMe, SetMyCommands
from aiogram.types import BotCommand, BotCommandScopeAllPrivateChats
from aiogram.utils.token import TokenValidationError
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from connecting.bots import Bots
from sessions.bot_api import BotApiSessions
from sessions.bot_api.transport import SharedTransport
from setup_bot.handling import Handling
from setup_bot.hearers import Hearers
from setup_bot.housekeeping import Housekeeping
from setup_bot.lease import SetupBotLease
from setup_bot.lines import Lines
from setup_bot.notices import Notices
from setup_bot.polling import DEAD_TOKEN, Poller, delay_after
from setup_bot.router import make_dispatcher
from setup_bot.services import Me, Services
from setup_bot.shop import Shop
from setup_bot.stars import StarsGateway
from setup_bot.teller import Teller
from setup_bot.texts import Language, speaking, words
from setup_bot.waiting import Waiting
from setup_bot.wizards import Wizards
from tenants.access.administrators import Administrators
from tenants.access.keys import Keys
from tenants.backoff import backoff
from tenants.billing.accounts import Accounts
from tenants.billing.cashier import Cashier
from tenants.billing.desk import PayDesk
from tenants.billing.prices import only_stars
from tenants.config import Config, ConfigError
from tenants.connections import Connections
from tenants.crypto import load_keyring
from tenants.db import Database, is_passing
from tenants.errors import LeaseLost
from tenants.ids import TenantId, UserId
from tenants.people import People
from tenants.settings.schema import Settings
from tenants.settings.service import SettingsService
from tenants.usage.reading import Meter
from tenants.webhooks.service import Webhooks

A_DAY = 24 * 3600
REDIS_SECONDS = 3.0
CANCEL_AGAIN = 1.0
COMMANDS = ("start", "language", "cancel")

log = structlog.get_logger()


async def run(config: Config, ready: Callable[[], None], model: type[Settings] = Settings) -> None:
    """Runs until cancelled. Raises `ConfigError` where the token is missing or dead."""
    bot = _open_bot(config)
    keyring = load_keyring(config.backline_keyring)
    database = Database(config.database_url.get_secret_value())
    sessions = BotApiSessions(config.telegram_api_root)
    redis = Redis.from_url(
        config.redis_url.get_secret_value(),
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
        retry=Retry(NoBackoff(), 1),
    )
    try:
        me = await _identify(bot)
        connections = Connections(database, keyring, plan=config.starting_plan, parallel=config.offers_parallel)
        settings = SettingsService(connections, model, loopback=config.webhook_loopback)
        stars = StarsGateway(bot, database, config.prices)
        desk = PayDesk(database, connections, keyring, stars, only_stars(config.prices))
        services = Services(
            me=me,
            connections=connections,
            bots=Bots(connections, sessions, me.id),
            settings=settings,
            administrators=Administrators(database, connections),
            keys=Keys(database, connections),
            webhooks=Webhooks(database, connections, keyring),
            meter=Meter(database, connections, config.terms),
            shop=Shop(config, Accounts(database, connections, keyring, config.pay_page), desk),
            stars=stars,
            sessions=sessions,
            waiting=Waiting(redis),
            hearers=Hearers(People(database)),
        )
        await _reach(database, redis)
        ready()
        await SetupBot(config, bot, database, redis, services).run()
    finally:
        await bot.session.close()
        await sessions.close()
        await redis.aclose()
        await database.close()


def _open_bot(config: Config) -> Bot:
    if config.setup_bot_token is None:
        raise ConfigError("SETUP_BOT_TOKEN is not set.")
    try:
        return Bot(config.setup_bot_token.get_secret_value(), session=SharedTransport(config.telegram_api_root))
    except TokenValidationError:
        raise ConfigError(DEAD_TOKEN) from None


async def _identify(bot: Bot) -> Me:
    """A dead token ends here; a network that is away is waited for."""
    failures = 0
    while True:
        try:
            me = await bot(GetMe())
            return Me(UserId(me.id), me.username or "", bool(me.can_manage_bots))
        except TelegramAPIError as error:
            failures += 1
            delay = delay_after(error, failures)
            log.warning("telegram.not_reached", error=type(error).__name__, wait=round(delay, 1))
            await asyncio.sleep(delay)


async def _reach(database: Database, redis: Redis) -> None:
    failures = 0
    while True:
        try:
            await redis.ping()
            async with database.fleet():
                return
        except Exception as error:
            if not (is_passing(error) or isinstance(error, RedisError)):
                raise
            failures += 1
            log.warning("servers.not_reached", error=type(error).__name__)
            await asyncio.sleep(backoff(failures))


async def together(*parts: Coroutine[Any, Any, None]) -> None:
    """Runs all until one fails, ends the others, and raises what that one raised, not a group of it."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        for done in asyncio.as_completed(tasks):
            await done
    finally:
        await _end(tasks)


async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancels until they have ended: a library may swallow a cancellation that comes while it ends a wait."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN)


class SetupBot:
    """One replica: stands by until the lease is its own, then serves until it is lost."""

    def __init__(self, config: Config, bot: Bot, database: Database, redis: Redis, services: Services) -> None:
        storage = RedisStorage(
            redis, key_builder=DefaultKeyBuilder(prefix="setup_bot:fsm"), state_ttl=A_DAY, data_ttl=A_DAY
        )
        self._config = config
        self._bot = bot
        self._database = database
        self._services = services
        self._lease = SetupBotLease(database)
        self._cashier = Cashier(database, [services.stars] if only_stars(config.prices) else [], redis)
        housekeeping = Housekeeping(services.me.id, database)
        self._handling = Handling(bot, make_dispatcher(services, storage), housekeeping, services.hearers)

    async def run(self) -> None:
        while True:
            await self._lease.wait()
            try:
                await self._serve()
            except LeaseLost:
                log.warning("setup_lease.lost")

    async def _serve(self) -> None:
        lines = Lines()
        poller = Poller(self._bot, self._handling, lines, require=self._lease.require)
        wizards = Wizards(self._bot, self._services, lines)
        connections, hearers = self._services.connections, self._services.hearers
        teller = Teller(self._bot, connections, hearers, self._database, lines, lease=self._lease.current)

        async def heard(tenant: TenantId) -> None:
            teller.wake()
            await wizards.heard(tenant)

        notices = Notices(self._config.database_url.get_secret_value(), heard=heard, sweep=wizards.sweep)
        try:
            await together(
                self._lease.keep(),
                poller.run(),
                teller.run(),
                *notices.parts(),
                self._publish_commands(),
                self._cashier.run(),
            )
        except LeaseLost:
            await lines.cancel()  # somebody else gets these updates now
            raise
        except BaseException:
            await self._leave(poller)
            raise

    async def _leave(self, poller: Poller) -> None:
        """An orderly end: what is on its way is finished and the next replica need not wait."""
        with contextlib.suppress(Exception):
            self._lease.require()
            await poller.finish()
            await self._lease.give_back()

    async def _publish_commands(self) -> None:
        """What Telegram offers behind the menu button. A nicety: no reason to fail."""
        scope = BotCommandScopeAllPrivateChats(type=BotCommandScopeType.ALL_PRIVATE_CHATS)  # only what is set is sent
        with contextlib.suppress(TelegramAPIError):
            for language in Language:
                with speaking(language):
                    commands = [BotCommand(command=name, description=words(f"command.{name}")) for name in COMMANDS]
                code = None if language is Language.ENGLISH else language.value  # who has no language gets English
                await self._bot(SetMyCommands(commands=commands, scope=scope, language_code=code))
