"""Topics over MTProto: made, changed, read and deleted, and what a forum refuses."""

from collections.abc import AsyncIterator

import pytest
from telethon.tl import functions, types

from tests.integration.mtproto_scene import Scene, in_topic, of, open_scene, say, sent

create = functions.messages.CreateForumTopicRequest
edit = functions.messages.EditForumTopicRequest
send = functions.messages.SendMessageRequest


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with open_scene() as opened:
        yield opened


async def test_a_topic_is_made_once_and_named_after_its_first_message(scene: Scene) -> None:
    client = await scene.client()
    group = await scene.group(client)
    root = sent(await client(create(group, "Ann", icon_color=7322096, random_id=4)))
    assert scene.desk.topics[root.id].name == "Ann"
    assert (root.action.title, root.action.icon_color) == ("Ann", 7322096)
    assert await scene.refusal(client, create(group, "Ann", random_id=4)) == "500 RANDOM_ID_DUPLICATE"
    message = await say(client, group, "first", reply_to=in_topic(root.id))
    assert scene.desk.messages[message.id].topic_id == root.id
    [update] = await scene.ok("getUpdates")
    assert update["message"]["forum_topic_created"]["name"] == "Ann"


async def test_a_topic_is_changed(scene: Scene) -> None:
    client, other = await scene.client(), await scene.client()
    said = scene.listen(other)
    group, number = await scene.group(client), scene.topic.id
    assert await scene.refusal(client, edit(group, number, title="Carl")) == "400 TOPIC_NOT_MODIFIED"
    await client(edit(group, number, title="Carl 2"))
    await client(edit(group, number, closed=True))
    assert await scene.refusal(client, edit(group, number, closed=True)) == "400 TOPIC_NOT_MODIFIED"
    await client(edit(group, number, closed=False))
    await client(edit(group, 1, hidden=True))
    updates = await scene.until(lambda: (u := of(said, types.UpdateNewChannelMessage)) and len(u) == 4 and u)
    actions = [update.message.action for update in updates]
    assert [(a.title, a.closed, a.hidden) for a in actions] == [
        ("Carl 2", None, None),
        (None, True, None),
        (None, False, None),
        (None, None, True),
    ]
    assert [u.message.reply_to.reply_to_msg_id for u in updates[:3]] == [number] * 3


async def test_the_icon_is_changed_and_taken_away(scene: Scene) -> None:
    client = await scene.client()
    group, number = await scene.group(client), scene.topic.id
    icon = int((await scene.ok("getForumTopicIconStickers"))[0]["custom_emoji_id"])
    changed = sent(await client(edit(group, number, icon_emoji_id=icon)))
    assert changed.action.icon_emoji_id == icon
    assert scene.topic.icon_custom_emoji_id == str(icon)
    await client(edit(group, number, icon_emoji_id=0))
    assert scene.topic.icon_custom_emoji_id is None


async def test_topics_are_read_by_id_and_not_listed(scene: Scene) -> None:
    client = await scene.client()
    group = await scene.group(client)
    answer = await client(functions.messages.GetForumTopicsByIDRequest(group, [scene.topic.id, 10**6]))
    found, gone = answer.topics
    assert (found.id, found.title, found.closed) == (scene.topic.id, "Carl", False)
    assert gone == types.ForumTopicDeleted(10**6)
    listed = functions.messages.GetForumTopicsRequest(group, None, 0, 0, 10)
    assert await scene.refusal(client, listed) == "400 BOT_METHOD_INVALID"


async def test_a_topic_is_deleted_with_all_that_was_said(scene: Scene) -> None:
    client, other = await scene.client(), await scene.client()
    said = scene.listen(other)
    group = await scene.group(client)
    message = await say(client, group, "hi", reply_to=in_topic(scene.topic.id))
    done = await client(functions.messages.DeleteTopicHistoryRequest(group, scene.topic.id))
    assert (done.pts_count, done.offset) == (2, 0)
    [update] = await scene.until(lambda: of(said, types.UpdateDeleteChannelMessages))
    assert update.messages == [scene.topic.id, message.id]
    late = send(group, "x", reply_to=in_topic(scene.topic.id))
    assert await scene.refusal(client, late) == "400 TOPIC_DELETED"


async def test_a_topic_that_people_delete_is_told(scene: Scene) -> None:
    client = await scene.client()
    said = scene.listen(client)
    scene.world.delete_topic(scene.olga, scene.desk, scene.topic)
    [update] = await scene.until(lambda: of(said, types.UpdateDeleteChannelMessages))
    assert update.messages == [scene.topic.id]
    group = await scene.group(client)
    request = send(group, "x", reply_to=types.InputReplyToMessage(reply_to_msg_id=scene.topic.id))
    assert await scene.refusal(client, request) == "400 TOPIC_DELETED"


async def test_what_a_forum_refuses(scene: Scene) -> None:
    client = await scene.client()
    group = await scene.group(client)
    assert await scene.refusal(client, edit(group, 10**6, title="x")) == "400 TOPIC_ID_INVALID"
    scene.world.promote(scene.desk, scene.bot, ["pin_messages"])
    assert await scene.refusal(client, create(group, "x")) == "400 CHAT_ADMIN_REQUIRED"
    assert await scene.refusal(client, edit(group, scene.topic.id, title="x")) == "400 CHAT_ADMIN_REQUIRED"
    delete = functions.messages.DeleteTopicHistoryRequest(group, scene.topic.id)
    assert await scene.refusal(client, delete) == "400 CHAT_ADMIN_REQUIRED"
    scene.world.close_topic(scene.olga, scene.desk, scene.topic)
    late = send(group, "x", reply_to=in_topic(scene.topic.id))
    assert await scene.refusal(client, late) == "400 TOPIC_CLOSED"


async def test_a_group_without_topics(scene: Scene) -> None:
    plain = scene.world.add_supergroup("Plain", scene.olga)
    scene.world.promote(plain, scene.bot, ["manage_topics"])
    client = await scene.client()
    group = await scene.group(client, plain)
    assert await scene.refusal(client, create(group, "x")) == "400 CHANNEL_FORUM_MISSING"
