"""getUpdates: who gets what, when it is confirmed, and what two programs of one bot see."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.integration.scene import Scene, open_scene

CONFLICT = "409 Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with open_scene() as opened:
        yield opened


async def parked(scene: Scene) -> None:
    """Until a long poll waits at the server."""
    await scene.world.wait_for(lambda: scene.bot.updates.on_arrival, what="a long poll")


async def test_updates_come_again_until_a_later_offset_confirms_them(scene: Scene) -> None:
    scene.customer_says("one")
    scene.customer_says("two")
    first = await scene.updates()
    assert [u["message"]["text"] for u in first] == ["one", "two"]
    assert await scene.updates() == first
    assert await scene.updates(offset=first[1]["update_id"]) == first[1:]
    assert await scene.updates(offset=first[1]["update_id"] + 1) == []


async def test_a_negative_offset_keeps_the_last_ones_and_forgets_the_rest(scene: Scene) -> None:
    for text in ("one", "two", "three"):
        scene.customer_says(text)
    assert [u["message"]["text"] for u in await scene.updates(offset=-2)] == ["two", "three"]
    assert len(await scene.updates()) == 2


async def test_an_offset_of_before_the_ids_started_anew_loses_nothing(scene: Scene) -> None:
    """(Bot API: update_id becomes random after a week without updates.) [M]"""
    scene.customer_says("one")
    [before] = await scene.updates()
    await scene.updates(offset=before["update_id"] + 1)
    scene.clock.advance(timedelta(days=8))
    scene.customer_says("two")
    stale = await scene.updates(offset=before["update_id"] + 1)
    assert [u["message"]["text"] for u in stale] == ["two"]


async def test_the_limit_is_honoured(scene: Scene) -> None:
    for n in range(3):
        scene.customer_says(str(n))
    assert len(await scene.updates(limit=2)) == 2
    assert len(await scene.updates(limit=1000)) == 3


async def test_updates_are_kept_for_a_day(scene: Scene) -> None:
    scene.customer_says("old")
    scene.clock.advance(timedelta(hours=23))
    scene.customer_says("new")
    scene.clock.advance(timedelta(hours=2))
    assert [u["message"]["text"] for u in await scene.updates()] == ["new"]


async def test_a_long_poll_ends_with_the_first_update(scene: Scene) -> None:
    poll = asyncio.create_task(scene.updates(timeout=50))
    await parked(scene)
    scene.customer_says("hello")
    [update] = await asyncio.wait_for(poll, 5)
    assert update["message"]["text"] == "hello"


async def test_an_album_comes_in_one_answer(scene: Scene) -> None:
    poll = asyncio.create_task(scene.updates(timeout=50))
    await parked(scene)
    scene.world.send_album(scene.carl, scene.bot, [{"photo": b"1"}, {"photo": b"2", "caption": "two"}])
    first, second = await asyncio.wait_for(poll, 5)
    assert first["message"]["media_group_id"] == second["message"]["media_group_id"]


async def test_the_old_poll_is_terminated_by_the_new_one(scene: Scene) -> None:
    old = asyncio.create_task(scene.refusal("getUpdates", timeout=50))
    await parked(scene)
    new = asyncio.create_task(scene.updates(timeout=50))
    assert await asyncio.wait_for(old, 5) == CONFLICT
    scene.customer_says("for the new one")
    [update] = await asyncio.wait_for(new, 5)
    assert update["message"]["text"] == "for the new one"


async def test_a_poll_that_finds_updates_terminates_nobody(scene: Scene) -> None:
    scene.customer_says("hello")
    assert len(await scene.updates(timeout=50)) == 1
    assert len(await scene.updates(timeout=50)) == 1


async def test_hasty_polls_wait_and_get_one_update_only(scene: Scene) -> None:
    """(Bot API: the same offset again within 0.5 s.)"""
    scene.world.rules.hasty_polls_are_slowed = True
    scene.customer_says("one")
    scene.customer_says("two")
    assert len(await scene.updates()) == 2
    assert len(await scene.updates()) == 1


async def test_polling_is_refused_while_a_webhook_is_set(scene: Scene) -> None:
    await scene.ok("setWebhook", url="https://127.0.0.1:8443/hook")
    assert await scene.refusal("getUpdates") == (
        "409 Conflict: can't use getUpdates method while webhook is active; "
        "use deleteWebhook to delete the webhook first"
    )
    await scene.ok("deleteWebhook")
    assert await scene.updates() == []


async def test_a_new_webhook_terminates_the_poll(scene: Scene) -> None:
    poll = asyncio.create_task(scene.refusal("getUpdates", timeout=50))
    await parked(scene)
    await scene.ok("setWebhook", url="https://127.0.0.1:8443/hook")
    assert await asyncio.wait_for(poll, 5) == "409 Conflict: terminated by setWebhook request"


async def test_webhook_info_tells_the_program_s_mode_and_backlog(scene: Scene) -> None:
    scene.customer_says("hello")
    info = await scene.ok("getWebhookInfo")
    assert (info["url"], info["pending_update_count"]) == ("", 1)
    await scene.ok("setWebhook", url="https://127.0.0.1:8443/hook", drop_pending_updates=True)
    info = await scene.ok("getWebhookInfo")
    assert (info["url"], info["pending_update_count"]) == ("https://127.0.0.1:8443/hook", 0)


async def test_a_webhook_must_be_https(scene: Scene) -> None:
    refusal = await scene.refusal("setWebhook", url="http://example.org/hook")
    assert refusal == "400 Bad Request: bad webhook: An HTTPS URL must be provided for webhook"


async def test_allowed_updates_are_kept_when_omitted(scene: Scene) -> None:
    await scene.updates(allowed_updates=["callback_query"])
    await scene.updates()
    scene.customer_says("unheard")
    assert await scene.updates() == []
    await scene.updates(allowed_updates=[])
    scene.world.react(scene.carl, scene.customer_says("heard"), "👍")
    assert [u["message"]["text"] for u in await scene.updates()] == ["heard"]


async def test_the_default_leaves_out_members_and_reactions(scene: Scene) -> None:
    """(Bot API: all kinds except chat_member, message_reaction and message_reaction_count.)"""
    message = scene.customer_says("hello")
    await scene.forget_updates()
    scene.world.react(scene.carl, message, "👍")
    scene.world.join(scene.carl, scene.desk)
    assert [set(u) - {"update_id"} for u in await scene.updates()] == [{"message"}]
    kinds = ["message", "chat_member", "message_reaction"]
    await scene.updates(offset=-1, allowed_updates=kinds)
    await scene.forget_updates()
    scene.world.react(scene.carl, message, None)
    scene.world.remove_member(scene.desk, scene.carl)
    kinds_seen = [next(iter(set(u) - {"update_id"})) for u in await scene.updates()]
    assert kinds_seen == ["message_reaction", "message", "chat_member"]


async def test_own_messages_do_not_come_back_but_own_topic_service_messages_do(scene: Scene) -> None:
    """(Bot API server: outgoing content is skipped; topics created, edited, closed, reopened are not.)"""
    thread = (await scene.ok("createForumTopic", chat_id=scene.desk.id, name="New"))["message_thread_id"]
    where = {"chat_id": scene.desk.id, "message_thread_id": thread}
    await scene.ok("sendMessage", text="mine", **where)
    await scene.ok("editForumTopic", name="Newer", **where)
    await scene.ok("closeForumTopic", **where)
    await scene.ok("reopenForumTopic", **where)
    messages = [u["message"] for u in await scene.updates()]
    kinds = [next(key for key in m if key.startswith("forum_topic")) for m in messages]
    assert kinds == ["forum_topic_created", "forum_topic_edited", "forum_topic_closed", "forum_topic_reopened"]
    assert {m["from"]["id"] for m in messages} == {scene.bot.id}
    assert {m["message_thread_id"] for m in messages} == {thread}


async def test_bots_do_not_see_messages_of_other_bots(scene: Scene) -> None:
    other = scene.world.add_bot("Helper", "helper_bot", can_read_all_group_messages=True)
    scene.world.promote(scene.desk, other)
    await scene.forget_updates()
    await scene.ok("sendMessage", bot=other, chat_id=scene.desk.id, text="@shop_bot hello")
    assert await scene.updates() == []


async def test_service_messages_of_other_bots_are_a_switch(scene: Scene) -> None:
    """[L]"""
    other = scene.world.add_bot("Housekeeper", "housekeeper_bot")
    scene.world.promote(scene.desk, other)
    await scene.forget_updates()
    await scene.ok("createForumTopic", bot=other, chat_id=scene.desk.id, name="seen")
    scene.world.rules.bots_see_service_messages_of_bots = False
    await scene.ok("createForumTopic", bot=other, chat_id=scene.desk.id, name="unseen")
    [update] = await scene.updates()
    assert update["message"]["forum_topic_created"]["name"] == "seen"


async def test_a_deleted_topic_is_not_announced(scene: Scene) -> None:
    scene.world.delete_topic(scene.olga, scene.desk, scene.topic)
    assert await scene.updates() == []


async def test_a_message_in_a_topic_answers_the_topic_s_first_message(scene: Scene) -> None:
    scene.world.send(scene.olga, scene.desk, "hello", topic=scene.topic)
    [update] = await scene.updates()
    message = update["message"]
    assert message["is_topic_message"] is True
    assert message["message_thread_id"] == scene.topic.id
    assert message["reply_to_message"]["message_id"] == scene.topic.id
    assert message["reply_to_message"]["forum_topic_created"]["name"] == "Carl"
    assert message["chat"]["is_forum"] is True


async def test_general_has_no_thread_except_in_replies(scene: Scene) -> None:
    """(Bot API: a reply inside General carries the root of the chain, without is_topic_message.)"""
    root = scene.world.send(scene.olga, scene.desk, "root")
    reply = scene.world.send(scene.olga, scene.desk, "reply", reply_to=root)
    scene.world.send(scene.olga, scene.desk, "reply to reply", reply_to=reply)
    messages = [u["message"] for u in await scene.updates()]
    assert [m.get("message_thread_id") for m in messages] == [None, root.id, root.id]
    assert not any("is_topic_message" in m for m in messages)
    assert "reply_to_message" not in messages[0]


async def test_a_pressed_button_comes_as_a_callback_query_and_is_answered_once(scene: Scene) -> None:
    """The first answer wins. [L]"""
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
    sent = await scene.ok("sendMessage", chat_id=scene.carl.id, text="Sure?", reply_markup=keyboard)
    callback = scene.world.press(scene.carl, scene.dialog.messages[sent["message_id"]], 0, 0)
    [update] = await scene.updates()
    query = update["callback_query"]
    assert (query["data"], query["from"]["id"]) == ("yes", scene.carl.id)
    assert query["message"]["message_id"] == sent["message_id"]
    await scene.ok("answerCallbackQuery", callback_query_id=query["id"], text="Thanks")
    assert callback.answer is not None
    assert callback.answer["text"] == "Thanks"
    too_old = "400 Bad Request: query is too old and response timeout expired or query ID is invalid"
    assert await scene.refusal("answerCallbackQuery", callback_query_id=query["id"]) == too_old


async def test_a_callback_can_not_be_answered_late(scene: Scene) -> None:
    """[L]: after a minute here."""
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
    sent = await scene.ok("sendMessage", chat_id=scene.carl.id, text="Sure?", reply_markup=keyboard)
    callback = scene.world.press(scene.carl, scene.dialog.messages[sent["message_id"]])
    scene.clock.advance(timedelta(minutes=2))
    assert "query is too old" in await scene.refusal("answerCallbackQuery", callback_query_id=callback.id)


async def test_the_journey_of_a_message_is_told_from_sending_to_confirmation(scene: Scene) -> None:
    message = scene.customer_says("hello")
    [update] = await scene.updates()
    await scene.ok(
        "copyMessage",
        chat_id=scene.desk.id,
        message_thread_id=scene.topic.id,
        from_chat_id=scene.carl.id,
        message_id=message.id,
    )
    await scene.updates(offset=update["update_id"] + 1)
    steps = scene.world.journey(message)
    assert [step.kind for step in steps] == ["sent", "queued", "fetched", "copied", "confirmed"]
    assert (steps[3].chat, steps[3].topic_id, steps[3].method) == (scene.desk, scene.topic.id, "copyMessage")


async def test_a_revoked_token_is_unauthorized_at_once_also_for_the_waiting_poll(scene: Scene) -> None:
    old = scene.bot.token
    poll = asyncio.create_task(scene.updates(timeout=50))
    await parked(scene)
    new = scene.world.revoke_token(scene.bot)
    scene.customer_says("for the new token")
    assert await asyncio.wait_for(poll, 5) == []
    assert new != old
    async with scene.http.get(f"{scene.sandbox.url}/bot{old}/getMe") as response:
        assert (response.status, await response.json()) == (
            401,
            {"ok": False, "error_code": 401, "description": "Unauthorized"},
        )
    assert len(await scene.updates()) == 1


async def test_a_logged_out_bot_can_come_back_after_ten_minutes(scene: Scene) -> None:
    await scene.ok("logOut")
    assert await scene.refusal("getMe") == "400 Logged out"
    scene.clock.advance(timedelta(minutes=11))
    await scene.ok("getMe")
