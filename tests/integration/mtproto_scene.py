"""One World with both faces on it: a person, a forum, a bot, the bot's program, and unmodified Telethon."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from telethon import TelegramClient, events
from telethon.crypto import AuthKey, rsa
from telethon.errors import RPCError
from telethon.sessions import MemorySession
from telethon.tl import TLObject, TLRequest, functions, types

from sandbox.mtproto.face import MtProtoFace
from sandbox.server import Sandbox
from sandbox.world import Bot, Chat, Topic, User, World

WAIT = 10


@dataclass
class Scene:
    sandbox: Sandbox
    http: aiohttp.ClientSession
    olga: User
    carl: User
    bot: Bot
    desk: Chat
    topic: Topic
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    clients: list[TelegramClient] = field(default_factory=list)

    @property
    def world(self) -> World:
        return self.sandbox.world

    @property
    def face(self) -> MtProtoFace:
        assert self.sandbox.mtproto is not None
        return self.sandbox.mtproto

    @property
    def dialog(self) -> Chat:
        return self.world.private(self.carl, self.bot)

    async def ok(self, method: str, **params: Any) -> Any:
        """Over the Bot API."""
        body = await self.call(method, **params)
        assert body["ok"], body
        return body["result"]

    async def call(self, method: str, **params: Any) -> Any:
        async with self.http.post(f"{self.sandbox.url}/bot{self.bot.token}/{method}", json=params) as answer:
            return await answer.json()

    async def client(self, key: bytes | None = None, bot: Bot | None = None) -> TelegramClient:
        """Logged in by its token, or by the key of a session before."""
        about = self.face.about()
        session = MemorySession()
        session.set_dc(2, about["host"], about["port"])
        if key is not None:
            session.auth_key = AuthKey(key)
        client = TelegramClient(
            session,
            about["api_id"],
            about["api_hash"],
            request_retries=1,
            flood_sleep_threshold=0,
            raise_last_call_error=True,
        )
        self.clients.append(client)
        await client.connect()
        if key is None:
            await client.sign_in(bot_token=(bot or self.bot).token)
        return client

    def listen(self, client: TelegramClient) -> list[Any]:
        """All that Telethon dispatches."""
        said: list[Any] = []

        async def hear(update: TLObject) -> None:
            said.append(update)
            self.heard.set()

        client.add_event_handler(hear, events.Raw())
        return said

    async def until(self, condition: Callable[[], Any]) -> Any:
        async with asyncio.timeout(WAIT):
            while not (value := condition()):
                self.heard.clear()
                await self.heard.wait()
        return value

    async def refusal(self, client: TelegramClient, request: TLRequest) -> str:
        """In the server's own words, `420 FLOOD_WAIT_30`: Telethon has exceptions for them."""
        with pytest.raises(RPCError):
            await client(request)
        call = self.sandbox.journal.calls[-1]
        return f"{call.code} {call.error}"

    async def peer(self, client: TelegramClient, user: User | None = None) -> types.InputPeerUser:
        """As Telethon does it for bots: without a hash, it asks for one."""
        peer: types.InputPeerUser = await client.get_input_entity(types.PeerUser((user or self.carl).id))
        return peer

    async def group(self, client: TelegramClient, chat: Chat | None = None) -> types.InputPeerChannel:
        number = -1_000_000_000_000 - (chat or self.desk).id
        peer: types.InputPeerChannel = await client.get_input_entity(types.PeerChannel(number))
        return peer


def of(said: list[Any], kind: type[TLObject]) -> list[Any]:
    return [update for update in said if isinstance(update, kind)]


def sent(result: Any) -> Any:
    """The message in the answer to its sending."""
    return next(update.message for update in result.updates if hasattr(update, "message"))


def in_topic(number: int, reply_to: int | None = None) -> types.InputReplyToMessage:
    return types.InputReplyToMessage(reply_to_msg_id=reply_to or number, top_msg_id=number)


async def say(client: TelegramClient, peer: Any, text: str, **more: Any) -> Any:
    return sent(await client(functions.messages.SendMessageRequest(peer=peer, message=text, **more)))


@asynccontextmanager
async def open_scene(*, flood_control: bool = False, world: World | None = None) -> AsyncIterator[Scene]:
    """A new cast, or the one that a kept World has."""
    sandbox = Sandbox(latency=timedelta(0), flood_control=flood_control, world=world, mtproto_port=0)
    async with sandbox, aiohttp.ClientSession() as http:
        assert sandbox.mtproto is not None
        rsa.add_key(sandbox.mtproto.about()["public_key"], old=False)
        scene = Scene(sandbox, http, *(_cast(sandbox.world) if world is None else _recast(world)))
        yield scene
        for client in scene.clients:
            await client.disconnect()


def _cast(world: World) -> tuple[User, User, Bot, Chat, Topic]:
    """The customer has started the bot, which has been told of all this."""
    world.rules.hasty_polls_are_slowed = False
    olga = world.add_user("Olga", username="olga")
    carl = world.add_user("Carl", last_name="Customer", username="carl_c")
    bot = world.add_bot("Shop", "shop_bot", owner=olga)
    desk = world.add_forum("Desk", olga)
    world.promote(desk, bot, ["manage_topics", "delete_messages", "pin_messages", "invite_users"])
    topic = world.create_topic(olga, desk, "Carl")
    world.start(carl, bot)
    bot.updates.waiting.clear()
    return olga, carl, bot, desk, topic


def _recast(world: World) -> tuple[User, User, Bot, Chat, Topic]:
    olga, carl = world.users.values()
    [bot], [desk] = world.bots.values(), world.chats.values()
    return olga, carl, bot, desk, max(desk.topics.values(), key=lambda topic: topic.id)
