"""Flood control: what a bot may send to whom, on the World's clock."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.scene import Scene, open_scene


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with open_scene(flood_control=True) as opened:
        yield opened


def in_topic(scene: Scene, **more: Any) -> dict[str, Any]:
    return {"chat_id": scene.desk.id, "message_thread_id": scene.topic.id, "text": "x"} | more


async def fill_group(scene: Scene, count: int = 20) -> None:
    for _ in range(count):
        await scene.ok("sendMessage", **in_topic(scene))


async def test_a_group_takes_twenty_messages_a_minute(scene: Scene) -> None:
    await fill_group(scene, 1)
    scene.clock.advance(timedelta(seconds=20))
    await fill_group(scene, 19)
    assert await scene.refusal("sendMessage", **in_topic(scene)) == "429 Too Many Requests: retry after 40"
    scene.clock.advance(timedelta(seconds=40))
    await fill_group(scene, 1)
    assert (await scene.refusal("sendMessage", **in_topic(scene))).startswith("429")


async def test_the_refusal_says_how_long_in_body_and_header(scene: Scene) -> None:
    await fill_group(scene)
    url = f"{scene.sandbox.url}/bot{scene.bot.token}/sendMessage"
    async with scene.http.post(url, json=in_topic(scene)) as response:
        assert response.status == 429
        assert response.headers["Retry-After"] == "60"
        assert (await response.json())["parameters"] == {"retry_after": 60}


async def test_all_topics_of_a_group_share_its_budget(scene: Scene) -> None:
    """(Bot API: no evidence of an allowance per topic anywhere.) [M]"""
    other = scene.world.create_topic(scene.olga, scene.desk, "Other")
    await fill_group(scene)
    refusal = await scene.refusal("sendMessage", **in_topic(scene, message_thread_id=other.id))
    assert refusal.startswith("429")


async def test_each_bot_has_a_budget_of_its_own(scene: Scene) -> None:
    """[M]"""
    other = scene.world.add_bot("Housekeeper", "housekeeper_bot")
    scene.world.promote(scene.desk, other)
    await fill_group(scene)
    await scene.ok("sendMessage", bot=other, **in_topic(scene))


@pytest.mark.parametrize("method", ["editMessageText", "createForumTopic", "copyMessage", "editForumTopic"])
async def test_edits_topics_and_copies_are_paid_from_the_same_budget(scene: Scene, method: str) -> None:
    source = scene.customer_says("hello")
    sent = await scene.ok("sendMessage", **in_topic(scene))
    await fill_group(scene, 19)
    params = {
        "editMessageText": {"message_id": sent["message_id"], "text": "new"},
        "createForumTopic": {"name": "New"},
        "copyMessage": {"from_chat_id": scene.carl.id, "message_id": source.id},
        "editForumTopic": {"message_thread_id": scene.topic.id, "name": "New"},
    }[method]
    assert (await scene.refusal(method, chat_id=scene.desk.id, **params)).startswith("429")


async def test_whether_renaming_a_topic_counts_is_a_switch(scene: Scene) -> None:
    """[M]"""
    await fill_group(scene)
    scene.sandbox.flood.rules.count_topic_edits = False
    where = {"chat_id": scene.desk.id, "message_thread_id": scene.topic.id}
    await scene.ok("editForumTopic", name="Renamed", **where)


async def test_copies_in_one_call_count_each(scene: Scene) -> None:
    """[M]"""
    numbers = [scene.customer_says(str(n)).id for n in range(12)]
    params = {"chat_id": scene.desk.id, "from_chat_id": scene.carl.id, "message_ids": numbers}
    await scene.ok("copyMessages", **params)
    assert (await scene.refusal("copyMessages", **params)).startswith("429")
    scene.sandbox.flood.rules.count_each_copy = False
    await scene.ok("copyMessages", **params)


async def test_a_call_that_is_refused_for_another_reason_costs_nothing(scene: Scene) -> None:
    for _ in range(30):
        await scene.refusal("sendMessage", **in_topic(scene, message_thread_id=4711))
    await fill_group(scene)


async def test_deleting_is_free(scene: Scene) -> None:
    sent = await scene.ok("sendMessage", **in_topic(scene))
    await fill_group(scene, 19)
    await scene.ok("deleteMessage", chat_id=scene.desk.id, message_id=sent["message_id"])


async def test_a_person_takes_a_burst_and_then_one_a_second(scene: Scene) -> None:
    for _ in range(20):
        await scene.ok("sendMessage", chat_id=scene.carl.id, text="x")
        scene.clock.advance(timedelta(milliseconds=100))
    assert (await scene.refusal("sendMessage", chat_id=scene.carl.id, text="x")).startswith("429")
    scene.clock.advance(timedelta(seconds=20))
    await scene.ok("sendMessage", chat_id=scene.carl.id, text="x")


async def test_a_bot_sends_thirty_a_second_in_all(scene: Scene) -> None:
    people = [scene.world.add_user(f"P{n}") for n in range(31)]
    for person in people:
        scene.world.start(person, scene.bot)
    for person in people[:30]:
        await scene.ok("sendMessage", chat_id=person.id, text="x")
    refusal = await scene.refusal("sendMessage", chat_id=people[30].id, text="x")
    assert refusal == "429 Too Many Requests: retry after 1"


async def test_the_master_switch(scene: Scene) -> None:
    scene.sandbox.flood.rules.enabled = False
    await fill_group(scene, 60)


async def test_the_budget_can_be_looked_up(scene: Scene) -> None:
    await fill_group(scene)
    await scene.refusal("sendMessage", **in_topic(scene))
    now = scene.world.now()
    budget = scene.sandbox.flood.budget(scene.bot.id, scene.desk, now)
    assert (budget.used, budget.limit, budget.blocked_until) == (20, 20, now + timedelta(seconds=60))


async def test_the_journey_of_a_message_says_that_it_waits_for_the_flood(scene: Scene) -> None:
    message = scene.customer_says("hello")
    await fill_group(scene)
    source = {"from_chat_id": scene.carl.id, "message_id": message.id}
    await scene.refusal("copyMessage", chat_id=scene.desk.id, message_thread_id=scene.topic.id, **source)
    assert scene.world.journey(message)[-1].error == "429 Too Many Requests: retry after 60"
