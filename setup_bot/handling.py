"""One raw update, from JSON to done: whatever it is and whatever goes wrong, it never spoils another."""

import asyncio
from typing import Any

import structlog
from aiogram import Bot, Dispatcher
from aiogram.exceptions import TelegramAPIError
from aiogram.types import Update, User
from pydantic import ValidationError

from setup_bot.failures import explain
from setup_bot.hearers import Hearers
from setup_bot.housekeeping import Housekeeping
from setup_bot.talk import Talk
from setup_bot.texts import speaking, words
from setup_bot.texts.languages import Language, nearest
from tenants.ids import UserId

ALLOWED = ["message", "callback_query", "my_chat_member", "managed_bot", "pre_checkout_query", "subscription"]
OF_A_USER = {"managed_bot", "subscription"}
"""Updates whose person is called their user."""
GROUPS = ("group", "supergroup", "channel")
LONGEST = 45.0
"""Seconds for one update; above it the person is told to try again."""

log = structlog.get_logger()


def read_person(raw: dict[str, Any]) -> int:
    """Whose line the update belongs to; 0 for what has no sender. What happens in groups has lines of their own."""
    for kind in ALLOWED:
        body = raw.get(kind)
        chat = body.get("chat") if isinstance(body, dict) else None
        if isinstance(chat, dict) and chat.get("type") in GROUPS and isinstance(chat.get("id"), int):
            return int(chat["id"])
        sender = body.get("user" if kind in OF_A_USER else "from") if isinstance(body, dict) else None
        if isinstance(sender, dict) and isinstance(sender.get("id"), int):
            return int(sender["id"])
    return 0


class Handling:
    def __init__(
        self,
        bot: Bot,
        dispatcher: Dispatcher,
        housekeeping: Housekeeping | None = None,
        hearers: Hearers | None = None,
        *,
        longest: float = LONGEST,
    ) -> None:
        self._bot = bot
        self._housekeeping = housekeeping
        self._hearers = hearers
        self._dispatcher = dispatcher
        self._longest = longest

    async def handle(self, raw: dict[str, Any]) -> None:
        """Raises nothing."""
        if not any(kind in raw for kind in ALLOWED):
            log.info("update.ignored", kinds=sorted(key for key in raw if key != "update_id"))
            return
        if self._housekeeping is not None and await self._housekeeping.handle(raw):
            return
        try:
            update = Update.model_validate(raw, context={"bot": self._bot})
        except ValidationError as error:
            log.warning("update.unreadable", problems=[".".join(map(str, e["loc"])) for e in _errors(error)])
            return
        with speaking(await self._language(update)):
            await self._dispatch(update)

    async def _language(self, update: Update) -> Language:
        sender = _sender(update)
        if sender is None:
            return Language.ENGLISH
        if self._hearers is None:
            return nearest(sender.language_code)
        return await self._hearers.greet(UserId(sender.id), sender.language_code)

    async def _dispatch(self, update: Update) -> None:
        try:
            async with asyncio.timeout(self._longest) as deadline:
                await self._dispatcher.feed_update(self._bot, update)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is told and logged here
            sentence = words("trouble.slow") if deadline.expired() else explain(error)
            await self._tell(update, sentence if update.message or update.callback_query else None)

    async def _tell(self, update: Update, sentence: str | None) -> None:
        sender = _sender(update)
        if sentence is None or sender is None:
            return
        try:
            async with asyncio.timeout(self._longest):
                await Talk(self._bot, UserId(sender.id), callback=update.callback_query).tell(sentence)
        except (TelegramAPIError, TimeoutError) as error:
            log.warning("sentence.not_delivered", error=type(error).__name__)


def _sender(update: Update) -> User | None:
    if update.callback_query is not None:
        return update.callback_query.from_user
    if update.pre_checkout_query is not None:
        return update.pre_checkout_query.from_user
    about = update.managed_bot or update.subscription
    if about is not None:
        return about.user
    return update.message.from_user if update.message is not None else None


def _errors(error: ValidationError) -> list[Any]:
    return list(error.errors(include_input=False, include_url=False, include_context=False))
