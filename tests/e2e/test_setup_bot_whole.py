"""The five minutes: from /start in the setup bot to a customer's message in a topic, with a real worker."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from sandbox.server import Sandbox
from tenants.config import Config
from tenants.db import Database
from tests.e2e.setup_bot_stage import RIGHTS, Stage, running_stage
from worker.main import run as run_worker


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


async def test_from_start_to_the_first_relay(stage: Stage) -> None:
    world, owner = stage.world, stage.person("Olivia")
    bot, group = stage.shop(owner), world.add_forum("Acme Support", owner.user)
    await owner.paste(bot.token, "Choose the group for @acme_shop_bot")
    world.open_link(owner.user, owner.link(), group)
    await owner.sees("Group «Acme Support» found")
    await owner.tap("Use this group", "Done")

    customer = world.add_user("Anna")
    world.send(customer, bot, "Hello, is anybody there?")
    topics = group.topics
    await stage.until(lambda: any(topic.name.endswith("Anna") for topic in topics.values()), "a topic")
    await stage.until(lambda: any(m.text == "Hello, is anybody there?" for m in world.history(group)), "the message")
    await owner.sees("It works", "The first message to @acme_shop_bot is in «Acme Support»")


async def test_a_word_that_somebody_else_sends_brings_no_group(stage: Stage) -> None:
    world, owner, other = stage.world, stage.person("Olivia"), stage.person("Mallory")
    bot = stage.shop(owner)
    theirs = world.add_forum("Theirs", other.user)
    await owner.paste(bot.token, "Choose the group")
    world.open_link(other.user, owner.link(), theirs)
    await stage.until(lambda: not bot.updates.waiting and bot.id in theirs.bots, "the worker to hear of it")
    assert "No group has come yet" in await owner.hears(owner.press("Done, check"))
    mine = world.add_forum("Mine", owner.user)
    world.open_link(owner.user, owner.link(), mine)
    await owner.sees("Group «Mine» found")


async def test_in_another_group_a_customer_gets_a_topic_of_their_own(stage: Stage) -> None:
    """Topic ids count per group: the old one's may be somebody else's topic in the new one."""
    world, owner, customer = stage.world, stage.person("Olivia"), stage.world.add_user("Anna")
    first = world.chat((await stage.desk(owner)).group_id)
    bot = world.bot("acme_shop_bot")
    world.send(customer, bot, "to the first")
    await stage.until(lambda: any(m.text == "to the first" for m in world.history(first)), "the first message")
    second = world.add_forum("Second", owner.user)
    taken = max(topic.id for topic in first.topics.values())
    while max(topic.id for topic in second.topics.values()) < taken:
        world.create_topic(owner.user, second, "Not a customer's")

    await owner.open()
    await owner.tap("@acme_shop_bot", "🟢 running")
    await owner.tap("Change group", "Choose the group")
    world.open_link(owner.user, owner.link(), second)
    await owner.sees("found")
    await owner.tap("Use this group", "Done")
    world.send(customer, bot, "to the second")
    await stage.until(lambda: any(m.text == "to the second" for m in world.history(second)), "the second message")
    (topic,) = [t for t in second.topics.values() if any(m.text == "to the second" for m in world.history(second, t))]
    assert topic.name.endswith("Anna")


async def test_stopping_and_deleting_reach_the_worker(stage: Stage) -> None:
    world, owner, customer = stage.world, stage.person("Olivia"), stage.world.add_user("Anna")
    bot, group = stage.shop(owner), world.add_forum("Acme Support", owner.user)
    await owner.paste(bot.token, "Choose the group")
    world.open_link(owner.user, owner.link(), group)
    await owner.sees("found")
    await owner.tap("Use this group", "Done")
    await owner.tap("Manage the connection", "🟢 running")
    await owner.tap("Stop", "⏸ stopped")
    world.send(customer, bot, "while it is stopped")
    await owner.tap("Start", "🟢 running")
    await stage.until(lambda: any(m.text == "while it is stopped" for m in world.history(group)), "the message")
    await owner.tap("Delete", "Erased for ever")
    await owner.tap("Yes, delete", "Really")
    await owner.tap("Delete for ever", "is deleted")
    assert await stage.tenants(owner) == []


async def test_a_revoked_token_is_told_to_its_owner(stage: Stage) -> None:
    owner = stage.person("Olivia")
    bot = stage.shop(owner)
    await owner.paste(bot.token, "Choose the group")
    await stage.until(lambda: bot.updates.on_arrival, "the worker to poll")
    stage.world.revoke_token(bot)
    await owner.sees("Telegram does not accept the token of @acme_shop_bot any more")


async def test_with_a_new_token_the_relay_goes_on_and_what_came_meanwhile_arrives(stage: Stage) -> None:
    world, owner, customer = stage.world, stage.person("Olivia"), stage.world.add_user("Anna")
    await owner.open()
    group = world.chat((await stage.desk(owner)).group_id)
    bot = world.bot("acme_shop_bot")
    await stage.until(lambda: bot.updates.on_arrival, "the worker to poll")
    world.revoke_token(bot)
    await owner.sees("Telegram does not accept the token of @acme_shop_bot any more")
    world.send(customer, bot, "is anybody there?")
    await owner.tap("@acme_shop_bot", "🔴")
    await owner.tap("New token", "Send me the current token")
    owner.send(bot.token)
    await owner.sees("@acme_shop_bot has its new token", "🟢 running")
    await stage.until(lambda: any(m.text == "is anybody there?" for m in world.history(group)), "the message")


async def test_a_token_that_is_replaced_while_the_relay_runs_ends_nothing(stage: Stage) -> None:
    world, owner, customer = stage.world, stage.person("Olivia"), stage.world.add_user("Anna")
    group = world.chat((await stage.desk(owner)).group_id)
    bot = world.bot("acme_shop_bot")
    await stage.until(lambda: bot.updates.on_arrival, "the worker to poll")
    await owner.open()
    await owner.tap("@acme_shop_bot", "🟢 running")
    await owner.tap("New token", "Send me the current token")
    owner.send(bot.token)
    await owner.sees("@acme_shop_bot has its new token", "🟢 running")
    world.send(customer, bot, "hello")
    await stage.until(lambda: any(m.text == "hello" for m in world.history(group)), "the message")


async def test_a_group_that_lets_nothing_in_is_told_to_the_owner_and_so_is_its_mending(stage: Stage) -> None:
    world, owner, customer = stage.world, stage.person("Olivia"), stage.world.add_user("Anna")
    await owner.open()
    group = world.chat((await stage.desk(owner)).group_id)
    bot = world.bot("acme_shop_bot")
    world.promote(group, bot, ["pin_messages"], by=owner.user)
    world.send(customer, bot, "hello")
    await owner.sees("Something is wrong with «Desk»", "may not manage topics")
    world.promote(group, bot, RIGHTS, by=owner.user)
    await owner.sees("«Desk» is as @acme_shop_bot needs it again")
    assert not [m.text for m in owner.read() if "do not get into «Desk»" in m.text], "one trouble is told once"
