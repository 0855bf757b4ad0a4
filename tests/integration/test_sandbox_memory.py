"""A World that is kept goes on in the next process, and gives no id twice."""

import asyncio
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from sandbox.memory import Memory
from sandbox.server import Sandbox
from sandbox.world import World


async def _updates(sandbox: Sandbox, token: str) -> list[int]:
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{sandbox.url}/bot{token}/getUpdates", json={"timeout": 1}) as answer,
    ):
        return [update["update_id"] for update in (await answer.json())["result"]]


async def test_people_chats_and_waiting_updates_are_there_again(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "world")
    async with Sandbox(latency=timedelta(0)) as first:
        world = first.world
        ann, bot = world.add_user("Ann"), world.add_bot("Shop", "shop_bot")
        world.send(ann, bot, "before")
        waiting = await _updates(first, bot.token)
        parked = asyncio.create_task(_updates(first, bot.token))
        keeping = asyncio.create_task(memory.follow(world, {"demo": 1}))
        await asyncio.wait([keeping], timeout=0.1)
        keeping.cancel()
        await asyncio.wait([keeping, parked])
    recalled = memory.recall()
    assert recalled is not None
    world, cast = recalled
    assert cast == {"demo": 1}
    async with Sandbox(latency=timedelta(0), world=world) as second:
        again = second.world.user(ann.id)
        chat = second.world.private(again, second.world.bot(bot.id))
        assert second.world.history(chat)[0].text == "before"
        second.world.send(again, second.world.bot(bot.id), "after")
        seen = await _updates(second, bot.token)
    assert waiting[0] in seen
    assert len(seen) > len(waiting)


def test_a_world_whose_process_was_killed_gives_no_id_twice(tmp_path: Path) -> None:
    memory, world = Memory(tmp_path / "world"), World()
    ann, bot = world.add_user("Ann"), world.add_bot("Shop", "shop_bot")
    memory.keep(world, {})
    lost = world.send(ann, bot, "never written to the file")
    recalled = memory.recall()
    assert recalled is not None
    again = recalled[0]
    assert again.send(again.user(ann.id), again.bot(bot.id), "next").id > lost.id


@pytest.mark.parametrize("content", [b"", b"nonsense", b"cos\nsystem\n(S'true'\ntR."])
def test_a_file_that_holds_no_world_is_put_aside(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "world"
    path.write_bytes(content)
    assert Memory(path).recall() is None
    assert path.with_suffix(".unreadable").read_bytes() == content
