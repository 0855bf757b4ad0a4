"""A bot in one tap: made with the setup bot, owned by the person, connected without a token on any screen."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.faults import Fault
from sandbox.server import Sandbox
from sandbox.world import Bot
from setup_bot.callbacks import Fetch
from tenants.config import Config
from tenants.db import Database
from tests.e2e.setup_bot_stage import Person, Stage, open_stage


@pytest.fixture
async def stage(sandbox: Sandbox, config: Config, database: Database) -> AsyncIterator[Stage]:
    async with open_stage(sandbox, config, database) as opened:
        opened.bot.can_manage_bots = True
        await opened.start()
        yield opened


async def make_bot(stage: Stage, person: Person) -> Bot:
    """Presses the link and says yes to what Telegram suggests."""
    await person.open()
    await person.tap("New connection", "No bot yet?")
    link = person.link()
    assert link.startswith("https://t.me/newbot/backline_setup_bot/desk_")
    username = link.rpartition("/")[2].partition("?")[0]
    stage.world.open_link(person.user, link)
    return stage.world.bot(username)


def seen_by(stage: Stage, *people: Person) -> str:
    return " ".join(message.text for person in people for message in stage.world.history(person.chat()))


async def test_a_new_bot_is_at_its_group_at_once(stage: Stage) -> None:
    owner = stage.person("Olivia")
    bot = await make_bot(stage, owner)
    await owner.sees(f"@{bot.username} is made. It belongs to you.", f"Choose the group for @{bot.username}")
    tenant = await stage.tenant(owner)
    assert (tenant.bot_id, tenant.state) == (bot.id, "setup")
    assert await stage.connections.token(tenant.owner_id, tenant.id) == bot.token
    assert bot.token not in seen_by(stage, owner)
    await stage.choose(owner, stage.world.add_forum("Acme Support", owner.user))
    await owner.sees("found")
    await owner.tap("Use this group", "Done")


async def test_a_setup_bot_that_may_not_make_bots_does_not_offer_it(
    sandbox: Sandbox, config: Config, database: Database
) -> None:
    async with open_stage(sandbox, config, database) as plain:
        await plain.start()
        owner = plain.person("Olivia")
        await owner.open()
        await owner.tap("New connection", "Send me the token")
        assert [label for label in owner.labels() if "Create" in label] == []


async def test_the_token_can_be_fetched_again_when_telegram_was_away(stage: Stage) -> None:
    owner, stranger = stage.person("Olivia"), stage.person("Mallory")
    stage.sandbox.faults.add(Fault(kind="error", method="getManagedBotToken", bot=stage.bot.id, code=502, html=True))
    bot = await make_bot(stage, owner)
    await owner.sees("Your bot is made", "I could not fetch its token")
    await stranger.open()
    assert await stranger.hears(stranger.forge(Fetch(bot=bot.id).pack())) == "That is not your connection."
    assert await stage.tenants(stranger) == []
    await owner.tap("Fetch again", "Choose the group for")
    assert (await stage.tenant(owner)).bot_id == bot.id


async def test_a_token_that_changes_at_telegram_changes_here_by_itself(stage: Stage) -> None:
    owner = stage.person("Olivia")
    bot = await make_bot(stage, owner)
    await owner.sees("Choose the group for")
    tenant = await stage.tenant(owner)
    old = bot.token
    stage.world.revoke_token(bot)
    assert bot.token != old
    await until_token(stage, tenant, bot.token)
    assert (await stage.tenant(owner)).state == "setup"


async def until_token(stage: Stage, tenant: Any, token: str) -> None:
    while await stage.connections.token(tenant.owner_id, tenant.id) != token:
        await stage.world.wait_for(lambda: True, 1, "the next look")


async def test_a_bot_that_is_not_connected_is_left_alone_when_its_token_changes(stage: Stage) -> None:
    owner = stage.person("Olivia")
    bot = await make_bot(stage, owner)
    await owner.sees("Choose the group for")
    await owner.tap("Later", "waits for its group")
    await owner.tap("Delete", "Erased for ever")
    await owner.tap("Yes, delete", "Really")
    await owner.tap("Delete for ever", "is deleted")
    stage.world.revoke_token(bot)
    await owner.open()
    assert await stage.tenants(owner) == []


async def test_who_made_a_bot_and_pasted_its_token_too_has_one_connection(stage: Stage) -> None:
    owner = stage.person("Olivia")
    bot = await make_bot(stage, owner)
    await owner.sees("Choose the group for")
    await owner.paste(bot.token, f"@{bot.username} is connected already")
    assert len(await stage.tenants(owner)) == 1
