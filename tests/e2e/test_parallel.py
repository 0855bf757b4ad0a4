"""Beside a running program: the team sees what both sides write, and answers; the program notices nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.server import Sandbox
from sandbox.world import Message, User
from sessions.port import MIRROR_MARK
from tenants.config import Config
from tenants.connections import Connections
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.plans import Plan
from tests.e2e.conftest import RIGHTS, Stage, working
from tests.e2e.parallel import parallel_stage
from tests.e2e.program import Mode, Program

SERVICE = {"forum_topic_created", "forum_topic_edited", "forum_topic_closed", "forum_topic_reopened"}


@pytest.fixture
async def offline(config: Config, database: Database, keyring: Keyring, tmp_path: Path) -> AsyncIterator[Stage]:
    """A connection in parallel mode; no worker runs."""
    async with Sandbox(latency=timedelta(milliseconds=20), flood_control=False, mtproto_port=0) as sandbox:
        yield await parallel_stage(sandbox, config, database, keyring, tmp_path)


@pytest.fixture
async def beside(offline: Stage) -> AsyncIterator[Stage]:
    async with working(offline):
        await listening(offline)
        yield offline


async def listening(stage: Stage) -> None:
    """What happened before the first login is nobody's business."""
    await stage.until(lambda: stage.sandbox.journal.count("updates.getState"), "the session listens")


@pytest.fixture
async def alone(beside: Stage) -> Stage:
    """The same people, and another bot in another group, to which nothing of ours is connected."""
    world, owner = beside.world, beside.owner
    bot = world.add_bot("Acme Shop", "acme_twin_bot", owner=owner)
    group = world.add_forum("Acme Support", owner)
    world.add_member(group, beside.operator)
    world.add_member(group, bot, by=owner)
    world.promote(group, bot, RIGHTS, by=owner)
    return replace(beside, bot=bot, group=group)


@pytest.fixture(params=["polling", "webhook"])
async def program(request: pytest.FixtureRequest, beside: Stage, tmp_path: Path) -> AsyncIterator[Program]:
    async with Program(request.param, beside.bot.token, beside.sandbox.url, tmp_path) as running:
        yield running


def shown(stage: Stage) -> list[str]:
    """What the team reads in the customer's topic."""
    return [message.text for message in stage.in_topic("Anna Petrova")]


def heard(stage: Stage) -> list[str]:
    return [message.text for message in stage.seen_by()]


def said(stage: Stage, words: str) -> Message | None:
    return next((message for message in stage.seen_by() if message.text == words), None)


async def write(stage: Stage, words: str, answer: str) -> None:
    """The customer writes and waits for the program's answer."""
    stage.world.send(stage.customer, stage.bot, words)
    await stage.until(lambda: answer in heard(stage), f"the program answers {words}")


@pytest.mark.usefixtures("program")
async def test_customer_and_program_stand_in_the_topic_in_true_order_with_dead_buttons(beside: Stage) -> None:
    await beside.change(WELCOME="")
    await write(beside, "/start", "Welcome to the tea shop, Anna!")
    await write(beside, "hello", "You wrote: hello")
    await write(beside, "more", "You wrote: more")
    expected = [
        "/start",
        f"{MIRROR_MARK}Welcome to the tea shop, Anna!",
        "hello",
        f"{MIRROR_MARK}You wrote: hello",
        "more",
        f"{MIRROR_MARK}You wrote: more",
    ]
    await beside.until(lambda: shown(beside) == expected, f"{expected}")
    menu = beside.in_topic("Anna Petrova")[1]
    labels = [button["text"] for row in menu.keyboard for button in row]
    assert labels == ["Prices", "Opening hours", "Call me"]
    assert all("disabled" in button for row in menu.keyboard for button in row)


@pytest.mark.usefixtures("program")
async def test_a_press_is_a_line_and_the_edit_that_follows_it_is_made_in_the_topic(beside: Stage) -> None:
    await beside.change(WELCOME="")
    await write(beside, "/start", "Welcome to the tea shop, Anna!")
    await beside.until(lambda: len(shown(beside)) == 2)
    menu = said(beside, "Welcome to the tea shop, Anna!")
    assert menu is not None
    beside.world.press(beside.customer, menu)
    await beside.until(lambda: f"{MIRROR_MARK}Tea 2 €, coffee 3 €." in shown(beside), "the edit is shown")
    assert "▫️ Anna Petrova pressed “Prices”" in shown(beside)
    assert len(shown(beside)) == 3


@pytest.mark.usefixtures("program")
async def test_an_album_of_the_program_stays_together(beside: Stage) -> None:
    await beside.change(WELCOME="")
    beside.world.send(beside.customer, beside.bot, "album")
    await beside.until(lambda: len(shown(beside)) == 3, "the album is shown")
    _, one, two = beside.in_topic("Anna Petrova")
    assert (one.kind, two.kind) == ("photo", "photo")
    assert one.album_id == two.album_id is not None
    assert [one.text, two.text] == [f"{MIRROR_MARK}one.png", f"{MIRROR_MARK}two.png"]


async def test_an_operator_answers_the_customer_gets_it_and_the_program_does_not_see_it(
    beside: Stage, program: Program
) -> None:
    await beside.change(WELCOME="")
    await write(beside, "hello", "You wrote: hello")
    await beside.until(lambda: len(shown(beside)) == 2)
    beside.world.send(beside.operator, beside.group, "I can help", topic=beside.topic("Anna Petrova"))
    await beside.until(lambda: said(beside, "I can help"), "the answer arrives")
    await write(beside, "thanks", "You wrote: thanks")
    private = [u for u in program.updates() if u.get("message", {}).get("chat", {}).get("type") == "private"]
    assert [update["message"]["text"] for update in private] == ["hello", "thanks"]
    await beside.until(lambda: len(shown(beside)) == 5)
    assert shown(beside).count("I can help") == 1


@pytest.mark.usefixtures("program")
async def test_program_and_operator_at_the_same_moment_both_arrive_and_both_are_shown(beside: Stage) -> None:
    await beside.change(WELCOME="")
    await write(beside, "hello", "You wrote: hello")
    await beside.until(lambda: len(shown(beside)) == 2)
    topic = beside.topic("Anna Petrova")
    for number in range(5):
        beside.world.send(beside.customer, beside.bot, f"question {number}")
        beside.world.send(beside.operator, beside.group, f"answer {number}", topic=topic)
    wanted = {f"answer {n}" for n in range(5)} | {f"You wrote: question {n}" for n in range(5)}
    await beside.until(lambda: wanted <= set(heard(beside)), "all reach the customer")
    mirrored = [f"{MIRROR_MARK}You wrote: question {number}" for number in range(5)]
    await beside.until(lambda: set(mirrored) <= set(shown(beside)), "all are shown")
    assert sorted(text for text in shown(beside) if text.startswith(MIRROR_MARK)) == sorted(
        [f"{MIRROR_MARK}You wrote: hello", *mirrored]
    )
    assert [text for text in heard(beside) if text.startswith("answer")] == [f"answer {n}" for n in range(5)]


@pytest.mark.usefixtures("program")
async def test_nothing_of_the_programs_is_shown_where_the_owner_does_not_want_it(beside: Stage) -> None:
    await beside.change(WELCOME="", INTERCEPT_EXTERNAL=False)
    await write(beside, "hello", "You wrote: hello")
    beside.world.send(beside.customer, beside.bot, photo=b"picture", caption="it knows no pictures")
    await beside.until(lambda: "it knows no pictures" in shown(beside), "all before is stored")
    await beside.change(INTERCEPT_EXTERNAL=True)
    await write(beside, "again", "You wrote: again")
    expected = ["hello", "it knows no pictures", "again", f"{MIRROR_MARK}You wrote: again"]
    await beside.until(lambda: shown(beside) == expected, f"{expected}")


async def _one_run(stage: Stage, mode: Mode, folder: Path) -> list[dict[str, Any]]:
    """A conversation with every kind of update, and what the program received of it."""
    await asyncio.to_thread(folder.mkdir)
    async with Program(mode, stage.bot.token, stage.sandbox.url, folder) as program:
        await write(stage, "/start", "Welcome to the tea shop, Anna!")
        menu = said(stage, "Welcome to the tea shop, Anna!")
        assert menu is not None
        stage.world.press(stage.customer, menu)
        await stage.until(lambda: said(stage, "Tea 2 €, coffee 3 €."))
        await write(stage, "one", "You wrote: one")
        stage.world.block(stage.customer, stage.bot)
        stage.world.unblock(stage.customer, stage.bot)
        await write(stage, "two", "You wrote: two")
        await stage.until(lambda: not stage.bot.updates.waiting, "everything is fetched")
        return program.updates()


def _essence(value: Any) -> Any:
    """Without what differs between two runs anyway: ids, counters and times."""
    dropped = {"update_id", "date", "edit_date", "message_id", "id", "chat_instance"}
    if isinstance(value, dict):
        return {key: _essence(inner) for key, inner in value.items() if key not in dropped}
    return [_essence(inner) for inner in value] if isinstance(value, list) else value


def _by_chat(updates: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of different chats come at the same time to a webhook: only within one they have an order."""
    return sorted(updates, key=_kind_of_chat)


def _kind_of_chat(update: dict[str, Any]) -> str:
    (event,) = (value for name, value in update.items() if name != "update_id")
    kind: str = event.get("message", event)["chat"]["type"]
    return kind


@pytest.mark.parametrize("mode", ["polling", "webhook"])
async def test_the_program_gets_every_update_as_in_a_run_without_us(
    beside: Stage, alone: Stage, mode: Mode, tmp_path: Path
) -> None:
    """Our own topics are the documented exception: bots are told of their own service messages."""
    await beside.change(WELCOME="")
    without = await _one_run(alone, mode, tmp_path / "without")
    with_us = await _one_run(beside, mode, tmp_path / "with")
    own = [update for update in with_us if SERVICE & update.get("message", {}).keys()]
    rest = [_essence(update) for update in _by_chat(with_us) if update not in own]
    assert own, "the topic was made"
    twin = json.dumps([_essence(update) for update in _by_chat(without)]).replace("acme_twin_bot", "acme_shop_bot")
    assert rest == json.loads(twin)
    assert not {"conflict"} & {call.error for call in beside.sandbox.journal.calls if call.method == "getUpdates"}


async def test_what_happened_while_nobody_ran_is_mirrored_afterwards_in_order_and_once(
    offline: Stage,
) -> None:
    """500 messages in 50 chats, both directions."""
    world = offline.world
    await offline.change(WELCOME="")
    customers = [world.add_user(f"Customer{number:02}") for number in range(50)]
    async with working(offline):
        await listening(offline)
        for customer in customers:
            world.send(customer, offline.bot, "first")
        await offline.until(lambda: len(offline.topics()) == 50, "everybody has a topic", 60)
        await _until_shown(offline, customers, ["first"])
    expected = ["first"]
    for number in range(5):
        for customer in customers:
            world.send(customer, offline.bot, f"question {number}")
            await _program_says(offline, customer, f"reply {number}")
        expected += [f"question {number}", f"{MIRROR_MARK}reply {number}"]
    async with working(offline):
        await _until_shown(offline, customers, expected)
    counted = await offline.dispositions()
    assert counted.get("unaccounted", 0) == counted.get("waiting", 0) == counted.get("buried", 0) == 0


async def _program_says(stage: Stage, customer: User, words: str) -> None:
    url = f"{stage.sandbox.url}/bot{stage.bot.token}/sendMessage"
    async with (
        aiohttp.ClientSession() as http,
        http.post(url, json={"chat_id": customer.id, "text": words}) as answer,
    ):
        assert answer.status == 200


async def _until_shown(stage: Stage, customers: list[User], expected: list[str]) -> None:
    def complete() -> bool:
        return all([m.text for m in stage.in_topic(customer.first_name)] == expected for customer in customers)

    await stage.until(complete, f"all read {expected}", 90)


async def test_stop_ends_the_session_within_a_second(beside: Stage) -> None:
    world = beside.world
    world.send(beside.customer, beside.bot, "hello")
    await beside.until(lambda: beside.in_topic("Anna Petrova"), "it runs")
    assert beside.sandbox.mtproto is not None
    stream = beside.sandbox.mtproto.api.stream
    assert stream.sessions_of(beside.bot)
    connections = Connections(beside.database, beside.keyring, plan=Plan.BUSINESS, parallel=True)
    await connections.set_running(beside.owner.id, beside.tenant.id, running=False)
    async with asyncio.timeout(1):
        await stream.left(beside.bot)
