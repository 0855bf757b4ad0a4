"""Another MTProto client than ours, in a process of its own: so that the sandbox is not shaped to one."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.mtproto.faults import Fault
from sandbox.server import Sandbox
from sandbox.world import Bot, Chat, Entity, Message, User

PROGRAM = Path(__file__).parent.parent / "programs" / "kurigram_bot.py"
SOON = 30
READY = "ready"


@asynccontextmanager
async def running(sandbox: Sandbox, token: str) -> AsyncIterator[str]:
    """What it says first. It is asked to end afterwards, unless it ends by itself."""
    assert sandbox.mtproto is not None
    about = json.dumps({**sandbox.mtproto.about(), "token": token})
    process = await asyncio.create_subprocess_exec(sys.executable, PROGRAM, about, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    said = READY
    try:
        async with asyncio.timeout(SOON):
            said = (await process.stdout.readline()).decode().strip()
        yield said
    finally:
        if said == READY:
            process.terminate()
        async with asyncio.timeout(SOON):
            assert await process.wait() == 0


@dataclass
class Room:
    sandbox: Sandbox
    bot: Bot
    customer: User
    operator: User
    group: Chat

    def heard(self) -> list[Message]:
        """What the bot has said to the customer."""
        history = self.sandbox.world.history(self.sandbox.world.private(self.customer, self.bot))
        return [message for message in history if message.sender is self.bot]

    async def until_heard(self, words: str) -> Message:
        def find() -> Message | None:
            return next((message for message in self.heard() if message.text == words), None)

        found = await self.sandbox.world.wait_for(find, SOON, f"“{words}” from the bot")
        assert found is not None
        return found

    def is_listening(self) -> bool:
        assert self.sandbox.mtproto is not None
        return bool(self.sandbox.mtproto.api.stream.sessions_of(self.bot))

    def says(self, words: str = "", **content: Any) -> Message:
        return self.sandbox.world.send(self.customer, self.bot, words, **content)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(latency=timedelta(milliseconds=5), mtproto_port=0) as made:
        yield made


@pytest.fixture
async def room(sandbox: Sandbox) -> AsyncIterator[Room]:
    world = sandbox.world
    owner = world.add_user("Olivia")
    bot = world.add_bot("Echo", "echo_bot", owner=owner)
    group = world.add_forum("Team", owner)
    world.add_member(group, bot)
    world.promote(group, bot, ["manage_topics"])
    async with running(sandbox, bot.token) as said:
        assert said == READY
        yield Room(sandbox, bot, world.add_user("Anna"), owner, group)


async def test_a_token_that_telegram_does_not_know_is_refused(sandbox: Sandbox) -> None:
    async with running(sandbox, "123456789:AAF-nobody_has_ever_had_this_token0") as said:
        assert said == "ACCESS_TOKEN_INVALID"


async def test_it_exchanges_messages_with_formatting_replies_and_buttons(room: Room) -> None:
    world = room.sandbox.world
    world.start(room.customer, room.bot)
    greeting = await room.until_heard("Hello, *you*!")
    asked = room.says("bold 😀 words", entities=[Entity("bold", 5, 2)])
    echoed = await room.until_heard("bold 😀 words")
    assert echoed.content.entities == (Entity("bold", 5, 2),)
    assert echoed.reply_to == asked.id
    pressed = world.press(room.customer, greeting)
    await room.until_heard("It is open.")
    assert pressed.answer is not None
    assert pressed.answer["text"] == "Opened"


async def test_it_copies_what_is_no_text(room: Room) -> None:
    room.says(photo=b"a picture", caption="a view")
    copy = await room.until_heard("a view")
    assert copy.kind == "photo"


async def test_it_edits_and_deletes_and_hears_of_edits(room: Room) -> None:
    said = room.says("edit")
    await room.until_heard("two")
    room.says("delete")
    await room.until_heard("deleted")
    assert "gone soon" not in [message.text for message in room.heard()]
    room.sandbox.world.edit(room.customer, said, "changed")
    await room.until_heard("now changed")


async def test_it_answers_in_the_topic_in_which_it_was_asked(room: Room) -> None:
    world = room.sandbox.world
    topic = world.create_topic(room.operator, room.group, "Anna")
    world.send(room.operator, room.group, "hello", topic=topic)
    await world.wait_for(
        lambda: "hello, again" in [message.text for message in world.history(room.group, topic)], SOON
    )


async def test_after_a_cut_connection_it_goes_on(room: Room) -> None:
    assert room.sandbox.mtproto is not None
    room.says("before")
    await room.until_heard("before")
    room.sandbox.mtproto.faults.add(Fault(kind="cut", bot=room.bot.id))
    await room.sandbox.world.wait_for(lambda: not room.is_listening(), SOON, "the connection is cut")
    await room.sandbox.world.wait_for(room.is_listening, SOON, "it has connected again")
    room.says("after")
    await room.until_heard("after")
