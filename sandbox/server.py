"""Everything together on one port of this machine."""

from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from sandbox import control
from sandbox.bot_api import BotApi
from sandbox.faults import Faults, Journal
from sandbox.flood import Flood, FloodRules
from sandbox.guard import LOOPBACK, guarded
from sandbox.page_routes import Page
from sandbox.world import Clock, World

_LARGEST_UPLOAD = 60 << 20
_SHUTDOWN = 1.0


class Sandbox:
    """`async with Sandbox() as telegram: Bot(..., api root telegram.url)`."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        latency: timedelta = timedelta(milliseconds=80),
        flood_control: bool = True,
        clock: Clock | None = None,
        seed: int = 1,
        world: World | None = None,
    ) -> None:
        if host not in LOOPBACK:
            raise ValueError("The sandbox listens on this machine only.")
        self.world = world or World(clock, seed=seed)
        self.faults = Faults()
        self.journal = Journal()
        self.flood = Flood(FloodRules(enabled=flood_control))
        self.bot_api = BotApi(self.world, self.flood, self.faults, self.journal, latency=latency)
        self.page = Page(self)
        self.cast: dict[str, Any] = {}
        """What programs are told about the people of the demo, beside who exists."""
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The API root: programs add /bot<token>/<method>."""
        return f"http://{self._host}:{self._port}"

    def routes(self) -> list[web.RouteDef]:
        return [
            *self.bot_api.routes(),
            *guarded(control.routes(self)),
            *guarded(self.page.routes()),
        ]

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_LARGEST_UPLOAD)
        app.add_routes(self.routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bot_api.close()
        self.page.close()
        if self._runner is not None:
            await self._runner.cleanup()
