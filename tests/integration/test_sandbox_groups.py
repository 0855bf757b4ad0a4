"""Groups and channels that are nobody's desk: what bots see there, and as whom people speak."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.world import Chat, NotAllowed
from tests.integration.scene import Scene, open_scene


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with open_scene() as opened:
        await opened.forget_updates()
        yield opened


@pytest.fixture
async def group(scene: Scene) -> Chat:
    """A supergroup without topics, with the customer and the bot, which may not read everything there."""
    made = scene.world.add_supergroup("Neighbours", scene.olga)
    scene.world.join(scene.carl, made)
    scene.world.add_member(made, scene.bot)
    await scene.forget_updates()
    return made


@pytest.fixture
async def channel(scene: Scene) -> Chat:
    made = scene.world.add_channel("News", scene.olga)
    scene.world.promote(made, scene.bot, ["post_messages", "edit_messages"])
    await scene.forget_updates()
    return made


async def heard(scene: Scene, kind: str = "message") -> list[dict[str, Any]]:
    return [update[kind] for update in await scene.updates() if kind in update]


class TestPrivacy:
    @pytest.mark.parametrize(
        ("text", "seen"),
        [
            ("hello all", False),
            ("/start@shop_bot", True),
            ("/start@other_bot", False),
            ("ask @Shop_Bot about it", True),
            ("😀 @shop_bot", True),
            ("ask @shop_bot_2 about it", False),
        ],
    )
    async def test_words(self, scene: Scene, group: Chat, text: str, seen: bool) -> None:
        scene.world.send(scene.carl, group, text)
        assert bool(await heard(scene)) is seen

    async def test_a_command_without_a_name_is_for_the_bot_that_spoke_last(self, scene: Scene, group: Chat) -> None:
        other = scene.world.add_bot("Other", "other_bot")
        scene.world.add_member(group, other)
        await scene.forget_updates()
        await scene.ok("sendMessage", bot=other, chat_id=group.id, text="I am here")
        scene.world.send(scene.carl, group, "/help")
        assert await heard(scene) == []
        assert (await scene.updates(bot=other))[-1]["message"]["text"] == "/help"

    async def test_replies_to_it_and_edits_of_what_it_sees(self, scene: Scene, group: Chat) -> None:
        sent = await scene.ok("sendMessage", chat_id=group.id, text="Anything else?")
        answer = scene.world.send(scene.carl, group, "no", reply_to=group.messages[sent["message_id"]])
        scene.world.edit(scene.carl, answer, "yes")
        hidden = scene.world.send(scene.carl, group, "to all")
        scene.world.edit(scene.carl, hidden, "to you all")
        assert [message["text"] for message in await heard(scene)] == ["no"]
        assert [message["text"] for message in await heard(scene, "edited_message")] == ["yes"]

    async def test_it_ends_in_botfather_or_with_rights(self, scene: Scene, group: Chat) -> None:
        assert not (await scene.ok("getMe"))["can_read_all_group_messages"]
        scene.bot.can_read_all_group_messages = True
        assert (await scene.ok("getMe"))["can_read_all_group_messages"]
        scene.world.send(scene.carl, group, "one")
        scene.bot.can_read_all_group_messages = False
        scene.world.promote(group, scene.bot, [])
        scene.world.send(scene.carl, group, "two")
        assert [message["text"] for message in await heard(scene)] == ["one", "two"]


async def test_a_bot_is_told_where_it_is_put_and_whence_it_is_taken(scene: Scene, group: Chat) -> None:
    scene.world.promote(group, scene.bot)
    scene.world.demote(group, scene.bot)
    scene.world.remove_member(group, scene.bot)
    statuses = [change["new_chat_member"]["status"] for change in await heard(scene, "my_chat_member")]
    assert statuses == ["administrator", "member", "kicked"]


async def test_a_ban_also_keeps_out_who_is_not_there(scene: Scene) -> None:
    scene.world.promote(scene.desk, scene.bot)
    where = {"chat_id": scene.desk.id, "user_id": scene.carl.id}
    assert await scene.ok("banChatMember", **where)
    assert (await scene.ok("getChatMember", **where))["status"] == "kicked"
    with pytest.raises(NotAllowed, match="removed"):
        scene.world.join(scene.carl, scene.desk)
    assert await scene.ok("unbanChatMember", **where)
    scene.world.join(scene.carl, scene.desk)
    assert (await scene.ok("getChatMember", **where))["status"] == "member"


async def test_an_anonymous_administrator_signs_with_the_title(scene: Scene, group: Chat) -> None:
    scene.world.promote(group, scene.carl, ["anonymous"], title="Captain")
    scene.world.send(scene.carl, group, "to @shop_bot")
    [message] = await heard(scene)
    assert message["from"]["id"] == 1087968824
    assert (message["sender_chat"]["id"], message["author_signature"]) == (group.id, "Captain")


class TestChannels:
    async def test_posts_and_their_edits(self, scene: Scene, channel: Chat) -> None:
        scene.world.sign_posts(channel)
        post = scene.world.send(scene.olga, channel, "news")
        scene.world.edit(scene.olga, post, "newer")
        updates = await scene.updates()
        told, changed = updates[0]["channel_post"], updates[1]["edited_channel_post"]
        assert (told["text"], changed["text"]) == ("news", "newer")
        assert (told["sender_chat"]["id"], told["author_signature"]) == (channel.id, "Olga")
        assert "from" not in told

    async def test_a_bot_posts_and_edits_with_the_rights_to(self, scene: Scene, channel: Chat) -> None:
        sent = await scene.ok("sendMessage", chat_id=channel.id, text="from the bot")
        assert sent["sender_chat"]["id"] == channel.id
        post = scene.world.send(scene.olga, channel, "helo")
        where = {"chat_id": channel.id, "message_id": post.id}
        assert (await scene.ok("editMessageText", **where, text="hello"))["text"] == "hello"
        scene.world.promote(channel, scene.bot, ["pin_messages"])
        refusal = await scene.refusal("sendMessage", chat_id=channel.id, text="x")
        assert refusal == "400 Bad Request: need administrator rights in the channel chat"
        assert await scene.refusal("editMessageText", **where, text="x") == "400 Bad Request: message can't be edited"

    async def test_its_administrators_have_rights_of_their_own(self, scene: Scene, channel: Chat) -> None:
        def rights(member: dict[str, Any]) -> set[str]:
            return {"can_post_messages", "can_edit_messages", "can_pin_messages", "can_manage_topics"} & member.keys()

        mine = {"user_id": scene.bot.id}
        there = await scene.ok("getChatMember", chat_id=channel.id, **mine)
        assert rights(there) == {"can_post_messages", "can_edit_messages"}
        here = await scene.ok("getChatMember", chat_id=scene.desk.id, **mine)
        assert rights(here) == {"can_pin_messages", "can_manage_topics"}

    async def test_bots_come_in_as_administrators_only(self, scene: Scene) -> None:
        channel = scene.world.add_channel("Other", scene.olga)
        with pytest.raises(NotAllowed, match="administrators only"):
            scene.world.add_member(channel, scene.bot)
        scene.world.promote(channel, scene.bot)
        assert channel.member(scene.bot).may("post_messages")
        [change] = await heard(scene, "my_chat_member")
        assert change["chat"]["type"] == "channel"

    async def test_readers_do_not_post(self, scene: Scene, channel: Chat) -> None:
        scene.world.join(scene.carl, channel)
        with pytest.raises(NotAllowed, match="Only administrators"):
            scene.world.send(scene.carl, channel, "hello?")


async def test_a_post_arrives_in_the_group_of_its_discussion(scene: Scene, channel: Chat, group: Chat) -> None:
    scene.world.promote(group, scene.bot)
    scene.world.link_discussion(channel, group)
    await scene.forget_updates()
    post = scene.world.send(scene.olga, channel, "news")
    [forwarded] = await heard(scene)
    assert (forwarded["from"]["id"], forwarded["is_automatic_forward"]) == (777000, True)
    assert forwarded["sender_chat"]["id"] == channel.id
    assert forwarded["forward_origin"]["message_id"] == post.id


async def test_a_channel_has_a_budget_of_its_own() -> None:
    async with open_scene(flood_control=True) as scene:
        channel = scene.world.add_channel("News", scene.olga)
        scene.world.promote(channel, scene.bot)
        for number in range(20):
            await scene.ok("sendMessage", chat_id=channel.id, text=str(number))
        body = await scene.call("sendMessage", chat_id=channel.id, text="one more")
        assert body["error_code"] == 429
        await scene.ok("sendMessage", chat_id=scene.desk.id, text="elsewhere")
