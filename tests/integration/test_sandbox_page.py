"""The page's files and what it asks for over HTTP: who may, under what policy, and that nothing is markup."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.demo import populate
from sandbox.page_routes import SECURITY
from sandbox.server import Sandbox
from sandbox.world import World
from tests.integration.scene import Scene, open_scene

PAGE = Path(__file__).parents[2] / "sandbox" / "page"
FILES = sorted(path.name for path in PAGE.iterdir())
SCRIPTS = [name for name in FILES if name.endswith(".js")]
_FOREIGN = r"https?://(?!www\.w3\.org/2000/svg|t\.me/newbot/)\w"
TYPES = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with open_scene() as opened:
        yield opened


async def get(scene: Scene, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
    async with scene.http.get(f"{scene.sandbox.url}{path}", headers=headers) as response:
        return response.status, dict(response.headers), await response.text()


async def ask(scene: Scene, path: str) -> Any:
    async with scene.http.get(f"{scene.sandbox.url}/sandbox/page/{path}") as response:
        assert response.content_type == "application/json"
        return await response.json()


class TestFiles:
    async def test_the_page_lies_at_the_root(self, scene: Scene) -> None:
        status, headers, body = await get(scene, "/")
        assert status == 200
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert "/page/main.js" in body

    @pytest.mark.parametrize("name", [name for name in FILES if name != "index.html"])
    async def test_each_file_is_served_as_what_it_is(self, scene: Scene, name: str) -> None:
        status, headers, body = await get(scene, f"/page/{name}")
        assert status == 200
        assert headers["Content-Type"].startswith(TYPES[name.rpartition(".")[2]])
        assert body == (PAGE / name).read_text()

    @pytest.mark.parametrize("path", ["/", "/page/main.js", "/page/nothing.js", "/sandbox/page/faults"])
    async def test_the_policy_allows_no_foreign_and_no_inline_code(self, scene: Scene, path: str) -> None:
        _, headers, _ = await get(scene, path)
        policy = headers["Content-Security-Policy"]
        assert policy == SECURITY["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"

    @pytest.mark.parametrize(
        "name",
        ["index.html", "nothing.js", "..%2fdemo.py", "..%2f__init__.py", "main.js%00.svg", "Main.js", ".js"],
    )
    async def test_no_other_file_is_served(self, scene: Scene, name: str) -> None:
        assert (await get(scene, f"/page/{name}"))[0] == 404

    @pytest.mark.parametrize("path", ["/", "/page/main.js", "/sandbox/page/stream", "/sandbox/page/history"])
    @pytest.mark.parametrize("headers", [{"Host": "sandbox.example.org"}, {"Origin": "https://example.org"}])
    async def test_only_this_machine_sees_the_page(self, scene: Scene, path: str, headers: dict[str, str]) -> None:
        assert (await get(scene, path, **headers))[0] == 403


class TestSources:
    """What no policy can promise: how the page's own code is written."""

    @pytest.mark.parametrize("name", SCRIPTS)
    def test_no_script_makes_markup_of_text(self, name: str) -> None:
        forbidden = re.compile(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(|new Function|srcdoc"
            r"|createContextualFragment|setHTML"
        )
        assert not forbidden.search((PAGE / name).read_text())

    def test_the_page_has_no_inline_code_and_no_foreign_address(self) -> None:
        page = (PAGE / "index.html").read_text()
        assert not re.search(r"<style|\son\w+=|\sstyle=|<script(?![^>]*\ssrc=)", page)
        foreign = {name for name in FILES if re.search(_FOREIGN, (PAGE / name).read_text())}
        assert foreign == set()

    def test_every_import_and_every_reference_exists(self) -> None:
        wanted = set(re.findall(r'/page/([a-z_.]+)"', (PAGE / "index.html").read_text()))
        for name in SCRIPTS:
            wanted |= set(re.findall(r"from '\./([a-z_]+\.js)'", (PAGE / name).read_text()))
        assert wanted <= set(FILES)
        assert set(SCRIPTS) <= wanted

    @pytest.mark.parametrize("name", FILES)
    def test_no_file_is_longer_than_a_sitting(self, name: str) -> None:
        assert len((PAGE / name).read_text().splitlines()) <= 400

    @pytest.mark.parametrize("name", SCRIPTS)
    def test_every_script_says_first_why_it_exists(self, name: str) -> None:
        assert (PAGE / name).read_text().startswith("/**")


class TestHistory:
    async def test_the_latest_messages_come_first_and_older_ones_page_by_page(self, scene: Scene) -> None:
        for number in range(7):
            scene.world.send(scene.olga, scene.desk, f"n{number}", topic=scene.topic)
        place = f"history?chat={scene.desk.id}&topic={scene.topic.id}&limit=3"
        page = await ask(scene, place)
        assert [m["text"] for m in page["messages"]] == ["n4", "n5", "n6"]
        assert page["complete"] is False
        page = await ask(scene, f"{place}&before={page['messages'][0]['id']}")
        assert [m["text"] for m in page["messages"]] == ["n1", "n2", "n3"]
        page = await ask(scene, f"{place}&before={page['messages'][0]['id']}")
        assert [m["text"] or m["kind"] for m in page["messages"]] == ["forum_topic_created", "n0"]
        assert page["complete"] is True

    async def test_a_private_chat_is_named_by_bot_and_person(self, scene: Scene) -> None:
        scene.customer_says("hello")
        page = await ask(scene, f"history?chat={scene.bot.id}:{scene.carl.id}")
        assert [m["text"] for m in page["messages"]] == ["/start", "hello"]
        assert {m["chat"] for m in page["messages"]} == {f"{scene.bot.id}:{scene.carl.id}"}

    async def test_an_answer_shows_what_it_answers(self, scene: Scene) -> None:
        first = scene.customer_says("hello " + "x" * 200)
        scene.world.send(scene.carl, scene.bot, "again", reply_to=first)
        page = await ask(scene, f"history?chat={scene.bot.id}:{scene.carl.id}")
        reply = page["messages"][-1]["reply"]
        assert (reply["name"], reply["id"], len(reply["text"])) == ("Carl Customer", first.id, 91)

    async def test_a_deleted_topic_and_nonsense_are_sentences(self, scene: Scene) -> None:
        scene.world.delete_topic(scene.olga, scene.desk, scene.topic)
        deleted = await ask(scene, f"history?chat={scene.desk.id}&topic={scene.topic.id}")
        assert deleted == {"error": "This topic has been deleted."}
        assert "can't be understood" in (await ask(scene, "history?chat=x"))["error"]


class TestJourney:
    async def states(self, scene: Scene, message_id: int) -> tuple[dict[str, Any], list[str]]:
        journey = await ask(scene, f"journey?chat={scene.bot.id}:{scene.carl.id}&message={message_id}")
        return journey["state"], [step["words"] for step in journey["steps"]]

    async def test_a_message_that_was_copied(self, scene: Scene) -> None:
        said = scene.customer_says("hello")
        state, _ = await self.states(scene, said.id)
        assert (state["kind"], state["text"]) == ("waiting", "waits for @shop_bot")
        await scene.updates()
        assert (await self.states(scene, said.id))[0]["text"] == "read by @shop_bot"
        scene.world.rename_topic(scene.olga, scene.desk, scene.topic, "🟪 Carl")
        await scene.ok(
            "copyMessage",
            chat_id=scene.desk.id,
            message_thread_id=scene.topic.id,
            from_chat_id=scene.carl.id,
            message_id=said.id,
        )
        state, words = await self.states(scene, said.id)
        assert (state["kind"], state["text"]) == ("copied", "into «Desk › Carl»")
        assert words == [
            "sent",
            "waits until the program of @shop_bot fetches it",
            "handed to the program of @shop_bot",
            "copied by @shop_bot into «Desk › 🟪 Carl»",
        ]

    async def test_a_message_that_is_held_by_a_limit(self, scene: Scene) -> None:
        rules = scene.sandbox.flood.rules
        rules.enabled, rules.per_group = True, 1
        said = scene.customer_says("hello")
        copy = {"chat_id": scene.desk.id, "from_chat_id": scene.carl.id, "message_id": said.id}
        await scene.ok("sendMessage", chat_id=scene.desk.id, text="x")
        await scene.refusal("copyMessage", **copy)
        await scene.refusal("copyMessage", **copy)
        state, words = await self.states(scene, said.id)
        assert (state["kind"], state["text"]) == ("waiting", "waits for Telegram’s limit")
        assert state["until"].startswith("2026-11-01T12:01:00")
        assert words[-1] == (
            "refused: Telegram’s limit of 20 messages a minute in this group; @shop_bot must wait 60 s"
        )

    async def test_a_message_that_telegram_refuses(self, scene: Scene) -> None:
        said = scene.customer_says("hello")
        await scene.refusal("copyMessage", chat_id=-1, from_chat_id=scene.carl.id, message_id=said.id)
        state, words = await self.states(scene, said.id)
        assert state["kind"] == "refused"
        assert words[-1].startswith("refused, when @shop_bot passed it on: 400 Bad Request: chat not found")


class TestDemo:
    async def test_a_program_finds_what_it_needs_in_the_state(self) -> None:
        sandbox = Sandbox()
        sandbox.cast = populate(sandbox.world)
        demo = sandbox.cast["demo"]
        world = sandbox.world
        shop = world.bot(demo["bot_token"])
        group = world.chat(demo["group_id"])
        assert set(demo) == {
            "owner_id",
            "bot_id",
            "bot_token",
            "bot_username",
            "bot_name",
            "group_id",
            "group_title",
        }
        assert (shop.id, shop.username, shop.name) == (demo["bot_id"], demo["bot_username"], demo["bot_name"])
        assert world.bot(sandbox.cast["setup_bot_token"]).username == "backline_setup_bot"
        assert (group.title, group.is_forum) == (demo["group_title"], True)
        assert group.member(world.user(demo["owner_id"])).status == "creator"
        for right in ("manage_topics", "delete_messages", "pin_messages", "invite_users"):
            assert group.member(shop).may(right)
        assert not group.member(shop).may("promote_members")

    def test_everyone_has_the_same_ids_at_every_start(self) -> None:
        first, second = World(), World()
        assert populate(first) == populate(second)
        assert list(first.users) == list(second.users)

    async def test_the_state_tells_it(self) -> None:
        async with open_scene() as scene:
            scene.sandbox.cast = {"setup_bot_token": "1:a", "demo": {"owner_id": 1}}
            _, _, body = await get(scene, "/sandbox/state")
            assert '"setup_bot_token":"1:a"' in body
            assert '"demo":{"owner_id":1}' in body
