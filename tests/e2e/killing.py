"""Workers that are killed while people write: what the crash tests of both kinds of session share."""

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from sandbox.world.entities import User
from tenants.config import Config
from tests.e2e.conftest import Stage

ROOT = Path(__file__).parent.parent.parent
KILLS = int(os.environ.get("KILLS", "20"))
MOST_PASSES = 3
LAST_LINES = 60
"""Of the workers' log, pytest shows them where a test fails."""


class Workers:
    """The process that forks workers, and the database's view of those that died."""

    def __init__(self, process: asyncio.subprocess.Process, stage: Stage) -> None:
        self._process = process
        self._stage = stage
        self._running: int | None = None

    def kill(self) -> None:
        """Whatever a test that failed has left."""
        if self._running is not None:
            os.kill(self._running, signal.SIGKILL)

    async def start(self, checkpoint: str | None, passes: int = 1) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"checkpoint": checkpoint, "passes": passes}).encode() + b"\n")
        self._running = int(await self._line())
        return self._running

    async def stop(self, worker: int) -> int:
        os.kill(worker, signal.SIGTERM)
        return await self.ended()

    async def murder(self, worker: int) -> None:
        os.kill(worker, signal.SIGKILL)
        assert await self.ended() == -signal.SIGKILL
        await self.forget_the_dead()

    async def ended(self) -> int:
        code = int(await self._line())
        self._running = None
        return code

    async def _line(self) -> bytes:
        assert self._process.stdout is not None
        async with asyncio.timeout(60):
            return await self._process.stdout.readline()

    async def forget_the_dead(self) -> None:
        """It is surely dead: what its lease's end would do, without the wait."""
        connection = await asyncpg.connect(self._stage.config.database_url.get_secret_value())
        try:
            await connection.execute("UPDATE leases SET expires_at = now() - interval '1 second'")
            await connection.execute("UPDATE workers SET expires_at = now() - interval '1 second'")
        finally:
            await connection.close()


def _mtproto_of(config: Config) -> dict[str, str]:
    """Only where the stage has it."""
    if config.telegram_api_id is None or config.telegram_api_hash is None:
        return {}
    return {
        "TELEGRAM_API_ID": str(config.telegram_api_id),
        "TELEGRAM_API_HASH": config.telegram_api_hash.get_secret_value(),
        "TELEGRAM_DC": str(config.telegram_dc),
        "TELEGRAM_DC_KEY": str(config.telegram_dc_key),
    }


@asynccontextmanager
async def workers_of(stage: Stage) -> AsyncIterator[Workers]:
    config = stage.config
    environ = {
        **os.environ,
        "DATABASE_URL": config.database_url.get_secret_value(),
        "REDIS_URL": config.redis_url.get_secret_value(),
        "BACKLINE_KEYRING": str(config.backline_keyring),
        "TELEGRAM_API_ROOT": config.telegram_api_root,
        "LEASE_SECONDS": "10",
        "GROUP_SENDS_PER_MINUTE": "100000",
        "COLD_STARTS_PER_MINUTE": "0",
        "UPDATES_A_DAY": " ".join(f"{plan}={limit}" for plan, limit in config.updates_a_day.items()),
        **_mtproto_of(config),
    }
    with tempfile.TemporaryFile() as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.e2e.crashing",
            cwd=ROOT,
            env=environ,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
        workers = Workers(process, stage)
        try:
            yield workers
        finally:
            workers.kill()
            assert process.stdin is not None
            process.stdin.close()
            await process.wait()
            log.seek(0)
            print(*log.read().decode().splitlines()[-LAST_LINES:], sep="\n")


class Talk:
    """Customers who write and an operator who answers, and what of it should arrive."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.turns = 0
        self.customers = [stage.customer]
        self.said: dict[int, list[str]] = {stage.customer.id: []}
        self.answered: dict[int, list[str]] = {stage.customer.id: []}

    def newcomer(self) -> None:
        customer = self.stage.world.add_user(f"Customer{len(self.customers)}")
        self.customers.append(customer)
        self.said[customer.id], self.answered[customer.id] = [], []

    async def go_on(self) -> None:
        """Customers and the operator take turns, so that titles change, too."""
        self.turns += 1
        for customer in self.customers[-3:]:
            topic = self.stage.topic(customer.name)
            if topic is None or self.turns % 2:
                text = f"question {len(self.said[customer.id])} of {customer.name}"
                self.stage.world.send(customer, self.stage.bot, text)
                self.said[customer.id].append(text)
            else:
                text = f"answer {len(self.answered[customer.id])} to {customer.name}"
                self.stage.world.send(self.stage.operator, self.stage.group, text, topic=topic)
                self.answered[customer.id].append(text)

    def shown(self, customer: User) -> tuple[list[str], list[str]]:
        """What the bot put into the topic, and what it sent to the customer."""
        topic = [m.text for m in self.stage.in_topic(customer.name) if m.sender is self.stage.bot]
        chat = [m.text for m in self.stage.seen_by(customer) if m.text.startswith("answer")]
        return topic, chat

    def is_complete(self) -> bool:
        return all(
            tuple(map(_without_repeats, self.shown(customer))) == (self.said[customer.id], self.answered[customer.id])
            for customer in self.customers
        )

    def copies(self) -> Counter[str]:
        return Counter(text for customer in self.customers for texts in self.shown(customer) for text in texts)


def _without_repeats(texts: list[str]) -> list[str]:
    """A lane waits for its head, so what is sent again comes right behind itself."""
    return [text for number, text in enumerate(texts) if number == 0 or texts[number - 1] != text]


async def begin(workers: Workers, talk: Talk) -> None:
    """The first customer's topic: one that is in doubt when its worker dies takes ten seconds to be made anew."""
    first = await workers.start(None)
    await talk.go_on()
    await talk.stage.until(talk.is_complete, "the first message", 30)
    assert await workers.stop(first) == 0


async def die(workers: Workers, talk: Talk, checkpoint: str, passes: int) -> None:
    """Somebody writes until the worker has passed its edge often enough."""
    await workers.start(checkpoint, passes)
    ending = asyncio.create_task(workers.ended())
    for _ in range(60):
        await talk.go_on()
        done, _ = await asyncio.wait([ending], timeout=0.5)
        if done:
            break
    assert await ending == -signal.SIGKILL
    await workers.forget_the_dead()
