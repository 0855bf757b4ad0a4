"""Messages mirrored per core-second: one worker beside a naive aiogram bot, on the same sandbox, in one run.

    make bench ARGS="[--tenants 200] [--rounds 10] [--repeat 3]"

A round is one message per tenant, all at once; the next begins when all of them stand in their groups.
CPU is user plus system time of the measured process. The sandbox and PostgreSQL are processes of their own;
their CPU is said beside it.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil
from sqlalchemy import text

from backline.embedded import Postgres, Valkey, temporary_folder
from tenants.connections import Connections
from tenants.crypto import generate_keyring, load_keyring
from tenants.db import Database
from tenants.migrate import upgrade
from tenants.plans import Plan

OWNER_RIGHTS = ["manage_topics", "delete_messages", "pin_messages"]


@dataclass(frozen=True)
class Desk:
    customer: int
    bot: int
    token: str
    username: str
    group: int
    owner: int


@dataclass(frozen=True)
class Measured:
    messages: int
    seconds: float
    cpu: float
    sandbox_cpu: float
    postgres_cpu: float

    @property
    def per_core_second(self) -> float:
        return self.messages / self.cpu


class Stage:
    """The sandbox over HTTP."""

    def __init__(self, http: aiohttp.ClientSession, url: str, process: psutil.Process) -> None:
        self.http = http
        self.url = url
        self.process = process

    async def act(self, do: str, **values: object) -> dict[str, int | str]:
        async with self.http.post(f"{self.url}/sandbox/act", json={"do": do, **values}) as answer:
            body = await answer.json()
            if answer.status != 200:
                raise RuntimeError(f"{do}: {body}")
            return body or {}

    async def desk(self, number: int) -> Desk:
        owner = await self.act("add_user", first_name=f"Owner {number}")
        customer = await self.act("add_user", first_name=f"Customer {number}")
        bot = await self.act("add_bot", name=f"Bot {number}", username=f"bench_{number}_bot", **{"as": owner["id"]})
        group = await self.act("add_forum", title=f"Desk {number}", **{"as": owner["id"]})
        where = {"as": owner["id"], "chat": group["id"], "who": bot["id"]}
        await self.act("add_member", **where)
        await self.act("promote", rights=OWNER_RIGHTS, **where)
        return Desk(customer["id"], bot["id"], bot["token"], bot["username"], group["id"], owner["id"])  # type: ignore[arg-type]

    async def copied(self) -> int:
        async with self.http.get(
            f"{self.url}/sandbox/journal", params={"method": "copyMessage", "limit": "0"}
        ) as answer:
            return int((await answer.json())["counts"]["carried_out"])

    async def round(self, desks: list[Desk]) -> None:
        """One message per desk, and until all of them are copied."""
        target = await self.copied() + len(desks)
        await asyncio.gather(
            *(self.act("send", chat=desk.bot, text="How are you?", **{"as": desk.customer}) for desk in desks)
        )
        async with asyncio.timeout(120):
            while await self.copied() < target:
                await asyncio.sleep(0.02)


def cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def tree_cpu(process: psutil.Process) -> float:
    """With the children that live: PostgreSQL's backends."""
    return cpu(process) + sum(cpu(child) for child in process.children(recursive=True))


async def measure(stage: Stage, desks: list[Desk], rounds: int, process: psutil.Process, postgres: int) -> Measured:
    server = psutil.Process(postgres)
    clock = asyncio.get_running_loop().time
    before = clock(), cpu(process), cpu(stage.process), tree_cpu(server)
    for _ in range(rounds):
        await stage.round(desks)
    after = clock(), cpu(process), cpu(stage.process), tree_cpu(server)
    spent = [end - start for start, end in zip(before, after, strict=True)]
    return Measured(rounds * len(desks), *spent)


@asynccontextmanager
async def sandbox() -> AsyncIterator[Stage]:
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--no-flood-control", "--latency-ms", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = await asyncio.to_thread(process.stdout.readline)
        url = next(word for word in line.split() if word.startswith("http://"))
        connector = aiohttp.TCPConnector(limit=50)
        async with aiohttp.ClientSession(connector=connector) as http:
            yield Stage(http, url, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait(10)


async def run_naive(stage: Stage, desks: list[Desk], rounds: int, postgres: int) -> Measured:
    command = [sys.executable, str(Path(__file__).parent / "naive_bot.py"), stage.url]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert process.stdin is not None
        process.stdin.write("".join(f"{desk.token} {desk.group}\n" for desk in desks).encode())
        process.stdin.close()
        await stage.round(desks)
        return await measure(stage, desks, rounds, psutil.Process(process.pid), postgres)
    finally:
        process.terminate()
        process.wait(10)


async def run_worker(
    stage: Stage, desks: list[Desk], rounds: int, postgres: int, environ: dict[str, str]
) -> Measured:
    command = [sys.executable, "-m", "backline", "worker"]
    process = subprocess.Popen(command, env={**os.environ, **environ}, stderr=subprocess.DEVNULL)
    try:
        await stage.round(desks)
        return await measure(stage, desks, rounds, psutil.Process(process.pid), postgres)
    finally:
        process.terminate()
        process.wait(30)


async def connect(desks: list[Desk], url: str, keyring_file: Path) -> None:
    database, keyring = Database(url), load_keyring(keyring_file)
    connections = Connections(database, keyring, plan=Plan.BUSINESS)
    for desk in desks:
        tenant = await connections.connect(
            desk.owner, desk.token, bot_id=desk.bot, username=desk.username, name=desk.username
        )
        async with database.tenant(tenant.id) as unit:
            await unit.execute(
                text("UPDATE tenants SET group_id = :group, state = 'running' WHERE id = :id"),
                {"group": desk.group, "id": tenant.id},
            )
    await database.close()


def report(name: str, runs: list[Measured]) -> float:
    rate = statistics.median(run.per_core_second for run in runs)
    messages = sum(run.messages for run in runs)
    seconds = sum(run.seconds for run in runs)
    own, serving = sum(run.cpu for run in runs), sum(run.sandbox_cpu for run in runs)
    database = sum(run.postgres_cpu for run in runs)
    share = serving / (own + serving + database)
    print(
        f"{name:12} {rate:8.0f} messages per core-second  {own / messages * 1000:6.2f} ms CPU each  "
        f"{messages / seconds:7.0f} per second  sandbox {share:4.0%} of the CPU, PostgreSQL "
        f"{database / messages * 1000:5.2f} ms each"
    )
    return rate


async def main(tenants: int, rounds: int, repeat: int, postgres: Postgres, redis: str, folder: Path) -> None:
    upgrade_url = postgres.url
    keyring_file = folder / "keyring.json"
    environ = {
        "DATABASE_URL": upgrade_url,
        "REDIS_URL": redis,
        "BACKLINE_KEYRING": str(keyring_file),
        "GROUP_SENDS_PER_MINUTE": "1000000",
    }
    async with sandbox() as stage:
        environ["TELEGRAM_API_ROOT"] = stage.url
        ours = [await stage.desk(number) for number in range(tenants)]
        theirs = [await stage.desk(number) for number in range(tenants, 2 * tenants)]
        await connect(ours, upgrade_url, keyring_file)
        naive, worker = [], []
        assert postgres.pid is not None
        for _ in range(repeat):
            naive.append(await run_naive(stage, theirs, rounds, postgres.pid))
            worker.append(await run_worker(stage, ours, rounds, postgres.pid, environ))
    print(f"{tenants} tenants, {repeat} times {rounds} rounds, medians")
    theirs_rate, ours_rate = report("naive bot", naive), report("worker", worker)
    print(f"ratio worker : naive bot = {ours_rate / theirs_rate:.2f}")


def run() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenants", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    with (
        temporary_folder() as place,
        Postgres(place / "postgres", durable=True) as server,
        Valkey(place / "valkey", durable=False) as cache,
    ):
        generate_keyring(place / "keyring.json")
        upgrade(server.url)
        asyncio.run(main(given.tenants, given.rounds, given.repeat, server, cache.url, place))


if __name__ == "__main__":
    run()
