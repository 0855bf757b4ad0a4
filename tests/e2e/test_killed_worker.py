"""The worker is killed in the middle of things, again and again; afterwards everything has arrived, in order."""

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sandbox.world.entities import User
from tenants.config import Config
from tests.e2e.conftest import Stage

ROOT = Path(__file__).parent.parent.parent
KILLS = 10


@asynccontextmanager
async def worker_process(config: Config) -> AsyncIterator[asyncio.subprocess.Process]:
    environ = {
        **os.environ,
        "DATABASE_URL": config.database_url.get_secret_value(),
        "REDIS_URL": config.redis_url.get_secret_value(),
        "BACKLINE_KEYRING": str(config.backline_keyring),
        "TELEGRAM_API_ROOT": config.telegram_api_root,
        "LEASE_SECONDS": "3",
        "GROUP_SENDS_PER_MINUTE": "1000",  # the sandbox has flood control off
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "backline", "worker", cwd=ROOT, env=environ, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


def without_repeats(texts: list[str]) -> list[str]:
    """A message whose answer was lost with the worker is sent again right behind itself."""
    return [text for number, text in enumerate(texts) if number == 0 or texts[number - 1] != text]


@pytest.mark.timeout(300)
async def test_ten_kills_lose_nothing_and_keep_the_order(stage: Stage) -> None:
    world, chance = stage.world, random.Random(20261122)  # noqa: S311  # a seed, so that a failure comes again
    customers = [stage.customer, world.add_user("Boris"), world.add_user("Chen")]
    said: dict[int, list[str]] = {customer.id: [] for customer in customers}
    answered: dict[int, list[str]] = {customer.id: [] for customer in customers}

    def customers_write(number: int) -> None:
        for customer in customers:
            text = f"question {number} of {customer.name}"
            world.send(customer, stage.bot, text)
            said[customer.id].append(text)

    def operator_answers(number: int) -> None:
        for customer in customers:
            topic = stage.topic(customer.name)
            if topic is not None:
                text = f"answer {number} to {customer.name}"
                world.send(stage.operator, stage.group, text, topic=topic)
                answered[customer.id].append(text)

    for number in range(KILLS):
        async with worker_process(stage.config) as worker:
            customers_write(number)
            operator_answers(number)
            moment = world.number + chance.randint(1, 20)
            await world.wait_for(lambda: world.number >= moment, 40, "the moment of the kill")  # noqa: B023
            worker.kill()

    def arrived(customer: User) -> bool:
        topic = without_repeats([m.text for m in stage.in_topic(customer.name) if m.sender is stage.bot])
        seen = without_repeats([m.text for m in stage.seen_by(customer) if m.text.startswith("answer")])
        return topic == said[customer.id] and seen == answered[customer.id]

    async with worker_process(stage.config):
        await world.wait_for(lambda: all(arrived(customer) for customer in customers), 60, "everything, in order")

    counted = await stage.dispositions()
    assert set(counted) <= {"relayed", "handled", "ignored"}
    assert counted["relayed"] == sum(len(texts) for texts in (*said.values(), *answered.values()))
    assert len(stage.topics()) == len(customers)
    await every_repeat_has_two_attempts(stage, customers)


async def every_repeat_has_two_attempts(stage: Stage, customers: list[User]) -> None:
    copies: Counter[str] = Counter()
    for customer in customers:
        copies.update(m.text for m in stage.in_topic(customer.name) if m.sender is stage.bot)
        copies.update(m.text for m in stage.seen_by(customer))
    doubled = sum(count - 1 for count in copies.values() if count > 1)
    attempts = await stage.rows("SELECT sum(attempts - 1) AS extra FROM outbox")
    assert doubled <= attempts[0].extra
