"""A server with few methods, and unmodified Telethon clients of it."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from telethon import TelegramClient, events
from telethon.crypto import AuthKey as ClientKey
from telethon.crypto import rsa
from telethon.network import (
    Connection,
    ConnectionTcpFull,
)
from telethon.sessions import MemorySession
from telethon.tl import TLObject, TLRequest, functions, types

from sandbox.faults import Journal
from sandbox.mtproto.faults import Faults
from sandbox.mtproto.rpc import Caller, RpcError
from sandbox.mtproto.server import MtProto

BOT = 5000
WAIT = 10


class FewMethods:
    """Just enough for Telethon to connect and log in."""

    def __init__(self, changed: asyncio.Event) -> None:
        self.callers: list[Caller] = []
        self.gone: list[Caller] = []
        self.called: list[type[TLRequest]] = []
        self._changed = changed

    async def call(self, caller: Caller, request: TLRequest) -> object:
        self.called.append(type(request))
        match request:
            case functions.auth.ImportBotAuthorizationRequest():
                caller.key.bot_id = int(request.bot_auth_token.partition(":")[0])
            case functions.auth.LogOutRequest():
                caller.key.bot_id = None
                return types.auth.LoggedOut()
        if caller.key.bot_id is None:
            raise RpcError(401, "AUTH_KEY_UNREGISTERED")
        return ANSWERS[type(request)]()

    def opened(self, caller: Caller) -> None:
        self.callers.append(caller)
        self._changed.set()

    def closed(self, caller: Caller) -> None:
        self.callers.remove(caller)
        self.gone.append(caller)
        self._changed.set()


def me() -> TLObject:
    return types.User(id=BOT, is_self=True, bot=True, bot_info_version=1, first_name="Shop", username="shop_bot")


def state() -> TLObject:
    return types.updates.State(pts=1, qts=1, date=datetime.now(UTC), seq=0, unread_count=0)


def hello() -> TLObject:
    update = types.UpdateBotStopped(user_id=7, date=datetime.now(UTC), stopped=True, qts=2)
    return types.Updates(updates=[update], users=[], chats=[], date=datetime.now(UTC), seq=0)


ANSWERS: dict[type[TLRequest], Callable[[], object]] = {
    functions.auth.ImportBotAuthorizationRequest: lambda: types.auth.Authorization(user=me()),
    functions.users.GetUsersRequest: lambda: [me()],
    functions.updates.GetStateRequest: state,
    functions.updates.GetDifferenceRequest: lambda: types.updates.DifferenceEmpty(date=datetime.now(UTC), seq=0),
    functions.photos.DeletePhotosRequest: lambda: [1 << 40, 2],
    functions.contacts.GetContactIDsRequest: lambda: [1, 2, 3],
    functions.messages.SetTypingRequest: lambda: True,
    functions.help.GetInviteTextRequest: lambda: types.help.InviteText(message="word " * 1000),
    functions.help.GetSupportNameRequest: object,
}
"""What is asked for and not here, or can't be packed, is a 500."""


@dataclass
class Stage:
    server: MtProto
    methods: FewMethods
    faults: Faults
    journal: Journal
    changed: asyncio.Event
    clients: list[TelegramClient] = field(default_factory=list)

    def client(self, key: bytes | None = None, connection: type[Connection] = ConnectionTcpFull) -> TelegramClient:
        session = MemorySession()
        session.set_dc(2, self.server.host, self.server.port)
        if key is not None:
            session.auth_key = ClientKey(key)
        client = TelegramClient(
            session, 1, "hash", connection=connection, request_retries=1, retry_delay=0, connection_retries=2
        )
        self.clients.append(client)
        return client

    async def bot(self, connection: type[Connection] = ConnectionTcpFull) -> TelegramClient:
        """Connected on a key that is already logged in."""
        key = os.urandom(256)
        self.server.seed_key(key, BOT)
        client = self.client(key, connection)
        await client.connect()
        assert await client.is_user_authorized()
        return client

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(WAIT):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    def listen(self, client: TelegramClient) -> list[TLObject]:
        heard: list[TLObject] = []

        async def hear(update: TLObject) -> None:
            heard.append(update)
            self.changed.set()

        client.add_event_handler(hear, events.Raw(types.UpdateBotStopped))
        return heard


@asynccontextmanager
async def open_stage(clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> AsyncIterator[Stage]:
    faults, journal, changed = Faults(), Journal(), asyncio.Event()
    methods = FewMethods(changed)
    server = MtProto(methods, faults, journal, latency=timedelta(0), clock=clock, finished=lambda _: changed.set())
    await server.start()
    rsa.add_key(server.public_key_pem, old=False)
    opened = Stage(server, methods, faults, journal, changed)
    yield opened
    for client in opened.clients:
        await client.disconnect()
    await server.close()
