"""The servers of the proof: durable PostgreSQL and Valkey, the tenants in them, and what the workers are told."""

import asyncio
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import text

from backline.embedded import Postgres, Valkey, temporary_folder
from backline.embedded.server import Server
from chaos.telegram import Desk
from tenants.connections import Connections
from tenants.crypto import generate_keyring, load_keyring
from tenants.db import Database
from tenants.ids import ChatId, UserId
from tenants.migrate import upgrade
from tenants.plans import Plan

LEASE_SECONDS = 5
GROUP_SENDS_PER_MINUTE = 30


@dataclass(frozen=True)
class House:
    folder: Path
    postgres: Postgres
    valkey: Valkey
    keyring: Path

    def environ(self, api_root: str) -> dict[str, str]:
        return {
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.valkey.url,
            "BACKLINE_KEYRING": str(self.keyring),
            "TELEGRAM_API_ROOT": api_root,
            "LEASE_SECONDS": str(LEASE_SECONDS),
            "GROUP_SENDS_PER_MINUTE": str(GROUP_SENDS_PER_MINUTE),
            "COLD_STARTS_PER_MINUTE": "0",
            "LOG_FORMAT": "json",
        }

    async def rows(self, query: str, *values: Any) -> list[Any]:
        """A connection of its own each time: the server may have been another one a moment ago."""
        connection = await asyncpg.connect(self.postgres.url, timeout=5)
        try:
            return await connection.fetch(query, *values, timeout=20)
        finally:
            await connection.close(timeout=5)


@contextmanager
def house() -> Iterator[House]:
    with (
        temporary_folder() as folder,
        Postgres(folder / "postgres", durable=True) as postgres,
        Valkey(folder / "valkey", durable=True) as valkey,
    ):
        keyring = folder / "keyring.json"
        generate_keyring(keyring)
        upgrade(postgres.url)
        yield House(folder, postgres, valkey, keyring)


def restart(server: Server) -> None:
    server.stop()
    server.start()


def kill(server: Server) -> None:
    """Power off, as far as a server notices, and on again."""
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    restart(server)


async def connect(house: House, desks: Sequence[Desk]) -> dict[str, Desk]:
    """As the setup bot would, but all at once. The desks by tenant."""
    database = Database(house.postgres.url)
    connections = Connections(database, load_keyring(house.keyring), plan=Plan.BUSINESS)
    found: dict[str, Desk] = {}

    async def one(desk: Desk) -> None:
        owner, bot = UserId(desk.owner), UserId(desk.bot)
        tenant = await connections.connect(owner, desk.token, bot_id=bot, username=desk.username, name=desk.username)
        found[str(tenant.id)] = desk
        async with database.tenant(tenant.id) as unit:
            await unit.execute(
                text("UPDATE tenants SET group_id = :group, state = 'running' WHERE id = :id"),
                {"group": ChatId(desk.group), "id": tenant.id},
            )

    for start in range(0, len(desks), 10):
        await asyncio.gather(*(one(desk) for desk in desks[start : start + 10]))
    await database.close()
    return found
