"""Posts to the addresses of strangers: never into a private network, never after a redirect, never for long.

What is checked is the address that a socket is about to connect to. A name may mean another address by then than it
did when somebody looked.
"""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver

from tenants.db import refuse_network_inside_transaction
from tenants.webhooks.addresses import may_reach
from tenants.webhooks.deliveries import Outcome

SECONDS = 5.0
MOST_READ = 64 * 1024
"""Bytes of an answer, of which only the status counts."""
_GONE = 410
_AGENT = "Backline"


class AddressRefusedError(OSError):
    """Of a private network."""

    def __init__(self) -> None:
        super().__init__("not on the public internet")


class Poster:
    """`loopback`: this machine may be reached, for trying. `resolver` finds the addresses of names."""

    def __init__(
        self,
        *,
        loopback: bool = False,
        seconds: float = SECONDS,
        resolver: AbstractResolver | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._loopback = loopback
        self._seconds = seconds
        self._resolver = resolver
        self._trust = trust

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            limit=0,
            use_dns_cache=False,
            socket_factory=self._open_socket,
            resolver=self._resolver,
            ssl=self._trust or True,
        )
        self._client = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._seconds),
            auto_decompress=False,
            trust_env=False,
            headers={"User-Agent": _AGENT, "Content-Type": "application/json"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    def _open_socket(self, found: tuple[Any, ...]) -> socket.socket:
        """Aiohttp calls it for each address that it is about to connect to, by name or not."""
        family, kind, protocol, _, (host, *_) = found
        if not may_reach(host, loopback=self._loopback):
            raise AddressRefusedError
        return socket.socket(family=family, type=kind, proto=protocol)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Never raises for what the address does."""
        refuse_network_inside_transaction()
        try:
            async with self._client.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                await _read_some(answer.content)
                return _judge(answer.status)
        except TimeoutError:
            return Outcome(error="timeout")
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError):
            return Outcome(error="certificate")
        except aiohttp.ClientConnectorError as error:
            return Outcome(error="private" if isinstance(error.os_error, AddressRefusedError) else "unreachable")
        except (aiohttp.ClientError, OSError, ValueError, asyncio.IncompleteReadError):
            return Outcome(error="unreachable")


async def _read_some(content: aiohttp.StreamReader) -> None:
    """What is beyond the limit stays unread: the connection is closed over it."""
    left = MOST_READ
    while left > 0 and (chunk := await content.read(left)):
        left -= len(chunk)


def _judge(status: int) -> Outcome:
    if 200 <= status < 300:  # noqa: PLR2004  # 2xx
        return Outcome(status)
    if 300 <= status < 400:  # noqa: PLR2004  # 3xx
        return Outcome(status, "redirected")
    return Outcome(status, "gone" if status == _GONE else "refused")
