"""The page's live stream: everything once, then what changed and nothing else."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.integration.scene import Scene, open_scene

HOSTILE = '</script><img src=x onerror="alert(1)">\n\ndata: x\u2028'


class Stream:
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def next(self) -> tuple[str, Any]:
        """The next event; comments, which only keep the line alive, are left out."""
        async with asyncio.timeout(10):
            while True:
                lines = []
                while (line := await self._response.content.readline()) != b"\n":
                    assert line, "the stream has ended"
                    lines.append(line.decode().rstrip("\n"))
                if not lines[0].startswith(":"):
                    return lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: "))

    async def changes(self, *wanted: str) -> dict[str, Any]:
        """The next changes that concern one of these."""
        while True:
            kind, news = await self.next()
            if kind == "changes" and any(name in news for name in wanted):
                return news


@contextlib.asynccontextmanager
async def open_stream(scene: Scene) -> AsyncIterator[Stream]:
    timeout = aiohttp.ClientTimeout(total=None)
    async with scene.http.get(f"{scene.sandbox.url}/sandbox/page/stream", timeout=timeout) as response:
        assert response.content_type == "text/event-stream"
        assert response.headers["Cache-Control"] == "no-store"
        yield Stream(response)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with open_scene() as opened:
        yield opened


async def test_it_begins_with_everything_but_what_was_said_long_ago(scene: Scene) -> None:
    for number in range(50):
        scene.customer_says(f"n{number}")
    async with open_stream(scene) as stream:
        kind, everything = await stream.next()
    assert kind == "snapshot"
    assert [user["name"] for user in everything["users"]] == ["Olga", "Carl Customer"]
    desk, dialog = everything["chats"]
    assert [topic["name"] for topic in desk["topics"]] == ["General", "Carl"]
    assert dialog["key"] == f"{scene.bot.id}:{scene.carl.id}"
    assert dialog["last"]["text"] == "n49"
    assert "n48" not in json.dumps(everything)


async def test_a_message_is_told_and_nothing_else(scene: Scene) -> None:
    async with open_stream(scene) as stream:
        await stream.next()
        scene.world.send(scene.olga, scene.desk, "hello", topic=scene.topic)
        news = await stream.changes("messages")
    [message] = news["messages"]
    assert (message["text"], message["topic"], message["new"]) == ("hello", scene.topic.id, True)
    assert news.keys().isdisjoint({"chats", "topics"})


async def test_what_changes_often_is_told_once(scene: Scene) -> None:
    async with open_stream(scene) as stream:
        await stream.next()
        said = scene.customer_says("0")
        for number in range(1, 100):
            scene.world.edit(scene.carl, said, str(number))
        news = await stream.changes("messages")
    assert [(m["text"], m["edited"]) for m in news["messages"]] == [("99", True)]


async def test_the_first_message_to_a_bot_brings_its_chat(scene: Scene) -> None:
    async with open_stream(scene) as stream:
        await stream.next()
        scene.world.start(scene.olga, scene.bot)
        news = await stream.changes("messages")
    assert [chat["key"] for chat in news["chats"]] == [f"{scene.bot.id}:{scene.olga.id}"]


async def test_a_journey_goes_on(scene: Scene) -> None:
    said = scene.customer_says("hello")
    async with open_stream(scene) as stream:
        await stream.next()
        await scene.updates()
        news = await stream.changes("messages")
    told = next(m for m in news["messages"] if m["id"] == said.id)
    assert told["state"]["text"] == "read by @shop_bot"
    assert told["new"] is False


async def test_deleted_messages_and_topics_are_told_by_their_ids(scene: Scene) -> None:
    said = scene.world.send(scene.olga, scene.desk, "oops", topic=scene.topic)
    async with open_stream(scene) as stream:
        await stream.next()
        scene.world.delete(scene.olga, said)
        news = await stream.changes("messages")
        assert news["messages"] == [{"chat": str(scene.desk.id), "id": said.id, "deleted": True}]
        scene.world.delete_topic(scene.olga, scene.desk, scene.topic)
        news = await stream.changes("topics")
        assert news["topics"] == [{"chat": str(scene.desk.id), "id": scene.topic.id, "deleted": True}]


async def test_people_bots_members_and_groups_are_told(scene: Scene) -> None:
    async with open_stream(scene) as stream:
        await stream.next()
        dora = scene.world.add_user("Dora")
        assert [one["name"] for one in (await stream.changes("accounts"))["accounts"]] == ["Dora"]
        scene.world.add_member(scene.desk, dora)
        [chat] = (await stream.changes("chats"))["chats"]
        assert dora.id in [member["id"] for member in chat["members"]]
        token = scene.world.revoke_token(scene.bot)
        assert (await stream.changes("accounts"))["accounts"][0]["token"] == token


async def test_a_pressed_button_is_told_with_its_answer(scene: Scene) -> None:
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}]]}
    asked = await scene.ok("sendMessage", chat_id=scene.carl.id, text="?", reply_markup=keyboard)
    callback = scene.world.press(scene.carl, scene.world.message(scene.dialog, asked["message_id"]))
    async with open_stream(scene) as stream:
        await stream.next()
        await scene.ok("answerCallbackQuery", callback_query_id=callback.id, text="done", show_alert=True)
        [told] = (await stream.changes("callbacks"))["callbacks"]
    assert (told["id"], told["user"], told["answer"]["text"]) == (callback.id, scene.carl.id, "done")


async def test_budgets_are_told_when_they_are_spent(scene: Scene) -> None:
    rules = scene.sandbox.flood.rules
    rules.enabled, rules.per_group = True, 1
    async with open_stream(scene) as stream:
        await stream.next()
        await scene.ok("sendMessage", chat_id=scene.desk.id, text="1")
        news = await stream.changes("budgets")
        while not news["budgets"][-1]["budgets"][0]["used"]:
            news = await stream.changes("budgets")
        assert news["budgets"][-1]["chat"] == str(scene.desk.id)
        await scene.refusal("sendMessage", chat_id=scene.desk.id, text="2")
        news = await stream.changes("budgets")
        assert news["budgets"][-1]["budgets"][0]["blocked_until"].startswith("2026-11-01T12:01")


async def test_hostile_names_are_data(scene: Scene) -> None:
    async with open_stream(scene) as stream:
        await stream.next()
        scene.world.add_user(HOSTILE)
        news = await stream.changes("accounts")
    assert news["accounts"][0]["name"] == HOSTILE


async def test_a_page_that_leaves_is_forgotten(scene: Scene) -> None:
    listeners = scene.world._listeners
    before = len(listeners)
    async with open_stream(scene) as stream:
        await stream.next()
        assert len(listeners) == before + 1
        stream._response.close()
    async with asyncio.timeout(10):
        while len(listeners) > before:
            await scene.ok("getMe")


async def test_open_pages_do_not_hold_the_sandbox_up() -> None:
    async with open_scene() as scene:
        stream = open_stream(scene)
        opened = await stream.__aenter__()
        await opened.next()
        loop = asyncio.get_running_loop()
        started = loop.time()
        await scene.sandbox.__aexit__(None, None, None)
        assert loop.time() - started < 1.0
        await stream.__aexit__(None, None, None)
