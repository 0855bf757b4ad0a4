"""The setup bot as administrator of a desk: topics, titles and closing go through it; its answers may get lost."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.faults import Fault
from sandbox.server import Sandbox
from tenants.config import Config
from tenants.db import Database
from tests.e2e.setup_bot_stage import RIGHTS, Stage, running_stage
from worker.main import run as run_worker

TOPIC_METHODS = {"createForumTopic", "editForumTopic", "closeForumTopic", "reopenForumTopic"}


@pytest.fixture
async def stage(sandbox: Sandbox, config: Config, database: Database) -> AsyncIterator[Stage]:
    ready = asyncio.Event()
    async with running_stage(sandbox, config, database) as running:
        worker = asyncio.create_task(run_worker(running.config, ready.set))
        async with asyncio.timeout(20):
            await ready.wait()
        yield running
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def _desk(stage: Stage) -> tuple[Any, Any, Any]:
    """A connected bot, its group with a housekeeper, and the owner."""
    world, owner = stage.world, stage.person("Olivia")
    tenant = await stage.desk(owner)
    group = world.chat(tenant.group_id)
    world.add_member(group, stage.bot, by=owner.user)
    world.promote(group, stage.bot, RIGHTS, by=owner.user)
    await stage.until(lambda: not stage.bot.updates.waiting, "the setup bot to hear of its rights")
    return world.bot("acme_shop_bot"), group, owner.user


def _who_did(stage: Stage) -> set[int]:
    return {call.bot_id for call in stage.sandbox.journal.calls if call.method in TOPIC_METHODS and call.carried_out}


def _named(group: Any, ending: str) -> list[Any]:
    return [topic for topic in group.topics.values() if topic.name.endswith(ending)]


async def test_topics_and_titles_go_through_the_setup_bot_and_messages_through_the_tenants_own(stage: Stage) -> None:
    world = stage.world
    bot, group, owner = await _desk(stage)
    customer = world.add_user("Anna")
    world.send(customer, bot, "hello")
    await stage.until(lambda: any(m.text == "hello" for m in world.history(group)), "the message in its topic")
    (topic,) = _named(group, "Anna")
    world.send(owner, group, "hi!", topic=topic)
    await stage.until(lambda: topic.name.startswith("🟨"), "the title")
    assert _who_did(stage) == {stage.bot.id}
    copies = {call.bot_id for call in stage.sandbox.journal.calls if call.method == "copyMessage"}
    assert copies == {bot.id}


async def test_a_topic_whose_answer_was_lost_is_adopted_and_not_made_twice(stage: Stage) -> None:
    world = stage.world
    bot, group, _ = await _desk(stage)
    stage.sandbox.faults.add(Fault(kind="drop_answer", method="createForumTopic"))
    world.send(world.add_user("Anna"), bot, "hello")
    await stage.until(lambda: any(m.text == "hello" for m in world.history(group)), "the message in its topic")
    assert len(_named(group, "Anna")) == 1


async def test_where_the_setup_bot_lost_its_right_the_tenants_own_bot_goes_on(stage: Stage) -> None:
    world = stage.world
    bot, group, _ = await _desk(stage)
    stage.sandbox.faults.add(
        Fault(
            kind="error",
            method="createForumTopic",
            bot=stage.bot.id,
            times=None,
            code=400,
            description="Bad Request: not enough rights to create a topic",
        )
    )
    world.send(world.add_user("Anna"), bot, "hello")
    await stage.until(lambda: any(m.text == "hello" for m in world.history(group)), "the message in its topic")
    assert _who_did(stage) == {bot.id}
