"""The main job, end to end: from /start in the setup bot to the second WELCOME, over real sockets."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from sandbox.server import Sandbox
from sandbox.world import Chat, Message
from tenants.config import Config
from tenants.crypto import Keyring
from tenants.db import Database
from tests.e2e import conftest as desk_stage
from tests.e2e.setup_bot_stage import Stage, running_stage
from tests.e2e.test_content import PNG
from worker.main import run as run_worker

ANNA = "Anna Petrova"


@pytest.fixture
async def stage(sandbox: Sandbox, config: Config, database: Database) -> AsyncIterator[Stage]:
    async with running_stage(sandbox, config, database) as running:
        ready = asyncio.Event()
        worker = asyncio.create_task(run_worker(running.config, ready.set))
        async with asyncio.timeout(20):
            await ready.wait()
        yield running
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def test_the_main_job(stage: Stage, database: Database, keyring: Keyring) -> None:
    world = stage.world
    olivia = stage.person("Olivia")
    bot = stage.shop(olivia)
    group = world.add_forum("Acme Support", olivia.user)
    operator = world.add_user("Max")
    world.add_member(group, operator)

    pasted = await _connect(stage, olivia, bot, group)
    assert pasted not in olivia.typed()

    customer = world.add_user("Anna", last_name="Petrova")
    tenant = await stage.tenant(olivia)
    desk = desk_stage.Stage(
        stage.sandbox, stage.config, database, keyring, olivia.user, operator, customer, bot, group, tenant
    )
    await _a_conversation(desk)


async def _connect(stage: Stage, olivia, bot, group: Chat) -> str:
    """Token, link, the group's title, yes: in the setup bot's own screens."""
    await olivia.paste(bot.token, "Choose the group for @acme_shop_bot")
    stage.world.open_link(olivia.user, olivia.link(), group)
    await olivia.sees("Group «Acme Support» found")
    await olivia.tap("Use this group", "Done", "@acme_shop_bot now relays to «Acme Support»")
    return str(bot.token)


async def _a_conversation(desk: desk_stage.Stage) -> None:
    world, customer = desk.world, desk.customer
    text = world.send(customer, desk.bot, "Do you have this in blue?")
    world.send(customer, desk.bot, photo=PNG, caption="this one")
    album = world.send_album(customer, desk.bot, [{"photo": PNG}, {"photo": PNG, "caption": "from behind"}])
    await desk.until(lambda: len(desk.in_topic(ANNA)) == 4, "text, photo and album in the topic")
    relayed = desk.in_topic(ANNA)
    assert [m.kind for m in relayed] == ["text", "photo", "photo", "photo"]
    assert relayed[2].album_id == relayed[3].album_id != None  # noqa: E711  # one chain
    assert desk.topic(ANNA).name == f"🟪 {ANNA}"
    assert [m.text[:5] for m in desk.seen_by()] == ["Hello"]

    world.send(desk.operator, desk.group, "Yes, since today!", reply_to=relayed[3])
    answer = await desk.until(lambda: _last(desk.seen_by(), "Yes, since today!"), "the answer")
    assert answer.reply_to == album[1].id
    await desk.until(lambda: desk.topic(ANNA).name == f"🟨 {ANNA}", "the yellow square")

    topic = desk.topic(ANNA)
    world.send(desk.operator, desk.group, "/close", topic=topic)
    await desk.until(lambda: topic.name == f"⬛️ {ANNA}" and topic.closed, "the black square on a closed topic")

    world.send(customer, desk.bot, "And in green?", reply_to=text)
    await desk.until(lambda: _last(desk.in_topic(ANNA), "And in green?"), "the new message in the same topic")
    assert desk.in_topic(ANNA)[-1].reply_to == relayed[0].id
    await desk.until(lambda: topic.name == f"🟪 {ANNA}" and not topic.closed, "the purple square on an open topic")
    await desk.until(lambda: [m.text[:5] for m in desk.seen_by()].count("Hello") == 2, "WELCOME again")
    assert set(await desk.dispositions()) <= {"relayed", "handled", "ignored"}


def _last(messages: list[Message], text: str) -> Message | None:
    return messages[-1] if messages and messages[-1].text == text else None
