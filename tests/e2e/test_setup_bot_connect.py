"""Stories of a new connection: from /start to a stored token, and every token that can't be used."""

from collections.abc import AsyncIterator

import pytest

from sandbox.faults import Fault
from sandbox.server import Sandbox
from tenants.config import Config
from tenants.db import Database
from tests.e2e.setup_bot_stage import Stage, running_stage


@pytest.fixture
async def stage(sandbox: Sandbox, config: Config, database: Database) -> AsyncIterator[Stage]:
    async with running_stage(sandbox, config, database) as running:
        yield running


async def test_start_shows_an_empty_list_and_how_to_begin(stage: Stage) -> None:
    owner = stage.person("Olivia")
    await owner.open()
    assert "You have none yet" in owner.screen().text
    assert owner.labels() == ["➕ New connection", "🌐 English"]


async def test_a_pasted_token_becomes_a_connection_and_leaves_the_chat(stage: Stage) -> None:
    owner = stage.person("Olivia")
    bot = stage.shop(owner)
    await owner.paste(f"Use this token to access the HTTP API:\n{bot.token}\nKeep it secure", "@acme_shop_bot")
    await stage.until(lambda: owner.typed() == ["/start"], "the message with the token to go")
    tenant = await stage.tenant(owner)
    assert (tenant.bot_id, tenant.bot_username, tenant.bot_name) == (bot.id, "acme_shop_bot", "Acme Shop")
    assert (tenant.state, tenant.group_id) == ("setup", None)
    assert await stage.connections.token(tenant.owner_id, tenant.id) == bot.token
    assert owner.link().startswith("https://t.me/acme_shop_bot?startgroup=")
    assert owner.link().endswith("&admin=manage_topics+delete_messages+pin_messages+invite_users")
    await stage.until(lambda: not any("Send me the token" in m.text for m in owner.read()), "the old screen to go")


@pytest.mark.parametrize("ending", ["-", "_", "x"])
async def test_a_token_is_taken_whole_whatever_its_last_character_is(stage: Stage, ending: str) -> None:
    owner = stage.person("Olivia")
    token = "7000001:" + "A" * 34 + ending
    stage.world.add_bot("Dash", "dash_bot", owner=owner.user, token=token)
    await owner.paste(token, "Choose the group for @dash_bot")
    tenant = await stage.tenant(owner)
    assert await stage.connections.token(tenant.owner_id, tenant.id) == token


async def test_a_token_is_understood_without_pressing_anything_first(stage: Stage) -> None:
    owner = stage.person("Olivia")
    bot = stage.shop(owner)
    owner.send(bot.token)
    await owner.sees("Choose the group for @acme_shop_bot")
    assert owner.typed() == []


async def test_what_is_no_token_is_said_in_a_sentence_and_may_be_sent_again(stage: Stage) -> None:
    owner = stage.person("Olivia")
    bot = stage.shop(owner)
    await owner.paste("12345:tooshort", "That is not a bot token", "Send me the token")
    await stage.until(lambda: owner.typed() == ["/start"])
    owner.send(photo=b"\x89PNG screenshot of the token")
    await owner.sees("Send it as text, please.")
    owner.send(bot.token)
    await owner.sees("Choose the group")


async def test_a_revoked_token_is_refused_and_nothing_is_stored(stage: Stage) -> None:
    owner = stage.person("Olivia")
    bot = stage.shop(owner)
    old = bot.token
    stage.world.revoke_token(bot)
    await owner.paste(old, "it was revoked, or the bot was deleted")
    await stage.until(lambda: owner.typed() == ["/start"])
    assert await stage.tenants(owner) == []
    owner.send(bot.token)
    await owner.sees("Choose the group")


async def test_the_setup_bots_own_token_is_refused(stage: Stage) -> None:
    owner = stage.person("Olivia")
    await owner.paste(stage.bot.token, "That is the token of the setup bot itself")
    await stage.until(lambda: owner.typed() == ["/start"], "the token to go")
    await owner.tap("Cancel", "Your connections")
    owner.send(f"{stage.bot.id}:" + "A" * 35)
    await owner.sees("That is the token of the setup bot itself")
    assert await stage.tenants(owner) == []


async def test_a_bot_that_may_not_join_groups_is_refused_with_the_remedy(stage: Stage) -> None:
    owner = stage.person("Olivia")
    bot = stage.shop(owner, can_join_groups=False)
    await owner.paste(bot.token, "@acme_shop_bot may not join groups", "/setjoingroups")
    assert await stage.tenants(owner) == []
    bot.can_join_groups = True
    owner.send(bot.token)
    await owner.sees("Choose the group")


async def test_a_network_that_is_down_is_said_and_the_token_may_be_sent_again(stage: Stage) -> None:
    owner = stage.person("Olivia")
    bot = stage.shop(owner)
    stage.sandbox.faults.add(Fault(kind="error", method="getMe", bot=bot.id, code=502, html=True))
    await owner.paste(bot.token, "Telegram did not answer just now")
    stage.sandbox.faults.add(Fault(kind="cut", method="getMe", bot=bot.id))
    owner.send(bot.token)
    await stage.until(lambda: len(owner.typed()) == 1, "the second token to go")
    await owner.sees("Telegram did not answer just now")
    owner.send(bot.token)
    await owner.sees("Choose the group")


async def test_a_bot_of_somebody_else_is_refused_and_stays_theirs(stage: Stage) -> None:
    owner, thief = stage.person("Olivia"), stage.person("Mallory")
    bot = stage.shop(owner)
    await owner.paste(bot.token, "Choose the group")
    await thief.paste(bot.token, "@acme_shop_bot is already connected.")
    assert await stage.tenants(thief) == []
    assert len(await stage.tenants(owner)) == 1


async def test_ones_own_bot_a_second_time_leads_to_its_card(stage: Stage) -> None:
    owner = stage.person("Olivia")
    bot = stage.shop(owner)
    await owner.paste(bot.token, "Choose the group")
    await owner.paste(bot.token, "@acme_shop_bot is connected already: here it is.", "waits for its group")
    assert len(await stage.tenants(owner)) == 1


async def test_a_token_that_cannot_be_deleted_from_the_chat_is_left_to_the_person(stage: Stage) -> None:
    owner = stage.person("Olivia")
    bot = stage.shop(owner)
    stage.sandbox.faults.add(
        Fault(kind="error", method="deleteMessage", times=3, code=400, description="Bad Request: no")
    )
    await owner.paste(bot.token, "I could not delete your message with the token")
    assert len(await stage.tenants(owner)) == 1


async def test_cancel_leaves_the_flow_and_a_second_one_has_nothing_to_leave(stage: Stage) -> None:
    owner = stage.person("Olivia")
    await owner.open()
    await owner.tap("New connection", "Send me the token")
    owner.send("/cancel")
    await owner.sees("Left. Here are your connections.")
    await stage.until(lambda: not any("Send me the token" in m.text for m in owner.read()), "the old screen to go")
    owner.send("/cancel")
    await owner.sees("There is nothing to leave.")
    owner.send("hello")
    await owner.sees("I know /start")
    await owner.open()
    await owner.tap("New connection", "Send me the token")
    await owner.tap("Cancel", "Your connections")
    owner.send("hello again")
    await owner.sees("I know /start")


async def test_the_token_is_nowhere_but_encrypted(stage: Stage, capfd: pytest.CaptureFixture[str]) -> None:
    owner = stage.person("Olivia")
    bot = stage.shop(owner)
    secret = bot.token.partition(":")[2]
    await owner.paste(bot.token, "Choose the group")
    for kind in ("cut", "error"):
        stage.sandbox.faults.add(Fault(kind=kind, method="getMe", bot=bot.id))
        owner.send(bot.token)
        await stage.until(lambda: owner.typed() == ["/start"], "the token to go")
    kept = [str(await stage.redis.dump(key)) async for key in stage.redis.scan_iter("*")]
    seen = [f"{message.text} {message.markup}" for message in owner.read()]
    said = capfd.readouterr()
    assert not any(secret in text for text in (*kept, *seen, said.out, said.err))
