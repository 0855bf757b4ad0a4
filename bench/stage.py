"""Who takes part in a measurement: a Telegram, a database, a worker or a naive bot, each a process of its own."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from sqlalchemy import text

from backline.embedded import Postgres, Valkey, temporary_folder
from tenants.connections import Connections
from tenants.crypto import generate_keyring, load_keyring
from tenants.db import Database
from tenants.ids import ChatId, UserId
from tenants.migrate import upgrade
from tenants.plans import Plan

ENOUGH = "1000000"
PATIENCE = 120.0
"""Seconds for a round on a busy machine."""
BENCH = Path(__file__).parent


@dataclass(frozen=True)
class Desk:
    number: int
    bot: int
    token: str
    username: str
    group: int
    owner: int
    customer: int


class Telegram:
    """See `bench.telegram`. `secure` is the same Bot API over TLS, `mtproto` what an MTProto client has to know."""

    def __init__(self, http: aiohttp.ClientSession, told: dict[str, Any], process: psutil.Process) -> None:
        self.url: str = told["url"]
        self.secure: str = told["secure"]
        self.mtproto: dict[str, Any] = told["mtproto"] or {}
        self.desks = [Desk(**desk) for desk in told["desks"]]
        self.process = process
        self._http = http
        self._bench = told["bench"]

    async def ask(self, deed: str, **values: Any) -> Any:
        async with self._http.post(f"{self._bench}/bench/{deed}", json=values) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def set(self, **values: object) -> None:
        """The sandbox's switches."""
        async with self._http.post(f"{self.url}/sandbox/settings", json=values) as answer:
            answer.raise_for_status()

    async def seed(self, keys: Mapping[int, bytes]) -> None:
        """Auth keys of bots that are logged in already."""
        given = [{"bot": bot, "key": key.hex()} for bot, key in keys.items()]
        async with self._http.post(f"{self.url}/sandbox/mtproto/keys", json=given) as answer:
            answer.raise_for_status()

    async def program_says(self, desk: Desk, words: str) -> None:
        """What another program that drives the bot writes to its first customer, over the Bot API."""
        sent = {"chat_id": desk.customer, "text": words}
        async with self._http.post(f"{self.url}/bot{desk.token}/sendMessage", json=sent) as answer:
            answer.raise_for_status()

    async def attended(self, desks: Sequence[Desk]) -> None:
        """Until somebody waits for the updates of all these bots."""
        await self._until_all("parked", desks, PATIENCE)

    async def heard(self, desks: Sequence[Desk], seconds: float = PATIENCE) -> None:
        """Until an MTProto session of each of these bots follows its updates."""
        await self._until_all("listening", desks, seconds)

    async def _until_all(self, deed: str, desks: Sequence[Desk], seconds: float) -> None:
        bots = {desk.bot for desk in desks}
        async with asyncio.timeout(seconds):
            while not bots.issubset(await self.ask(deed)):
                await asyncio.sleep(0.2)

    async def round(self, desks: Sequence[Desk], words: str = "How are you?") -> None:
        """One message per desk, all at once, and until all of them stand in their groups."""
        said = await self.ask("say", messages=[[desk.number, 0, words, False] for desk in desks])
        await self.copied(said["copies"] + len(desks))

    async def copied(self, copies: int) -> None:
        """Until so many stand in groups, since the start."""
        found = (await self.ask("wait", copies=copies, seconds=PATIENCE))["copies"]
        if found < copies:
            raise RuntimeError(f"{copies - found} messages did not arrive within {PATIENCE:.0f} s")


@asynccontextmanager
async def telegram(desks: int, **orders: Any) -> AsyncIterator[Telegram]:
    command = [sys.executable, "-m", "bench.telegram"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"desks": desks, **orders}) + "\n")
        process.stdin.flush()
        told = json.loads(await asyncio.to_thread(process.stdout.readline))
        timeout = aiohttp.ClientTimeout(total=PATIENCE + 10)
        async with aiohttp.ClientSession(timeout=timeout) as http:
            yield Telegram(http, told, psutil.Process(process.pid))
    finally:
        process.kill()
        process.wait()


@dataclass(frozen=True)
class House:
    """The servers that a worker needs, and what it is told about them."""

    postgres: Postgres
    redis: str
    keyring: Path

    @property
    def server(self) -> psutil.Process:
        assert self.postgres.pid is not None
        return psutil.Process(self.postgres.pid)

    def environ(self, api_root: str, **more: str) -> dict[str, str]:
        return {
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.redis,
            "BACKLINE_KEYRING": str(self.keyring),
            "TELEGRAM_API_ROOT": api_root,
            "GROUP_SENDS_PER_MINUTE": ENOUGH,
            "COLD_STARTS_PER_MINUTE": "0",
            **more,
        }


@contextmanager
def house() -> Iterator[House]:
    """PostgreSQL as it would run, synchronous commits and all, but counting statements."""
    with (
        temporary_folder() as place,
        Postgres(place / "postgres", durable=True) as server,
        Valkey(place / "valkey", durable=False) as cache,
    ):
        keyring = place / "keyring.json"
        generate_keyring(keyring)
        upgrade(server.url)
        asyncio.run(_count_statements(server.url))
        server.stop()
        server.start()
        yield House(server, cache.url, keyring)


async def _count_statements(url: str) -> None:
    database = Database(url, pool_size=1)
    async with database._engine.connect() as connection:  # noqa: SLF001  # what no unit of work may do
        await connection.execute(text("CREATE EXTENSION pg_stat_statements"))
        await connection.execute(text("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'"))
    await database.close()


async def connect(house: House, desks: Sequence[Desk]) -> None:
    """As the setup bot would, but all at once."""
    database, keyring = Database(house.postgres.url), load_keyring(house.keyring)
    connections = Connections(database, keyring, plan=Plan.BUSINESS)

    async def one(desk: Desk) -> None:
        owner, bot = UserId(desk.owner), UserId(desk.bot)
        tenant = await connections.connect(owner, desk.token, bot_id=bot, username=desk.username, name=desk.username)
        async with database.tenant(tenant.id) as unit:
            await unit.execute(
                text("UPDATE tenants SET group_id = :group, state = 'running' WHERE id = :id"),
                {"group": ChatId(desk.group), "id": tenant.id},
            )

    for start in range(0, len(desks), 10):
        await asyncio.gather(*(one(desk) for desk in desks[start : start + 10]))
    await database.close()


@contextmanager
def worker(
    environ: Mapping[str, str], command: Sequence[str] = ("-m", "backline", "worker")
) -> Iterator[psutil.Process]:
    """A worker of its own process, its log thrown away as a container's log would be taken away."""
    with running([sys.executable, *command], env={**os.environ, **environ}, stderr=subprocess.DEVNULL) as process:
        yield psutil.Process(process.pid)


@contextmanager
def naive_bot(url: str, desks: Sequence[Desk]) -> Iterator[psutil.Process]:
    command = [sys.executable, str(BENCH / "naive_bot.py"), url]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with running(command, stdin=subprocess.PIPE, **quiet) as process:
        assert process.stdin is not None
        process.stdin.write("".join(f"{desk.token} {desk.group}\n" for desk in desks).encode())
        process.stdin.close()
        yield psutil.Process(process.pid)


@contextmanager
def running(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
