"""What operators and the clock do is in the audit log: one row for each act, and no word of a message."""

import pytest
from sqlalchemy import text

from sessions.errors import Rejected
from sessions.events import Person
from sessions.port import Batch, Cursor, Membership
from tenants.dialog_events import close_due
from tenants.errors import LeaseLost
from tenants.ids import UserId
from tests.fakes import BOT
from tests.integration.conftest import DeskUnderTest
from worker.replays import Replays
from worker.turn import Part

OLGA = ("operator", 9, "Olga")
NOBODY = ("operator", None, "")
SYSTEM = ("system", None, "")
ANN = Person(UserId(77), "Ann Lee", "ann", is_bot=False)
BRAND = "https://backline.example"


async def _say(desk: DeskUnderTest, *events) -> None:
    fed = await desk.session.feed(*events)
    await desk.store(Batch(tuple(fed), Cursor(str(fed[-1].id))))
    for _ in range(8):
        desk.sender.wake()
        await desk.turn()


async def _open(desk: DeskUnderTest) -> int:
    """The topic of a dialog with Ann."""
    await _say(desk, desk.session.customer("hello"))
    (topic,) = desk.session.topics
    return topic


async def _told(desk: DeskUnderTest) -> list[tuple[str, tuple[str, int | None, str], dict[str, str]]]:
    """All about dialogs, oldest first; each is about the only one."""
    rows = await desk.rows(
        "SELECT a.*, d.id AS dialog FROM audit a, dialogs d WHERE action LIKE 'dialog.%' ORDER BY a.id"
    )
    assert {row.subject for row in rows} <= {str(row.dialog) for row in rows}
    return [(row.action, (row.actor_kind, row.actor_id, row.actor_name), row.params) for row in rows]


async def test_the_commands_are_told_with_their_operator_and_change_nothing_twice(desk: DeskUnderTest) -> None:
    topic = await _open(desk)
    await _say(
        desk, *(desk.session.operator(typed, topic) for typed in ("/hold", "/close", "/close", "/hold", "/why"))
    )
    assert await _told(desk) == [
        ("dialog.closed", OLGA, {"how": "command"}),
        ("dialog.held", OLGA, {"how": "command"}),
    ]


async def test_bans_owners_and_deletions_are_told_where_they_change_something(desk: DeskUnderTest) -> None:
    topic = await _open(desk)
    desk.session.members[UserId(9)] = Membership("administrator", frozenset({"can_restrict_members"}))
    for typed in ("/assign me", "/assign me", "/assign off", "/assign off"):
        await _say(desk, desk.session.operator(typed, topic))
    answer = desk.session.operator("a slip", topic)
    await _say(desk, answer)
    for _ in range(2):
        await _say(desk, desk.session.operator("/del", topic, reply_to=answer.id))
    for typed in ("/ban", "/ban", "/unban", "/unban"):
        await _say(desk, desk.session.operator(typed, topic))
    assert await _told(desk) == [
        ("dialog.assigned", OLGA, {"owner": 9}),
        ("dialog.assigned", OLGA, {"owner": None}),
        ("dialog.answer_deleted", OLGA, {}),
        ("dialog.banned", OLGA, {}),
        ("dialog.unbanned", OLGA, {}),
    ]


async def test_a_retry_is_told_with_what_it_sent_again(desk: DeskUnderTest) -> None:
    topic = await _open(desk)
    desk.session.faults["send"].append(Rejected("refused", "No."))
    answer = desk.session.operator("an answer", topic)
    await _say(desk, answer)
    (dead,) = await desk.rows("SELECT id FROM outbox WHERE state = 'buried'")
    await _say(desk, desk.session.operator("/retry", topic, reply_to=answer.id))
    (told,) = await desk.rows("SELECT * FROM audit WHERE action = 'dead_letters.replayed'")
    assert (told.actor_kind, told.actor_id, told.params) == ("operator", 9, {"ids": [str(dead.id)]})


async def test_an_anonymous_administrator_has_no_name(desk: DeskUnderTest) -> None:
    topic = await _open(desk)
    group_bot = Person(UserId(1087968824), "Group", "GroupAnonymousBot", is_bot=True)
    await _say(desk, desk.session.operator("/close", topic, sender=group_bot, anonymous=True))
    assert await _told(desk) == [("dialog.closed", NOBODY, {"how": "command"})]


async def test_the_topic_closed_and_reopened_by_hand_is_told_and_its_other_events_are_not(
    desk: DeskUnderTest,
) -> None:
    topic = await _open(desk)
    event = desk.session.topic_event
    await _say(desk, event("closed", topic), event("renamed", topic, name="⬛️ Annie"), event("reopened", topic))
    await _say(desk, event("closed", topic, actor=BOT), event("reopened", topic))
    assert await _told(desk) == [
        ("dialog.closed", OLGA, {"how": "topic"}),
        ("dialog.held", OLGA, {"how": "topic"}),
    ]


async def test_what_customers_and_operators_write_is_no_act(desk: DeskUnderTest) -> None:
    topic = await _open(desk)
    await _say(desk, desk.session.operator("/close", topic), desk.session.customer("again"))
    await _say(desk, desk.session.operator("an answer", topic), desk.session.operator("/ a note", topic))
    assert len(await _told(desk)) == 1


async def test_autoclose_is_the_systems_act(desk: DeskUnderTest) -> None:
    topic = await _open(desk)
    await _say(desk, desk.session.operator("an answer", topic))
    await desk.rows("UPDATE dialogs SET close_at = now() RETURNING 1")
    for _ in range(2):
        async with desk.database.tenant(desk.tenant.id) as unit:
            await close_due(unit, desk.tenant.id)
    assert await _told(desk) == [("dialog.closed", SYSTEM, {"how": "autoclose"})]


@pytest.mark.parametrize("typed", ["/new @ann", "/new *77"])
async def test_new_is_told_with_whoever_asked_once_it_has_opened_a_dialog(desk: DeskUnderTest, typed: str) -> None:
    desk.session.people = {"@ann": ANN, "77": ANN}
    await _say(desk, desk.session.operator("/new @nobody", None))
    await _say(desk, desk.session.operator(typed, None))
    await _say(desk, desk.session.operator(typed, None))
    assert await _told(desk) == [("dialog.opened", OLGA, {})]


async def test_an_anonymous_new_has_no_name(desk: DeskUnderTest) -> None:
    desk.session.people = {"@ann": ANN}
    await _say(desk, desk.session.operator("/new @ann", None, anonymous=True))
    assert await _told(desk) == [("dialog.opened", NOBODY, {})]


async def test_recording_a_lookup_again_is_one_act(desk: DeskUnderTest) -> None:
    """After a commit whose answer was lost."""
    desk.session.people = {"@ann": ANN}
    (fed,) = await desk.session.feed(desk.session.operator("/new @ann", None))
    await desk.store(Batch((fed,), fed.cursor))
    part = desk.seat.bring()
    await desk.pump._turn.run([part])
    await desk.pump._turn.run([part])
    assert await _told(desk) == [("dialog.opened", OLGA, {})]


async def test_a_batch_that_comes_again_is_told_once(desk: DeskUnderTest) -> None:
    topic = await _open(desk)
    fed = await desk.session.feed(desk.session.operator("/close", topic))
    for _ in range(2):
        await desk.store_only(Batch(tuple(fed), fed[-1].cursor))
    assert await _told(desk) == [("dialog.closed", OLGA, {"how": "command"})]


async def test_without_the_lease_nothing_is_told(desk: DeskUnderTest) -> None:
    topic = await _open(desk)
    fed = await desk.session.feed(desk.session.operator("/close", topic))
    async with desk.database.fleet() as unit:
        await unit.execute(text("UPDATE leases SET term = term + 1"))
    with pytest.raises(LeaseLost):
        await desk.store_only(Batch(tuple(fed), fed[-1].cursor))
    assert await _told(desk) == []


async def test_a_command_that_was_set_aside_is_told_when_it_is_obeyed(desk: DeskUnderTest) -> None:
    topic = await _open(desk)
    (fed,) = await desk.session.feed(desk.session.operator("/close", topic))
    part = Part(desk.line, updates=[fed], cursor=fed.cursor)
    await desk.pump._turn.run([part.set_aside("KeyError")])
    assert await _told(desk) == []
    await desk.rows("UPDATE updates SET replay_at = now() WHERE disposition = 'failed' RETURNING 1")
    replays = Replays(desk.database, desk.keyring, BRAND)
    assert await replays.run(desk.line)
    assert not await replays.run(desk.line)
    assert await _told(desk) == [("dialog.closed", OLGA, {"how": "command"})]


async def test_no_row_holds_a_word_of_a_message(desk: DeskUnderTest) -> None:
    desk.session.people = {"@ann": ANN}
    topic = await _open(desk)
    for typed in ("a secret answer", "/close a secret reason", "/hold a secret", "/ a secret note"):
        await _say(desk, desk.session.operator(typed, topic), desk.session.customer("a secret question"))
    await _say(desk, desk.session.operator("/new @ann", None))
    rows = [row[0] for row in await desk.rows("SELECT audit::text FROM audit")]
    assert len(rows) >= 2
    assert not [row for row in rows if "secret" in row or "hello" in row or "Ann" in row]
