"""HIDE_INFO, played out: nothing of a customer's profile reaches the team, and without it everything does."""

import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from redis.asyncio import Redis

from api.app import create_app
from sandbox.faults import Fault
from sandbox.server import Sandbox
from sandbox.world import Entity, Message, User
from tenants.access.keys import create_key
from tenants.config import Config
from tenants.crypto import Keyring
from tenants.db import Database
from tests.api_client import make_config, open_client
from tests.e2e.conftest import Stage, working
from tests.e2e.hiding import CARD, EMAIL, FIRST, LAST, PHONE, USERNAME, Ear
from tests.e2e.parallel import parallel_stage
from tests.e2e.program import Program
from tests.e2e.test_content import PNG
from tests.fakes import FakeSessions

EVERYTHING = ["command", "name", "title", "link", "phone", "email", "card"]
TRAITS = {"name", "link", "phone", "email", "card"}


@pytest.fixture(params=["polling", "parallel"])
async def stage(
    request: pytest.FixtureRequest, config: Config, database: Database, keyring: Keyring, tmp_path: Path
) -> AsyncIterator[Stage]:
    """In both modes; no worker runs yet."""
    from tests.e2e.conftest import set_stage

    is_parallel = request.param == "parallel"
    async with Sandbox(latency=timedelta(milliseconds=10), flood_control=False, mtproto_port=0) as sandbox:
        config = config.model_copy(update={"telegram_api_root": sandbox.url, "group_sends_per_minute": 100_000})
        if is_parallel:
            made = await parallel_stage(sandbox, config, database, keyring, tmp_path)
        else:
            made = await set_stage(sandbox, config, database, keyring)
        made.customer = made.world.add_user(FIRST, last_name=LAST, username=USERNAME)
        yield made


class Story:
    """What happens between a customer and a team in a few days."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.world: Any = stage.world
        self.friend: User = self.world.add_user("Bob", last_name="Bystander", username="bob_b")
        self.other_chat = self.world.add_supergroup("Neighbours", self.friend)
        self.world.add_member(self.other_chat, stage.customer)

    async def tell(self) -> None:
        await self.the_customer_begins()
        await self.the_customer_forwards_and_shares()
        await self.the_customer_changes_and_sends_media()
        await self.the_team_works()
        await self.things_go_wrong()

    def says(self, text: str = "", **more: Any) -> Message:
        return self.world.send(self.stage.customer, self.stage.bot, text, **more)

    def shown(self) -> list[Message]:
        """In the only topic."""
        (topic,) = self.stage.topics() or (None,)
        history = self.world.history(self.stage.group, topic) if topic else []
        return [message for message in history if message.sender.is_bot]

    async def until_shown(self, words: str) -> Message:
        await self.stage.until(lambda: any(words in m.text for m in self.shown()), f"{words} is shown")
        return next(message for message in reversed(self.shown()) if words in message.text)

    async def the_customer_begins(self) -> None:
        customer = self.stage.customer
        self.world.start(customer, self.stage.bot, "spring_sale")
        text = f"me, mail: https://t.me/{USERNAME} @{USERNAME} {PHONE} {EMAIL} {CARD} here, order 1234567"
        marks = [
            Entity("text_mention", 0, 2, user=customer),
            Entity("text_link", 4, 4, url=f"mailto:{EMAIL}"),
            Entity("text_link", text.index("here"), 4, url=f"tg://user?id={customer.id}"),
            Entity("bold", text.index("order"), 5),
        ]
        self.first = self.says(text, entities=marks)
        await self.until_shown("order 1234567")
        self.says("who calls?", reply_to=self.first, quote=PHONE)
        await self.until_shown("who calls?")

    async def the_customer_forwards_and_shares(self) -> None:
        customer, friend, bot = self.stage.customer, self.friend, self.stage.bot
        own = self.world.send(customer, self.other_chat, f"I wrote this elsewhere, {EMAIL}")
        self.world.forward(customer, own, bot)
        await self.until_shown("I wrote this elsewhere")
        theirs = self.world.send(friend, self.other_chat, "Bob's harmless words")
        self.world.forward(customer, theirs, bot)
        await self.until_shown("Bob's harmless words")
        numbered = self.world.send(friend, self.other_chat, f"Bob knows {PHONE}")
        self.world.forward(customer, numbered, bot)
        await self.until_shown("Bob knows")
        digits = PHONE.replace(" ", "").replace("-", "")
        card = {"phone_number": digits, "first_name": FIRST, "last_name": LAST, "user_id": customer.id}
        self.says(contact=card)
        self.says(contact={"phone_number": "+48512345678", "first_name": "Plumber"})
        self.says(dice="🎲")
        self.says(poll={"question": "two?", "options": ["1", "2"], "type": "quiz", "correct_option_id": 1})
        shared = [{"user_id": customer.id, "first_name": FIRST, "last_name": LAST, "username": USERNAME}]
        if self.stage.tenant.mode == "polling":
            self.world.post_service(customer, bot, "users_shared", request_id=1, users=shared)
        self.says("that was all of it")
        await self.until_shown("that was all of it")

    async def the_customer_changes_and_sends_media(self) -> None:
        customer = self.stage.customer
        before = self.says("I'll add it")
        await self.until_shown("I'll add it")
        self.world.edit(customer, before, f"I have added {EMAIL}")
        await self.until_shown("I have added")
        photo = self.says(photo=PNG, caption=f"my card {CARD}")
        await self.until_shown("my card")
        self.world.edit(customer, photo, f"my phone {PHONE}")
        await self.until_shown("my phone")
        items = [{"photo": PNG, "caption": f"piece, {PHONE}"}, {"photo": PNG}, {"photo": PNG, "caption": "whole"}]
        self.world.send_album(customer, self.stage.bot, items)
        album = (await self.until_shown("piece, ")).album_id
        assert album is not None
        assert [m.album_id for m in self.shown()].count(album) == 3
        self.says(voice=PNG, caption=f"listen, {EMAIL}")
        await self.until_shown("listen, ")

    async def the_team_works(self) -> None:
        stage, world = self.stage, self.world
        (topic,) = stage.topics()
        asked = next(message for message in self.shown() if message.text)
        for command in ("/why", "/info", "/assign", "/nonsense", "/hold"):
            world.send(stage.operator, stage.group, command, reply_to=asked)
        for command in ("/find piece", f"/new *{stage.customer.id}", "/stats"):
            world.send(stage.operator, stage.group, command)
        world.send(stage.operator, stage.group, "one moment", topic=topic)
        await stage.until(lambda: any(m.text == "one moment" for m in stage.seen_by(stage.customer)))
        stage.customer.first_name = f"{FIRST}ette"
        self.says("I have another name now")
        await self.until_shown("I have another name now")
        await stage.until(lambda: topic.name.startswith("🟪"), "the title is new")
        world.send(stage.operator, stage.group, "/close", topic=topic)
        await stage.until(lambda: topic.closed, "the topic is closed")
        self.says(f"and one more thing, {PHONE}")
        await self.until_shown("and one more thing")
        await stage.until(lambda: not topic.closed, "the topic is open")

    async def things_go_wrong(self) -> None:
        stage, world = self.stage, self.world
        (topic,) = stage.topics()
        gone = self.says(photo=PNG, caption=f"never mind {PHONE}")
        world.delete(stage.customer, gone)
        await self.until_shown("never mind")
        stage.sandbox.faults.add(Fault(kind="error", method="sendMessage", chat=stage.group.id, times=1, code=500))
        self.says(f"stuck for a moment, {EMAIL}")
        await self.until_shown("stuck for a moment")
        stage.sandbox.faults.clear()
        world.block(stage.customer, stage.bot)
        answer = world.send(stage.operator, stage.group, "are you there?", topic=topic)
        await self.until_shown("Not delivered")
        world.send(stage.operator, stage.group, "/why", reply_to=answer)
        await self.until_shown("Reason:")


async def api_answers(stage: Stage, redis_url: str) -> list[object]:
    """Everything that the API tells the owner."""
    key = await create_key(stage.database, stage.tenant.owner_id, "tests")
    async with Redis.from_url(redis_url) as redis:
        config = make_config("postgresql://db/backline", redis_url)
        app = create_app(config, stage.database, stage.keyring, redis, sessions=FakeSessions())
        async with open_client(app) as client:
            home = f"/v1/tenants/{stage.tenant.id}"
            asked = [
                await client.get(path, headers={"Authorization": f"Bearer {key}"})
                for path in ("/v1/tenants", home, f"{home}/settings", f"{home}/dialogs", f"{home}/dead-letters")
            ]
    assert all(answer.is_success for answer in asked)
    assert asked[-1].json()["items"], "something was given up"
    return [answer.json() for answer in asked]


async def play(stage: Stage, redis_url: str, folder: Path, logs: pytest.LogCaptureFixture) -> Ear:
    """The story, and whatever was heard of it."""
    ear = Ear(stage, stage.world.add_bot("Observer", "observer_bot", owner=stage.owner))
    logs.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as lines:
        async with working(stage):
            if stage.tenant.mode == "parallel":
                await stage.until(lambda: stage.sandbox.journal.count("updates.getState"), "the session listens")
                async with Program("polling", stage.bot.token, stage.sandbox.url, folder):
                    story = Story(stage)
                    await the_program_works(story)
                    await story.tell()
            else:
                await Story(stage).tell()
    own = [record for record in logs.records if not record.name.startswith(("sandbox", "aiohttp"))]
    ear.heard += [*lines, *(record.getMessage() for record in own), *await api_answers(stage, redis_url)]
    return ear


async def the_program_works(story: Story) -> None:
    stage = story.stage
    stage.world.start(stage.customer, stage.bot)
    await stage.until(lambda: any(m.keyboard for m in stage.seen_by(stage.customer)), "the program greets")
    await stage.until(lambda: any(m.keyboard for m in story.shown()), "its greeting is shown")
    menu = next(message for message in stage.seen_by(stage.customer) if message.keyboard)
    stage.world.press(stage.customer, menu)
    await story.until_shown("pressed")
    story.says("album")
    await stage.until(lambda: len([m for m in story.shown() if m.kind == "photo"]) == 2, "its album is shown")


async def test_nothing_of_the_profile_reaches_the_team(
    stage: Stage, redis_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await stage.change(WELCOME="Hello, {title}\\!", HIDE_INFO=EVERYTHING)
    ear = await play(stage, redis_url, tmp_path, caplog)
    assert ear.find(stage.customer) == {}
    (topic,) = stage.topics()
    assert topic.name.startswith("🟪 Customer ")
    assert any(FIRST in message.text for message in stage.seen_by(stage.customer)), "customers are called by name"


async def test_without_the_setting_all_of_it_does(
    stage: Stage, redis_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """So that the search can fail."""
    await stage.change(WELCOME="Hello, {title}\\!")
    ear = await play(stage, redis_url, tmp_path, caplog)
    assert ear.find(stage.customer).keys() == TRAITS
    (topic,) = stage.topics()
    assert FIRST in topic.name
    shown = [thing for thing in ear.heard if isinstance(thing, dict)]
    for carrier in ("forward_origin", "contact", "caption", "quote", "customer"):
        assert any(FIRST in str(thing) or PHONE in str(thing) for thing in shown if carrier in str(thing)), carrier
