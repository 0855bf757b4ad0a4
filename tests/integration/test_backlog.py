"""More to send than the group's budget allows: texts are joined, copies go in runs, replies still find their part."""

from dataclasses import replace

from sessions.errors import FloodWait, Rejected
from sessions.events import Batch, Message
from sessions.port import Copy, Text
from tests.fakes import GROUP, Call
from tests.integration.conftest import DeskUnderTest
from worker.allowance import Allowance


async def _write(desk: DeskUnderTest, *messages: Message, just_now: bool = False) -> None:
    fed = await desk.session.feed(*messages)
    await desk.store_only(Batch(tuple(fed), fed[-1].cursor))
    if not just_now:
        await _a_while_ago(desk)


async def _a_while_ago(desk: DeskUnderTest) -> None:
    await desk.rows("UPDATE outbox SET created_at = now() - interval '4 seconds' RETURNING 1")


async def _opened(desk: DeskUnderTest) -> int:
    """A dialog whose topic exists; the topic."""
    await _write(desk, desk.session.customer("hello"))
    for _ in range(4):
        desk.sender.wake()
        await desk.turn()
    (topic,) = desk.session.topics
    desk.session.calls.clear()
    return topic


def _short_of_budget(desk: DeskUnderTest, units: int = 5) -> None:
    desk.sender._allowance = Allowance(units)


async def _send_what_waits(desk: DeskUnderTest, turns: int = 4) -> list[Call]:
    for _ in range(turns):
        desk.sender.wake()
        await desk.turn()
    return desk.session.sent(GROUP)


def _texts(desk: DeskUnderTest, *words: str) -> list[Message]:
    return [desk.session.customer(word, joinable=True) for word in words]


async def test_plain_texts_beyond_the_budget_go_out_as_one(desk: DeskUnderTest) -> None:
    topic = await _opened(desk)
    _short_of_budget(desk)
    bold = replace(desk.session.customer("bold 🙂", joinable=True), entities=(("bold", 0, 4, ""),))
    await _write(desk, *_texts(desk, "one 🙂", "two"), bold, *_texts(desk, "four", "five", "six"))
    (call,) = await _send_what_waits(desk)
    assert isinstance(call.outgoing, Text)
    assert call.outgoing.text == "one 🙂\ntwo\nbold 🙂\nfour\nfive\nsix"
    assert call.outgoing.entities == (("bold", 11, 4, ""),)
    assert call.outgoing.topic == topic
    assert (await desk.dispositions())["relayed"] == 7


async def test_within_the_budget_each_text_is_copied(desk: DeskUnderTest) -> None:
    await _opened(desk)
    await _write(desk, *_texts(desk, "one", "two"))
    calls = await _send_what_waits(desk)
    assert [len(call.outgoing.ids) for call in calls if isinstance(call.outgoing, Copy)] == [1, 1]


async def test_what_is_no_plain_text_is_not_joined_and_keeps_its_place(desk: DeskUnderTest) -> None:
    await _opened(desk)
    _short_of_budget(desk)
    photo = desk.session.customer("a photo", content="photo")
    reply = desk.session.customer("a reply", reply_to=1)
    await _write(desk, *_texts(desk, "one", "two"), photo, reply, *_texts(desk, "three", "four", "five"))
    calls = await _send_what_waits(desk, turns=6)
    said = [call.outgoing.text if isinstance(call.outgoing, Text) else call.outgoing.ids for call in calls]
    assert said == ["one\ntwo", (photo.id,), (reply.id,), "three\nfour\nfive"]


async def test_a_joined_text_is_at_most_as_long_as_telegram_takes(desk: DeskUnderTest) -> None:
    await _opened(desk)
    _short_of_budget(desk)
    await _write(desk, *_texts(desk, *["x" * 1000] * 12))
    calls = await _send_what_waits(desk)
    assert [len(call.outgoing.text) for call in calls if isinstance(call.outgoing, Text)] == [4003] * 3


async def test_a_reply_goes_to_the_part_that_holds_the_quote_else_to_the_last(desk: DeskUnderTest) -> None:
    topic = await _opened(desk)
    _short_of_budget(desk)
    parts = _texts(desk, "one", "two", "three", "four", "five", "six")
    await _write(desk, *parts)
    (call,) = await _send_what_waits(desk)
    for quote, part in ((0, parts[0]), (5, parts[1]), (None, parts[-1])):
        answer = desk.session.operator("yes", topic, reply_to=call.ids[0], reply_at=quote)
        await _write(desk, answer)
        await _send_what_waits(desk, turns=2)
        sent = desk.session.sent(77)[-1].outgoing
        assert (sent.ids, sent.reply_to) == ((answer.id,), part.id)


async def test_a_joined_text_that_is_refused_goes_out_in_pieces(desk: DeskUnderTest) -> None:
    await _opened(desk)
    _short_of_budget(desk)
    desk.session.faults["send"].append(Rejected("bad_formatting", "The text's formatting is broken."))
    parts = _texts(desk, "one", "two", "three", "four", "five", "six")
    await _write(desk, *parts)
    calls = await _send_what_waits(desk)
    assert [call.outgoing.ids for call in calls if isinstance(call.outgoing, Copy)] == [(p.id,) for p in parts]


async def test_a_flood_wait_of_a_joined_text_keeps_all_its_parts_waiting(desk: DeskUnderTest) -> None:
    await _opened(desk)
    _short_of_budget(desk)
    desk.session.faults["send"].append(FloodWait(3600))
    await _write(desk, *_texts(desk, "one", "two", "three", "four", "five", "six"))
    assert await _send_what_waits(desk) == []
    assert (await desk.dispositions()) == {"relayed": 1, "waiting": 6}
    attempts = await desk.rows("SELECT DISTINCT attempts FROM outbox WHERE state = 'waiting'")
    assert [row.attempts for row in attempts] == [0]


async def test_pictures_under_backlog_are_copied_in_one_call_that_costs_what_they_cost(desk: DeskUnderTest) -> None:
    await _opened(desk)
    _short_of_budget(desk)
    await _write(desk, *[desk.session.customer("", content="photo") for _ in range(8)])
    calls = await _send_what_waits(desk)
    assert [len(call.outgoing.ids) for call in calls if isinstance(call.outgoing, Copy)] == [5]
    assert desk.sender._allowance.for_group() == 0


async def test_a_run_of_which_telegram_leaves_some_out_is_taken_back_and_sent_one_by_one(desk: DeskUnderTest) -> None:
    await _opened(desk)
    album = [desk.session.customer("", content="photo", album="a1") for _ in range(3)]
    desk.session.left_out = 1
    await _write(desk, *album)
    await desk.rows("UPDATE outbox SET not_before = now() RETURNING 1")
    calls = await _send_what_waits(desk)
    assert [call.outgoing.ids for call in calls][1:] == [(piece.id,) for piece in album]
    (taken_back,) = [call for call in desk.session.calls if call.method == "delete"]
    assert len(taken_back.outgoing[1]) == 2
    assert (await desk.dispositions())["relayed"] == 4


async def test_where_little_is_left_texts_that_came_just_now_wait_for_more_of_their_kind(desk: DeskUnderTest) -> None:
    await _opened(desk)
    _short_of_budget(desk, 20)
    desk.sender._allowance.remember([1.0] * 12)
    await _write(desk, *_texts(desk, *map(str, range(10))), just_now=True)
    assert await _send_what_waits(desk) == []
    await _a_while_ago(desk)
    (call,) = await _send_what_waits(desk)
    assert call.outgoing.text == "\n".join(map(str, range(10)))
