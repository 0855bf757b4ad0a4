"""Webhooks over real HTTP: what reaches the program, in which order, and what happens while it does not answer."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import MultipartWriter, web

from sandbox.memory import Memory
from sandbox.server import Sandbox
from sandbox.world import User, World
from tests.integration.receiver import Answer, Pauses, Receiver, receiving, taken
from tests.integration.scene import Scene, open_scene

FORM = "application/x-www-form-urlencoded"
REFUSED = "400 Bad Request: bad webhook: "
ACTIVE = (
    "409 Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with open_scene() as opened:
        yield opened


async def empty(scene: Scene) -> None:
    """Until nothing waits any more."""
    await scene.world.wait_for(lambda: not scene.bot.updates.waiting, what="all updates taken")


async def webhook(scene: Scene, receiver: Receiver, **more: Any) -> None:
    await scene.ok("setWebhook", url=receiver.url, **more)


def refusing(status: int, **headers: str) -> Answer:
    return lambda _: web.Response(status=status, headers={name.replace("_", "-"): v for name, v in headers.items()})


def people(scene: Scene, number: int) -> list[User]:
    users = [scene.world.add_user(f"Person {n}") for n in range(number)]
    for user in users:
        scene.world.start(user, scene.bot)
    scene.bot.updates.waiting.clear()
    return users


async def test_an_update_is_posted_as_get_updates_would_show_it_with_the_secret(
    scene: Scene, receiver: Receiver
) -> None:
    message = scene.customer_says("before")
    [expected] = await scene.updates()
    await webhook(scene, receiver, secret_token="s3cret-_")
    await empty(scene)
    assert (receiver.updates, receiver.secrets) == ([expected], ["s3cret-_"])
    assert [step.kind for step in scene.world.journey(message)] == [
        *("sent", "queued", "fetched", "fetched", "confirmed"),
    ]
    scene.customer_says("after")
    await empty(scene)
    assert receiver.texts == ["before", "after"]


async def test_without_a_secret_there_is_no_header(scene: Scene, receiver: Receiver) -> None:
    await webhook(scene, receiver)
    scene.customer_says("hello")
    await empty(scene)
    assert receiver.secrets == [None]


async def test_one_chat_waits_for_each_answer_and_other_chats_do_not(scene: Scene, receiver: Receiver) -> None:
    ann, ben = people(scene, 2)
    receiver.free.clear()
    await webhook(scene, receiver)
    for text in ("ann 1", "ann 2", "ann 3"):
        scene.world.send(ann, scene.bot, text)
    scene.world.send(ben, scene.bot, "ben 1")
    await receiver.has(2)
    assert (sorted(receiver.texts), receiver.under_way) == (["ann 1", "ben 1"], 2)
    receiver.free.set()
    await empty(scene)
    assert [text for text in receiver.texts if text.startswith("ann")] == ["ann 1", "ann 2", "ann 3"]


async def test_a_pressed_button_waits_for_the_message_before_it(scene: Scene, receiver: Receiver) -> None:
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
    sent = await scene.ok("sendMessage", chat_id=scene.carl.id, text="Sure?", reply_markup=keyboard)
    receiver.free.clear()
    await webhook(scene, receiver)
    scene.customer_says("first")
    scene.world.press(scene.carl, scene.dialog.messages[sent["message_id"]])
    await receiver.has(1)
    assert receiver.under_way == 1
    receiver.free.set()
    await empty(scene)
    assert [next(kind for kind in update if kind != "update_id") for update in receiver.updates] == [
        "message",
        "callback_query",
    ]


async def test_no_more_chats_at_once_than_max_connections(scene: Scene, receiver: Receiver) -> None:
    users = people(scene, 5)
    receiver.free.clear()
    await webhook(scene, receiver, max_connections=3)
    for user in users:
        scene.world.send(user, scene.bot, user.name)
    await receiver.has(3)
    assert receiver.under_way == 3
    assert (await scene.ok("getWebhookInfo"))["max_connections"] == 3
    receiver.free.set()
    await empty(scene)
    assert sorted(receiver.texts) == [user.name for user in users]


async def test_a_refused_update_comes_again_after_doubling_waits(scene: Scene, receiver: Receiver) -> None:
    pauses = scene.sandbox.bot_api.webhooks.pause = Pauses(10)
    receiver.answer = refusing(502)
    await webhook(scene, receiver)
    scene.customer_says("hello")
    await receiver.has(10)
    assert pauses.seconds[:9] == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert {update["update_id"] for update in receiver.updates} == {scene.bot.updates.last_id}
    info = await scene.ok("getWebhookInfo")
    assert info["last_error_message"] == "Wrong response from the webhook: 502 Bad Gateway"
    assert info["last_error_date"] == int(scene.world.now().timestamp())
    assert info["pending_update_count"] == 1


async def test_a_program_s_retry_after_is_honoured_up_to_an_hour(scene: Scene, receiver: Receiver) -> None:
    pauses = scene.sandbox.bot_api.webhooks.pause = Pauses(4)
    wishes = iter(["7", "99999", "soon", "1"])
    receiver.answer = lambda _: web.Response(status=429, headers={"Retry-After": next(wishes)})
    await webhook(scene, receiver)
    scene.customer_says("hello")
    await scene.world.wait_for(lambda: len(pauses.seconds) == 3)
    assert pauses.seconds[:3] == [7, 3600, 4]


async def test_what_is_refused_holds_up_its_own_chat_only_and_in_order(scene: Scene, receiver: Receiver) -> None:
    ann, ben = people(scene, 2)
    scene.sandbox.bot_api.webhooks.pause = Pauses(100)
    tries: list[str] = []

    def answer(update: dict[str, Any]) -> web.Response:
        tries.append(update["message"]["text"])
        return web.Response(status=500 if tries.count("ann 1") < 3 and tries[-1] == "ann 1" else 200)

    receiver.answer = answer
    await webhook(scene, receiver)
    for user, text in ((ann, "ann 1"), (ann, "ann 2"), (ben, "ben 1")):
        scene.world.send(user, scene.bot, text)
    await empty(scene)
    assert [text for text in tries if text.startswith("ann")] == ["ann 1"] * 3 + ["ann 2"]
    assert tries.count("ben 1") == 1


async def test_a_program_that_is_down_gets_everything_when_it_is_up(scene: Scene) -> None:
    """Nobody listens on that port, until somebody does."""
    scene.sandbox.bot_api.webhooks.pause = Pauses(1)
    async with receiving() as gone:
        url = gone.url
    await scene.ok("setWebhook", url=url)
    scene.customer_says("hello")
    await scene.world.wait_for(lambda: scene.bot.webhook.get("last_error_message"))
    info = await scene.ok("getWebhookInfo")
    assert (info["last_error_message"], info["pending_update_count"]) == ("Connection refused", 1)
    scene.clock.advance(timedelta(seconds=1))
    async with receiving() as up:
        await webhook(scene, up)
        await empty(scene)
    assert up.texts == ["hello"]


async def test_a_program_that_never_answers_is_asked_again(scene: Scene, receiver: Receiver) -> None:
    scene.sandbox.bot_api.webhooks.pause = Pauses(2)
    scene.world.rules.webhook_answers_within = timedelta(milliseconds=50)
    receiver.free.clear()
    await webhook(scene, receiver)
    scene.customer_says("hello")
    await scene.world.wait_for(lambda: scene.bot.webhook.get("last_error_message"))
    assert scene.bot.webhook["last_error_message"] == "Read timeout expired"
    await receiver.has(2)


async def test_after_twenty_three_hours_an_update_is_given_up(scene: Scene, receiver: Receiver) -> None:
    async def an_hour_passes(_: float) -> None:
        scene.clock.advance(timedelta(hours=12))

    scene.sandbox.bot_api.webhooks.pause = an_hour_passes
    receiver.answer = refusing(500)
    await webhook(scene, receiver)
    message = scene.customer_says("hello")
    await empty(scene)
    assert len(receiver.updates) == 2
    assert scene.world.journey(message)[-1].kind == "withheld"


async def test_polling_and_a_webhook_exclude_each_other_in_telegram_s_words(scene: Scene, receiver: Receiver) -> None:
    poll = asyncio.create_task(scene.refusal("getUpdates", timeout=50))
    await scene.world.wait_for(lambda: scene.bot.updates.on_arrival, what="a long poll")
    await webhook(scene, receiver)
    assert await asyncio.wait_for(poll, 5) == "409 Conflict: terminated by setWebhook request"
    assert await scene.refusal("getUpdates") == ACTIVE
    scene.customer_says("to the webhook, although a poll has just ended")
    await empty(scene)
    assert len(receiver.updates) == 1
    await scene.ok("deleteWebhook")
    scene.customer_says("to whoever polls")
    assert [update["message"]["text"] for update in await scene.updates()] == ["to whoever polls"]
    assert len(receiver.updates) == 1


@pytest.mark.parametrize("kind", ["json", "form", "multipart"])
async def test_a_call_in_the_answer_is_carried_out(scene: Scene, receiver: Receiver, kind: str) -> None:
    call = {"method": "sendMessage", "chat_id": str(scene.carl.id), "text": f"in {kind}"}

    def answer(_: dict[str, Any]) -> web.Response:
        if kind == "json":
            return web.json_response(call)
        if kind == "form":
            return web.Response(text=f"method=sendMessage&chat_id={scene.carl.id}&text=in+form", content_type=FORM)
        writer = MultipartWriter("form-data")
        for name, value in call.items():
            writer.append(value).set_content_disposition("form-data", name=name)
        return web.Response(body=writer)

    receiver.answer = answer
    await webhook(scene, receiver)
    scene.customer_says("hello")
    await scene.world.wait_for(lambda: f"in {kind}" in scene.said(scene.dialog))
    record = scene.sandbox.journal.calls[-1]
    assert (record.method, record.caller, record.code) == ("sendMessage", "webhook", 200)


@pytest.mark.parametrize(
    "answer",
    [{"method": "deleteWebhook"}, {"method": "getMe"}, {"method": "noSuchMethod"}, {"ok": True}, [1], "nonsense"],
)
async def test_an_answer_that_is_no_call_is_an_answer_all_the_same(
    scene: Scene, receiver: Receiver, answer: object
) -> None:
    receiver.answer = lambda _: web.json_response(answer)
    await webhook(scene, receiver)
    scene.customer_says("hello")
    await empty(scene)
    assert len(receiver.updates) == 1
    assert (await scene.ok("getWebhookInfo"))["url"] == receiver.url


async def test_pending_updates_are_counted_and_can_be_dropped(scene: Scene, receiver: Receiver) -> None:
    pauses = scene.sandbox.bot_api.webhooks.pause = Pauses(1)
    receiver.answer = refusing(500)
    await webhook(scene, receiver)
    for text in ("one", "two"):
        scene.customer_says(text)
    await scene.world.wait_for(lambda: scene.bot.webhook.get("last_error_message"))
    assert (await scene.ok("getWebhookInfo"))["pending_update_count"] == 2
    receiver.answer = taken
    scene.clock.advance(timedelta(seconds=1))
    await webhook(scene, receiver, drop_pending_updates=True)
    assert (await scene.ok("getWebhookInfo"))["pending_update_count"] == 0
    scene.customer_says("three")
    await empty(scene)
    assert receiver.texts == ["one", "three"]
    assert len(pauses.seconds) == 1


async def test_only_the_kinds_asked_for_are_brought(scene: Scene, receiver: Receiver) -> None:
    await webhook(scene, receiver, allowed_updates=["message"])
    message = scene.customer_says("hello")
    scene.world.edit(scene.carl, message, "hello there")
    scene.customer_says("bye")
    await empty(scene)
    assert receiver.texts == ["hello", "bye"]
    assert (await scene.ok("getWebhookInfo"))["allowed_updates"] == ["message"]


async def test_a_webhook_is_set_once_a_second_at_most(scene: Scene, receiver: Receiver) -> None:
    await webhook(scene, receiver)
    body = await scene.call("setWebhook", url=receiver.url)
    assert (body["error_code"], body["parameters"]) == (429, {"retry_after": 1})
    assert body["description"] == "Too Many Requests: retry after 1"
    await scene.ok("setWebhook", url="")
    scene.clock.advance(timedelta(seconds=1))
    await webhook(scene, receiver)


async def test_the_same_settings_again_disturb_nothing(scene: Scene, receiver: Receiver) -> None:
    receiver.free.clear()
    await webhook(scene, receiver)
    scene.customer_says("hello")
    await receiver.has(1)
    scene.clock.advance(timedelta(seconds=1))
    await webhook(scene, receiver)
    receiver.free.set()
    await empty(scene)
    assert receiver.texts == ["hello"]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://example.org/hook", "An HTTPS URL must be provided for webhook"),
        ("https://example.org:8081/hook", "Webhook can be set up only on ports 80, 88, 443 or 8443"),
        ("https://example.org/hook", "Failed to resolve host: Name or service not known"),
        ("http://127.0.0.1.example.org/", "An HTTPS URL must be provided for webhook"),
        ("ftp://127.0.0.1/hook", "An HTTPS URL must be provided for webhook"),
    ],
)
async def test_nothing_outside_of_this_machine_is_ever_called(scene: Scene, url: str, words: str) -> None:
    assert await scene.refusal("setWebhook", url=url) == REFUSED + words
    assert (await scene.ok("getWebhookInfo"))["url"] == ""


async def test_telegram_s_own_rule_is_a_switch(scene: Scene, receiver: Receiver) -> None:
    scene.world.rules.webhooks_on_this_machine = False
    refusal = await scene.refusal("setWebhook", url=receiver.url)
    assert refusal == f"{REFUSED}An HTTPS URL must be provided for webhook"
    scene.clock.advance(timedelta(seconds=1))
    refusal = await scene.refusal("setWebhook", url="https://127.0.0.1:8443/hook")
    assert refusal == f"{REFUSED}IP address 127.0.0.1 is reserved"


@pytest.mark.parametrize(
    ("secret", "words"),
    [("a b", "secret token contains unallowed characters"), ("a" * 257, "secret token is too long")],
)
async def test_a_secret_has_telegram_s_alphabet(scene: Scene, receiver: Receiver, secret: str, words: str) -> None:
    refusal = await scene.refusal("setWebhook", url=receiver.url, secret_token=secret)
    assert refusal == f"400 Bad Request: {words}"


async def test_a_revoked_token_takes_its_webhook_along(scene: Scene, receiver: Receiver) -> None:
    await webhook(scene, receiver)
    scene.world.revoke_token(scene.bot)
    scene.customer_says("for the new token")
    assert [update["message"]["text"] for update in await scene.updates()] == ["for the new token"]
    assert receiver.updates == []


async def test_a_kept_world_goes_on_with_its_deliveries(receiver: Receiver, tmp_path: Path) -> None:
    memory = Memory(tmp_path / "world")
    receiver.answer = refusing(503)
    async with open_scene() as scene:
        scene.sandbox.bot_api.webhooks.pause = Pauses(1)
        await webhook(scene, receiver, secret_token="kept", allowed_updates=["message"])
        for text in ("one", "two"):
            scene.customer_says(text)
        await scene.world.wait_for(lambda: scene.bot.webhook.get("last_error_message"))
        memory.keep(scene.world, {}, in_order=True)
        bot_id = scene.bot.id
    receiver.answer = taken
    recalled = memory.recall()
    assert recalled is not None
    world = recalled[0]
    bot = world.bot(bot_id)
    async with Sandbox(latency=timedelta(0), world=world):
        await world.wait_for(lambda: not bot.updates.waiting)
    assert receiver.texts == ["one", "one", "two"]
    assert set(receiver.secrets) == {"kept"}
    assert bot.webhook["last_error_message"] == "Wrong response from the webhook: 503 Service Unavailable"


def test_a_world_that_was_kept_before_there_were_webhooks_has_them_now(tmp_path: Path) -> None:
    memory, world = Memory(tmp_path / "world"), World()
    bot = world.add_bot("Shop", "shop_bot")
    del bot.webhook_set_at
    del world.rules.webhook_gives_up_after
    memory.keep(world, {})
    recalled = memory.recall()
    assert recalled is not None
    assert recalled[0].bot(bot.id).webhook_set_at is None
    assert recalled[0].rules.webhook_gives_up_after == timedelta(hours=23)
