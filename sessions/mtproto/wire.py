"""One connection: encrypted calls out, updates in. What breaks it fails its calls; whoever needs it opens another.

Telethon's sender does the protocol. Its own reconnecting is off: it repeats requests that nobody recorded.
"""

import asyncio
import contextlib
import struct
from collections.abc import Callable
from typing import Any

from telethon.crypto import AuthKey
from telethon.errors import AuthKeyNotFound, InvalidBufferError
from telethon.network import ConnectionTcpFull, MTProtoSender
from telethon.tl import TLRequest
from telethon.tl.alltlobjects import LAYER
from telethon.tl.functions import InitConnectionRequest, InvokeWithLayerRequest
from telethon.tl.functions.help import GetConfigRequest

from sessions.errors import Flaky, FloodWait, Rejected
from sessions.mtproto.home import AppIdentity, DataCentre, Login
from sessions.mtproto.refusals import LoginLost, read_refusal
from tenants.db import refuse_network_inside_transaction

CONNECT_SECONDS = 20.0
CALL_SECONDS = 30.0
CLOSE_SECONDS = 2.0
KEY_ATTEMPTS = 3
"""On one connection. Telethon spoils one new key in 256: it cuts off a key's leading zeros."""
TRANSPORT_FLOOD = 429
TRANSPORT_FLOOD_SECONDS = 60.0
"""For which nothing is sent where the transport itself says -429. Telegram names no time (telegram-bot-api#237)."""


class _Silence:
    """Telethon's log lines show requests, and a login's request holds the token."""

    def __getitem__(self, _: str) -> "_Silence":
        return self

    def log(self, *_: object, **__: object) -> None: ...

    debug = info = warning = error = exception = log


SILENCE = _Silence()


class _Unreachable(Exception):
    """No OSError: after one of those Telethon connects again, at its own pace."""


class _GuardedConnection(ConnectionTcpFull):  # type: ignore[misc]  # Telethon has no types
    """`guard` is asked right before bytes leave: what it raises ends the connection instead. It connects once.

    Whoever sends or receives touches the socket itself: Telethon has two tasks and two queues in between.
    """

    guard: Callable[[], None] | None = None
    refused: Exception | None = None
    """What the guard raised."""
    _tried = False

    async def connect(self, timeout: float | None = None, ssl: Any = None) -> None:  # noqa: ASYNC109  # Telethon's
        if self._tried:
            raise _Unreachable
        self._tried = True
        try:
            await self._connect(timeout, ssl)
        except (TimeoutError, OSError):
            raise _Unreachable from None
        self._connected = True
        self._send_queue = self._recv_queue = None

    async def send(self, data: bytes) -> None:
        if self.guard is not None:
            try:
                self.guard()
            except Exception as error:  # noqa: BLE001  # whatever it is, the bytes stay here
                self.refused = error
                raise ConnectionError("not allowed any more") from None
        if not self._connected:
            raise ConnectionError("not connected")
        self._send(data)
        await self._writer.drain()

    async def recv(self) -> bytes:
        while self._connected:
            if data := await self._recv():
                return bytes(data)
        raise ConnectionError("not connected")


class Wire:
    def __init__(
        self, app: AppIdentity, centre: DataCentre, key: bytes | None, guard: Callable[[], None] | None
    ) -> None:
        self.updates: asyncio.Queue[Any] = asyncio.Queue()
        """Telethon's Updates, also those that our own calls led to: these are marked `_self_outgoing`. None: the
        connection is over.
        """
        self._app = app
        self._centre = centre
        self._guard = guard
        self._sender = MTProtoSender(
            AuthKey(key) if key else None,
            loggers=SILENCE,
            retries=KEY_ATTEMPTS,
            delay=0,
            auto_reconnect=False,
            connect_timeout=CONNECT_SECONDS,
            updates_queue=self.updates,
        )
        self._opened = False
        self._connection: _GuardedConnection | None = None
        self.config: Any = None
        """Telegram's answer to our introduction, with the addresses of its data centres: for a login that is new."""
        self._is_kept = key is not None

    @property
    def login(self) -> Login:
        return Login(self._centre, self._sender.auth_key.key)

    @property
    def is_open(self) -> bool:
        lives = self._sender.is_connected() and self._sender._transport_connected()  # noqa: SLF001  # no other way
        return self._opened and lives and not self._over.done()

    async def open(self) -> None:
        """Raises the port's errors, and `LoginLost` where Telegram does not know the key any more."""
        refuse_network_inside_transaction()
        if self._guard is not None:
            self._guard()
        centre = self._centre
        self._connection = _GuardedConnection(centre.host, centre.port, centre.id, loggers=SILENCE)
        self._connection.guard = self._guard
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._sender.connect(self._connection)
        except Exception as error:  # noqa: BLE001  # what Telethon makes of an answer that is none
            await self.close()
            raise self._unopened(error) from None
        self._opened = True
        self._over.add_done_callback(self._lost)
        config = await self.call(self._introduction())
        if not self._is_kept:
            self.config = config

    @property
    def _over(self) -> "asyncio.Future[Any]":
        return self._sender._disconnected  # type: ignore[no-any-return]  # noqa: SLF001  # Telethon has no other way

    def _unopened(self, error: Exception) -> Exception:
        if self._connection is not None and self._connection.refused is not None:
            return self._connection.refused
        if _is_flood(error):
            return FloodWait(TRANSPORT_FLOOD_SECONDS)
        return Flaky("network", "Telegram can't be reached.", ambiguous=False)

    def _lost(self, over: "asyncio.Future[Any]") -> None:
        if not over.cancelled():
            over.exception()  # so that nobody misses it
        self.updates.put_nowait(None)

    def _introduction(self) -> TLRequest:
        first = InitConnectionRequest(
            api_id=self._app.api_id,
            device_model="Backline",
            system_version="1",
            app_version="1",
            lang_code="en",
            system_lang_code="en",
            lang_pack="",
            query=GetConfigRequest(),
        )
        return InvokeWithLayerRequest(LAYER, first)

    async def call(self, request: TLRequest, *, seconds: float = CALL_SECONDS) -> Any:
        """The answer. Raises the port's errors, and `LoginLost`."""
        refuse_network_inside_transaction()
        if self._guard is not None:
            self._guard()
        try:
            answer = self._sender.send(request)
        except OSError:
            raise Flaky("network", "The connection to Telegram broke.", ambiguous=False) from None
        except struct.error:
            raise Rejected("refused", "Telegram takes no number as large as that.") from None
        try:
            await asyncio.wait([answer, self._over], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            return self._read_answer(answer)
        finally:
            answer.cancel()

    def _read_answer(self, answer: "asyncio.Future[Any]") -> Any:
        if not answer.done():
            if self._over.done():  # it was still waiting to be sent, or sent anew after a refusal
                raise self._broken(ambiguous=False)
            raise Flaky("network", "Telegram did not answer in time.", ambiguous=True)
        if answer.cancelled():
            raise self._broken()
        error = answer.exception()
        if error is None:
            return answer.result()
        if isinstance(error, AuthKeyNotFound):
            raise LoginLost("key_unknown") from None
        if _is_flood(error):
            raise FloodWait(TRANSPORT_FLOOD_SECONDS) from None
        if isinstance(error, (OSError, BufferError, EOFError)):
            raise self._broken() from None
        raise read_refusal(error) from None

    def _broken(self, *, ambiguous: bool = True) -> Exception:
        if self._connection is not None and self._connection.refused is not None:
            return self._connection.refused
        return Flaky("network", "The connection to Telegram broke.", ambiguous=ambiguous)

    async def close(self) -> None:
        """Telethon would wait long for a connection that does not say goodbye; its end is not waited for."""
        self._opened = False
        closing = asyncio.ensure_future(self._disconnect())
        await asyncio.wait([closing], timeout=CLOSE_SECONDS)
        if not closing.done():
            closing.cancel()
            await asyncio.wait([closing], timeout=CLOSE_SECONDS)
        if not self._over.done():
            self._over.set_result(None)

    async def _disconnect(self) -> None:
        with contextlib.suppress(Exception):  # whatever it is, it is over
            await self._sender.disconnect()


def _is_flood(error: BaseException) -> bool:
    return isinstance(error, InvalidBufferError) and error.code == TRANSPORT_FLOOD
