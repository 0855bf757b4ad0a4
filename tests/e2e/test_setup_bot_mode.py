"""Stories of a bot that another program may drive: what is asked, what is found out and said, and the way back."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import text

from sandbox.server import Sandbox
from sandbox.world import Bot
from sessions.port import MIRROR_MARK
from setup_bot.callbacks import ModeStep, Runs
from setup_bot.screens import told
from tenants.config import Config
from tenants.db import Database
from tenants.parallel import Mode
from tests.e2e.conftest import working
from tests.e2e.parallel import with_mtproto
from tests.e2e.setup_bot_stage import Person, Stage, running_stage

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
    assert "let that program delete its webhook" in refused or "webhook" in owner.screen().text
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


async def test_somebody_else_changes_nothing(stage: Stage) -> None:
    owner, other = stage.person("Olivia"), stage.person("Mallory")
    tenant = await stage.desk(owner)
    await other.open()
    callback = other.forge(Runs(tenant=tenant.id, step=ModeStep.BESIDE).pack())
    assert "not your connection" in await other.hears(callback)
    assert (await stage.tenant(owner)).mode is Mode.POLLING


async def test_a_program_that_takes_the_messages_leads_to_the_offer(stage: Stage) -> None:
    owner = stage.person("Olivia")
    tenant = await stage.desk(owner)
    screen = told.screen(tenant, "conflict", {"problem": "Another program polls this bot."})
    assert "Run beside another program" in screen.rows[0][0].text
    await owner.open()
    callback = owner.forge(screen.rows[0][0].callback_data or "")
    await owner.hears(callback)
    await owner.sees(*EFFECTS)


async def test_where_it_is_not_offered_it_says_so(stage: Stage) -> None:
    """The button of a time when it was."""
    owner = stage.person("Olivia")
    tenant = await stage.desk(owner)
    await stage.stop()
    stage.config = stage.config.model_copy(update={"parallel_mode": False})
    await stage.start()
    await owner.open()
    said = await owner.hears(owner.forge(Runs(tenant=tenant.id, step=ModeStep.OFFER).pack()))
    assert "switched off here" in (said or owner.screen().text)
    async with stage.database.tenant(tenant.id) as unit:
        assert (await unit.execute(text("SELECT mode FROM tenants"))).scalar_one() == "polling"
