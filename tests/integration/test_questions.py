"""`/why` and `/retry` as operators use them, and updates that are handled after all."""

from sqlalchemy import text

from sessions.errors import Rejected
from sessions.events import Batch
from tenants.set_aside import request_replay
from tests.fakes import GROUP, texts
from tests.integration.conftest import DeskUnderTest
from worker.replays import Replays
from worker.turn import Part


async def _write(desk: DeskUnderTest, *messages: object) -> None:
    fed = await desk.session.feed(*messages)
    await desk.store_only(Batch(tuple(fed), fed[-1].cursor))
    await _settle(desk)


async def _settle(desk: DeskUnderTest) -> None:
    for _ in range(4):
        desk.sender.wake()
        await desk.turn()


async def _open(desk: DeskUnderTest) -> int:
    await _write(desk, desk.session.customer("hello"))
    return next(iter(desk.session.topics))


def _said(desk: DeskUnderTest) -> list[str]:
    return texts(desk.session.sent(GROUP))


async def test_why_tells_of_a_message_that_went_through(desk: DeskUnderTest) -> None:
    topic = await _open(desk)
    shown = desk.session.sent(GROUP)[0].ids[0]
    question = desk.session.operator("/why", topic, reply_to=shown)
    await _write(desk, question)
    assert _said(desk)[-1].startswith("✅ Shown here.\nReceived: ")
    assert desk.session.sent(GROUP)[-1].outgoing.reply_to == question.id


async def test_why_without_a_reply_says_how_to_ask(desk: DeskUnderTest) -> None:
    topic = await _open(desk)
    await _write(desk, desk.session.operator("/why", topic))
    assert _said(desk)[-1] == "Reply with the command to the message that you mean."


async def test_retry_sends_a_buried_answer_again_once(desk: DeskUnderTest) -> None:
    topic = await _open(desk)
    desk.session.faults["send"].append(Rejected("refused", "Telegram refused: nonsense"))
    answer = desk.session.operator("nonsense", topic)
    await _write(desk, answer)
    assert (await desk.dispositions())["buried"] == 1
    await _write(desk, desk.session.operator("/why", topic, reply_to=answer.id))
    assert "Telegram refused: nonsense" in _said(desk)[-1]
    await _write(desk, desk.session.operator("/retry", topic, reply_to=answer.id))
    await _settle(desk)
    assert [call.outgoing.ids for call in desk.session.sent(77)[1:]] == [(answer.id,)]
    await _write(desk, desk.session.operator("/retry", topic, reply_to=answer.id))
    assert _said(desk)[-1].startswith("There is nothing to try again.")
    assert "buried" not in await desk.dispositions()


async def test_an_update_that_was_set_aside_is_handled_late_when_somebody_asks(desk: DeskUnderTest) -> None:
    topic = await _open(desk)
    (fed,) = await desk.session.feed(desk.session.customer("poison"))
    part = Part(desk.line, updates=[fed], cursor=fed.cursor, aside="ValueError", completes=True)
    await desk.pump._turn.run([part])
    assert (await desk.dispositions())["failed"] == 1
    async with desk.database.tenant(desk.tenant.id) as unit:
        await request_replay(unit, desk.tenant.id, [fed.id])
    assert await Replays(desk.database, desk.keyring, "https://backline.example").run(desk.line)
    await _settle(desk)
    assert _said(desk)[-1].startswith("⏳")
    assert desk.session.sent(GROUP)[-1].outgoing.ids == (fed.event.id,)
    assert desk.session.sent(GROUP)[-1].outgoing.topic == topic
    assert await desk.dispositions() == {"relayed": 2}
    async with desk.database.tenant(desk.tenant.id) as unit:
        kept = (await unit.execute(text("SELECT body FROM updates WHERE disposition = 'failed'"))).all()
    assert kept == []
