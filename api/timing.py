"""How long requests take, by route and status, unknown addresses included."""

import time

from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import CollectorRegistry, Histogram

_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


def timed(app: ASGIApp, registry: CollectorRegistry) -> ASGIApp:
    """Around the whole application. Labels are of our making only, so that nobody can multiply them."""
    seconds = Histogram(
        "backline_http_request_seconds",
        "Time until an answer begins.",
        ("method", "route", "status"),
        registry=registry,
    )

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        started_at = time.perf_counter()

        async def observe(message: Message) -> None:
            if message["type"] == "http.response.start":
                method = scope.get("method")
                seconds.labels(
                    method if method in _METHODS else "other",
                    scope.get("path_template") or "none",
                    message["status"],
                ).observe(time.perf_counter() - started_at)
            await send(message)

        await app(scope, receive, observe)

    return answer
