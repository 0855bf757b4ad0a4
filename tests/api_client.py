"""The HTTP application in the test's own process, over real servers, and a client that holds an owner's key."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from redis.asyncio import Redis

from api.app import create_app
from sessions.port import SessionFactory
from tenants.access.keys import create_key
from tenants.config import Config
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.settings.schema import Settings
from tests.factories import OWNER
from tests.fakes import FakeSessions

INSIDE = ("127.0.0.1", 50000)
PROBLEM = "application/problem+json"


@dataclass
class ApiUnderTest:
    app: Any
    database: Database
    keyring: Keyring
    key: str
    client: httpx.AsyncClient

    async def ask(self, method: str, path: str, *, key: str | None = None, **request: Any) -> httpx.Response:
        """`key`: another one than the owner's; empty for none."""
        given = self.key if key is None else key
        headers = {"Authorization": f"Bearer {given}"} if given else {}
        return await self.client.request(method, path, headers={**headers, **request.pop("headers", {})}, **request)

    async def ask_from(self, address: tuple[str, int], path: str, **request: Any) -> httpx.Response:
        async with open_client(self.app, address) as client:
            return await client.get(path, **request)


def open_client(app: Any, address: tuple[str, int] = INSIDE) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=address), base_url="http://api")


def make_config(database_url: str, redis_url: str, **more: str) -> Config:
    """The keyring is handed over as such: no file is read."""
    values = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "BACKLINE_KEYRING": str(Path("none.json"))}
    return Config.from_env({**values, **more})


@asynccontextmanager
async def open_api(
    database: Database,
    keyring: Keyring,
    redis_url: str,
    model: type[Settings] = Settings,
    sessions: SessionFactory | None = None,
    **more: str,
) -> AsyncIterator[ApiUnderTest]:
    """`more` are variables of the environment. Tests share an address: wrong keys count only where they are to."""
    config = make_config("postgresql://db/backline", redis_url, **{"API_WRONG_KEYS_PER_MINUTE": "0", **more})
    async with Redis.from_url(redis_url) as redis:
        app = create_app(config, database, keyring, redis, sessions=sessions or FakeSessions(), model=model)
        key = await create_key(database, OWNER, "tests")
        async with open_client(app) as client:
            yield ApiUnderTest(app, database, keyring, key, client)


def problem_of(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Asserts that the answer is a whole problem document of this status."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["type"] == "about:blank"
    assert problem["title"]
    assert problem["code"]
    assert problem["detail"].endswith((".", "…"))
    assert "\n" not in problem["detail"]
    return problem
