"""The fake Stripe on a port of this machine."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from sandbox.guard import LOOPBACK, guarded
from sandbox.stripe import control
from sandbox.stripe.account import Account, Thing
from sandbox.stripe.acts import Acts
from sandbox.stripe.api import Api
from sandbox.stripe.deliveries import Deliveries
from sandbox.stripe.keeping import Keeping
from sandbox.stripe.pages import Pages
from sandbox.stripe.telling import make_endpoint
from sandbox.stripe.trouble import Troubles

SECRET_KEY = "sk_test_of_the_sandbox"  # noqa: S105  # a key of a fake
_SHUTDOWN = 1.0
_TICK = 1.0


class FakeStripe:
    """`async with FakeStripe() as fake: StripeClient(fake.secret_key, base_addresses={"api": fake.url}, …)`.

    `wall` is the clock that the account's time runs ahead of, `signing_clock` the one that webhooks are signed by;
    `memory` is a file in which the account is kept from one run to the next.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        secret_key: str = SECRET_KEY,
        wall: Callable[[], float] = time.time,
        signing_clock: Callable[[], float] = time.time,
        seed: int = 1,
        memory: Path | None = None,
    ) -> None:
        if host not in LOOPBACK:
            raise ValueError("The sandbox listens on this machine only.")
        self.secret_key = secret_key
        self.account = Account(wall=wall, seed=seed)
        self.acts = Acts(self.account)
        self.troubles = Troubles()
        self.webhooks = Deliveries(self.account, signing_clock=signing_clock)
        self._api = Api(self.account, secret_key, self.troubles, self.acts.catch_up)
        self._pages = Pages(self.account, self.acts)
        self._keeping = Keeping(memory, self.account) if memory else None
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self._port}"

    def add_endpoint(self, url: str, events: tuple[str, ...] = ("*",), *, secret: str | None = None) -> Thing:
        """An endpoint as if it had been made in the dashboard: known by its address, made once. Its `secret` is what
        its deliveries are signed with.
        """
        known = [e for e in self.account.newest("webhook_endpoint") if e["url"] == url]
        endpoint = known[0] if known else make_endpoint(self.account, url, list(events), secret)
        return {**endpoint, "secret": endpoint["_secret"]}

    async def refuse(self, seconds: float) -> None:
        """Nobody listens for a while: connections are refused. Returns when they are taken again."""
        if self._site is None:
            raise RuntimeError("The fake is not running.")
        await self._site.stop()
        await asyncio.sleep(seconds)
        await self._listen()

    async def __aenter__(self) -> Self:
        if self._keeping is not None:
            self._keeping.recall()
        app = web.Application()
        app.add_routes(self._api.routes())
        app.add_routes(guarded([*control.routes(self), *self._pages.routes()]))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN)
        await self._runner.setup()
        await self._listen()
        self.account.base = self.url
        self.webhooks.open()
        self._tasks = [asyncio.create_task(self._tick())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.webhooks.close()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._keeping is not None:
            self._keeping.keep()

    async def _listen(self) -> None:
        if self._runner is None:
            raise RuntimeError("The fake is not running.")
        self._site = web.TCPSite(self._runner, self._host, self._port)
        await self._site.start()
        self._port = self._runner.addresses[0][1]

    def later(self, seconds: float) -> None:
        """Refuses for so long, without waiting for it."""
        self._tasks.append(asyncio.create_task(self.refuse(seconds)))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            self.acts.catch_up()
            if self._keeping is not None:
                with contextlib.suppress(OSError):
                    self._keeping.keep()

    def advance(self, **by: float) -> int:
        """`advance(days=31)`."""
        return self.acts.advance(timedelta(**by))
