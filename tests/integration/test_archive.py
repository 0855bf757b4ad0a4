"""The archive over a real database: kept in the turn that queues the message, read by its owner, forgotten."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, text, update

from sessions.events import Batch, Chat, ChatKind, Cursor, Event, Person
from tenants import archive
from tenants.archive import Archived, Direction, list_page
from tenants.config import ConfigError
from tenants.connections import Connections
from tenants.db import Database
from tenants.errors import LeaseLost
from tenants.ids import ChatId, UserId
from tenants.job_kinds import FORGET, PERIODIC
from tenants.jobs import enqueue_periodic
from tenants.models import tenants
from tenants.outbox import Body
from tenants.plans import Plan
from tenants.settings.service import SettingsService
from tests.factories import OWNER, STRANGER, make_tenant
from tests.integration.conftest import DeskUnderTest
from tests.letters import Mail
from tests.work import do_jobs
from worker.replays import Replays
from worker.turn import Part

SECRET = "the parcel is under the mat"
OLGA = UserId(9)


@pytest.fixture
async def keeping(desk: DeskUnderTest) -> DeskUnderTest:
    await desk.change_settings(ARCHIVE=30)
    return desk


async def _say(desk: DeskUnderTest, *events: Event) -> None:
    fed = await desk.session.feed(*events)
    await desk.store(Batch(tuple(fed), Cursor(str(fed[-1].id))))
    for _ in range(8):
        desk.sender.wake()
        await desk.turn()


async def _open(desk: DeskUnderTest) -> int:
    await _say(desk, desk.session.customer("hello"))
    (topic,) = desk.session.topics
    return topic


async def _read(desk: DeskUnderTest, **page: Any) -> list[Archived]:
    """Of the only dialog, newest first."""
    (dialog,) = await desk.rows("SELECT id FROM dialogs")
    async with desk.database.tenant(desk.tenant.id) as unit:
        return await list_page(unit, desk.tenant.id, dialog.id, desk.keyring, **{"limit": 100, **page})


async def _texts(desk: DeskUnderTest) -> list[list[tuple[int, str]]]:
    """The versions of each message, oldest first."""
    found = [[(one.number, one.text) for one in message.versions] for message in await _read(desk)]
    return list(reversed(found))


async def _count(desk: DeskUnderTest) -> int:
    return int((await desk.rows("SELECT count(*) FROM archive"))[0][0])


async def _talk(desk: DeskUnderTest) -> list[str]:
    """A question, an answer, its edit and its end. The statements that they took."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    engine = desk.database._engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    topic = await _open(desk)
    answer = desk.session.operator("an answer", topic)
    await _say(desk, answer)
    await _say(desk, desk.session.edited(answer, "another"), desk.session.operator("/del", topic, reply_to=answer.id))
    event.remove(engine, "before_cursor_execute", note)
    return [statement for statement in statements if " archive" in statement]


async def test_nothing_is_kept_and_nothing_asked_while_it_is_off(desk: DeskUnderTest) -> None:
    assert await _talk(desk) == []
    assert await _count(desk) == 0


async def test_it_takes_one_statement_for_each_turn(keeping: DeskUnderTest) -> None:
    statements = await _talk(keeping)
    assert [statement.split()[0] for statement in statements] == ["INSERT", "INSERT", "INSERT", "UPDATE"]


async def test_what_both_sides_write_is_kept_with_who_when_and_what(keeping: DeskUnderTest) -> None:
    topic = await _open(keeping)
    await _say(
        keeping,
        keeping.session.operator("which size?", topic),
        keeping.session.customer("this one", content="photo"),
    )
    photo, answer, hello = await _read(keeping)
    assert (hello.direction, hello.text, hello.content, hello.author) == (Direction.CUSTOMER, "hello", "text", None)
    assert (answer.direction, answer.text, answer.author) == (Direction.TEAM, "which size?", OLGA)
    assert (photo.direction, photo.text, photo.content, photo.author) == (
        Direction.CUSTOMER,
        "this one",
        "photo",
        None,
    )
    ((now,),) = await keeping.rows("SELECT now()")
    assert hello.at <= answer.at <= photo.at <= now


async def test_what_is_no_message_to_the_other_side_is_not_kept(keeping: DeskUnderTest) -> None:
    topic = await _open(keeping)
    await keeping.change_settings(RESTRICTED_KEYWORDS_BACKEND=["guarantee"], RESTRICTED_KEYWORDS_FRONTEND=["casino"])
    await _say(
        keeping,
        *(keeping.session.operator(typed, topic) for typed in ("/hold", "/ a note", "we guarantee it")),
        keeping.session.customer("casino"),
    )
    assert await _texts(keeping) == [[(1, "hello")]]


async def test_an_anonymous_administrator_has_no_id(keeping: DeskUnderTest) -> None:
    topic = await _open(keeping)
    group_bot = Person(UserId(1087968824), "Group", "GroupAnonymousBot", is_bot=True)
    await _say(keeping, keeping.session.operator("an answer", topic, sender=group_bot, anonymous=True))
    assert (await _read(keeping))[0].author is None


async def test_edits_are_versions_wherever_they_meet_the_message(keeping: DeskUnderTest) -> None:
    session = keeping.session
    topic = await _open(keeping)
    question, answer = session.customer("one"), session.operator("uno", topic)
    await _say(keeping, question, session.edited(question, "two"))
    await _say(keeping, session.edited(question, "three"), answer)
    await _say(keeping, session.edited(answer, "due"), session.edited(answer, "due"))
    await _say(keeping, session.edited(answer, "tre"), session.edited(question, "four"))
    assert await _texts(keeping) == [
        [(1, "hello")],
        [(1, "one"), (2, "two"), (3, "three"), (4, "four")],
        [(1, "uno"), (2, "due"), (3, "tre")],
    ]


async def test_a_message_of_which_only_an_edit_was_kept_says_so(desk: DeskUnderTest) -> None:
    topic = await _open(desk)
    answer = desk.session.operator("before", topic)
    await _say(desk, answer)
    await desk.change_settings(ARCHIVE=30)
    await _say(desk, desk.session.edited(answer, "after"), desk.session.edited(answer, "later"))
    assert await _texts(desk) == [[(2, "after"), (3, "later")]]


async def test_a_place_that_moves_is_kept_once(keeping: DeskUnderTest) -> None:
    await _open(keeping)
    place = keeping.session.customer("", content="location")
    await _say(keeping, place)
    await _say(keeping, keeping.session.edited(place, "moved"))
    assert await _texts(keeping) == [[(1, "hello")], [(1, "")]]


@pytest.mark.parametrize("when", ["sent", "in the same batch", "waiting"])
async def test_an_answer_that_is_taken_back_stays_and_is_marked(keeping: DeskUnderTest, when: str) -> None:
    topic = await _open(keeping)
    answer = keeping.session.operator("a slip", topic)
    taking = keeping.session.operator("/del", topic, reply_to=answer.id)
    if when == "sent":
        await _say(keeping, answer)
        await _say(keeping, taking)
    elif when == "in the same batch":
        await _say(keeping, answer, taking)
    else:
        for event in (answer, taking):
            (fed,) = await keeping.session.feed(event)
            await keeping.store_only(Batch((fed,), fed.cursor))
    slip, hello = await _read(keeping)
    assert slip.text == "a slip"
    assert slip.deleted_at is not None
    assert hello.deleted_at is None


async def test_what_a_program_sends_is_kept_as_the_programs(keeping: DeskUnderTest) -> None:
    await _open(keeping)
    sent = keeping.session.program("Your code is ready")
    await _say(keeping, sent)
    await _say(keeping, keeping.session.edited(sent, "Your code was used"))
    newest = (await _read(keeping))[0]
    assert (newest.direction, newest.author) == (Direction.PROGRAM, None)
    assert [one.text for one in newest.versions] == ["Your code is ready", "Your code was used"]


async def test_our_own_answer_that_was_taken_for_the_programs_is_kept_once(keeping: DeskUnderTest) -> None:
    """Telegram took the answer, we did not hear of it, and then it comes as another program's message."""
    keeping.session.is_parallel = True
    topic = await _open(keeping)
    keeping.session.carried_out_but_lost["send"] = 1
    await _say(keeping, keeping.session.operator("an answer", topic))
    (lost,) = keeping.session.sent(77)[-1].ids
    await _say(keeping, keeping.session.program("an answer", id=lost), keeping.session.program("of the program"))
    await keeping.rows("UPDATE lanes SET blocked_until = now() RETURNING 1")
    await _say(keeping, keeping.session.customer("thanks"))
    kept = [(message.direction.value, message.text) for message in reversed(await _read(keeping))]
    assert kept == [
        ("customer", "hello"),
        ("team", "an answer"),
        ("program", "of the program"),
        ("customer", "thanks"),
    ]


async def test_a_member_of_a_group_is_named_as_the_team_reads_it(keeping: DeskUnderTest) -> None:
    await keeping.change_settings(MONITOR_GROUPS=True)
    club = Chat(ChatId(-500), ChatKind.SUPERGROUP, "Club")
    said = keeping.session.customer("hi all", chat=club)
    await _say(keeping, said)
    await _say(keeping, keeping.session.edited(said, "hi everybody"))
    await keeping.change_settings(HIDE_INFO=["name"])
    await _say(keeping, keeping.session.customer("hi again", chat=club))
    hidden, shown = await _read(keeping)
    assert (shown.direction, shown.member, shown.author) == (Direction.CUSTOMER, "Ann", None)
    assert [one.text for one in shown.versions] == ["hi all", "hi everybody"]
    assert hidden.member.startswith("Member ")


async def test_under_hide_info_only_what_the_team_reads_is_kept(keeping: DeskUnderTest) -> None:
    await keeping.change_settings(HIDE_INFO=["phone", "email"])
    question = keeping.session.customer("call +7 999 123 45 67")
    await _say(keeping, question)
    await _say(keeping, keeping.session.edited(question, "or write to anna@example.com"))
    (message,) = await _read(keeping)
    assert [one.text for one in message.versions] == ["call +7 ••• ••• 45 67", "or write to a•••@e•••.com"]


async def test_the_plain_text_is_found_in_no_column(keeping: DeskUnderTest) -> None:
    topic = await _open(keeping)
    answer = keeping.session.operator(SECRET, topic)
    await _say(keeping, keeping.session.customer(SECRET), answer)
    await _say(keeping, keeping.session.edited(answer, f"{SECRET}, really"))
    names = [row[0] for row in await keeping.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    assert "archive" in names
    async with keeping.database._engine.connect() as connection:
        for name in names:
            rows = (await connection.execute(text(f"SELECT t::text FROM {name} t"))).scalars().all()  # noqa: S608
            hexed = SECRET.encode().hex()
            assert not [row for row in rows if SECRET in row or hexed in row], name
    assert await _count(keeping) == 4
    assert SECRET not in repr(await _read(keeping))


async def test_a_row_does_not_open_in_another_column_or_tenant(keeping: DeskUnderTest) -> None:
    await _open(keeping)
    ((body,),) = await keeping.rows("SELECT body FROM archive")
    assert b"hello" in keeping.keyring.decrypt(keeping.tenant.id, "archive.body", body)
    with pytest.raises(ConfigError, match="does not open"):
        keeping.keyring.decrypt(keeping.tenant.id, "outbox.body", body)


async def test_a_batch_that_comes_again_is_kept_once(keeping: DeskUnderTest) -> None:
    await _open(keeping)
    fed = await keeping.session.feed(keeping.session.customer("again"))
    for _ in range(2):
        await keeping.store_only(Batch(tuple(fed), fed[-1].cursor))
    assert await _texts(keeping) == [[(1, "hello")], [(1, "again")]]


async def test_without_the_lease_nothing_is_kept(keeping: DeskUnderTest) -> None:
    await _open(keeping)
    fed = await keeping.session.feed(keeping.session.customer("again"))
    async with keeping.database.fleet() as unit:
        await unit.execute(text("UPDATE leases SET term = term + 1"))
    with pytest.raises(LeaseLost):
        await keeping.store_only(Batch(tuple(fed), fed[-1].cursor))
    assert await _count(keeping) == 1


async def test_what_was_set_aside_is_kept_when_it_is_handled(keeping: DeskUnderTest) -> None:
    await _open(keeping)
    (fed,) = await keeping.session.feed(keeping.session.customer("late"))
    part = Part(keeping.line, updates=[fed], cursor=fed.cursor)
    await keeping.pump._turn.run([part.set_aside("KeyError")])
    assert await _count(keeping) == 1
    await keeping.rows("UPDATE updates SET replay_at = now() WHERE disposition = 'failed' RETURNING 1")
    assert await Replays(keeping.database, keeping.keyring, "https://backline.example").run(keeping.line)
    assert await _texts(keeping) == [[(1, "hello")], [(1, "late")]]


async def _age(desk: DeskUnderTest, words: str, *, days: int, hours: int = 0) -> None:
    """Makes the version that says this so old."""
    for row in await desk.rows("SELECT id, body FROM archive"):
        body = Body.load(desk.keyring.decrypt(desk.tenant.id, "archive.body", row.body))
        if body.text == words:
            await desk.rows(
                "UPDATE archive SET at = now() - make_interval(days => :days, hours => :hours) WHERE id = :id "
                "RETURNING 1",
                id=row.id,
                days=days,
                hours=hours,
            )


async def _forget(desk: DeskUnderTest) -> None:
    """As the periodic job does."""
    async with desk.database.fleet() as unit:
        assert await enqueue_periodic(unit, FORGET, PERIODIC[FORGET])
    await do_jobs(desk.database)


async def test_what_is_older_than_the_days_is_forgotten(keeping: DeskUnderTest) -> None:
    await _open(keeping)
    question = keeping.session.customer("old words")
    await _say(keeping, question, keeping.session.customer("younger"))
    await _say(keeping, keeping.session.edited(question, "new words"))
    await _age(keeping, "old words", days=30, hours=1)
    await _age(keeping, "hello", days=31)
    await _age(keeping, "younger", days=29, hours=23)
    await _forget(keeping)
    assert sorted(await _texts(keeping)) == [[(1, "younger")], [(2, "new words")]]


async def test_switched_off_all_is_forgotten_at_the_next_run(keeping: DeskUnderTest, database, keyring) -> None:
    other = await make_tenant(database, keyring, owner=STRANGER, bot=6000)
    await SettingsService(Connections(database, keyring, plan=Plan.BUSINESS)).change(
        STRANGER, other.id, {"ARCHIVE": 1}
    )
    mail = Mail(database, keyring, other)
    theirs = await mail.open_dialog()
    await mail.keep(theirs, "theirs", message=1)
    await _open(keeping)
    await keeping.change_settings(ARCHIVE=0)
    await _forget(keeping)
    assert await _count(keeping) == 0
    async with database.tenant(other.id) as unit:
        assert len(await list_page(unit, other.id, theirs.id, keyring, limit=10)) == 1


async def test_a_downgrade_deletes_nothing_and_keeps_nothing_new(keeping: DeskUnderTest) -> None:
    await _open(keeping)
    async with keeping.database.tenant(keeping.tenant.id) as unit:
        await unit.execute(update(tenants).where(tenants.c.id == keeping.tenant.id).values(plan=Plan.FREE))
    await _say(keeping, keeping.session.customer("on the free plan"))
    await _forget(keeping)
    assert await _texts(keeping) == [[(1, "hello")]]


async def test_much_is_forgotten_in_pieces(keeping: DeskUnderTest, database: Database) -> None:
    await _open(keeping)
    await _say(keeping, *(keeping.session.customer(str(number)) for number in range(4)))
    await keeping.change_settings(ARCHIVE=0)
    left = []
    for _ in range(3):
        async with database.fleet() as unit:
            is_done = await archive.forget_old(unit, most=2)
        left.append((is_done, await _count(keeping)))
    assert left == [(False, 3), (False, 1), (True, 0)]


async def test_an_erasure_leaves_nothing(keeping: DeskUnderTest) -> None:
    await _open(keeping)
    await keeping.connections.erase(OWNER, keeping.tenant.id)
    await do_jobs(keeping.database)
    async with keeping.database._engine.connect() as connection:
        assert (await connection.execute(text("SELECT 1 FROM archive"))).all() == []


async def test_pages_follow_each_other_newest_first(keeping: DeskUnderTest) -> None:
    question = keeping.session.customer("0")
    await _say(keeping, question, *(keeping.session.customer(str(number)) for number in range(1, 5)))
    await _say(keeping, keeping.session.edited(question, "0, edited"))
    whole = await _read(keeping)
    pages: list[Archived] = []
    after: UUID | None = None
    while page := await _read(keeping, limit=2, after=after):
        pages += page
        after = page[-1].id
    assert pages == whole
    assert [message.text for message in whole] == ["4", "3", "2", "1", "0, edited"]


async def test_only_the_newest_versions_are_read(keeping: DeskUnderTest) -> None:
    question = keeping.session.customer("0")
    await _say(keeping, question, *(keeping.session.edited(question, str(number)) for number in range(1, 111)))
    (message,) = await _read(keeping)
    assert [one.text for one in message.versions] == [str(number) for number in range(11, 111)]
