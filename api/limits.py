"""How many requests a key may make, and how many wrong keys may come from one address.

Told in the headers of draft-ietf-httpapi-ratelimit-headers-10: `RateLimit-Policy: "key";q=600;w=60` is what there is,
`RateLimit: "key";r=599;t=1` what is left and in how many seconds it is whole again. A refusal is a 429 with
Retry-After, which says the same as `t`.
"""

from ipaddress import IPv6Address, ip_address
from typing import Any

from litestar.connection import ASGIConnection
from litestar.datastructures import MutableScopeHeaders
from litestar.exceptions import TooManyRequestsException
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.buckets import Buckets, Level, Quota
from tenants.config import Config

_NETWORK_BITS = 64
"""What one customer of a provider has of IPv6 (RFC 6177)."""


class Limits:
    def __init__(self, buckets: Buckets, config: Config) -> None:
        self._buckets = buckets
        self._requests = Quota("key", config.api_requests_per_minute)
        self._wrong_keys = Quota("wrong-keys", config.api_wrong_keys_per_minute)

    def counted(self, app: ASGIApp) -> ASGIApp:
        """The application behind the authentication: what a key asks for is counted."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            key = scope.get("auth")
            level = None if key is None else await self._buckets.take(self._requests, str(key.id))
            if level is None:
                await app(scope, receive, send)
                return
            headers = _headers(level)
            if not level.allowed:
                raise _refused("You have sent too many requests", level)

            async def tell(message: Message) -> None:
                if message["type"] == "http.response.start":
                    MutableScopeHeaders.from_message(message).update(headers)
                await send(message)

            await app(scope, receive, tell)

        return answer

    async def require_few_wrong_keys(self, connection: ASGIConnection[Any, Any, Any, Any]) -> None:
        """Before a key is looked at: whoever has tried too many must wait, also with the right one."""
        level = await self._buckets.look(self._wrong_keys, _place(connection))
        if level is not None and not level.allowed:
            raise _refused("Too many wrong keys came from your address", level)

    async def note_wrong_key(self, connection: ASGIConnection[Any, Any, Any, Any]) -> None:
        level = await self._buckets.take(self._wrong_keys, _place(connection))
        if level is not None and not level.allowed:
            raise _refused("Too many wrong keys came from your address", level)


def _headers(level: Level) -> dict[str, str]:
    return {
        "RateLimit-Policy": level.quota.policy,
        "RateLimit": f'"{level.quota.name}";r={level.remaining};t={level.seconds}',
    }


def _refused(what: str, level: Level) -> TooManyRequestsException:
    seconds = f"{level.seconds} second{'' if level.seconds == 1 else 's'}"
    return TooManyRequestsException(
        f"{what}: try again in {seconds}.", headers={**_headers(level), "Retry-After": str(level.seconds)}
    )


def _place(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """A client's address; of IPv6 its network."""
    host = connection.client.host if connection.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return "unknown"
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Address(int(address) >> _NETWORK_BITS << _NETWORK_BITS))
