"""Every answer and every update is what aiogram's models of Telegram's types expect, with no field invented."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from aiogram import methods, types
from pydantic import BaseModel, TypeAdapter

from sandbox.bot_api.methods import NAMES
from sandbox.world import Bot, Entity, Message
from sandbox.world.samples import CONTENTS, SERVICES
from tests.integration.scene import Scene, open_scene

_NOT_IN_AIOGRAM: frozenset[str] = frozenset()


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with open_scene() as opened:
        yield opened


def invented(value: Any, path: str = "") -> Iterator[str]:
    """Fields that the models do not know."""
    if isinstance(value, BaseModel):
        for name in value.model_extra or {}:
            yield f"{path}.{name}"
        for name in type(value).model_fields:
            yield from invented(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, list):
        for item in value:
            yield from invented(item, f"{path}[]")


def check(kind: Any, value: Any) -> Any:
    parsed = TypeAdapter(kind).validate_python(value, context={"bot": None})
    assert list(invented(parsed)) == []
    return parsed


class Samples:
    """Parameters with which each method succeeds."""

    def __init__(self, scene: Scene) -> None:
        world = scene.world
        self.scene = scene
        self.carl = {"chat_id": scene.carl.id}
        self.desk = {"chat_id": scene.desk.id}
        self.topic = self.desk | {"message_thread_id": scene.topic.id}
        self.asked = scene.customer_says("hello")
        self.photo = world.send(scene.carl, scene.bot, photo=b"jpeg", caption="c")
        keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
        self.keyboard = {"reply_markup": keyboard}

    def file(self, kind: str) -> dict[str, str]:
        files = self.scene.world.files
        return {kind: files.handle(self.scene.bot.id, files.add(kind, b"bytes", name=f"a.{kind}"))}

    def from_carl(self, *messages: Message) -> dict[str, Any]:
        source = {"from_chat_id": self.scene.carl.id}
        numbers = [message.id for message in messages]
        return source | ({"message_id": numbers[0]} if len(numbers) == 1 else {"message_ids": numbers})

    async def own(self, **content: Any) -> dict[str, Any]:
        method = "sendPhoto" if "photo" in content else "sendMessage"
        sent = await self.scene.ok(method, **self.carl, **content)
        return self.carl | {"message_id": sent["message_id"]}

    def sending(self) -> dict[str, Any]:
        place = {"latitude": 1.5, "longitude": 2.5}
        kinds = ("photo", "video", "animation", "live_photo", "audio", "voice", "video_note", "document", "sticker")
        media = [{"type": "photo", "media": self.file("photo")["photo"]} for _ in range(2)]
        files = {
            "send" + "".join(part.title() for part in kind.split("_")): self.topic | self.file(kind) for kind in kinds
        }
        return files | {
            "sendMessage": self.topic | self.keyboard | {"text": "hello"},
            "sendLocation": self.topic | place,
            "sendVenue": self.topic | place | {"title": "t", "address": "a"},
            "sendContact": self.topic | {"phone_number": "+1", "first_name": "C"},
            "sendPoll": self.topic | {"question": "?", "options": ["a", "b"]},
            "sendDice": self.topic,
            "sendMediaGroup": self.topic | {"media": media},
            "sendChatAction": self.topic | {"action": "typing"},
            "copyMessage": self.topic | self.from_carl(self.photo),
            "forwardMessage": self.topic | self.from_carl(self.photo),
            "copyMessages": self.topic | self.from_carl(self.asked, self.photo),
            "forwardMessages": self.topic | self.from_carl(self.asked, self.photo),
        }

    async def editing(self) -> dict[str, Any]:
        return {
            "editMessageText": await self.own(text="old") | {"text": "new"},
            "editMessageReplyMarkup": await self.own(text="old") | self.keyboard,
            "editMessageCaption": await self.own(**self.file("photo")) | {"caption": "new"},
            "editMessageMedia": await self.own(**self.file("photo"))
            | {"media": {"type": "document", "media": self.file("document")["document"]}},
            "deleteMessage": await self.own(text="x"),
            "deleteMessages": self.carl | {"message_ids": [(await self.own(text="x"))["message_id"]]},
            "setMessageReaction": self.carl
            | {"message_id": self.asked.id, "reaction": [{"type": "emoji", "emoji": "👍"}]},
        }

    def forum(self) -> dict[str, Any]:
        world, desk, olga = self.scene.world, self.scene.desk, self.scene.olga
        closed, doomed = (world.create_topic(olga, desk, name) for name in ("closed", "doomed"))
        world.close_topic(olga, desk, closed)
        return {
            "createForumTopic": self.desk
            | {"name": "New", "icon_color": 7322096, "icon_custom_emoji_id": "5312536423851630001"},
            "editForumTopic": self.topic | {"name": "Newer"},
            "closeForumTopic": self.topic,
            "reopenForumTopic": self.desk | {"message_thread_id": closed.id},
            "deleteForumTopic": self.desk | {"message_thread_id": doomed.id},
            "unpinAllForumTopicMessages": self.topic,
            "editGeneralForumTopic": self.desk | {"name": "Team"},
            "closeGeneralForumTopic": self.desk,
            "reopenGeneralForumTopic": self.desk,
            "hideGeneralForumTopic": self.desk,
            "unhideGeneralForumTopic": self.desk,
            "getForumTopicIconStickers": {},
        }

    def chats(self) -> dict[str, Any]:
        member = self.desk | {"user_id": self.scene.carl.id}
        message = self.desk | {"message_id": self.scene.topic.id}
        return {
            "getChat": self.desk,
            "getChatMember": self.desk | {"user_id": self.scene.bot.id},
            "getChatAdministrators": self.desk,
            "getChatMemberCount": self.desk,
            "banChatMember": member,
            "unbanChatMember": member,
            "pinChatMessage": message,
            "unpinChatMessage": message,
            "unpinAllChatMessages": self.desk,
            "setChatTitle": self.desk | {"title": "Desk 2"},
            "leaveChat": self.desk,
        }

    async def stars(self) -> dict[str, Any]:
        world, carl = self.scene.world, self.scene.carl
        invoice = {"title": "Plus", "description": "All of it", "payload": "plus", "currency": "XTR"}
        invoice |= {"prices": [{"label": "A month", "amount": 50}], "subscription_period": 2592000}
        link = await self.scene.ok("createInvoiceLink", **invoice)
        paid, asked = world.pay(carl, link), world.pay(carl, link)
        await self.scene.ok("answerPreCheckoutQuery", pre_checkout_query_id=paid.id, ok=True)
        assert paid.payment is not None
        charge = {"user_id": carl.id, "telegram_payment_charge_id": paid.payment.charge_id}
        return {
            "createInvoiceLink": invoice,
            "answerPreCheckoutQuery": {"pre_checkout_query_id": asked.id, "ok": False, "error_message": "no"},
            "editUserStarSubscription": charge | {"is_canceled": True},
            "refundStarPayment": charge,
            "getStarTransactions": {},
            "getMyStarBalance": {},
        }

    async def account(self) -> dict[str, Any]:
        world, bot = self.scene.world, self.scene.bot
        made = world.add_bot("Made", "made_bot", owner=self.scene.carl)
        made.manager = bot
        sent = await self.scene.ok("sendMessage", **self.carl, **self.keyboard, text="?")
        callback = world.press(self.scene.carl, self.scene.dialog.messages[sent["message_id"]])
        commands = {"commands": [{"command": "help", "description": "Help"}]}
        named = {name: {} for name in ("getMyName", "getMyDescription", "getMyShortDescription")}
        return named | {
            "getMe": {},
            "getUpdates": {},
            "getWebhookInfo": {},
            "setWebhook": {"url": "https://127.0.0.1:8443/hook"},
            "deleteWebhook": {},
            "setMyCommands": commands,
            "getMyCommands": {},
            "deleteMyCommands": {},
            "setMyName": {"name": "Shop"},
            "setMyDescription": {"description": "d"},
            "setMyShortDescription": {"short_description": "d"},
            "answerCallbackQuery": {"callback_query_id": callback.id},
            "getFile": {"file_id": self.file("document")["document"]},
            "getManagedBotToken": {"user_id": made.id},
            "replaceManagedBotToken": {"user_id": made.id},
            "close": {},
            "logOut": {},
        }


async def test_every_method_answers_with_telegram_s_types(scene: Scene) -> None:
    """In the order in which none spoils the next."""
    scene.world.promote(scene.desk, scene.bot)
    samples = Samples(scene)
    calls = samples.sending() | await samples.editing() | samples.forum()
    calls |= samples.chats() | await samples.stars() | await samples.account()
    assert {NAMES[name.lower()] for name in calls} == set(NAMES.values())
    for name, params in calls.items():
        model = getattr(methods, name[0].upper() + name[1:])
        check(model.__returning__, await scene.ok(name, **params))


async def all_updates(scene: Scene, bot: Bot) -> list[types.Update]:
    raw = await scene.updates(bot=bot)
    return [check(types.Update, update) for update in raw]


MESSAGES: list[dict[str, Any]] = [
    {"text": "hello /start", "entities": [Entity("text_link", 0, 5, url="https://x.org/")]},
    {"photo": b"1", "caption": "c", "spoiler": True, "show_caption_above_media": True},
    {"video": b"1", "file_name": "a.mp4"},
    {"animation": b"1"},
    {"audio": b"1"},
    {"voice": b"1"},
    {"video_note": b"1"},
    {"document": b"1", "file_name": "a.pdf"},
    {"sticker": b"1"},
    {"location": {"latitude": 1.0, "longitude": 2.0}},
    {"venue": {"latitude": 1.0, "longitude": 2.0, "title": "t", "address": "a"}},
    {"contact": {"phone_number": "+1", "first_name": "C"}},
    {"poll": {"question": "?", "options": ["a", "b"]}},
    {"dice": "🎲"},
    {"live_photo": b"1"},
    {"location": {"live_period": 900, "heading": 90}},
    {"poll": {"type": "quiz", "correct_option_id": 1, "explanation": "because"}},
    {"paid_media": {}, "caption": "look"},
    {"text": "https://x.org/", "link_preview": {"is_disabled": True}, "effect_id": "5104841245755180586"},
    {"text": "nice", "reply_to_story": {"chat": {"id": 9, "type": "private", "first_name": "N"}, "id": 3}},
    *({kind: {}} for kind in CONTENTS if kind not in {"location", "venue", "contact", "poll", "paid_media"}),
]


@pytest.mark.parametrize("content", MESSAGES, ids=lambda content: next(iter(content)))
async def test_a_message_of_each_kind(scene: Scene, content: dict[str, Any]) -> None:
    scene.world.send(scene.carl, scene.bot, **content)
    [update] = await all_updates(scene, scene.bot)
    kind = next(iter(content))
    assert update.message.content_type == kind
    assert getattr(update.message, kind) is not None


@pytest.mark.parametrize("kind", SERVICES)
async def test_a_service_message_of_each_kind(scene: Scene, kind: str) -> None:
    scene.world.post_service(scene.carl, scene.bot, kind)
    [update] = await all_updates(scene, scene.bot)
    assert update.message.content_type == kind
    assert getattr(update.message, kind) is not None


async def test_updates_of_each_kind(scene: Scene) -> None:
    world, olga, carl, desk = scene.world, scene.olga, scene.carl, scene.desk
    kinds = ["message", "edited_message", "callback_query", "my_chat_member", "chat_member"]
    kinds += ["message_reaction", "managed_bot", "pre_checkout_query", "subscription"]
    bot = world.add_bot("Curious", "curious_bot", can_manage_bots=True)
    await scene.updates(bot=bot, allowed_updates=kinds)
    world.open_link(olga, "t.me/curious_bot?startgroup=x&admin=pin_messages", desk)
    world.join(carl, desk)
    asked = world.send(carl, desk, "helo", topic=scene.topic)
    world.edit(carl, asked, "hello")
    world.send(olga, desk, "hi", reply_to=asked, quote="ell")
    world.forward(olga, asked, desk)
    world.react(carl, asked, "👍")
    world.pin(olga, asked)
    world.rename_chat(olga, desk, "Desk 2")
    world.rename_topic(olga, desk, scene.topic, "Carl 2", emoji_id="5312536423851630001")
    world.close_topic(olga, desk, scene.topic)
    world.reopen_topic(olga, desk, scene.topic)
    world.remove_member(desk, carl)
    world.start(carl, bot)
    markup = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
    sent = await scene.ok("sendMessage", bot=bot, chat_id=carl.id, text="?", reply_markup=markup)
    world.press(carl, world.private(carl, bot).messages[sent["message_id"]])
    world.block(carl, bot)
    world.open_link(olga, "https://t.me/newbot/curious_bot/new_bot?name=New")
    price = {"currency": "XTR", "prices": [{"label": "l", "amount": 1}], "subscription_period": 2592000}
    link = await scene.ok("createInvoiceLink", bot=bot, title="t", description="d", payload="p", **price)
    checkout = world.pay(carl, link)
    await scene.ok("answerPreCheckoutQuery", bot=bot, pre_checkout_query_id=checkout.id, ok=True)
    world.cancel_subscription(carl, bot)
    updates = await all_updates(scene, bot)
    assert {update.event_type for update in updates} == set(kinds)


async def test_an_anonymous_administrator_speaks_as_the_group(scene: Scene) -> None:
    scene.world.join(scene.carl, scene.desk)
    scene.world.promote(scene.desk, scene.carl, ["manage_topics", "anonymous"])
    await scene.forget_updates()
    scene.world.send(scene.carl, scene.desk, "guess who", topic=scene.topic)
    [update] = await all_updates(scene, scene.bot)
    assert update.message.from_user.username == "GroupAnonymousBot"
    assert update.message.sender_chat.id == scene.desk.id


async def test_an_upgraded_group_is_told_on_both_sides(scene: Scene) -> None:
    group = scene.world.add_group("Basic", scene.olga)
    scene.world.add_member(group, scene.bot)
    await scene.forget_updates()
    new = scene.world.set_forum(group, True)
    to, from_ = [update.message for update in await all_updates(scene, scene.bot)]
    assert (to.chat.id, to.migrate_to_chat_id) == (group.id, new.id)
    assert (from_.chat.id, from_.migrate_from_chat_id) == (new.id, group.id)
