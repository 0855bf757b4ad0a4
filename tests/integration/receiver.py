"""A program's own web server, to which webhooks bring updates, and its time between two tries."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

SECRET = "X-Telegram-Bot-Api-Secret-Token"
Answer = Callable[[dict[str, Any]], web.Response]


def taken(_: dict[str, Any]) -> web.Response:
    return web.json_response({})


@dataclass
class Receiver:
    """Answers at once unless it is told to hold its answers back."""

    url: str = ""
    answer: Answer = taken
    updates: list[dict[str, Any]] = field(default_factory=list)
    secrets: list[str | None] = field(default_factory=list)
    under_way: int = 0
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    free: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def texts(self) -> list[str]:
        return [update["message"]["text"] for update in self.updates]

    async def handle(self, request: web.Request) -> web.Response:
        update = await request.json()
        async with self.arrived:
            self.updates.append(update)
            self.secrets.append(request.headers.get(SECRET))
            self.under_way += 1
            self.arrived.notify_all()
        await self.free.wait()
        self.under_way -= 1
        return self.answer(update)

    async def has(self, number: int) -> None:
        async with asyncio.timeout(10), self.arrived:
            await self.arrived.wait_for(lambda: len(self.updates) >= number)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    receiver.free.set()
    app = web.Application()
    app.router.add_post("/hook", receiver.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        receiver.free.set()
        await runner.cleanup()


class Pauses:
    """Waits for retries as a test sees them: noted, and over at once while they are few enough."""

    def __init__(self, most: int) -> None:
        self.seconds: list[float] = []
        self._most = most

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        if len(self.seconds) >= self._most:
            await asyncio.Event().wait()
