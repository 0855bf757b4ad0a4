"""One HTTP session for all bots of a process.

aiogram's own session makes an SSL context per bot (685 KB), follows redirects, and its errors may show the
address, of which the token is a part. This one shares a pool without a limit, follows nothing, and says no address.
"""

import secrets
from collections.abc import AsyncGenerator, Callable
from http import HTTPStatus
from typing import Any, cast

import aiohttp
import orjson
from aiogram import Bot
from aiogram.client.session.base import BaseSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import ClientDecodeError, TelegramNetworkError, TelegramServerError
from aiogram.methods import TelegramMethod
from aiogram.methods.base import TelegramType
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import BytesPayload

from tenants.db import refuse_network_inside_transaction

_JSON = {"Content-Type": "application/json"}
CALL_TIMEOUT = 65.0
"""Seconds. Above the 50 s of the longest poll; the Bot API itself may hide a flood wait of 8 s in a call."""


class Called(TelegramMethod[bool]):
    """What aiogram's exceptions want to know of a call: which it was, and nothing that it carried."""

    __returning__ = bool
    __api_method__ = "called"

    name: str


class NetworkTrouble(TelegramNetworkError):
    """No usable answer. `carried_out` is False only where the request surely never reached Telegram."""

    def __init__(self, method: str, message: str, *, ambiguous: bool) -> None:
        super().__init__(method=Called(name=method), message=message)
        self.ambiguous = ambiguous


class GuardedBot(Bot):
    """`guard` is asked right before a request is written: what it raises ends the call.

    A process that is paused between a check and the request would otherwise send it when it wakes.
    """

    def __init__(self, token: str, session: BaseSession, guard: Callable[[], None] | None = None) -> None:
        super().__init__(token, session=session)
        self.guard = guard


class _GuardedBytes(BytesPayload):
    """A body that is written only if its guard lets it: the last moment before a request leaves."""

    def __init__(self, value: bytes, guard: Callable[[], None]) -> None:
        super().__init__(value, content_type="application/json")
        self._guard = guard

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        self._guard()
        await super().write_with_length(writer, content_length)


class SharedTransport(BaseSession):
    def __init__(self, api_root: str) -> None:
        super().__init__(
            api=TelegramAPIServer.from_base(api_root),
            json_loads=orjson.loads,
            json_dumps=lambda value: orjson.dumps(value).decode(),
            timeout=CALL_TIMEOUT,
        )
        self._client: aiohttp.ClientSession | None = None

    def _open_client(self) -> aiohttp.ClientSession:
        if self._client is None or self._client.closed:
            self._client = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300), auto_decompress=True
            )
        return self._client

    async def make_request(
        self, bot: Bot, method: TelegramMethod[TelegramType], timeout: int | None = None
    ) -> TelegramType:
        refuse_network_inside_transaction()
        status, content = await self._post(bot, method, timeout)
        try:
            response = self.check_response(bot=bot, method=method, status_code=status, content=content)
        except ClientDecodeError:
            raise TelegramServerError(method=method, message=f"an answer that is no JSON, status {status}") from None
        return cast("TelegramType", response.result)

    async def call(self, bot: Bot, method: str, values: dict[str, Any]) -> tuple[int, Any]:
        """A frequent call without aiogram's objects, which cost more than the request: the status and the answer's
        JSON, None where it is none. Raises `NetworkTrouble`.
        """
        refuse_network_inside_transaction()
        body = {"data": orjson.dumps(values), "headers": _JSON}
        status, content = await self._exchange(bot, method, body, self.timeout)
        try:
            return status, orjson.loads(content)
        except orjson.JSONDecodeError:
            return status, None

    async def _post(self, bot: Bot, method: TelegramMethod[Any], timeout: float | None) -> tuple[int, Any]:
        body = await self._body(bot, method)
        return await self._exchange(bot, method.__api_method__, body, timeout or self.timeout)

    async def _exchange(self, bot: Bot, method: str, body: dict[str, Any], seconds: float) -> tuple[int, bytes]:
        url = self.api.api_url(token=bot.token, method=method)
        limit = aiohttp.ClientTimeout(total=seconds, connect=10)
        guard = bot.guard if isinstance(bot, GuardedBot) else None
        if guard is not None and isinstance(body["data"], bytes):
            body = {**body, "data": _GuardedBytes(body["data"], guard)}
        try:
            async with self._open_client().post(url, timeout=limit, allow_redirects=False, **body) as answer:
                return answer.status, (await answer.read()).replace(bot.token.encode(), b"[token]")
        except aiohttp.ClientConnectorError:
            raise NetworkTrouble(method, "Telegram can't be reached.", ambiguous=False) from None
        except TimeoutError:
            raise NetworkTrouble(method, "Telegram did not answer in time.", ambiguous=True) from None
        except (aiohttp.ClientError, OSError, ValueError):
            if guard is not None:
                guard()  # it may have been what broke the request
            raise NetworkTrouble(method, "The connection to Telegram broke.", ambiguous=True) from None

    async def _body(self, bot: Bot, method: TelegramMethod[Any]) -> dict[str, Any]:
        files: dict[str, Any] = {}
        values = {
            name: prepared
            for name in method.model_fields_set
            if (prepared := self._prepare(getattr(method, name), bot, files)) is not None
        }
        if not files:
            return {"data": orjson.dumps(values), "headers": _JSON}
        form = aiohttp.FormData()
        for name, value in values.items():
            form.add_field(name, value if isinstance(value, str) else self.json_dumps(value))
        for name, file in files.items():
            content = b"".join([part async for part in file.read(bot)])
            form.add_field(name, content, filename=file.filename or secrets.token_hex(4))
        return {"data": form}

    def _prepare(self, value: Any, bot: Bot, files: dict[str, Any]) -> Any:
        if isinstance(value, (bool, int, str)):
            return value
        return self.prepare_value(value, bot=bot, files=files)

    async def stream_content(
        self,
        url: str,
        headers: dict[str, Any] | None = None,
        timeout: int = 30,
        chunk_size: int = 65536,
        raise_for_status: bool = True,  # noqa: FBT001, FBT002  # aiogram's signature
    ) -> AsyncGenerator[bytes, None]:
        refuse_network_inside_transaction()
        limit = aiohttp.ClientTimeout(total=timeout)
        client = self._open_client()
        async with client.get(url, headers=headers, timeout=limit, allow_redirects=False) as answer:
            if raise_for_status and answer.status >= HTTPStatus.MULTIPLE_CHOICES:
                raise OSError(f"the file's server answered {answer.status}")
            async for chunk in answer.content.iter_chunked(chunk_size):
                yield chunk

    async def close(self) -> None:
        if self._client is not None and not self._client.closed:
            await self._client.close()
