"""Each setting changes what a running session does, from the next message on."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tenants.settings.catalog import entries
from tests.e2e.conftest import Stage
from tests.e2e.orders import ANNA, opened, say


@dataclass(frozen=True)
class Change:
    """After `settings`, `by` says `words`: then `shown` stands last in the topic, and `heard` with the customer."""

    settings: dict[str, Any]
    by: str
    words: str
    shown: str
    heard: str


HELLO, GREETING, ANSWER = "hello", "Welcome", "Which size?"
SAME = Change({}, "customer", "large", "large", ANSWER)
CHANGES = {
    "nothing": SAME,
    "MONITOR_PRIVATE": Change({"MONITOR_PRIVATE": False}, "customer", "large", ANSWER, ANSWER),
    "WHITE_LIST": Change({"WHITE_LIST": [1]}, "customer", "large", ANSWER, ANSWER),
    "RESTRICTED_KEYWORDS_FRONTEND": Change(
        {"RESTRICTED_KEYWORDS_FRONTEND": ["casino"]}, "customer", "My CASINO", ANSWER, ANSWER
    ),
    "RESTRICTED_KEYWORDS_BACKEND": Change(
        {"RESTRICTED_KEYWORDS_BACKEND": ["guarantee"]},
        "operator",
        "We guarantee it",
        "⚠️ Not sent: it holds “guarantee”, which this connection does not let through.",
        ANSWER,
    ),
    "REPLY_ONLY": Change({"REPLY_ONLY": True}, "operator", "Who knows it?", "Who knows it?", ANSWER),
    "WEBHOOKS": Change(
        {"WEBHOOKS": {"https://nobody.invalid/": ["message_received"]}}, "customer", "large", "large", ANSWER
    ),
    "CUSTOM_COMMANDS": Change({"CUSTOM_COMMANDS": ["invoice"]}, "operator", "/invoice 5", "/invoice 5", ANSWER),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_a_setting_counts_from_the_next_message_on(desk: Stage, name: str) -> None:
    change = CHANGES[name]
    await desk.change(WELCOME=GREETING)
    desk.world.send(desk.customer, desk.bot, HELLO)
    await desk.until(lambda: desk.in_topic(ANNA) and desk.seen_by())
    topic = desk.topic(ANNA)
    desk.world.send(desk.operator, desk.group, ANSWER, topic=topic)
    await desk.until(lambda: desk.seen_by()[-1].text == ANSWER)
    before = await desk.dispositions()
    await desk.change(**change.settings)
    if change.by == "customer":
        desk.world.send(desk.customer, desk.bot, change.words)
    else:
        desk.world.send(desk.operator, desk.group, change.words, topic=topic)
    await until_counted(desk, sum(before.values()) + 1)
    await desk.until(lambda: desk.in_topic(ANNA)[-1].text == change.shown)
    assert desk.seen_by()[-1].text == change.heard


async def test_an_ignored_chat_is_ignored(desk: Stage) -> None:
    await desk.change(IGNORE_CHATS=[desk.customer.id])
    desk.world.send(desk.customer, desk.bot, HELLO)
    await until_counted(desk, 4)
    assert desk.topics() == []
    assert desk.seen_by() == []


async def until_counted(desk: Stage, number: int) -> None:
    """Until so many updates have ended one way or another."""
    while True:
        found = await desk.dispositions()
        if sum(found.values()) >= number and not {"waiting", "unaccounted"} & found.keys():
            return
        seen = desk.sandbox.journal.number
        await desk.until(lambda seen=seen: desk.sandbox.journal.number > seen)


async def test_dialogs_that_are_left_closed_begin_and_stay_so_without_a_welcome(desk: Stage) -> None:
    await desk.change(WELCOME=GREETING, LEAVE_CLOSED=["private"])
    for number, words in enumerate([HELLO, "are you there?"], 1):
        desk.world.send(desk.customer, desk.bot, words)
        await desk.until(lambda number=number: len(desk.in_topic(ANNA)) == number)
    await desk.until(lambda: desk.topic(f"⬛️ {ANNA}") and desk.topic(ANNA).closed)
    assert desk.seen_by() == []
    await desk.change(LEAVE_CLOSED=[])
    desk.world.send(desk.customer, desk.bot, "now?")
    await desk.until(lambda: desk.topic(f"🟪 {ANNA}") and not desk.topic(ANNA).closed)
    assert [message.text for message in desk.seen_by()] == [GREETING]


async def test_new_topics_have_the_colour_that_was_chosen(desk: Stage) -> None:
    await desk.change(ICON_COLOR="green")
    desk.world.send(desk.customer, desk.bot, HELLO)
    topic = await desk.until(lambda: desk.topic(ANNA))
    assert topic.icon_color == 0x8EEE98


async def test_with_reply_only_a_reply_goes_to_the_customer(desk: Stage) -> None:
    await desk.change(REPLY_ONLY=True)
    desk.world.send(desk.customer, desk.bot, HELLO)
    shown = await desk.until(lambda: desk.in_topic(ANNA))
    desk.world.send(desk.operator, desk.group, "to you", topic=desk.topic(ANNA), reply_to=shown[0])
    await desk.until(lambda: desk.seen_by()[-1].text == "to you")


async def test_with_keywords_a_channel_has_a_topic_once_one_is_posted(desk: Stage) -> None:
    world = desk.world
    await desk.change(MONITOR_CHANNELS=True, CHANNELS_KEYWORDS=[["champion"]])
    boss = world.add_user("Boris")
    channel = world.add_channel("Chess news", boss)
    world.promote(channel, desk.bot, ["post_messages"], by=boss)
    for post in ("The weather", "A new champion", "The weather again"):
        world.send(boss, channel, post)
    await desk.until(lambda: len(desk.in_topic("Chess news")) == 2)
    assert [message.text for message in desk.in_topic("Chess news")] == ["A new champion", "The weather again"]


async def test_without_the_claim_nobody_owns_a_dialog(desk: Stage) -> None:
    await desk.change(CLAIM=0)
    await opened(desk)
    for number, operator in enumerate((desk.operator, desk.owner), 2):
        desk.world.send(operator, desk.group, f"I am {operator.name}", topic=desk.topic(ANNA))
        await desk.until(lambda number=number: len(desk.seen_by()) == number)
    assert (await say(desk, "/assign")).text == "Nobody owns dialogs here: the setting CLAIM is 0."
    assert not [message for message in desk.in_topic(ANNA) if message.text.startswith("👥")]


async def test_a_trusted_operator_sees_the_card_that_is_hidden_from_others(desk: Stage) -> None:
    await desk.change(HIDE_INFO=["command"])
    await opened(desk)
    assert "@anna_p" not in (await say(desk, "/info")).text
    await desk.change(EXTENSIONS_ALLOWED=[desk.operator.id])
    assert "@anna_p" in (await say(desk, "/info")).text


NO_SESSIONS = {"AUDIT_DAYS"}
"""What no session reads: the fleet's own jobs do (tests/integration/test_audit.py)."""


def test_every_setting_is_changed_in_some_story() -> None:
    stories = "\n".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    told = {name for name in entries() if re.search(rf'\b{name}(=|": )', stories)}
    assert told == entries().keys() - NO_SESSIONS
