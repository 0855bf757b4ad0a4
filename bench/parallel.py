"""Who takes part where sessions are parallel: our tenants with logins made beforehand, and Telethon without us."""

import asyncio
import json
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psutil
from sqlalchemy import text

from bench.stage import BENCH, PATIENCE, Desk, House, Telegram, connect, running
from sessions.mtproto.home import DataCentre, Login
from tenants.crypto import load_keyring
from tenants.db import Database
from tenants.ids import TenantId
from tenants.parallel import save_login
from worker.pace import CONNECTS_PER_SECOND

_SWITCH = text("UPDATE tenants SET mode = 'parallel', mode_changed_at = now() - interval '7 days' WHERE id = :id")
"""Long ago: for two days each message is asked whether the mode before has seen it."""
_TENANTS = text("SELECT id, bot_id FROM tenants WHERE bot_id = ANY(:bots)")


def environ(house: House, stage: Telegram, **more: str) -> dict[str, str]:
    about = stage.mtproto
    key = house.keyring.parent / "telegram.pem"
    key.write_text(about["public_key"])
    return house.environ(
        stage.url,
        TELEGRAM_API_ID=str(about["api_id"]),
        TELEGRAM_API_HASH=about["api_hash"],
        TELEGRAM_DC=f"{about['host']}:{about['port']}",
        TELEGRAM_DC_KEY=str(key),
        **more,
    )


async def make_keys(stage: Telegram, desks: Sequence[Desk]) -> dict[int, bytes]:
    """By bot: nobody's handshake is measured."""
    keys = {desk.bot: secrets.token_bytes(256) for desk in desks}
    await stage.seed(keys)
    return keys


async def connect_parallel(house: House, stage: Telegram, desks: Sequence[Desk]) -> None:
    """As owners would, and logged in as they would be after the first run."""
    keys = await make_keys(stage, desks)
    await connect(house, desks)
    database, keyring = Database(house.postgres.url), load_keyring(house.keyring)
    centre = DataCentre(stage.mtproto["dc"], stage.mtproto["host"], stage.mtproto["port"])

    async def one(tenant: TenantId, bot: int) -> None:
        async with database.tenant(tenant) as unit:
            await unit.execute(_SWITCH, {"id": tenant})
            await save_login(unit, tenant, keyring, Login(centre, keys[bot]).dump())

    async with database._engine.connect() as connection:  # noqa: SLF001  # as the tables' owner, for all tenants
        tenants = (await connection.execute(_TENANTS, {"bots": list(keys)})).all()
    for start in range(0, len(tenants), 10):
        await asyncio.gather(*(one(row.id, row.bot_id) for row in tenants[start : start + 10]))
    await database.close()


async def listen(stage: Telegram, desks: Sequence[Desk]) -> None:
    """Until our sessions listen: the worker's connections are paced."""
    await stage.heard(desks, PATIENCE + 2 * len(desks) / CONNECTS_PER_SECOND)


class Telethon:
    """See `bench.bare_telethon`."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = psutil.Process(process.pid)
        self._pipes = process
        self._expected = 0

    async def connect(self, desks: Sequence[Desk], keys: Mapping[int, bytes]) -> None:
        await self._ask(bots=[[desk.bot, keys[desk.bot].hex(), desk.group] for desk in desks])

    async def received(self, messages: int) -> None:
        """Until so many more have come."""
        self._expected += messages
        await self._ask(until=self._expected)

    async def _ask(self, **order: Any) -> None:
        assert self._pipes.stdin is not None
        assert self._pipes.stdout is not None
        self._pipes.stdin.write(json.dumps(order).encode() + b"\n")
        self._pipes.stdin.flush()
        async with asyncio.timeout(PATIENCE):
            answer = await asyncio.to_thread(self._pipes.stdout.readline)
        if answer != b"done\n":
            raise RuntimeError("the Telethon program has ended")


@contextmanager
def telethon(stage: Telegram, *, relays: bool = False) -> Iterator[Telethon]:
    command = [sys.executable, str(BENCH / "bare_telethon.py"), json.dumps({**stage.mtproto, "relays": relays})]
    with running(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Telethon(process)
