"""What breaks in a desk's group is told to its owner when it breaks, once, with the button that mends it; and again
when it is mended.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from sandbox.server import Sandbox
from sandbox.world import Bot, Chat
from tenants.config import Config
from tenants.db import Database
from tests.e2e.setup_bot_stage import RIGHTS, Person, Stage, running_stage
from worker.main import run as run_worker


@pytest.fixture
async def stage(sandbox: Sandbox, config: Config, database: Database) -> AsyncIterator[Stage]:
    ready = asyncio.Event()
    many_starts = config.model_copy(update={"cold_starts_per_minute": 0})
    async with running_stage(sandbox, many_starts, database) as running:
        worker = asyncio.create_task(run_worker(running.config, ready.set))
        async with asyncio.timeout(20):
            await ready.wait()
        yield running
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def a_desk(stage: Stage) -> tuple[Person, Bot, Chat]:
    """By the whole wizard: what Telegram told before the group was the desk is nobody's news."""
    owner = stage.person("Olivia")
    bot, group = stage.shop(owner), stage.world.add_forum("Desk", owner.user)
    await owner.paste(bot.token, "Choose the group")
    stage.world.open_link(owner.user, owner.link(), group)
    await owner.sees("found")
    await owner.tap("Use this group", "Done")
    return owner, bot, group


def told(owner: Person, words: str) -> int:
    return len([message for message in owner.read() if words in message.text])


async def test_rights_that_are_lost_are_told_at_once_and_so_is_their_return(stage: Stage) -> None:
    owner, bot, group = await a_desk(stage)
    stage.world.promote(group, bot, ["delete_messages"], by=owner.user)
    await owner.sees("Something is wrong with «Desk»", "@acme_shop_bot may not manage topics any more")
    assert owner.labels()[0] == "🔧 Add it again"
    stage.world.promote(group, bot, RIGHTS, by=owner.user)
    await owner.sees("«Desk» is as @acme_shop_bot needs it again")
    assert told(owner, "Something is wrong") == 1


async def test_a_bot_that_is_removed_is_added_again_with_the_button(stage: Stage) -> None:
    owner, bot, group = await a_desk(stage)
    stage.world.remove_member(group, bot, by=owner.user)
    await owner.sees("was removed from the group")
    await owner.tap("Add it again", "Choose the group for @acme_shop_bot")
    stage.world.open_link(owner.user, owner.link(), group)
    await owner.sees("Group «Desk» found")
    owner.press("Use this group")
    await stage.until(
        lambda: any(m.text.startswith("Done") for m in owner.read()[-2:]), "done, whatever is told beside it"
    )
    customer = stage.world.add_user("Anna")
    stage.world.send(customer, bot, "hello")
    await stage.until(lambda: any(m.text == "hello" for m in stage.world.history(group)), "the message")


async def test_one_who_is_no_administrator_any_more(stage: Stage) -> None:
    owner, bot, group = await a_desk(stage)
    stage.world.demote(group, bot, by=owner.user)
    await owner.sees("@acme_shop_bot is no administrator any more")


async def test_a_group_that_became_public_or_lost_its_topics_is_told_with_the_next_message_there(
    stage: Stage,
) -> None:
    owner, _, group = await a_desk(stage)
    group.username = "acme_public"
    stage.world.send(owner.user, group, "good morning")
    await owner.sees("Something is wrong with «Desk»", "The group is public")
    stage.world.send(owner.user, group, "nobody noticed")
    group.username = None
    stage.world.send(owner.user, group, "now it is private")
    await owner.sees("«Desk» is as @acme_shop_bot needs it again")
    assert told(owner, "Something is wrong") == 1


async def test_a_revoked_token_has_the_button_that_takes_a_new_one(stage: Stage) -> None:
    owner, bot, _ = await a_desk(stage)
    stage.world.revoke_token(bot)
    await owner.sees("Telegram does not accept the token of @acme_shop_bot any more")
    await owner.tap("New token", "Send me the current token of @acme_shop_bot")
