"""What goes wrong: topics deleted, customers who block, Telegram that refuses, drops answers and asks to wait."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from sandbox.faults import Fault
from tenants.db import SETUP_CHANNEL
from tests.e2e.conftest import Stage

ANNA = "Anna Petrova"


async def _opened(desk: Stage) -> None:
    desk.world.send(desk.customer, desk.bot, "hello")
    await desk.until(lambda: desk.in_topic(ANNA) and desk.seen_by())


@pytest.mark.parametrize("fresh", [True, False], ids=["TOPIC_DELETED", "message thread not found"])
async def test_a_deleted_topic_is_made_again_and_nothing_is_lost(desk: Stage, fresh: bool) -> None:
    await _opened(desk)
    desk.world.rules.topic_deleted_text_for = timedelta(seconds=60 if fresh else 0)
    desk.world.delete_topic(desk.owner, desk.group, desk.topic(ANNA))
    desk.world.send(desk.customer, desk.bot, "one")
    desk.world.send(desk.customer, desk.bot, "two")
    await desk.until(lambda: len(desk.in_topic(ANNA)) == 2)
    assert [message.text for message in desk.in_topic(ANNA)] == ["one", "two"]
    assert len(desk.topics()) == 1


async def test_a_burst_of_five_first_messages_makes_one_topic_in_order(desk: Stage) -> None:
    for number in range(5):
        desk.world.send(desk.customer, desk.bot, f"{number}")
    await desk.until(lambda: len(desk.in_topic(ANNA)) == 5)
    assert [message.text for message in desk.in_topic(ANNA)] == ["0", "1", "2", "3", "4"]
    assert len(desk.topics()) == 1
    await desk.until(desk.seen_by)
    assert len(desk.seen_by()) == 1


async def test_a_customer_who_blocked_the_bot_is_reported_to_the_operator(desk: Stage) -> None:
    await _opened(desk)
    desk.world.block(desk.customer, desk.bot)
    await desk.until(lambda: "has blocked the bot" in desk.in_topic(ANNA)[-1].text)
    answer = desk.world.send(desk.operator, desk.group, "are you there?", topic=desk.topic(ANNA))
    await desk.until(lambda: desk.in_topic(ANNA)[-1].text.startswith("⚠️ Not delivered"))
    notice = desk.in_topic(ANNA)[-1]
    assert notice.reply_to == answer.id
    assert "has blocked the bot" in notice.text
    desk.world.start(desk.customer, desk.bot)
    await desk.until(lambda: desk.in_topic(ANNA)[-1].text == "/start")


async def test_a_group_in_a_flood_wait_still_gets_everything_in_order(desk: Stage) -> None:
    await _opened(desk)
    desk.sandbox.faults.add(
        Fault(
            kind="error",
            method="copyMessage",
            times=2,
            code=429,
            description="Too Many Requests: retry after 1",
            parameters={"retry_after": 1},
        )
    )
    for number in range(4):
        desk.world.send(desk.customer, desk.bot, f"{number}")
    await desk.until(lambda: len(desk.in_topic(ANNA)) == 5)
    assert [message.text for message in desk.in_topic(ANNA)][1:] == ["0", "1", "2", "3"]


async def test_an_answer_that_telegram_dropped_is_sent_again_and_both_attempts_are_recorded(desk: Stage) -> None:
    await _opened(desk)
    desk.sandbox.faults.add(Fault(method="copyMessage", times=1, kind="drop_answer"))
    desk.world.send(desk.customer, desk.bot, "twice")
    await desk.until(lambda: [m.text for m in desk.in_topic(ANNA)].count("twice") == 2)
    attempts = await desk.rows("SELECT attempts FROM outbox WHERE kind = 'copy' ORDER BY created_at DESC LIMIT 1")
    assert attempts[0].attempts == 2


async def test_a_topic_whose_creation_was_not_answered_is_adopted_not_made_twice(desk: Stage) -> None:
    desk.sandbox.faults.add(Fault(method="createForumTopic", times=1, kind="drop_answer"))
    desk.world.send(desk.customer, desk.bot, "hello")
    await desk.until(lambda: desk.in_topic(ANNA))
    assert len(desk.topics()) == 1


async def test_a_revoked_token_stops_the_tenant_and_keeps_what_waits(desk: Stage) -> None:
    await _opened(desk)
    heard: asyncio.Queue[object] = asyncio.Queue()
    listener = await asyncpg.connect(desk.config.database_url.get_secret_value())
    await listener.add_listener(SETUP_CHANNEL, lambda *notice: heard.put_nowait(notice[3]))
    desk.world.revoke_token(desk.bot)
    async with asyncio.timeout(15):
        assert await heard.get() == str(desk.tenant.id)
    await listener.close()
    assert (await desk.rows("SELECT state FROM tenants"))[0].state == "revoked"
    assert (await desk.dispositions())["relayed"] == 1


async def test_a_bot_without_the_right_to_manage_topics_says_so_and_goes_on_once_it_has_it(desk: Stage) -> None:
    desk.world.promote(desk.group, desk.bot, ["delete_messages"], by=desk.owner)
    desk.world.send(desk.customer, desk.bot, "hello")
    await desk.until(desk.seen_by)
    desk.world.promote(desk.group, desk.bot, ["manage_topics"], by=desk.owner)
    await desk.until(lambda: desk.in_topic(ANNA), seconds=30)
    refused = ("createForumTopic", "Bad Request: not enough rights to create a topic")
    assert desk.sandbox.journal.errors()[refused] >= 1
