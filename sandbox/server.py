"""Everything together on one port of this machine."""

import asyncio
import contextlib
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web

from sandbox import control
from sandbox.bot_api import BotApi
from sandbox.faults import Faults, Journal
from sandbox.flood import Flood, FloodRules
from sandbox.guard import LOOPBACK, guarded
from sandbox.page_routes import Page
from sandbox.world import Clock, World

if TYPE_CHECKING:
    from sandbox.mtproto.face import MtProtoFace

_LARGEST_UPLOAD = 60 << 20
_SHUTDOWN = 1.0
_TICK = 0.25
"""Seconds between looks at the clock."""


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
        mtproto_port: int | None = None,
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
        self._ticking: asyncio.Task[None] | None = None
        self._latency = latency
        self._mtproto_port = mtproto_port
        self.mtproto: MtProtoFace | None = None
        """None where it was not asked for: it costs an import of 50 MB."""

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
        self.bot_api.webhooks.open()
        self._ticking = asyncio.create_task(self._tick())
        if self._mtproto_port is not None:
            from sandbox.mtproto.face import MtProtoFace  # noqa: PLC0415  # Telethon's types: half a second

            self.mtproto = MtProtoFace(self.world, self.flood, self.journal, latency=self._latency)
            await self.mtproto.start(self._host, self._mtproto_port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticking
        self.bot_api.close()
        self.page.close()
        await self.bot_api.webhooks.close()
        if self.mtproto is not None:
            await self.mtproto.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _tick(self) -> None:
        while True:
            self.world.pass_time()
            await asyncio.sleep(_TICK)
