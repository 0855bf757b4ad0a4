"""Telegram's MTProto server on a port of this machine: its key, its auth keys, its sockets."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from sandbox.faults import CallRecord, Journal
from sandbox.guard import LOOPBACK
from sandbox.mtproto.calls import Calls
from sandbox.mtproto.config import Config
from sandbox.mtproto.connection import Connection
from sandbox.mtproto.faults import Fault, Faults
from sandbox.mtproto.keys import AuthKey, RsaKey, auth_key, new_salt
from sandbox.mtproto.messages import MessageIds
from sandbox.mtproto.rpc import Methods
from sandbox.mtproto.session import Realm
from sandbox.world import Clock, real_clock

_BACKLOG = 1024


def _unheard(_: CallRecord) -> None:
    pass


class MtProto:
    """`telethon.crypto.rsa.add_key(server.public_key_pem, old=False)`, `session.set_dc(2, host, server.port)`."""

    def __init__(
        self,
        methods: Methods,
        faults: Faults,
        journal: Journal,
        *,
        latency: timedelta,
        clock: Clock = real_clock,
        finished: Callable[[CallRecord], None] = _unheard,
    ) -> None:
        rsa = RsaKey()
        self.public_key_pem = rsa.public_pem
        self.fingerprint = rsa.fingerprint
        self._config = Config(clock)
        self.calls = Calls(methods, faults, journal, self._config, clock=clock, latency=latency, finished=finished)
        self._realm = Realm(
            rsa=rsa,
            ids=MessageIds(lambda: clock().timestamp()),
            calls=self.calls,
            methods=methods,
            faults=faults,
            now=lambda: clock().timestamp(),
        )
        self._connections: dict[Connection, asyncio.Task[None]] = {}
        self._server: asyncio.Server | None = None
        self._closed = False
        faults.obey(self._strike)

    @property
    def host(self) -> str:
        return self._config.host

    @property
    def port(self) -> int:
        return self._config.port

    @property
    def centres(self) -> list[int]:
        """The numbers of the data centres that it names to clients."""
        return self._config.centres

    @property
    def keys(self) -> dict[int, AuthKey]:
        """All that the server knows, by id."""
        return self._realm.keys

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        if host not in LOOPBACK:
            raise ValueError("The sandbox listens on this machine only.")
        self._closed = False
        self._server = await asyncio.start_server(self._serve, host, port, backlog=_BACKLOG)
        self._config.host, self._config.port = self._server.sockets[0].getsockname()[:2]

    async def close(self) -> None:
        self._closed = True
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.hang_up()
        await asyncio.gather(*self._connections.values())
        calls = list(self._realm.tasks)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    def seed_key(self, key: bytes, bot_id: int) -> None:
        """A key of 256 bytes that is already logged in as a bot: no handshake, no login."""
        made = auth_key(key, bot_id=bot_id)
        self.keys[made.id] = made

    def forget_key(self, number: int) -> None:
        """Whoever comes with it gets transport error -404."""
        self.keys.pop(number, None)

    def rotate_salts(self) -> None:
        """The next message of each session is refused with bad_server_salt."""
        for key in self.keys.values():
            key.salt = new_salt()

    def cut(self, bot_id: int | None) -> None:
        """All sockets of the bot; of all bots when it is None."""
        for key in self._keys_of(bot_id):
            self._hang_up(key)

    def forget_keys(self, bot_id: int | None) -> None:
        for key in self._keys_of(bot_id):
            self._hang_up(key)
            self.forget_key(key.id)

    def revoke(self, bot_id: int | None) -> None:
        """The keys stay connected, get no updates, and every call is refused with SESSION_REVOKED."""
        for key in self._keys_of(bot_id):
            key.revoked = True

    def _keys_of(self, bot_id: int | None) -> list[AuthKey]:
        return [key for key in self.keys.values() if bot_id in {None, key.bot_id}]

    def _hang_up(self, key: AuthKey) -> None:
        for connection in self._connections:
            if connection.serves(key):
                connection.hang_up()

    def _strike(self, fault: Fault) -> None:
        match fault.kind:
            case "cut":
                self.cut(fault.bot)
            case "forget_keys":
                self.forget_keys(fault.bot)
            case "revoke":
                self.revoke(fault.bot)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(self._realm, reader, writer)
        task = asyncio.current_task()
        if task is not None:
            self._connections[connection] = task
        if self._closed:
            connection.hang_up()
        try:
            await connection.run()
        finally:
            self._connections.pop(connection, None)
