"""The HTTP application behind a real socket, in the test's own loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar

from api.app import _listen, _Server, _uvicorn_config
from tests.api_client import make_config


@asynccontextmanager
async def serving(app: Litestar, port: int = 0) -> AsyncIterator[str]:
    """Its address. Port 0 is any that is free."""
    listens = asyncio.Event()
    config = make_config("postgresql://db/backline", "redis://127.0.0.1:1")
    server = _Server(_uvicorn_config(app, config), listens.set)
    with _listen("127.0.0.1", port) as listener:
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await listens.wait()
            host, port = listener.getsockname()[:2]
            yield f"http://{host}:{port}"
        finally:
            server.should_exit = True
            await task
