"""A tenant that begins to receive another way: the same messages come again, as other updates."""

from dataclasses import replace
from datetime import timedelta

from sessions.events import Batch, Cursor, Person
from tenants.ids import UserId
from tests.fakes import GROUP
from tests.integration.conftest import DeskUnderTest
from worker.replays import Replays
from worker.turn import Part


async def _say(desk: DeskUnderTest, *events) -> None:
    fed = await desk.session.feed(*events)
    await desk.store(Batch(tuple(fed), Cursor(str(fed[-1].id))))
    for _ in range(8):
        desk.sender.wake()
        await desk.turn()


async def _switch(desk: DeskUnderTest, hours_ago: int = 0) -> None:
    statement = "UPDATE tenants SET mode = 'parallel', mode_changed_at = now() - CAST(:ago AS interval) RETURNING 1"
    await desk.rows(statement, ago=timedelta(hours=hours_ago))


async def _reasons(desk: DeskUnderTest, last: int) -> list[str | None]:
    return [row.reason for row in await desk.rows("SELECT reason FROM updates ORDER BY update_id")][-last:]


async def test_what_was_relayed_before_the_switch_is_relayed_once(desk: DeskUnderTest) -> None:
    delivered = desk.session.customer("delivered")
    await _say(desk, delivered)
    (topic,) = desk.session.topics
    answer = desk.session.operator("an answer", topic)
    await _say(desk, answer)
    waiting = desk.session.customer("waiting")
    (fed,) = await desk.session.feed(waiting)
    await desk.store_only(Batch((fed,), fed.cursor))
    await _switch(desk)
    fresh = desk.session.customer("fresh")
    await _say(desk, delivered, waiting, answer, fresh)
    assert await _reasons(desk, 4) == ["seen_before", "seen_before", "seen_before", None]
    assert len(desk.session.sent(GROUP)) == 3
    assert len(desk.session.sent(77)) == 2
    assert await desk.dispositions() == {"relayed": 4, "ignored": 3}


async def test_two_days_later_nothing_is_asked_any_more(desk: DeskUnderTest) -> None:
    said = desk.session.customer("hello")
    await _say(desk, said)
    await _switch(desk, 49)
    await _say(desk, said)
    assert await _reasons(desk, 1) == [None]


async def test_what_the_team_wrote_before_the_switch_is_not_done_again(desk: DeskUnderTest) -> None:
    await _say(desk, desk.session.customer("hello"))
    (topic,) = desk.session.topics
    await _switch(desk)
    old = desk.session.operator("/close", topic)
    old = replace(old, date=old.date - 60)
    later = desk.session.operator("still open?", topic)
    later = replace(later, date=later.date + 60)
    await _say(desk, old, later)
    assert await _reasons(desk, 2) == ["before_the_switch", None]
    assert (await desk.rows("SELECT status FROM dialogs"))[0].status == "support_answered"


async def test_a_command_in_general_is_answered_once(desk: DeskUnderTest) -> None:
    desk.session.people = {"@ann": Person(UserId(77), "Ann", "ann", is_bot=False)}
    asked = replace(desk.session.operator("/new @ann", None), date=4_000_000_000)
    await _say(desk, asked)
    await _switch(desk)
    await _say(desk, asked)
    assert await _reasons(desk, 1) == ["seen_before"]


async def test_a_mirror_is_not_shown_twice(desk: DeskUnderTest) -> None:
    await _say(desk, desk.session.customer("hello"))
    said = desk.session.program("one")
    await _say(desk, said, said)
    await _say(desk, said)
    assert await _reasons(desk, 2) == ["seen_before", "seen_before"]


async def test_an_answer_that_was_set_aside_before_the_switch_can_still_be_replayed(desk: DeskUnderTest) -> None:
    await _say(desk, desk.session.customer("hello"))
    (topic,) = desk.session.topics
    answer = desk.session.operator("an answer", topic)
    (fed,) = await desk.session.feed(replace(answer, date=answer.date - 60))
    await desk.pump._turn.run([Part(desk.line, updates=[fed], cursor=fed.cursor).set_aside("KeyError")])
    await _switch(desk)
    await desk.rows("UPDATE updates SET replay_at = now() WHERE disposition = 'failed' RETURNING 1")
    assert await Replays(desk.database, desk.keyring, "https://backline.example").run(desk.line)
    assert await desk.dispositions() == {"relayed": 1, "waiting": 1}
