"""Faults as data: errors, lost answers and cut connections, and the journal that counts them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest

from sandbox.faults import Fault
from tests.integration.scene import Scene, open_scene


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with open_scene() as opened:
        yield opened


async def say(scene: Scene, text: str = "hello") -> None:
    await scene.ok("sendMessage", chat_id=scene.carl.id, text=text)


async def test_an_error_instead_of_the_deed(scene: Scene) -> None:
    scene.sandbox.faults.add(
        Fault(
            kind="error",
            method="sendMessage",
            code=429,
            description="Too Many Requests: retry after 7",
            parameters={"retry_after": 7},
        )
    )
    body = await scene.call("sendMessage", chat_id=scene.carl.id, text="lost")
    assert (body["error_code"], body["parameters"]) == (429, {"retry_after": 7})
    await say(scene, "kept")
    assert scene.said(scene.dialog) == ["/start", "kept"]


async def test_the_page_of_the_gateway(scene: Scene) -> None:
    """(Bot API: plain 502 and 504 from nginx.)"""
    scene.sandbox.faults.add(Fault(kind="error", code=502, html=True))
    async with scene.http.get(f"{scene.sandbox.url}/bot{scene.bot.token}/getMe") as response:
        assert response.status == 502
        assert response.content_type == "text/html"
        assert "502 Bad Gateway" in await response.text()


async def test_an_answer_is_dropped_after_the_deed(scene: Scene) -> None:
    scene.sandbox.faults.add(Fault(kind="drop_answer", method="sendMessage"))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await say(scene)
    assert scene.said(scene.dialog) == ["/start", "hello"]
    assert scene.sandbox.journal.count("sendMessage", carried_out=True, answered=False) == 1
    await say(scene, "again")
    assert scene.sandbox.journal.count("sendMessage", carried_out=True, answered=True) == 1


async def test_a_program_that_dies_before_the_answer_is_unanswered(scene: Scene) -> None:
    scene.sandbox.bot_api.latency = timedelta(milliseconds=100)
    call = asyncio.create_task(say(scene, "last words"))
    await scene.world.wait_for(lambda: "last words" in scene.said(scene.dialog))
    call.cancel()
    journal = scene.sandbox.journal
    await scene.world.wait_for(lambda: journal.count("sendMessage", carried_out=True, answered=False))


async def test_a_connection_is_cut_before_the_deed(scene: Scene) -> None:
    scene.sandbox.faults.add(Fault(kind="cut", method="sendMessage"))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await say(scene)
    assert scene.said(scene.dialog) == ["/start"]
    assert scene.sandbox.journal.count("sendMessage", carried_out=False, answered=False) == 1


async def test_a_call_that_hangs(scene: Scene) -> None:
    scene.sandbox.faults.add(Fault(kind="hang", method="sendMessage"))
    call = asyncio.create_task(say(scene))
    done, _ = await asyncio.wait([call], timeout=0.05)
    assert not done
    scene.sandbox.bot_api.close()
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await asyncio.wait_for(call, 5)


async def test_a_delayed_call_is_carried_out_later(scene: Scene) -> None:
    scene.sandbox.faults.add(Fault(kind="delay", method="sendMessage", seconds=0.05))
    started = asyncio.get_running_loop().time()
    await say(scene)
    assert asyncio.get_running_loop().time() - started >= 0.05
    assert scene.said(scene.dialog) == ["/start", "hello"]


async def test_a_fault_meets_its_bot_chat_and_method_only(scene: Scene) -> None:
    other = scene.world.add_bot("Other", "other_bot")
    for fault in (
        Fault(kind="error", bot="other_bot"),
        Fault(kind="error", bot=other.token),
        Fault(kind="error", chat=scene.desk.id),
        Fault(kind="error", method="getMe", bot=scene.bot.id),
    ):
        scene.sandbox.faults.add(fault)
    await say(scene)
    assert (await scene.refusal("getMe")).startswith("500")
    assert (await scene.refusal("getChat", chat_id=scene.desk.id)).startswith("500")
    for _ in range(2):
        assert (await scene.refusal("getMe", bot=other)).startswith("500")
    await scene.ok("getMe", bot=other)


async def test_a_fault_happens_so_many_times_or_until_it_is_cleared(scene: Scene) -> None:
    faults = scene.sandbox.faults
    faults.add(Fault(kind="error", times=2))
    for _ in range(2):
        await scene.refusal("getMe")
    await scene.ok("getMe")
    forever = faults.add(Fault(kind="error", times=None))
    for _ in range(5):
        await scene.refusal("getMe")
    faults.clear()
    await scene.ok("getMe")
    assert forever.happened == 5


async def test_an_injected_flood_wait_is_a_step_of_the_journey(scene: Scene) -> None:
    message = scene.customer_says("hello")
    error = "Too Many Requests: retry after 34"
    scene.sandbox.faults.add(Fault(kind="error", method="copyMessage", code=429, description=error))
    source = {"from_chat_id": scene.carl.id, "message_id": message.id}
    await scene.refusal("copyMessage", chat_id=scene.desk.id, **source)
    assert scene.world.journey(message)[-1].sentence == f"copyMessage by Shop to Desk: 429 {error}"


async def test_every_call_takes_its_latency_but_a_long_poll_is_not_held_longer(scene: Scene) -> None:
    scene.sandbox.bot_api.latency = timedelta(milliseconds=40)
    loop = asyncio.get_running_loop()
    started = loop.time()
    await scene.ok("getMe")
    assert loop.time() - started >= 0.04
    scene.customer_says("hello")
    started = loop.time()
    assert len(await scene.updates(timeout=50)) == 1
    assert loop.time() - started < 5


async def test_the_default_latency_is_80_milliseconds() -> None:
    from sandbox.server import Sandbox

    assert Sandbox().bot_api.latency == timedelta(milliseconds=80)


async def test_the_sandbox_stops_at_once_while_programs_wait(scene: Scene) -> None:
    poll = asyncio.create_task(scene.refusal("getUpdates", timeout=50))
    await scene.world.wait_for(lambda: scene.bot.updates.on_arrival)
    scene.sandbox.bot_api.close()
    assert await asyncio.wait_for(poll, 5) == "500 Internal Server Error: restart"
