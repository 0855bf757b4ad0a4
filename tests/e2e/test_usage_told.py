"""What the setup bot tells an owner of the plan's limit, with a real worker: on the card, and unasked, once each."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from sandbox.server import Sandbox
from tenants.billing.grants import grant
from tenants.config import Config
from tenants.db import Database
from tenants.plans import Plan
from tests.e2e.setup_bot_stage import Stage, running_stage
from tests.usage import spend_tolerated_days
from worker.main import run as run_worker

LIMIT = 5


@pytest.fixture
async def stage(sandbox: Sandbox, config: Config, database: Database) -> AsyncIterator[Stage]:
    limited = config.model_copy(update={"updates_a_day": {Plan.FREE: LIMIT}, "default_plan": Plan.FREE})
    ready = asyncio.Event()
    async with running_stage(sandbox, limited, database) as running:
        worker = asyncio.create_task(run_worker(running.config, ready.set))
        async with asyncio.timeout(20):
            await ready.wait()
        yield running
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def test_an_owner_reads_of_the_limit_what_waits_and_that_it_goes_on(stage: Stage) -> None:
    world, owner, customer = stage.world, stage.person("Olivia"), stage.world.add_user("Anna")
    await owner.open()
    tenant = await stage.desk(owner)
    await grant(stage.database, str(tenant.id), Plan.FREE)
    await spend_tolerated_days(stage.database, tenant.id)
    group, bot = world.chat(tenant.group_id), world.bot("acme_shop_bot")

    def shown() -> list[str]:
        return [m.text for m in world.history(group) if m.text.startswith("Message ")]

    said = [f"Message {number}" for number in range(8)]
    for words in said:
        world.send(customer, bot, words)
    waits = await owner.sees("⏳ The plan of @acme_shop_bot is used up for today", "The pro plan:")
    await owner.open()
    await owner.tap("@acme_shop_bot", f"Today: {LIMIT} of {LIMIT} updates", "10 of 10", "until 00:00 UTC")
    await grant(stage.database, str(tenant.id), Plan.PRO)
    await owner.sees("✅ What waited for the plan of @acme_shop_bot is on its way")
    await stage.until(lambda: shown() == said, "all messages, in order")
    told = [m.text for m in owner.read() if "acme_shop_bot" in m.text and m.text[0] in "📈⏳✅"]
    assert told.count(waits.text) == 1
    assert len([text for text in told if text.startswith("⏳")]) == 1
