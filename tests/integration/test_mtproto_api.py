"""Both faces of one World: who logs in, who hears what, and that a message's id is the same on both."""

from collections.abc import AsyncIterator
from functools import partial

import pytest
from telethon import TelegramClient, errors, events
from telethon.tl import functions, types

from tests.integration.mtproto_scene import Scene, of, open_scene, say


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with open_scene() as opened:
        yield opened


async def test_a_bot_logs_in_and_is_itself(scene: Scene) -> None:
    client = await scene.client()
    me = await client.get_me()
    assert (me.id, me.bot, me.username, me.is_self) == (scene.bot.id, True, "shop_bot", True)
    full = await client(functions.users.GetFullUserRequest(types.InputUserSelf()))
    assert full.full_user.id == scene.bot.id


async def test_before_login_nothing_is_answered(scene: Scene) -> None:
    client = await scene.client()
    await client(functions.auth.LogOutRequest())
    request = functions.users.GetUsersRequest([types.InputUserSelf()])
    assert "AUTH_KEY_UNREGISTERED" in await scene.refusal(client, request)


@pytest.mark.parametrize("token", ["1:unknown", "nonsense"])
async def test_a_token_that_nobody_has(scene: Scene, token: str) -> None:
    client = await scene.client()
    await client(functions.auth.LogOutRequest())
    with pytest.raises(errors.AccessTokenInvalidError):
        await client.sign_in(bot_token=token)


async def test_a_token_that_was_revoked(scene: Scene) -> None:
    token, client = scene.bot.token, await scene.client()
    scene.world.revoke_token(scene.bot)
    assert "SESSION_REVOKED" in await scene.refusal(client, functions.updates.GetStateRequest())
    assert (await scene.call("getMe"))["ok"]
    scene.bot.token, current = token, scene.bot.token
    with pytest.raises(errors.AccessTokenExpiredError):
        await scene.client()
    scene.bot.token = current


async def test_another_application(scene: Scene) -> None:
    client = await scene.client()
    request = functions.auth.ImportBotAuthorizationRequest(
        flags=0, api_id=1, api_hash="other", bot_auth_token=scene.bot.token
    )
    assert "API_ID_INVALID" in await scene.refusal(client, request)


async def test_a_log_out_ends_one_session_alone(scene: Scene) -> None:
    first, second = await scene.client(), await scene.client()
    said = scene.listen(second)
    await first(functions.auth.LogOutRequest())
    scene.world.send(scene.carl, scene.bot, "hello")
    await scene.until(lambda: of(said, types.UpdateNewMessage))
    assert "AUTH_KEY_UNREGISTERED" in await scene.refusal(first, functions.updates.GetStateRequest())


async def test_names_are_resolved(scene: Scene) -> None:
    client = await scene.client()
    found = await client(functions.contacts.ResolveUsernameRequest("carl_c"))
    assert found.peer == types.PeerUser(scene.carl.id)
    assert found.users[0].first_name == "Carl"
    assert "USERNAME_NOT_OCCUPIED" in await scene.refusal(
        client, functions.contacts.ResolveUsernameRequest("nobody_here")
    )
    assert "USERNAME_INVALID" in await scene.refusal(client, functions.contacts.ResolveUsernameRequest("not a name!"))


async def test_what_a_customer_writes_comes_to_both_faces_under_one_id(scene: Scene) -> None:
    client = await scene.client()
    said = scene.listen(client)
    scene.world.send(scene.carl, scene.bot, "hello")
    update = await scene.until(lambda: of(said, types.UpdateNewMessage))
    [told] = await scene.ok("getUpdates")
    message = update[0].message
    assert (message.id, message.message) == (told["message"]["message_id"], "hello")
    assert (message.out, message.from_id, message.peer_id) == (False, None, types.PeerUser(scene.carl.id))


async def test_what_the_program_sends_is_outgoing_and_names_its_sender(scene: Scene) -> None:
    client = await scene.client()
    said = scene.listen(client)
    answer = await scene.ok("sendMessage", chat_id=scene.carl.id, text="welcome")
    [update] = await scene.until(lambda: of(said, types.UpdateNewMessage))
    message = update.message
    assert (message.id, message.out) == (answer["message_id"], True)
    assert message.from_id == types.PeerUser(scene.bot.id)
    assert message.peer_id == types.PeerUser(scene.carl.id)
    assert await scene.ok("getUpdates") == []


async def test_telethon_s_own_events_know_who_said_it(scene: Scene) -> None:
    client = await scene.client()
    seen: list[tuple[bool, int]] = []

    @client.on(events.NewMessage())  # type: ignore[untyped-decorator]
    async def hear(event: events.NewMessage.Event) -> None:
        seen.append((event.out, (await event.get_sender()).id))
        scene.heard.set()

    scene.world.send(scene.carl, scene.bot, "hello")
    await scene.until(lambda: len(seen) == 1)
    await scene.ok("sendMessage", chat_id=scene.carl.id, text="welcome")
    await scene.until(lambda: len(seen) == 2)
    assert seen == [(False, scene.carl.id), (True, scene.bot.id)]


async def test_what_a_session_sends_it_does_not_hear_but_the_others_do(scene: Scene) -> None:
    first, second = await scene.client(), await scene.client()
    mine, theirs = scene.listen(first), scene.listen(second)
    message = await say(first, await scene.peer(first), "from us")
    [update] = await scene.until(lambda: of(theirs, types.UpdateNewMessage))
    assert (update.message.id, update.message.out) == (message.id, True)
    scene.world.send(scene.carl, scene.bot, "thanks")
    await scene.until(lambda: of(mine, types.UpdateNewMessage))
    assert [u.message.message for u in of(mine, types.UpdateNewMessage)] == ["thanks"]
    assert [u["message"]["text"] for u in await scene.ok("getUpdates")] == ["thanks"]
    assert scene.dialog.messages[message.id].text == "from us"


async def test_group_messages_go_by_the_channel_s_own_count(scene: Scene) -> None:
    client = await scene.client()
    said = scene.listen(client)
    message = scene.world.send(scene.olga, scene.desk, "to Carl", topic=scene.topic)
    [update] = await scene.until(lambda: of(said, types.UpdateNewChannelMessage))
    assert (update.message.id, update.message.out) == (message.id, False)
    assert update.message.from_id == types.PeerUser(scene.olga.id)
    assert update.message.reply_to.forum_topic
    assert update.message.reply_to.reply_to_msg_id == scene.topic.id
    assert update.pts_count == 1


@pytest.mark.parametrize("place", ["private", "group"])
async def test_edits_and_deletions_of_both_sides(scene: Scene, place: str) -> None:
    client = await scene.client()
    said = scene.listen(client)
    is_group = place == "group"
    sender, chat = (scene.olga, scene.desk) if is_group else (scene.carl, scene.dialog)
    edited, gone = (
        (types.UpdateEditChannelMessage, types.UpdateDeleteChannelMessages)
        if is_group
        else (types.UpdateEditMessage, types.UpdateDeleteMessages)
    )
    theirs = scene.world.send(sender, chat, "one")
    mine = (await scene.ok("sendMessage", chat_id=chat.id, text="two"))["message_id"]
    scene.world.edit(sender, theirs, "one!")
    await scene.ok("editMessageText", chat_id=chat.id, message_id=mine, text="two!")
    await scene.until(lambda: len(of(said, edited)) == 2)
    assert [(u.message.id, u.message.message, u.message.out) for u in of(said, edited)] == [
        (theirs.id, "one!", False),
        (mine, "two!", True),
    ]
    scene.world.delete(sender, theirs)
    await scene.ok("deleteMessage", chat_id=chat.id, message_id=mine)
    await scene.until(lambda: len(of(said, gone)) == 2)
    assert [u.messages for u in of(said, gone)] == [[theirs.id], [mine]]
    assert all(hasattr(u, "channel_id") is is_group for u in of(said, gone))


async def test_a_pressed_button_is_told_to_every_session_and_never_again(scene: Scene) -> None:
    first, second = await scene.client(), await scene.client()
    heard = [scene.listen(client) for client in (first, second)]
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
    sent_id = (await scene.ok("sendMessage", chat_id=scene.carl.id, text="Sure?", reply_markup=keyboard))[
        "message_id"
    ]
    before = await first(functions.updates.GetStateRequest())
    callback = scene.world.press(scene.carl, scene.dialog.messages[sent_id])
    for said in heard:
        [update] = await scene.until(partial(of, said, types.UpdateBotCallbackQuery))
        assert (update.query_id, update.user_id, update.msg_id) == (int(callback.id), scene.carl.id, sent_id)
        assert update.data == b"yes"
    difference = await first(functions.updates.GetDifferenceRequest(pts=before.pts, date=before.date, qts=before.qts))
    assert of(getattr(difference, "other_updates", []), types.UpdateBotCallbackQuery) == []


async def test_a_blocked_bot_is_told_in_one_session(scene: Scene) -> None:
    first, second = await scene.client(), await scene.client()
    heard = [scene.listen(first), scene.listen(second)]
    scene.world.block(scene.carl, scene.bot)
    await scene.until(lambda: any(of(said, types.UpdateBotStopped) for said in heard))
    scene.world.unblock(scene.carl, scene.bot)
    await scene.until(lambda: sum(len(of(said, types.UpdateBotStopped)) for said in heard) == 2)
    assert sorted(len(of(said, types.UpdateBotStopped)) for said in heard) == [0, 2]


@pytest.mark.parametrize("wrong", [1, -7])
async def test_a_wrong_access_hash(scene: Scene, wrong: int) -> None:
    client: TelegramClient = await scene.client()
    number = (await scene.group(client)).channel_id
    send = functions.messages.SendMessageRequest
    assert "PEER_ID_INVALID" in await scene.refusal(client, send(types.InputPeerUser(scene.carl.id, wrong), "x"))
    assert "CHANNEL_INVALID" in await scene.refusal(client, send(types.InputPeerChannel(number, wrong), "x"))


async def test_a_hash_of_another_bot_is_of_no_use(scene: Scene) -> None:
    other = scene.world.add_bot("Other", "other_bot")
    scene.world.start(scene.carl, other)
    client, foreign = await scene.client(), await scene.client(bot=other)
    peer = await scene.peer(foreign)
    assert "PEER_ID_INVALID" in await scene.refusal(client, functions.messages.SendMessageRequest(peer, "x"))


async def test_in_privacy_mode_commands_and_replies_come_to_both_faces(scene: Scene) -> None:
    scene.world.demote(scene.desk, scene.bot)
    own = (await scene.ok("sendMessage", chat_id=scene.desk.id, text="ask me"))["message_id"]
    await scene.ok("getUpdates", offset=-1)
    scene.bot.updates.waiting.clear()
    client = await scene.client()
    said = scene.listen(client)
    scene.world.send(scene.olga, scene.desk, "not for you")
    scene.world.send(scene.olga, scene.desk, "/help@shop_bot")
    scene.world.send(scene.olga, scene.desk, "and?", reply_to=own)
    await scene.until(lambda: len(of(said, types.UpdateNewChannelMessage)) == 2)
    heard = [u.message.message for u in of(said, types.UpdateNewChannelMessage)]
    assert heard == [u["message"]["text"] for u in await scene.ok("getUpdates")] == ["/help@shop_bot", "and?"]
