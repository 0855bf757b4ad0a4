"""Every kind of content, in both directions, as people see it."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from sandbox.world import Entity, Message
from tests.e2e.conftest import Stage
from tests.e2e.test_content import ANNA, PNG

PLACE = {"latitude": 52.52, "longitude": 13.4}
VENUE = {**PLACE, "title": "Acme", "address": "Main street 1"}
QUIZ = {"question": "Two and two?", "options": ["3", "4"], "type": "quiz", "correct_option_ids": [1]}
CHECKLIST = {
    "title": "Party",
    "tasks": [{"id": 1, "text": "Cake", "completion_date": 1}, {"id": 2, "text": "Candles"}],
}
INVOICE = {"title": "Tea", "description": "Green", "currency": "EUR", "total_amount": 250, "start_parameter": "t"}


@dataclass(frozen=True)
class Kind:
    """`shown` is the kind that arrives, `words` what it says."""

    name: str
    sent: dict[str, Any]
    shown: str
    words: str = ""
    details: dict[str, Any] = field(default_factory=dict)


COPIED = [
    Kind("text", {"text": "hello"}, "text", "hello"),
    Kind("formatted", {"text": "bold", "entities": [Entity("bold", 0, 4)]}, "text", "bold"),
    Kind("photo", {"photo": PNG, "caption": "a view"}, "photo", "a view"),
    Kind("video", {"video": PNG, "caption": "a film"}, "video", "a film"),
    Kind("animation", {"animation": PNG}, "animation"),
    Kind("audio", {"audio": PNG, "caption": "a song"}, "audio", "a song"),
    Kind("voice", {"voice": PNG}, "voice"),
    Kind("video note", {"video_note": PNG}, "video_note"),
    Kind("document", {"document": PNG, "caption": "a page"}, "document", "a page"),
    Kind("sticker", {"sticker": PNG}, "sticker"),
    Kind("location", {"location": PLACE}, "location", details=PLACE),
    Kind("venue", {"venue": VENUE}, "venue"),
    Kind("contact", {"contact": {"phone_number": "+4930", "first_name": "Otto"}}, "contact"),
    Kind("poll", {"poll": {"question": "Tea?", "options": ["yes", "no"]}}, "poll"),
    Kind("spoiler", {"photo": PNG, "spoiler": True}, "photo"),
    Kind("caption above", {"photo": PNG, "caption": "up", "show_caption_above_media": True}, "photo", "up"),
]
ONLY_FROM_CUSTOMERS = [
    Kind("quiz", {"poll": QUIZ}, "poll", details={"type": "quiz"}),
    Kind("game", {"game": {"title": "Chess", "description": "", "photo": []}}, "text", "🎮 Chess"),
    Kind("checklist", {"checklist": CHECKLIST}, "text", "📋 Party\n☑️ Cake\n⬜️ Candles"),
    Kind("paid media", {"paid_media": {"star_count": 5, "paid_media": []}}, "text", "💎 paid media, 5 stars"),
    Kind("invoice", {"invoice": INVOICE}, "text", "🧾 invoice: Tea, 2.50 EUR\nGreen"),
    Kind("giveaway", {"giveaway": {"winner_count": 3, "chats": []}}, "text", "🎉 giveaway for 3 winners"),
]
SERVICES = {
    "users_shared": ({"request_id": 1, "users": [{"user_id": 7, "first_name": "Otto"}]}, "👤 shared contacts: Otto"),
    "chat_shared": ({"request_id": 1, "chat_id": -5, "title": "Our club"}, "👤 shared a chat: Our club"),
    "web_app_data": ({"button_text": "Order", "data": "two teas"}, "🧩 Order: two teas"),
    "successful_payment": ({"currency": "EUR", "total_amount": 1999}, "💳 paid 19.99 EUR"),
    "write_access_allowed": ({}, "✅ let the bot write to them"),
    "checklist_tasks_done": ({"marked_as_done_task_ids": [1, 2]}, "☑️ checklist: 2 done"),
    "gift": ({"gift": {"star_count": 15}}, "🎁 sent a gift worth 15 stars"),
}


def looks(message: Message) -> tuple[object, ...]:
    content = message.content
    return message.kind, message.text, content.entities, content.spoiler, content.caption_above


@pytest.mark.parametrize("kinds", [COPIED, ONLY_FROM_CUSTOMERS], ids=["copied", "said"])
async def test_what_a_customer_sends_is_seen_in_the_topic(desk: Stage, kinds: list[Kind]) -> None:
    for number, kind in enumerate(kinds, 1):
        sent = desk.world.send(desk.customer, desk.bot, **kind.sent)
        await desk.until(lambda number=number: len(desk.in_topic(ANNA)) == number, kind.name)
        shown = desk.in_topic(ANNA)[-1]
        assert (shown.kind, shown.text) == (kind.shown, kind.words), kind.name
        assert kind.details.items() <= dict(shown.content.details).items()
        if sent.kind == shown.kind:
            assert looks(shown) == looks(sent), kind.name


async def test_what_an_operator_sends_is_seen_by_the_customer(desk: Stage) -> None:
    await greeted(desk)
    for number, kind in enumerate(COPIED, 2):
        sent = desk.world.send(desk.operator, desk.group, topic=desk.topic(ANNA), **kind.sent)
        await desk.until(lambda number=number: len(desk.seen_by()) == number, kind.name)
        assert looks(desk.seen_by()[-1]) == looks(sent), kind.name
        assert desk.seen_by()[-1].origin is None


async def greeted(desk: Stage) -> None:
    desk.world.send(desk.customer, desk.bot, "hello")
    await desk.until(lambda: desk.in_topic(ANNA) and desk.seen_by())


async def test_a_service_message_that_says_something_is_said_in_words(desk: Stage) -> None:
    for kind, (details, _) in SERVICES.items():
        desk.world.post_service(desk.customer, desk.bot, kind, **details)
    await desk.until(lambda: len(desk.in_topic(ANNA)) == len(SERVICES))
    assert [message.text for message in desk.in_topic(ANNA)] == [words for _, words in SERVICES.values()]
    assert "unaccounted" not in await desk.dispositions()


async def test_a_dice_keeps_its_value(desk: Stage) -> None:
    sent = desk.world.send(desk.customer, desk.bot, dice="🎯")
    await desk.until(lambda: desk.in_topic(ANNA))
    (shown,) = desk.in_topic(ANNA)
    assert (shown.kind, shown.content.details) == ("dice", sent.content.details)
    thrown = desk.world.send(desk.operator, desk.group, topic=desk.topic(ANNA), dice="🎲")
    await desk.until(lambda: len(desk.seen_by()) == 2)
    assert desk.seen_by()[-1].text == f"🎲 {thrown.content.details['value']}"


async def test_a_forwarded_message_shows_who_first_said_it(desk: Stage) -> None:
    friend = desk.world.add_user("Otto")
    club = desk.world.add_supergroup("Club", friend)
    news = desk.world.send(friend, club, "Rain tomorrow")
    desk.world.forward(desk.customer, news, desk.bot)
    await desk.until(lambda: desk.in_topic(ANNA))
    (shown,) = desk.in_topic(ANNA)
    assert shown.text == "Rain tomorrow"
    assert shown.origin is not None
    assert shown.origin.sender is friend


async def test_what_an_operator_forwards_does_not_name_the_operator(desk: Stage) -> None:
    await greeted(desk)
    note = desk.world.send(desk.operator, desk.group, "Our prices")
    desk.world.forward(desk.operator, note, desk.group, topic=desk.topic(ANNA))
    await desk.until(lambda: len(desk.seen_by()) == 2)
    assert (desk.seen_by()[-1].text, desk.seen_by()[-1].origin) == ("Our prices", None)


async def test_quoted_words_are_quoted_on_the_other_side(desk: Stage) -> None:
    await greeted(desk)
    topic = desk.topic(ANNA)
    answer = desk.world.send(desk.operator, desk.group, "We have red and green", topic=topic)
    await desk.until(lambda: len(desk.seen_by()) == 2)
    desk.world.send(desk.customer, desk.bot, "this one", reply_to=desk.seen_by()[1], quote="green")
    await desk.until(lambda: len(desk.in_topic(ANNA)) == 3)
    shown = desk.in_topic(ANNA)[-1]
    assert (shown.reply_to, shown.quote and shown.quote.text) == (answer.id, "green")
    desk.world.send(desk.operator, desk.group, "Gladly", topic=topic, reply_to=shown, quote="this")
    await desk.until(lambda: len(desk.seen_by()) == 3)
    heard = desk.seen_by()[-1]
    assert heard.quote is not None
    assert heard.quote.text == "this"


async def test_an_operators_message_that_bots_may_not_copy_is_refused_in_words(desk: Stage) -> None:
    await greeted(desk)
    sent = desk.world.send(desk.operator, desk.group, topic=desk.topic(ANNA), invoice=INVOICE)
    await desk.until(lambda: desk.in_topic(ANNA)[-1].reply_to == sent.id)
    assert desk.in_topic(ANNA)[-1].text == "⚠️ Not delivered: Telegram does not let bots copy this message."
    assert len(desk.seen_by()) == 1


async def test_a_customer_with_a_new_name_has_it_in_the_title_unless_an_operator_named_the_topic(
    desk: Stage,
) -> None:
    await greeted(desk)
    desk.customer.first_name, desk.customer.last_name = "Anne", "Miller"
    desk.world.send(desk.customer, desk.bot, "married!")
    await desk.until(lambda: desk.topic("🟪 Anne Miller"))
    topic = desk.topic("Anne Miller")
    desk.world.rename_topic(desk.owner, desk.group, topic, "The bride")
    await desk.until(lambda: desk.topic("🟪 The bride"))
    desk.customer.first_name = "Annie"
    desk.world.send(desk.customer, desk.bot, "call me Annie")
    await desk.until(lambda: len(desk.in_topic("The bride")) == 3)
    desk.world.send(desk.operator, desk.group, "Hello Annie", topic=topic)
    await desk.until(lambda: desk.topic("🟨 The bride"))
