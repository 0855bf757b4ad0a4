"""Posting to strangers: a real server on loopback, and names that lead where nobody may go."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from tenants.db import Database
from tenants.webhooks.deliveries import Outcome
from worker.posting import MOST_READ, Poster

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Server:
    """Answers as it is told."""

    port: int = 0
    answer: Answer | None = None
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, host: str = "127.0.0.1", path: str = "/hook") -> str:
        return f"http://{host}:{self.port}{path}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.heard.append((request.path, await request.read()))
        return web.Response(status=204) if self.answer is None else await self.answer(request)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    one = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", one.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    one.port = runner.addresses[0][1]
    yield one
    one.left.set()
    await runner.cleanup()


class FakeNames(AbstractResolver):
    """Each name means what the next answer says."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[ResolveResult]:
        found = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in found
        ]

    async def close(self) -> None:
        return None


async def _post(url: str, **more: Any) -> Outcome:
    async with Poster(**{"loopback": True, **more}) as poster:
        return await poster.post(url, {"webhook-id": "a"}, b"{}")


async def test_what_is_taken_is_taken(server: Server):
    assert await _post(server.url()) == Outcome(204)
    assert server.heard == [("/hook", b"{}")]


@pytest.mark.parametrize(
    ("status", "error"), [(400, "refused"), (404, "refused"), (410, "gone"), (429, "refused"), (500, "refused")]
)
async def test_an_error_is_one(server: Server, status: int, error: str):
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status)

    server.answer = answer
    assert await _post(server.url()) == Outcome(status, error)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(server: Server, status: int):
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": server.url(path="/elsewhere")})

    server.answer = answer
    assert await _post(server.url()) == Outcome(status, "redirected")
    assert [path for path, _ in server.heard] == ["/hook"]


async def test_an_endless_answer_is_not_read_to_its_end(server: Server):
    sent = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        endless = web.StreamResponse()
        await endless.prepare(request)
        try:
            while True:
                await endless.write(b"x" * MOST_READ)
                sent += 1
        finally:
            server.left.set()

    server.answer = answer
    assert await _post(server.url()) == Outcome(200)
    async with asyncio.timeout(10):
        await server.left.wait()
    assert sent < 200


async def test_who_is_slow_is_left(server: Server):
    async def answer(_: web.Request) -> web.Response:
        await server.left.wait()
        return web.Response()

    server.answer = answer
    assert await _post(server.url(), seconds=0.2) == Outcome(error="timeout")


async def test_nobody_there_is_unreachable():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert await _post(f"http://127.0.0.1:{taken.getsockname()[1]}/") == Outcome(error="unreachable")


async def test_who_speaks_no_tls_has_no_certificate(server: Server):
    outcome = await _post(server.url().replace("http:", "https:"))
    assert outcome == Outcome(error="certificate")


async def test_a_name_that_is_none_is_unreachable():
    assert await _post("http://nowhere.invalid/") == Outcome(error="unreachable")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "10.0.0.1", "0.0.0.0"]
)
async def test_a_private_address_is_not_connected_to(server: Server, host: str):
    assert await _post(server.url(host), loopback=False) == Outcome(error="private")
    assert server.heard == []


@pytest.mark.parametrize(
    "means",
    [["10.0.0.1"], ["169.254.169.254"], ["::ffff:127.0.0.1"], ["fe80::1"], ["127.0.0.1", "::1"], ["fd00::1"]],
)  # fmt: skip
async def test_a_name_that_leads_into_a_private_network_is_not_followed(server: Server, means: list[str]):
    outcome = await _post(server.url("hooks.example.com"), loopback=False, resolver=FakeNames(means))
    assert outcome == Outcome(error="private")
    assert server.heard == []


async def test_a_name_that_changes_its_meaning_is_judged_each_time(server: Server):
    """The first answer is harmless; what counts is where the connection goes."""
    names = FakeNames(["127.0.0.1"], ["169.254.169.254"])
    async with Poster(loopback=True, resolver=names) as poster:
        server.answer = _close
        url = server.url("hooks.example.com")
        assert [(await poster.post(url, {}, b"{}")).error for _ in range(2)] == [None, "private"]


async def _close(_: web.Request) -> web.Response:
    return web.Response(headers={"Connection": "close"})


async def test_no_post_holds_a_transaction_open(server: Server, database: Database):
    async with Poster(loopback=True) as poster, database.fleet():
        with pytest.raises(RuntimeError, match="inside a database transaction"):
            await poster.post(server.url(), {}, b"{}")
