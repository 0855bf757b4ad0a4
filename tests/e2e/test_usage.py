"""A plan's limit, from what people see: messages wait, the customer hears nothing of it, and all come, in order."""

import asyncio
import os
import signal
import sys

import pytest

from sandbox.server import Sandbox
from tenants.billing.grants import grant
from tenants.config import Config
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.plans import Plan
from tests.e2e.conftest import Stage, set_stage, working
from tests.e2e.killing import ROOT, workers_of
from tests.e2e.test_killed_worker import without_repeats
from tests.usage import spend_tolerated_days

ANNA = "Anna Petrova"
LIMIT = 4
SAID = [f"Message {number}" for number in range(12)]


@pytest.fixture
async def small(sandbox: Sandbox, config: Config, database: Database, keyring: Keyring) -> Stage:
    """On a free plan of few updates a day; the tolerated days of the month are used up."""
    limited = config.model_copy(update={"updates_a_day": {Plan.FREE: LIMIT}})
    stage = await set_stage(sandbox, limited, database, keyring, plan=Plan.FREE)
    await spend_tolerated_days(database, stage.tenant.id)
    return stage


def _shown(stage: Stage) -> list[str]:
    """What the team reads of what the customer wrote: no notices, and what was joined piece by piece."""
    from_bot = [message.text for message in stage.in_topic(ANNA) if message.sender is stage.bot]
    return [line for text in from_bot for line in text.splitlines() if line in SAID]


async def _write_beyond_the_limit(stage: Stage) -> None:
    """The operator's answer comes last: once it is with the customer, all that was said before is stored."""
    world = stage.world
    world.send(stage.customer, stage.bot, SAID[0])
    topic = await stage.until(lambda: stage.topic(ANNA), "the topic")
    for words in SAID[1:]:
        world.send(stage.customer, stage.bot, words)
    world.send(stage.operator, stage.group, "We are here", topic=topic)
    await stage.until(lambda: "We are here" in [message.text for message in stage.seen_by()], "the answer")


async def _backline(stage: Stage, *arguments: str) -> str:
    environ = {**os.environ, "DATABASE_URL": stage.config.database_url.get_secret_value()}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "backline", *arguments, cwd=ROOT, env=environ, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode().strip()


async def _held(stage: Stage) -> int:
    return int((await stage.rows("SELECT count(*) AS n FROM updates WHERE disposition = 'held'"))[0].n)


async def test_what_is_beyond_the_plan_waits_and_comes_in_order_after_an_upgrade(small: Stage) -> None:
    stage = small
    async with working(stage):
        await _write_beyond_the_limit(stage)
        told = [message.text for message in stage.seen_by()]
        assert 1 <= len(_shown(stage)) < LIMIT
        assert _shown(stage) == SAID[: len(_shown(stage))]
        assert await _held(stage) == len(SAID) - len(_shown(stage))
        assert await _backline(stage, "plan", "@Acme_Shop_bot", "pro") == "@acme_shop_bot is on the pro plan."
        await stage.until(lambda: _shown(stage) == SAID, "all messages, in order")
        assert [message.text for message in stage.seen_by()] == told
        assert await _held(stage) == 0
    assert set(await stage.dispositions()) <= {"relayed", "handled", "ignored"}


async def test_a_new_day_lets_go_what_it_has_room_for(small: Stage) -> None:
    stage = small
    async with working(stage):
        await _write_beyond_the_limit(stage)
        before = len(_shown(stage))
        await stage.rows("UPDATE usage SET day = day - 40 WHERE day = (now() AT TIME ZONE 'UTC')::date RETURNING 1")
        await stage.rows("UPDATE intakes SET release_at = now() RETURNING 1")
        await stage.until(lambda: len(_shown(stage)) == before + LIMIT, "a new day's messages")
    assert _shown(stage) == SAID[: before + LIMIT]
    assert await _held(stage) == len(SAID) - before - LIMIT


@pytest.mark.timeout(180)
@pytest.mark.parametrize("edge", ["turn.opened", "turn.stored", "turn.committed", "sender.before_call"])
async def test_a_worker_that_dies_while_it_lets_go_loses_nothing(small: Stage, edge: str) -> None:
    stage = small
    async with workers_of(stage) as workers:
        worker = await workers.start(None)
        await _write_beyond_the_limit(stage)
        await workers.murder(worker)
        shown = len(_shown(stage))
        await grant(stage.database, str(stage.tenant.id), Plan.PRO)
        await workers.start(edge)
        assert await workers.ended() == -signal.SIGKILL
        await workers.forget_the_dead()
        worker = await workers.start(None)
        await stage.until(lambda: without_repeats(_shown(stage)) == SAID, "all messages, in order", 60)
        assert shown < LIMIT
        await workers.stop(worker)
    assert await _held(stage) == 0
