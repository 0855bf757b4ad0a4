"""A key to the API, the secret of webhooks, a new token: each asked for with buttons, each seen once."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from sandbox.server import Sandbox
from tenants.access.keys import find_key
from tenants.config import Config
from tenants.db import Database
from tests.e2e.setup_bot_stage import Person, Stage, running_stage


@pytest.fixture
async def stage(sandbox: Sandbox, config: Config, database: Database) -> AsyncIterator[Stage]:
    async with running_stage(sandbox, config, database) as running:
        yield running


async def open_card(person: Person) -> None:
    await person.open()
    await person.tap("@acme_shop_bot", "Status")


async def make_key(owner: Person, label: str) -> str:
    shown = await owner.tap(label, "I can't show it again")
    return next(word for word in shown.text.split() if word.startswith("bl_"))


async def test_a_key_opens_its_connection_and_the_next_one_replaces_it(stage: Stage) -> None:
    owner = stage.person("Olivia")
    tenant = await stage.desk(owner)
    await open_card(owner)
    await owner.tap("API key", "You have no key")
    first = await make_key(owner, "Make a key")
    found = await find_key(stage.database, first)
    assert found is not None
    assert (found.owner, found.only) == (owner.user.id, tenant.id)
    await owner.tap("I have copied it", "Made: ", "Last used: ")
    assert not [message for message in owner.read() if first in message.text]
    second = await make_key(owner, "Replace the key")
    assert await find_key(stage.database, first) is None
    assert await find_key(stage.database, second) is not None
    await owner.tap("I have copied it", "Made: ")
    await owner.tap("Revoke the key", "does not work any more", "You have no key")
    assert await find_key(stage.database, second) is None


async def test_on_the_free_plan_the_key_is_locked_with_the_plan_that_opens_it(stage: Stage) -> None:
    owner = stage.person("Olivia")
    tenant = await stage.desk(owner)
    async with stage.database.tenant(tenant.id) as unit:
        await unit.execute(text("UPDATE tenants SET plan = 'free'"))
    await open_card(owner)
    await owner.tap("API key", "part of the pro plan")
    assert owner.labels() == ["◀️ Back"]
    open_data = next(str(b["callback_data"]) for row in owner.screen().keyboard for b in row)
    owner.forge(open_data.replace("c:", "k:") + ":new")
    await owner.sees("part of the pro plan")
    assert await stage.connections.list_tenants(tenant.owner_id)


async def test_the_secret_of_webhooks_is_shown_once(stage: Stage) -> None:
    owner = stage.person("Olivia")
    await stage.desk(owner)
    await open_card(owner)
    await owner.tap("API key", "You have no key")
    shown = await owner.tap("New webhook secret", "It signs what WEBHOOKS sends")
    secret = next(word for word in shown.text.split() if word.startswith("whsec_"))
    await owner.tap("I have copied it", "API key of")
    assert not [message for message in owner.read() if secret in message.text]


async def test_a_new_token_takes_the_place_of_a_revoked_one_and_everything_else_is_kept(stage: Stage) -> None:
    owner = stage.person("Olivia")
    tenant = await stage.desk(owner)
    bot = stage.world.bot("acme_shop_bot")
    stage.world.revoke_token(bot)
    async with stage.database.tenant(tenant.id) as unit:
        await unit.execute(text("UPDATE tenants SET state = 'revoked', settings = '{\"AUTOCLOSE\": 24}'"))
    await open_card(owner)
    await owner.tap("New token", "Send me the current token of @acme_shop_bot")
    owner.send(bot.token)
    await owner.sees("@acme_shop_bot has its new token", "🟢 running")
    assert owner.typed()[-1:] != [bot.token]
    now = await stage.tenant(owner)
    assert (now.id, now.group_id, now.overrides) == (tenant.id, tenant.group_id, {"AUTOCLOSE": 24})
    assert await stage.connections.token(now.owner_id, now.id) == bot.token


async def test_a_new_token_through_new_connection_mends_the_old_one(stage: Stage) -> None:
    owner = stage.person("Olivia")
    tenant = await stage.desk(owner)
    bot = stage.world.bot("acme_shop_bot")
    stage.world.revoke_token(bot)
    async with stage.database.tenant(tenant.id) as unit:
        await unit.execute(text("UPDATE tenants SET state = 'revoked'"))
    await owner.paste(bot.token, "@acme_shop_bot has its new token", "🟢 running")
    assert (await stage.tenant(owner)).id == tenant.id


async def test_a_token_of_another_bot_is_refused_and_asked_for_again(stage: Stage) -> None:
    owner = stage.person("Olivia")
    tenant = await stage.desk(owner)
    other = stage.shop(owner, "acme_other_bot")
    await open_card(owner)
    await owner.tap("New token", "Send me the current token")
    owner.send(other.token)
    await owner.sees("That is the token of @acme_other_bot", "Send me the current token of @acme_shop_bot")
    owner.send("12345:no")
    await owner.sees("That is not a bot token")
    assert other.token not in " ".join(owner.typed())
    assert (await stage.tenant(owner)).version == tenant.version
