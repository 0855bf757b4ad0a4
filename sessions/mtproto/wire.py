"""One connection: encrypted calls out, updates in. What breaks it fails its calls; whoever needs it opens another.

Telethon's sender does the protocol. Its own reconnecting is off: it repeats requests that nobody recorded.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from telethon.crypto import AuthKey
from telethon.errors import AuthKeyNotFound, InvalidBufferError
from telethon.network import ConnectionTcpFull, MTProtoSender
from telethon.tl import TLRequest
from telethon.tl.alltlobjects import LAYER
from telethon.tl.functions import InitConnectionRequest, InvokeWithLayerRequest
from telethon.tl.functions.help import GetConfigRequest

from sessions.errors import Flaky, FloodWait
from sessions.mtproto.home import AppIdentity, DataCentre, Login
from sessions.mtproto.refusals import LoginLost, read_refusal
from tenants.db import refuse_network_inside_transaction

CONNECT_SECONDS = 20.0
CALL_SECONDS = 30.0
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


class _GuardedConnection(ConnectionTcpFull):  # type: ignore[misc]  # Telethon has no types
    """`guard` is asked right before bytes leave: what it raises ends the connection instead."""

    guard: Callable[[], None] | None = None

    def _send(self, data: bytes) -> None:
        if self.guard is not None:
            try:
                self.guard()
            except Exception:  # noqa: BLE001  # whatever it is, the bytes stay here; who calls asks the guard itself
                refused = ConnectionError("not allowed any more")
                if not self._recv_queue.full():
                    self._recv_queue.put_nowait((None, refused))
                raise refused from None
        super()._send(data)


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
            retries=None,
            auto_reconnect=False,
            connect_timeout=CONNECT_SECONDS,
            updates_queue=self.updates,
        )
        self._opened = False
        self.config: Any = None
        """Telegram's answer to our introduction, with the addresses of its data centres."""

    @property
    def login(self) -> Login:
        return Login(self._centre, self._sender.auth_key.key)

    @property
    def is_open(self) -> bool:
        return self._opened and not self._sender._disconnected.done()  # noqa: SLF001  # Telethon has no other way

    async def open(self) -> None:
        """Raises the port's errors, and `LoginLost` where Telegram does not know the key any more."""
        refuse_network_inside_transaction()
        if self._guard is not None:
            self._guard()
        centre = self._centre
        connection = _GuardedConnection(centre.host, centre.port, centre.id, loggers=SILENCE)
        connection.guard = self._guard
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._sender.connect(connection)
        except (TimeoutError, OSError):
            await self.close()
            raise Flaky("network", "Telegram can't be reached.", ambiguous=False) from None
        self._opened = True
        self._sender._disconnected.add_done_callback(self._lost)  # noqa: SLF001  # Telethon has no other way
        self.config = await self.call(self._introduction())

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
        await asyncio.wait([answer], timeout=seconds)
        return self._read_answer(answer)

    def _read_answer(self, answer: "asyncio.Future[Any]") -> Any:
        if not answer.done():
            answer.cancel()
            raise Flaky("network", "Telegram did not answer in time.", ambiguous=True)
        if answer.cancelled():
            raise self._broken()
        error = answer.exception()
        if error is None:
            return answer.result()
        if isinstance(error, AuthKeyNotFound):
            raise LoginLost("key_unknown") from None
        if isinstance(error, InvalidBufferError) and error.code == TRANSPORT_FLOOD:
            raise FloodWait(TRANSPORT_FLOOD_SECONDS) from None
        if isinstance(error, (OSError, BufferError, EOFError)):
            raise self._broken() from None
        raise read_refusal(error) from None

    def _broken(self) -> Exception:
        if self._guard is not None:
            self._guard()  # it may have been what broke the connection
        return Flaky("network", "The connection to Telegram broke.", ambiguous=True)

    async def close(self) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self._sender.disconnect()
