"""Lanes under trouble, over a real database: order, backoff, burying; one lane's trouble is nobody else's."""

import asyncio

from sessions.errors import Flaky, FloodWait, Gone, Rejected
from sessions.events import Batch, Cursor
from sessions.port import Copy
from tests.fakes import GROUP, Call, texts
from tests.integration.conftest import DeskUnderTest


def _copied(calls: list[Call]) -> list[int]:
    return [call.outgoing.ids[0] for call in calls if isinstance(call.outgoing, Copy)]


async def _open(desk: DeskUnderTest, user: int = 77, name: str = "Ann"):
    """A dialog with its topic and its WELCOME; the topic."""
    desk.session.faults.clear()
    before = len(desk.session.sent(user))
    await desk.session.feed(desk.session.customer("hello", user=user, name=name))
    await desk.session.until(lambda: len(desk.session.sent(user)) > before)
    await desk.session.until(lambda: any(name in title for title in desk.session.topics.values()))
    topic = next(topic for topic, title in desk.session.topics.items() if name in title)
    await desk.session.until(lambda: any(c.outgoing.topic == topic for c in desk.session.sent(GROUP)))
    return topic


async def _settled(desk: DeskUnderTest) -> dict[str, int]:
    """What became of everything, once the sender has recorded what was on its way."""
    desk.sender.drain()
    await desk.sender.idle.wait()
    return await desk.dispositions()


async def test_a_flaky_answer_blocks_its_lane_and_keeps_the_order(desk: DeskUnderTest) -> None:
    desk.start()
    await _open(desk)
    desk.session.faults["send"].append(Flaky("server_error", "Telegram has a problem.", ambiguous=True))
    messages = [desk.session.customer(f"{number}") for number in range(3)]
    await desk.session.feed(*messages)
    await desk.session.until(lambda: len(desk.session.sent(GROUP)) == 4)
    assert _copied(desk.session.sent(GROUP))[1:] == [message.id for message in messages]
    await _settled(desk)
    attempts = await desk.rows("SELECT attempts FROM outbox WHERE kind = 'copy' ORDER BY lane_seq")
    assert [row.attempts for row in attempts] == [1, 2, 1, 1]


async def test_a_flood_wait_is_no_attempt(desk: DeskUnderTest) -> None:
    desk.start()
    await _open(desk)
    desk.session.faults["send"].append(FloodWait(1))
    await desk.session.feed(desk.session.customer("later"))
    await desk.session.until(lambda: len(desk.session.sent(GROUP)) == 2)
    await _settled(desk)
    attempts = await desk.rows("SELECT max(attempts) AS most FROM outbox")
    assert attempts[0].most == 1


async def test_a_group_in_a_flood_wait_stalls_no_answer_to_a_customer(desk: DeskUnderTest) -> None:
    desk.start()
    topic = await _open(desk)
    desk.session.faults["send"].append(FloodWait(3600))
    await desk.session.feed(desk.session.customer("this one waits an hour"))
    await desk.session.until(lambda: any(call.method == "send!" for call in desk.session.calls))
    await desk.session.feed(desk.session.operator("still here", topic))
    await desk.session.until(lambda: len(desk.session.sent(77)) == 2)
    assert await _settled(desk) == {"relayed": 2, "waiting": 1}


async def test_an_answer_that_is_refused_is_buried_told_and_leaves_the_customer_waiting(desk: DeskUnderTest) -> None:
    desk.start()
    topic = await _open(desk)
    desk.session.faults["send"].append(Rejected("refused", "Telegram refused: nonsense"))
    answer = desk.session.operator("nonsense", topic)
    await desk.session.feed(answer)
    await desk.session.until(lambda: bool(texts(desk.session.sent(GROUP))))
    notice = desk.session.sent(GROUP)[-1].outgoing
    assert (notice.text, notice.reply_to) == ("⚠️ Not delivered: Telegram refused: nonsense", answer.id)
    assert await _settled(desk) == {"relayed": 1, "buried": 1}
    assert (await desk.rows("SELECT status FROM dialogs"))[0].status == "user_answered"


async def test_one_customer_who_is_gone_holds_up_nobody(desk: DeskUnderTest) -> None:
    desk.start()
    ann, bob = await _open(desk), await _open(desk, 78, "Bob")
    desk.session.faults["send"].append(Gone("customer", "blocked", "The customer has blocked the bot."))
    await desk.session.feed(desk.session.operator("Ann?", ann))
    await desk.session.until(lambda: bool(texts(desk.session.sent(GROUP))))
    await desk.session.feed(desk.session.operator("Bob?", bob))
    await desk.session.until(lambda: len(desk.session.sent(78)) == 2)


async def _store(desk: DeskUnderTest, words: str) -> None:
    """A message arrives, as the running relay would store it."""
    (fed,) = await desk.session.feed(desk.session.customer(words))
    await desk.store(Batch((fed,), Cursor(str(fed.id))))


async def test_what_comes_for_a_lane_that_is_just_sending_goes_out_right_behind(desk: DeskUnderTest) -> None:
    await _store(desk, "hello")
    for _ in range(4):
        await desk.turn()
    desk.session.hold = asyncio.Event()
    for words in ("one", "two"):
        (fed,) = await desk.session.feed(desk.session.customer(words))
        storing = asyncio.create_task(desk.seat.store(Batch((fed,), fed.cursor)))
        await asyncio.sleep(0)
        await desk.open_turn()
        await storing
    desk.session.hold.set()
    await asyncio.gather(*desk.sender._tasks)
    await desk.turn()
    assert len(desk.session.sent(GROUP)) == 3


async def test_bodies_are_encrypted_while_they_wait_and_gone_once_delivered(desk: DeskUnderTest) -> None:
    await desk.session.feed(desk.session.customer("a secret of Ann's"))
    await desk.store_only(await desk.session.receive(None))
    waiting = await desk.rows("SELECT body FROM outbox")
    assert all(row.body and b"secret" not in row.body for row in waiting)
    desk.start()
    await desk.session.until(lambda: len(desk.session.sent()) == 2)
    await _settled(desk)
    assert {row.body for row in await desk.rows("SELECT body FROM outbox")} == {None}


async def test_an_update_that_comes_twice_has_its_effect_once(desk: DeskUnderTest) -> None:
    await desk.session.feed(desk.session.customer("once"))
    batch = await desk.session.receive(None)
    await desk.store_only(batch)
    await desk.store_only(batch)
    rows = await desk.rows("SELECT count(*) AS n FROM outbox WHERE kind = 'copy'")
    assert rows[0].n == 1
