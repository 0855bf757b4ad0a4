"""Servers for the tests: real Postgres and Valkey, started once, and a database of its own for each test."""

import asyncio
import itertools
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest
import structlog

from backline.embedded import Postgres, Valkey, temporary_folder
from sandbox.stripe.server import FakeStripe
from tenants.crypto import Keyring, generate_keyring, load_keyring
from tenants.db import Database
from tenants.logging import configure_logging
from tenants.migrate import upgrade

if TYPE_CHECKING:
    from tests.billing_stage import Till
    from tests.stripe_stage import Listener, Shop

_numbers = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_reaches_our_programs() -> None:
    """Whoever starts the tests in the background of a shell has Ctrl-C ignored, and programs inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A server whose `backline` database is the migrated template."""
    given = os.environ.get("DATABASE_URL")
    if given:
        upgrade(given)
        yield given
        return
    with temporary_folder() as folder, Postgres(folder, durable=False) as server:
        upgrade(server.url)
        yield server.url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    given = os.environ.get("REDIS_URL")
    if given:
        yield given
        return
    with temporary_folder() as folder, Valkey(folder, durable=False) as server:
        yield server.url


@pytest.fixture(scope="session")
def keyring_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keyring") / "keyring.json"
    generate_keyring(path)
    return path


@pytest.fixture(scope="session")
def keyring(keyring_file: Path) -> Keyring:
    return load_keyring(keyring_file)


async def _admin(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url.rpartition("/")[0] + "/postgres")
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    """A fresh copy of the migrated template, dropped afterwards with whoever is still connected."""
    server, _, template = postgres_url.rpartition("/")
    name = f"test_{os.getpid()}_{next(_numbers)}"
    asyncio.run(_admin(postgres_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy'))
    yield f"{server}/{name}"
    asyncio.run(_admin(postgres_url, f'DROP DATABASE "{name}" WITH (FORCE)'))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Configures, and puts everything back that is the whole process's."""
    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.setattr(logging.root, "level", logging.root.level)
    yield configure_logging
    structlog.reset_defaults()


@pytest.fixture
async def stripe_server() -> "AsyncIterator[FakeStripe]":
    async with FakeStripe() as fake:
        yield fake


@pytest.fixture
async def stripe_shop(stripe_server: FakeStripe) -> "AsyncIterator[Shop]":
    """Somebody who sells two plans on it, through the real library, which takes a while to import."""
    from tests.stripe_stage import Shop, a_client

    async with a_client(stripe_server) as client:
        yield await Shop(stripe_server, client).open()


@pytest.fixture
async def stripe_listener(stripe_server: FakeStripe) -> "AsyncIterator[Listener]":
    """All its webhooks arrive here."""
    from tests.stripe_stage import a_listener

    async with a_listener() as listening:
        listening.secret = stripe_server.add_endpoint(listening.url)["secret"]
        yield listening


@pytest.fixture
async def till(
    stripe_server: FakeStripe, database: Database, keyring: Keyring, redis_url: str
) -> "AsyncIterator[Till]":
    """Somebody who sells plans on it, with a pay page and an address for its events."""
    from tests.billing_stage import a_till

    async with a_till(stripe_server, database, keyring, redis_url) as opened:
        yield opened
