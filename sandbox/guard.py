"""Who may drive the people of the World: pages and programs of this machine, no foreign web page."""

from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import urlsplit

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LOOPBACK = frozenset({"127.0.0.1", "localhost"})


def is_local(host: str) -> bool:
    """A host with or without a port."""
    return urlsplit(f"//{host}").hostname in LOOPBACK


def guarded(routes: Iterable[web.RouteDef]) -> list[web.RouteDef]:
    """The same routes, closed to requests under a foreign name or from a foreign page."""
    return [web.route(r.method, r.path, _guard(r.handler), **r.kwargs) for r in routes]


def _guard(handler: Handler) -> Handler:
    async def check(request: web.Request) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if not is_local(request.host) or (origin is not None and not is_local(urlsplit(origin).netloc)):
            return web.json_response({"error": "Only this machine may do that."}, status=403)
        return await handler(request)

    return check
