"""Stories of buttons: forged ones, old ones, pressed twice; and of what is typed where nothing is asked."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from sandbox.server import Sandbox
from setup_bot.callbacks import Card, Delete, Group, GroupStep, Put, Run, Section, Sections, Setting, Sure, Use, Value
from tenants.config import Config
from tenants.db import Database
from tests.e2e.setup_bot_stage import RIGHTS, Person, Stage, running_stage
from tests.work import do_jobs

OLD = "This button is old: here is the current state."
NOT_YOURS = "That is not your connection."


@pytest.fixture
async def stage(sandbox: Sandbox, config: Config, database: Database) -> AsyncIterator[Stage]:
    async with running_stage(sandbox, config, database) as running:
        yield running


async def at_the_card(stage: Stage) -> Person:
    owner = stage.person("Olivia")
    await stage.desk(owner)
    await owner.open()
    await owner.tap("@acme_shop_bot", "🟢 running")
    return owner


async def test_a_card_says_what_there_is_to_know(stage: Stage) -> None:
    owner = await at_the_card(stage)
    tenant = await stage.tenant(owner)
    async with stage.database.tenant(tenant.id) as unit:
        await unit.execute(text("UPDATE intakes SET problem = 'Another program polls this bot.'"))
    await owner.tap("All connections", "Your connections")
    shown = await owner.tap("@acme_shop_bot", "⚠️ Another program polls this bot.")
    for fact in ("Acme Shop", "Bot: @acme_shop_bot", "Group: Desk", "Plan: business", f"Id: {tenant.id}"):
        assert fact in shown.text


async def test_stop_and_start(stage: Stage) -> None:
    owner = await at_the_card(stage)
    callback = owner.press("Stop")
    assert await owner.hears(callback) == "Stopped."
    await owner.sees("⏸ stopped")
    assert (await stage.tenant(owner)).state == "stopped"
    assert await owner.hears(owner.press("Start")) == "Started."
    await owner.sees("🟢 running")
    assert (await stage.tenant(owner)).state == "running"


async def test_two_taps_on_stop_stop_once(stage: Stage) -> None:
    owner = await at_the_card(stage)
    first, second = owner.press("Stop"), owner.press("Stop")
    await owner.hears(first)
    await owner.hears(second)
    await owner.sees("⏸ stopped")
    assert (await stage.tenant(owner)).state == "stopped"


async def test_an_old_start_button_of_a_dead_token_shows_the_truth(stage: Stage) -> None:
    owner = await at_the_card(stage)
    await owner.tap("Stop", "⏸ stopped")
    tenant = await stage.tenant(owner)
    async with stage.database.tenant(tenant.id) as unit:
        await unit.execute(text("UPDATE tenants SET state = 'revoked'"))
    assert "was revoked" in await owner.hears(owner.press("Start"))
    await owner.sees("🔴 the token is not valid any more")
    assert "▶️ Start" not in owner.labels()


async def test_deletion_is_asked_twice_and_leaves_nothing(stage: Stage) -> None:
    owner = await at_the_card(stage)
    tenant = await stage.tenant(owner)
    await owner.tap("Delete", "Delete the connection of @acme_shop_bot?", "Erased for ever: the token")
    await owner.tap("Keep it", "🟢 running")
    await owner.tap("Delete", "Erased for ever")
    await owner.tap("Yes, delete", "Really delete", "can't be undone")
    assert len(await stage.tenants(owner)) == 1
    await owner.tap("Delete for ever", "✅ The connection of @acme_shop_bot is deleted", "You have none yet")
    assert await stage.tenants(owner) == []
    await do_jobs(stage.database)
    async with stage.database.tenant(tenant.id) as unit:
        for table in ("tenants", "intakes", "group_links"):
            assert (await unit.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one() == 0  # noqa: S608
    assert not [key async for key in stage.redis.scan_iter("*") if tenant.id.hex in str(key)]
    assert await stage.redis.hgetall("setup_bot:waiting") == {}


async def test_a_question_asked_before_a_change_is_asked_again(stage: Stage) -> None:
    owner = await at_the_card(stage)
    await owner.tap("Delete", "Erased for ever")
    await owner.tap("Yes, delete", "Really delete")
    tenant = await stage.tenant(owner)
    await stage.connections.set_running(tenant.owner_id, tenant.id, running=False)
    assert await owner.hears(owner.press("Delete for ever")) == OLD
    await owner.sees("⏸ stopped")
    assert len(await stage.tenants(owner)) == 1


async def test_two_taps_on_the_last_question_delete_once_and_the_second_is_old(stage: Stage) -> None:
    owner = await at_the_card(stage)
    await owner.tap("Delete", "Erased for ever")
    await owner.tap("Yes, delete", "Really delete")
    first, second = owner.press("Delete for ever"), owner.press("Delete for ever")
    await owner.hears(first)
    assert await owner.hears(second) in {OLD, NOT_YOURS}
    await owner.sees("You have none yet")


async def test_a_button_that_outlived_its_connection_says_so_and_shows_what_is_left(stage: Stage) -> None:
    owner = await at_the_card(stage)
    tenant = await stage.tenant(owner)
    await stage.connections.erase(tenant.owner_id, tenant.id)
    assert await owner.hears(owner.press("Settings")) == OLD
    await owner.sees("Your connections", "You have none yet")


async def test_a_button_of_an_earlier_release_says_so(stage: Stage) -> None:
    owner = await at_the_card(stage)
    message = owner.screen()
    message.keyboard[0][0]["callback_data"] = "x:of:an:earlier:release"
    assert await owner.hears(owner.press("Settings")) == OLD
    await owner.sees("Your connections", "Choose one")


async def test_a_forged_button_of_somebody_elses_connection_changes_nothing(stage: Stage) -> None:
    owner, thief = stage.person("Olivia"), stage.person("Mallory")
    tenant = await stage.desk(owner)
    await thief.open()
    before = await stage.tenant(owner)
    forged = [
        Card(tenant=tenant.id),
        Run(tenant=tenant.id, running=False),
        Group(tenant=tenant.id, step=GroupStep.SHOW),
        Group(tenant=tenant.id, step=GroupStep.NEW_LINK),
        Group(tenant=tenant.id, step=GroupStep.CHECK),
        Use(tenant=tenant.id, chat=-1001),
        Sections(tenant=tenant.id),
        Section(tenant=tenant.id, section="dialogs"),
        Setting(tenant=tenant.id, name="WELCOME"),
        Put(tenant=tenant.id, name="SILENT_MODE", value=Value.ON),
        Put(tenant=tenant.id, name="WELCOME", value=Value.DEFAULT),
        *(Delete(tenant=tenant.id, version=tenant.version, sure=sure) for sure in Sure),
    ]
    for data in forged:
        assert await thief.hears(thief.forge(data.pack())) == NOT_YOURS
    thief.send("typed where nothing was asked")
    await thief.sees("I know /start")
    assert await stage.tenant(owner) == before
    assert all("Acme Shop" not in message.text for message in thief.read())


@pytest.mark.parametrize("data", ["", "s", "s:", "c:zzzz", "v:" + "A" * 22 + ":NO_SUCH:on", "💥" * 16, "g:::::"])
async def test_nonsense_in_a_button_is_answered_and_harms_nothing(stage: Stage, data: str) -> None:
    owner = await at_the_card(stage)
    assert await owner.hears(owner.forge(data)) == NOT_YOURS
    assert (await stage.tenant(owner)).state == "running"


async def test_ones_own_forged_setting_is_refused_too(stage: Stage) -> None:
    owner = await at_the_card(stage)
    tenant = await stage.tenant(owner)
    for data in (
        Setting(tenant=tenant.id, name="NO_SUCH"),
        Section(tenant=tenant.id, section="no_such"),
        Put(tenant=tenant.id, name="NO_SUCH", value=Value.ON),
    ):
        assert await owner.hears(owner.forge(data.pack())) == NOT_YOURS
    assert "ON or OFF" not in await owner.hears(
        owner.forge(Put(tenant=tenant.id, name="AUTOCLOSE", value="on").pack())
    )
    assert (await stage.tenant(owner)).overrides == {}


async def test_a_screen_whose_message_was_deleted_is_sent_anew(stage: Stage) -> None:
    owner = await at_the_card(stage)
    callback = owner.press("Settings")
    stage.world.delete(owner.user, owner.screen())
    await owner.hears(callback)
    await owner.sees("Settings of @acme_shop_bot")


async def test_many_connections_are_turned_page_by_page(stage: Stage) -> None:
    owner = stage.person("Olivia")
    for number in range(21):
        await stage.connections.connect(
            owner.user.id,
            f"{900000 + number}:" + "A" * 35,
            bot_id=900000 + number,
            username=f"n{number}_bot",
            name="N",
        )
    await owner.open()
    assert sum("(@n" in label for label in owner.labels()) == 20
    owner.press("Later")
    await stage.until(lambda: any("@n20_bot" in label for label in owner.labels()))
    owner.press("Earlier")
    await stage.until(lambda: any("@n0_bot" in label for label in owner.labels()))


async def test_what_nobody_asked_for_gets_one_line_of_help(stage: Stage) -> None:
    owner = stage.person("Olivia")
    await owner.open()
    for content in ({"text": "/settings"}, {"text": "hello"}, {"photo": b"png"}, {"sticker": b"webp"}):
        before = len(owner.read())
        owner.send(**content)
        await stage.until(lambda: len(owner.read()) == before + 1)  # noqa: B023  # awaited here
        assert owner.screen().text == (
            "I know /start (your connections), /language, and /cancel (leave what you are doing)."
        )


async def test_in_groups_the_setup_bot_is_silent(stage: Stage) -> None:
    owner = stage.person("Olivia")
    group = stage.world.add_forum("Party", owner.user)
    stage.world.add_member(group, stage.bot, by=owner.user)
    stage.world.promote(group, stage.bot, RIGHTS, by=owner.user)
    other = stage.shop(owner)
    for typed in ("/start", "/cancel", "hello", other.token):
        stage.world.send(owner.user, group, typed)
    await owner.open()
    assert [m for m in stage.world.history(group) if m.sender is stage.bot and not m.content.is_service] == []
    assert await stage.tenants(owner) == []


async def test_the_commands_are_offered_in_private_chats(stage: Stage) -> None:
    await stage.until(lambda: stage.bot.commands, "setMyCommands")
    (scope, _), commands = next(iter(stage.bot.commands.items()))
    assert "all_private_chats" in scope
    assert [command["command"] for command in commands] == ["start", "language", "cancel"]
