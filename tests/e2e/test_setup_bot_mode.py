"""Stories of a bot that another program may drive: what is asked, what is found out and said, and the way back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import text

from sandbox.faults import Fault
from sandbox.server import Sandbox
from sandbox.world import Bot, Message
from sessions.port import MIRROR_MARK
from setup_bot.callbacks import ModeStep, Runs
from tenants.config import Config
from tenants.connections import Tenant
from tenants.db import Database
from tenants.parallel import Mode
from tests.e2e.conftest import working
from tests.e2e.parallel import with_mtproto
from tests.e2e.setup_bot_stage import Person, Stage, running_stage

OTHERS = "Another program polls this bot with the same token: stop it, or connect the bot in parallel mode."
NOT_OFFERED = "Running beside another program is switched off here: stop that program and let Backline run alone"
QUESTION = "Is another program already running @acme_shop_bot?"
EFFECTS = ("Run beside the program of @acme_shop_bot", "Your program does not see what the team answers", "at once")


@pytest.fixture
async def stage(config: Config, database: Database, tmp_path: Path) -> AsyncIterator[Stage]:
    """With a worker, and parallel mode on offer."""
    async with Sandbox(latency=timedelta(milliseconds=5), flood_control=False, mtproto_port=0) as sandbox:
        configured = with_mtproto(config, sandbox, tmp_path)
        async with running_stage(sandbox, configured, database) as running, working(running):  # type: ignore[arg-type]
            yield running


async def ask(stage: Stage, bot: Bot, method: str, **values: object) -> None:
    """What the other program does."""
    url = f"{stage.sandbox.url}/bot{bot.token}/{method}"
    async with aiohttp.ClientSession() as http, http.post(url, json=values) as answer:
        assert answer.status == 200


def polls(stage: Stage, bot: Bot) -> int:
    return sum(call.method == "getUpdates" and call.bot_id == bot.id for call in stage.sandbox.journal.calls)


def reads(owner: Person, message: Message) -> str:
    """What a message that was edited in place says now."""
    return str(owner.stage.world.message(owner.chat(), message).text)


async def until_conflict_lasts(stage: Stage, tenant: Tenant) -> None:
    """From now on Telegram refuses the bot's polls, and soon has done so for longer than a takeover takes."""
    refused = "Conflict: terminated by other getUpdates request"
    stage.sandbox.faults.add(
        Fault(kind="error", method="getUpdates", bot=tenant.bot_id, code=409, description=refused, times=None)
    )
    stage.world.send(stage.world.add_user("Anna"), stage.world.bot(tenant.bot_id), "ends the poll that is parked")
    earlier = (
        "UPDATE intakes SET problem_at = problem_at - interval '2 minutes' WHERE problem IS NOT NULL RETURNING 1"
    )
    async with asyncio.timeout(30):
        while True:
            async with stage.database.tenant(tenant.id) as unit:
                if (await unit.execute(text(earlier))).first() is not None:
                    return


async def finish(stage: Stage, owner: Person) -> None:
    group = stage.world.add_forum("Acme Support", owner.user)
    stage.world.open_link(owner.user, owner.link(), group)
    await owner.sees("Group «Acme Support» found")
    await owner.tap("Use this group", "Done")


async def test_nothing_asks_for_updates_before_the_owner_has_said_who_else_does(stage: Stage) -> None:
    owner = stage.person("Olivia")
    bot = stage.shop(owner)
    await owner.paste(bot.token, QUESTION)
    stage.world.send(stage.world.add_user("Anna"), bot, "hello")
    await owner.tap("Yes, run beside it", *EFFECTS)
    await owner.tap("Back", QUESTION)
    assert polls(stage, bot) == 0
    await owner.tap("No, only Backline", "Choose the group for @acme_shop_bot")
    await finish(stage, owner)
    assert polls(stage, bot) > 0
    assert (await stage.tenant(owner)).mode is Mode.POLLING


async def test_beside_a_program_nothing_ever_asks_for_updates(stage: Stage) -> None:
    world, owner, anna = stage.world, stage.person("Olivia"), stage.world.add_user("Anna")
    bot = stage.shop(owner)
    await owner.paste(bot.token, QUESTION)
    await owner.tap("Yes, run beside it", *EFFECTS)
    await owner.tap("Run in parallel", "Choose the group for @acme_shop_bot")
    await finish(stage, owner)
    group = world.chat((await stage.tenant(owner)).group_id)
    world.send(anna, bot, "hello")
    await ask(stage, bot, "sendMessage", chat_id=anna.id, text="from the program")
    wanted = {"hello", f"{MIRROR_MARK}from the program"}
    await stage.until(lambda: wanted <= {m.text for m in world.history(group)}, "both are shown")
    assert polls(stage, bot) == 0
    await owner.tap("Manage the connection", "Runs: beside your own program. Stop ends our session")


async def test_a_webhook_is_found_and_parallel_mode_offered_at_once(stage: Stage) -> None:
    owner = stage.person("Olivia")
    bot = stage.shop(owner)
    await ask(stage, bot, "setWebhook", url="http://127.0.0.1:9/secret-path")
    shown = await owner.paste(bot.token, "🔎 @acme_shop_bot has a webhook at 127.0.0.1", *EFFECTS)
    assert "secret-path" not in shown.text
    await owner.tap("Back", QUESTION)
    refused = await owner.hears(owner.press("No, only Backline"))
    assert "let that program delete its webhook first" in (refused or owner.screen().text)
    assert "secret-path" not in refused + owner.screen().text
    assert polls(stage, bot) == 0
    assert (await stage.tenant(owner)).state == "stopped"
    assert bot.webhook["url"].endswith("secret-path")


async def test_who_left_before_answering_finds_the_question_on_the_card(stage: Stage) -> None:
    owner = stage.person("Olivia")
    await owner.paste(stage.shop(owner).token, QUESTION)
    await owner.open()
    await owner.tap("@acme_shop_bot", "⏸ stopped")
    assert not [label for label in owner.labels() if "Settings" in label or "Start" in label]
    await owner.tap("Go on: how does this bot run?", QUESTION)


async def test_switching_both_ways_from_the_card(stage: Stage) -> None:
    owner = stage.person("Olivia")
    await stage.desk(owner)
    await owner.open()
    await owner.tap("@acme_shop_bot", "Runs: alone")
    await owner.tap("Run beside another program", *EFFECTS)
    await owner.tap("Back", "Runs: alone")
    await owner.tap("Run beside another program", *EFFECTS)
    await owner.tap("Run in parallel", "✅ Changed", "Runs: beside your own program")
    assert (await stage.tenant(owner)).mode is Mode.PARALLEL
    await owner.tap("Run without another program", "Stop your own program first")
    await owner.tap("It is stopped: go on", "✅ Changed", "Runs: alone")
    assert (await stage.tenant(owner)).mode is Mode.POLLING


async def test_an_old_answer_to_the_question_does_not_cut_the_program_off(stage: Stage) -> None:
    owner = stage.person("Olivia")
    bot = stage.shop(owner)
    question = await owner.paste(bot.token, QUESTION)
    await owner.open()
    await owner.tap("@acme_shop_bot", "Runs: not chosen yet")
    await owner.tap("Go on", QUESTION)
    await owner.tap("Yes, run beside it", *EFFECTS)
    await owner.tap("Run in parallel", "Choose the group for @acme_shop_bot")
    await finish(stage, owner)
    await owner.hears(owner.press("No, only Backline", question))
    await stage.until(lambda: "Stop your own program first" in reads(owner, question), "the consequences")
    assert (await stage.tenant(owner)).mode is Mode.PARALLEL
    assert polls(stage, bot) == 0
    await owner.hears(owner.press("It is stopped: go on", question))
    await stage.until(lambda: polls(stage, bot), "what was confirmed")


async def test_stop_ends_the_session_before_there_is_a_group_too(stage: Stage) -> None:
    owner = stage.person("Olivia")
    bot = stage.shop(owner)
    await owner.paste(bot.token, QUESTION)
    await owner.tap("Yes, run beside it", *EFFECTS)
    link = await owner.tap("Run in parallel", "Choose the group for @acme_shop_bot")
    await owner.open()
    await owner.tap("@acme_shop_bot", "Stop ends our session beside it at once")
    await owner.tap("Stop", "Runs: not chosen yet", "press Go on")
    assert (await stage.tenant(owner)).is_undecided
    assert await stage.redis.hgetall("setup_bot:waiting") == {}
    await owner.hears(owner.press("New link", link))
    await stage.until(lambda: QUESTION in reads(owner, link), "the question instead of a link that leads nowhere")
    await owner.hears(owner.press("No, only Backline", link))
    await stage.until(lambda: polls(stage, bot), "the way that was chosen")
    assert (await stage.tenant(owner)).mode is Mode.POLLING


async def test_a_group_that_was_found_before_stop_does_not_start_it_again(stage: Stage) -> None:
    owner = stage.person("Olivia")
    await owner.paste(stage.shop(owner).token, QUESTION)
    await owner.tap("Yes, run beside it", *EFFECTS)
    await owner.tap("Run in parallel", "Choose the group for @acme_shop_bot")
    stage.world.open_link(owner.user, owner.link(), stage.world.add_forum("Acme Support", owner.user))
    found = await owner.sees("Group «Acme Support» found")
    await owner.open()
    await owner.tap("@acme_shop_bot", "Stop ends our session")
    await owner.tap("Stop", "Runs: not chosen yet")
    said = await owner.hears(owner.press("Use this group", found))
    assert said == "This button is old: here is the current state."
    assert (await stage.tenant(owner)).is_undecided


async def test_an_old_way_back_to_the_question_says_that_it_is_old(stage: Stage) -> None:
    owner = stage.person("Olivia")
    tenant = await stage.desk(owner)
    await owner.open()
    asked = Runs(tenant=tenant.id, step=ModeStep.ASK).pack()
    assert await owner.hears(owner.forge(asked)) == "This button is old: here is the current state."
    await owner.sees("Runs: alone")
    card, only_us = owner.screen(), Runs(tenant=tenant.id, step=ModeStep.ONLY_US).pack()
    assert await owner.hears(owner.forge(only_us)) == "Runs alone."
    await owner.open()
    assert "Changed" not in reads(owner, card)
    assert await stage.tenant(owner) == tenant


async def test_somebody_else_changes_nothing(stage: Stage) -> None:
    owner, other = stage.person("Olivia"), stage.person("Mallory")
    tenant = await stage.desk(owner)
    await other.open()
    for step in ModeStep:
        said = await other.hears(other.forge(Runs(tenant=tenant.id, step=step).pack()))
        assert said == "That is not your connection."
    assert await stage.tenant(owner) == tenant


async def test_a_program_that_takes_the_messages_leads_to_the_offer(stage: Stage) -> None:
    owner = stage.person("Olivia")
    tenant = await stage.desk(owner)
    await owner.open()
    await until_conflict_lasts(stage, tenant)
    await owner.sees("Not all messages to @acme_shop_bot reach me", OTHERS)
    await owner.tap("Run beside another program", *EFFECTS)
    await owner.tap("Back", "Runs: alone", f"⚠️ {OTHERS}")
    await owner.tap("Run beside another program", *EFFECTS)
    shown = await owner.tap("Run in parallel", "✅ Changed", "Runs: beside your own program")
    assert OTHERS not in shown.text
    assert (await stage.tenant(owner)).mode is Mode.PARALLEL


async def test_where_it_is_switched_off_old_buttons_say_what_to_do_instead(stage: Stage) -> None:
    owner = stage.person("Olivia")
    tenant = await stage.desk(owner)
    await stage.stop()
    stage.config = stage.config.model_copy(update={"parallel_mode": False})
    await stage.start()
    await owner.open()
    said = await owner.hears(owner.forge(Runs(tenant=tenant.id, step=ModeStep.OFFER).pack()))
    assert said.startswith(NOT_OFFERED)
    said = await owner.hears(owner.forge(Runs(tenant=tenant.id, step=ModeStep.BESIDE).pack()))
    assert "Parallel mode is switched off here" in said
    assert (await stage.tenant(owner)).mode is Mode.POLLING


async def test_without_an_api_id_a_webhook_is_named_with_the_two_ways_out(
    sandbox: Sandbox, config: Config, database: Database
) -> None:
    assert config.telegram_api_id is None
    async with running_stage(sandbox, config, database) as stage:
        owner = stage.person("Olivia")
        bot = stage.shop(owner)
        await ask(stage, bot, "setWebhook", url="http://127.0.0.1:9/secret-path")
        shown = await owner.paste(bot.token, "has a webhook at 127.0.0.1", "switch parallel mode on")
        assert "secret-path" not in shown.text
        assert "press again" not in shown.text
        assert "delete its webhook" in shown.text
        assert bot.webhook["url"].endswith("secret-path")
