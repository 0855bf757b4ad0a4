"""A small cast in a local Telegram: an owner with a forum, a customer, and a bot that runs the desk."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp

from sandbox.server import Sandbox
from sandbox.world import Bot, Chat, Clock, ManualClock, Message, Topic, User, World


@dataclass
class Scene:
    sandbox: Sandbox
    http: aiohttp.ClientSession
    olga: User
    carl: User
    bot: Bot
    desk: Chat
    topic: Topic

    @property
    def world(self) -> World:
        return self.sandbox.world

    @property
    def clock(self) -> ManualClock:
        assert isinstance(self.world.clock, ManualClock)
        return self.world.clock

    @property
    def dialog(self) -> Chat:
        """The private chat of the customer with the bot."""
        return self.world.private(self.carl, self.bot)

    async def call(self, method: str, /, *, bot: Bot | None = None, **params: Any) -> dict[str, Any]:
        """The whole answer of the Bot API."""
        url = f"{self.sandbox.url}/bot{(bot or self.bot).token}/{method}"
        async with self.http.post(url, json=params) as response:
            body: dict[str, Any] = await response.json()
            assert body["ok"] is (response.status == 200)
            return body

    async def ok(self, method: str, /, *, bot: Bot | None = None, **params: Any) -> Any:
        body = await self.call(method, bot=bot, **params)
        assert body["ok"], body
        return body["result"]

    async def refusal(self, method: str, /, *, bot: Bot | None = None, **params: Any) -> str:
        """`400 Bad Request: ...`"""
        body = await self.call(method, bot=bot, **params)
        assert not body["ok"], body
        return f"{body['error_code']} {body['description']}"

    async def updates(self, *, bot: Bot | None = None, **params: Any) -> list[dict[str, Any]]:
        result: list[dict[str, Any]] = await self.ok("getUpdates", bot=bot, **params)
        return result

    async def forget_updates(self, bot: Bot | None = None) -> None:
        await self.updates(bot=bot, offset=-1)
        (bot or self.bot).updates.waiting.clear()

    def said(self, chat: Chat, topic: Topic | None = None) -> list[str]:
        """The texts, oldest first, service messages by their kind."""
        return [message.text or message.kind for message in self.world.history(chat, topic)]

    def customer_says(self, text: str) -> Message:
        return self.world.send(self.carl, self.bot, text)


@contextlib.asynccontextmanager
async def open_scene(
    *, flood_control: bool = False, clock: Clock | None = None, latency: timedelta = timedelta(0)
) -> AsyncIterator[Scene]:
    """The customer has started the bot, the bot is an administrator and has been told of all this."""
    sandbox = Sandbox(latency=latency, flood_control=flood_control, clock=clock or ManualClock())
    async with sandbox, aiohttp.ClientSession() as http:
        world = sandbox.world
        world.rules.hasty_polls_are_slowed = False
        olga = world.add_user("Olga", username="olga")
        carl = world.add_user("Carl", last_name="Customer", username="carl_c")
        bot = world.add_bot("Shop", "shop_bot", owner=olga)
        desk = world.add_forum("Desk", olga)
        world.promote(desk, bot, ["manage_topics", "delete_messages", "pin_messages", "invite_users"])
        topic = world.create_topic(olga, desk, "Carl")
        world.start(carl, bot)
        bot.updates.waiting.clear()
        yield Scene(sandbox, http, olga, carl, bot, desk, topic)
