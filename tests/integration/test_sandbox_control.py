"""The World driven over HTTP, as the page and tests in other processes do."""

import asyncio
import base64
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Sandbox
from tests.integration.scene import Scene, open_scene

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with open_scene() as opened:
        yield opened


async def request(scene: Scene, verb: str, path: str, **params: Any) -> tuple[int, Any]:
    async with scene.http.request(verb, f"{scene.sandbox.url}/sandbox/{path}", **params) as response:
        return response.status, await response.json()


async def act(scene: Scene, do: str, **params: Any) -> Any:
    status, result = await request(scene, "POST", "act", json={"do": do} | params)
    assert status == 200, result
    return result


async def test_a_whole_story_is_told_over_http(scene: Scene) -> None:
    ann = (await act(scene, "add_user", first_name="Ann"))["id"]
    bot = await act(scene, "add_bot", name="Help", username="help_bot", **{"as": ann})
    forum = (await act(scene, "add_forum", title="Support", **{"as": ann}))["id"]
    link = "https://t.me/help_bot?startgroup=x&admin=manage_topics"
    started = await act(scene, "open_link", link=link, chat=forum, **{"as": ann})
    assert started["text"] == "/start@help_bot x"
    topic = (await act(scene, "create_topic", chat=forum, name="T", **{"as": ann}))["id"]
    photo = base64.b64encode(b"jpeg").decode()
    sent = await act(scene, "send", chat=forum, topic=topic, photo=photo, caption="c", **{"as": ann})
    assert (sent["kind"], sent["text"], sent["topic"], sent["file"]["size"]) == ("photo", "c", topic, 4)
    await act(scene, "start", bot=bot["id"], payload="ad", **{"as": ann})
    said = await act(scene, "send", chat=bot["id"], text="hello", **{"as": ann})
    assert [step["kind"] for step in said["journey"]] == ["sent", "queued"]
    edited = await act(scene, "edit", chat=bot["id"], message=said["id"], text="bye", **{"as": ann})
    assert (edited["text"], edited["edited"]) == ("bye", True)


async def test_what_a_person_may_not_do_is_a_sentence(scene: Scene) -> None:
    deed = {"do": "send", "as": scene.carl.id, "chat": scene.desk.id, "text": "let me in"}
    status, body = await request(scene, "POST", "act", json=deed)
    assert (status, body) == (400, {"error": "You are not a member of this group."})


@pytest.mark.parametrize(
    ("deed", "sentence"),
    [
        ({"do": "fly"}, "Nobody can “fly”."),
        ({}, "“do” is missing."),
        ({"do": "start"}, "“as” is missing."),
        ({"do": "start", "as": "x"}, "That can't be understood"),
        ({"do": "add_user", "age": 7}, "That can't be understood"),
    ],
)
async def test_a_deed_that_makes_no_sense_is_a_sentence(scene: Scene, deed: dict[str, Any], sentence: str) -> None:
    status, body = await request(scene, "POST", "act", json=deed)
    assert status == 400
    assert sentence in body["error"]


async def test_what_bots_said_is_told_by_chat_and_topic(scene: Scene) -> None:
    scene.world.send(scene.carl, scene.bot, "a person's words are not told")
    first = await scene.ok("sendMessage", chat_id=scene.carl.id, text="hello")
    second = await scene.ok("sendMessage", chat_id=scene.desk.id, message_thread_id=scene.topic.id, text="in a topic")
    _, told = await request(scene, "GET", "texts")
    assert told[f"{scene.bot.id}:{scene.carl.id}"] == {"0": [[first["message_id"], "hello"]]}
    assert told[str(scene.desk.id)] == {str(scene.topic.id): [[second["message_id"], "in a topic"]]}


async def test_the_view_shows_a_person_their_chats_topics_and_messages(scene: Scene) -> None:
    scene.world.send(scene.olga, scene.desk, "hello", topic=scene.topic)
    _, view = await request(scene, "GET", f"view?as={scene.olga.id}")
    [desk] = view["chats"]
    assert [topic["name"] for topic in desk["topics"]] == ["General", "Carl"]
    assert desk["messages"][-1]["text"] == "hello"
    assert desk["messages"][-1]["mine"] is True
    assert desk["budgets"] == [{"bot": scene.bot.id, "used": 0, "limit": 20, "blocked_until": None}]
    _, view = await request(scene, "GET", f"view?as={scene.carl.id}")
    assert [(chat["title"], chat["id"]) for chat in view["chats"]] == [("Shop", scene.bot.id)]


async def test_state_lists_everyone(scene: Scene) -> None:
    _, state = await request(scene, "GET", "state")
    assert [user["name"] for user in state["users"]] == ["Olga", "Carl Customer"]
    assert [bot["token"] for bot in state["bots"]] == [scene.bot.token]
    assert [group["id"] for group in state["groups"]] == [scene.desk.id]


async def test_faults_and_the_journal(scene: Scene) -> None:
    fault = {"kind": "drop_answer", "method": "sendMessage", "times": 1}
    assert await request(scene, "POST", "faults", json=[fault, {"kind": "cut"}]) == (200, {"waiting": 2})
    with pytest.raises(Exception, match="disconnected"):
        await scene.ok("sendMessage", chat_id=scene.carl.id, text="x")
    assert await request(scene, "DELETE", "faults") == (200, {"waiting": 0})
    _, journal = await request(scene, "GET", "journal?method=sendMessage")
    assert journal["counts"] == {"carried_out": 1, "unanswered": 1}
    assert journal["calls"][0]["fault"] == "drop_answer"
    status, _ = await request(scene, "POST", "faults", json={"kind": "cut", "colour": "red"})
    assert status == 400


async def test_settings_are_read_and_changed_by_name(scene: Scene) -> None:
    changes = {"flood_control": True, "latency_ms": 5, "per_group": 3, "topic_deleted_text_for": 1}
    _, settings = await request(scene, "POST", "settings", json=changes)
    assert {name: settings[name] for name in changes} == changes
    assert scene.sandbox.flood.rules.per_group == 3
    status, body = await request(scene, "POST", "settings", json={"gravity": 9.81})
    assert (status, body) == (400, {"error": "There is no setting “gravity”."})


async def test_a_file_of_the_world_can_be_shown(scene: Scene) -> None:
    message = scene.world.send(scene.carl, scene.bot, document=b"<script>", mime_type="text/html")
    assert message.content.file is not None
    url = f"{scene.sandbox.url}/sandbox/file/{message.content.file.unique_id}"
    async with scene.http.get(url) as response:
        assert await response.read() == b"<script>"
        assert response.headers["Content-Security-Policy"] == "sandbox"


class TestGuard:
    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({}, 200),
            ({"Host": "localhost:8081"}, 200),
            ({"Origin": "http://127.0.0.1:8081"}, 200),
            ({"Host": "sandbox.example.org"}, 403),
            ({"Host": "127.0.0.1.example.org"}, 403),
            ({"Origin": "https://example.org"}, 403),
            ({"Origin": "null"}, 403),
        ],
    )
    async def test_only_pages_of_this_machine_drive_people(
        self, scene: Scene, headers: dict[str, str], status: int
    ) -> None:
        assert (await request(scene, "GET", "state", headers=headers))[0] == status

    def test_no_other_address_is_bound(self) -> None:
        with pytest.raises(ValueError, match="this machine only"):
            Sandbox(host="0.0.0.0")


async def test_a_busy_port_is_one_sentence_and_exit_1(scene: Scene) -> None:
    port = scene.sandbox.url.rpartition(":")[2]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sandbox",
        "--port",
        port,
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )
    _, complaint = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1
    assert complaint.decode().strip() == f"Port {port} of this machine is taken."


async def test_the_process_says_where_it_is_and_stops_when_told() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox", "--port", "0", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 30)
    assert line.startswith(b"Telegram is at http://127.0.0.1:")
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 10) == 0
