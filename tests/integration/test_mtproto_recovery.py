"""Who was away: differences of a bot's account and of a channel, their slices, their limits, and a restart."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from telethon import TelegramClient
from telethon.tl import functions, types

from sandbox.memory import Memory
from tests.integration.mtproto_scene import Scene, of, open_scene, say

state = functions.updates.GetStateRequest


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with open_scene() as opened:
        yield opened


async def difference(client: TelegramClient, since: Any) -> Any:
    return await client(functions.updates.GetDifferenceRequest(pts=since.pts, date=since.date, qts=since.qts))


async def channel_difference(scene: Scene, client: TelegramClient, pts: int, limit: int = 100) -> Any:
    group = await scene.group(client)
    channel = types.InputChannel(group.channel_id, group.access_hash)
    return await client(
        functions.updates.GetChannelDifferenceRequest(channel, types.ChannelMessagesFilterEmpty(), pts, limit)
    )


async def test_nothing_happened(scene: Scene) -> None:
    client = await scene.client()
    await channel_difference(scene, client, 1)
    answer = await difference(client, await client(state()))
    assert isinstance(answer, types.updates.DifferenceEmpty)


async def test_what_happened_while_away(scene: Scene) -> None:
    client = await scene.client()
    world, before = scene.world, await client(state())
    world.send(scene.carl, scene.bot, "one")
    sent_id = (await scene.ok("sendMessage", chat_id=scene.carl.id, text="two"))["message_id"]
    gone = world.send(scene.carl, scene.bot, "three")
    world.edit(scene.carl, world.send(scene.carl, scene.bot, "four"), "four!")
    world.delete(scene.carl, gone)
    answer = await difference(client, before)
    assert isinstance(answer, types.updates.Difference)
    assert [(m.message, m.out) for m in answer.new_messages] == [("one", False), ("two", True), ("four!", False)]
    assert answer.new_messages[1].id == sent_id
    assert of(answer.other_updates, types.UpdateDeleteMessages)[0].messages == [gone.id]
    assert answer.state.pts == before.pts + 6
    assert {scene.carl.id, scene.bot.id} <= {user.id for user in answer.users}


async def test_slices_follow_each_other_without_a_gap(scene: Scene) -> None:
    client = await scene.client()
    since = await client(state())
    texts = [f"message {number}" for number in range(450)]
    for text in texts:
        scene.world.send(scene.carl, scene.bot, text)
    heard: list[str] = []
    while not isinstance(answer := await difference(client, since), types.updates.Difference):
        assert isinstance(answer, types.updates.DifferenceSlice)
        heard += [message.message for message in answer.new_messages]
        since = answer.intermediate_state
    heard += [message.message for message in answer.new_messages]
    assert heard == texts


async def test_a_changed_channel_is_named_and_asked_for_apart(scene: Scene) -> None:
    client = await scene.client()
    pts = (await channel_difference(scene, client, 1)).pts
    before = await client(state())
    key = client.session.auth_key.key
    await client.disconnect()
    message = scene.world.send(scene.olga, scene.desk, "to Carl", topic=scene.topic)
    scene.world.edit(scene.olga, message, "to Carl!")
    again = await scene.client(key)
    named = of((await difference(again, before)).other_updates, types.UpdateChannelTooLong)
    assert [update.channel_id for update in named] == [-1_000_000_000_000 - scene.desk.id]
    answer = await channel_difference(scene, again, pts)
    assert [m.message for m in answer.new_messages] == ["to Carl!"]
    assert (answer.pts, answer.final) == (pts + 2, True)
    assert isinstance(await channel_difference(scene, again, answer.pts), types.updates.ChannelDifferenceEmpty)


async def test_a_channel_s_difference_has_a_limit(scene: Scene) -> None:
    client = await scene.client()
    pts = (await channel_difference(scene, client, 1)).pts
    for number in range(25):
        scene.world.send(scene.olga, scene.desk, f"{number}", topic=scene.topic)
    heard: list[str] = []
    for _ in range(10):
        answer = await channel_difference(scene, client, pts, limit=10)
        heard += [message.message for message in answer.new_messages]
        pts = answer.pts
        if answer.final:
            break
    assert heard == [str(number) for number in range(25)]


async def test_too_long_ago(scene: Scene) -> None:
    client = await scene.client()
    before = await client(state())
    pts = (await channel_difference(scene, client, 1)).pts
    scene.world.rules.longest_difference = 2
    for number in range(3):
        scene.world.send(scene.carl, scene.bot, f"{number}")
        scene.world.send(scene.olga, scene.desk, f"{number}")
    answer = await difference(client, before)
    assert isinstance(answer, types.updates.DifferenceTooLong)
    assert answer.pts == before.pts + 3
    answer = await channel_difference(scene, client, pts)
    assert isinstance(answer, types.updates.ChannelDifferenceTooLong)
    assert answer.dialog.pts == pts + 3


async def test_telethon_closes_a_gap_by_itself(scene: Scene) -> None:
    client = await scene.client()
    said = scene.listen(client)
    scene.world.send(scene.carl, scene.bot, "heard")
    await scene.until(lambda: of(said, types.UpdateNewMessage))
    scene.face.add_faults([{"kind": "lose_update", "bot": scene.bot.id}])
    scene.world.send(scene.carl, scene.bot, "lost")
    scene.world.send(scene.carl, scene.bot, "next")
    await scene.until(lambda: len(of(said, types.UpdateNewMessage)) == 3)
    assert {u.message.message for u in of(said, types.UpdateNewMessage)} == {"heard", "lost", "next"}


async def test_a_hidden_message_of_another_bot_leaves_no_hole(scene: Scene) -> None:
    other = scene.world.add_bot("Other", "other_bot")
    scene.world.add_member(scene.desk, other)
    client = await scene.client()
    said = scene.listen(client)
    scene.world.send(scene.olga, scene.desk, "one")
    await scene.until(lambda: of(said, types.UpdateNewChannelMessage))
    async with scene.http.post(
        f"{scene.sandbox.url}/bot{other.token}/sendMessage", json={"chat_id": scene.desk.id, "text": "hidden"}
    ) as answer:
        assert answer.status == 200
    scene.world.send(scene.olga, scene.desk, "two")
    await scene.until(lambda: len(of(said, types.UpdateNewChannelMessage)) == 2)
    assert [u.message.message for u in of(said, types.UpdateNewChannelMessage)] == ["one", "two"]


async def test_the_count_goes_on_after_a_restart(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "world")
    async with open_scene() as scene:
        client = await scene.client()
        before = await client(state())
        scene.world.send(scene.carl, scene.bot, "while away")
        memory.keep(scene.world, {}, in_order=True)
    recalled = memory.recall()
    assert recalled is not None
    async with open_scene(world=recalled[0]) as scene:
        client = await scene.client()
        answer = await difference(client, before)
        assert [m.message for m in answer.new_messages] == ["while away"]


async def test_a_world_that_was_killed_never_counts_backwards(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "world")
    async with open_scene() as scene:
        client = await scene.client()
        memory.keep(scene.world, {})
        await say(client, await scene.peer(client), "never written to the file", random_id=8)
        before = await client(state())
    recalled = memory.recall()
    assert recalled is not None
    async with open_scene(world=recalled[0]) as scene:
        client = await scene.client()
        after = await client(state())
        assert after.pts > before.pts
        assert isinstance(await difference(client, before), types.updates.DifferenceTooLong)


async def test_a_random_id_is_still_taken_after_a_restart(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "world")
    async with open_scene() as scene:
        client = await scene.client()
        await say(client, await scene.peer(client), "once", random_id=8)
        memory.keep(scene.world, {}, in_order=True)
    recalled = memory.recall()
    assert recalled is not None
    async with open_scene(world=recalled[0]) as scene:
        client = await scene.client()
        request = functions.messages.SendMessageRequest(await scene.peer(client), "twice", random_id=8)
        assert await scene.refusal(client, request) == "500 RANDOM_ID_DUPLICATE"


async def test_events_are_forgotten_after_a_while(scene: Scene) -> None:
    client = await scene.client()
    before = await client(state())
    scene.world.send(scene.carl, scene.bot, "long ago")
    scene.world.rules.difference_kept = timedelta(0)
    assert isinstance(await difference(client, before), types.updates.DifferenceTooLong)
