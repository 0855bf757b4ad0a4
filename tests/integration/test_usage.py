"""Updates are counted by days, once each; those beyond the plan's limit wait and are handled later, in order."""

import asyncio
from collections.abc import AsyncIterator
from contextvars import Context

import pytest
from sqlalchemy.exc import IntegrityError

from sessions.events import Batch, Chat, ChatKind, Event, Incoming
from tenants.ids import ChatId, UpdateId
from tenants.plan_change import change_plan
from tenants.plans import Plan, TermsByPlan, with_updates_a_day
from tenants.set_aside import request_replay
from tenants.usage.waiting import set_aside_what_waited_too_long
from tests.integration.conftest import DeskUnderTest
from tests.usage import spend_tolerated_days
from worker import checkpoints
from worker.pump import Pump
from worker.release import Release
from worker.replays import Replays
from worker.seat import TenantSeat
from worker.turn import Part, Turn

LIMIT = 3
TERMS = with_updates_a_day({Plan.FREE: LIMIT, Plan.PRO: 100, Plan.BUSINESS: LIMIT})


def _limit(desk: DeskUnderTest, terms: TermsByPlan = TERMS) -> None:
    """The same desk, on plans of few updates."""
    allowance = desk.sender._allowance
    desk.pump = Pump(Turn(desk.database, desk.keyring, "https://backline.example", terms))
    desk.seat = TenantSeat(desk.line, desk.keeper, allowance, desk.pump)


@pytest.fixture
async def short(desk: DeskUnderTest) -> AsyncIterator[DeskUnderTest]:
    """Three updates a day, and the tolerated days of the month are used up."""
    first = desk.seat
    _limit(desk)
    await spend_tolerated_days(desk.database, desk.tenant.id)
    yield desk
    first.close()


async def _receive(desk: DeskUnderTest, *events: Event) -> list[Incoming]:
    fed = await desk.session.feed(*events)
    await desk.store(Batch(tuple(fed), fed[-1].cursor))
    return fed


async def _release(desk: DeskUnderTest) -> None:
    """What waits is brought to turns, until it ends by itself."""
    pumping = asyncio.create_task(desk.pump.run())
    release = Release(desk.tenant.id, desk.database, desk.keyring, desk.seat.release)
    release.begin()
    assert release._task is not None
    async with asyncio.timeout(10):
        await release._task
    pumping.cancel()
    await asyncio.gather(pumping, return_exceptions=True)


async def _turn_the_day(desk: DeskUnderTest) -> None:
    """What today has had was yesterday's: the day before the first that is taken."""
    await desk.rows(
        "UPDATE usage SET day = (SELECT min(day) FROM usage) - 40 "
        "WHERE day = (now() AT TIME ZONE 'UTC')::date RETURNING 1"
    )
    await desk.rows("UPDATE intakes SET release_at = now() RETURNING 1")


async def _used(desk: DeskUnderTest) -> int:
    rows = await desk.rows("SELECT updates FROM usage WHERE day = (now() AT TIME ZONE 'UTC')::date")
    return rows[0].updates if rows else 0


async def _handled(desk: DeskUnderTest) -> list[int]:
    """The customers' messages that are on their way to the topics, in order."""
    rows = await desk.rows(
        "SELECT o.source_message_id FROM outbox o JOIN lanes l ON l.id = o.lane_id "
        "WHERE o.kind = 'copy' ORDER BY l.id, o.lane_seq"
    )
    return [row.source_message_id for row in rows]


async def test_each_update_counts_once_however_often_it_comes(desk: DeskUnderTest) -> None:
    fed = await desk.session.feed(*[desk.session.customer(str(number)) for number in range(5)])
    for size in (2, 5, 3, 5):
        await desk.store(Batch(tuple(fed[:size]), fed[size - 1].cursor))
    assert await _used(desk) == 5


async def test_what_the_team_writes_and_what_is_ignored_counts_as_well(desk: DeskUnderTest) -> None:
    await _receive(desk, desk.session.customer("1"), desk.session.operator("2", None))
    await desk.change_settings(IGNORE_CHATS=[77])
    await _receive(desk, desk.session.customer("3"))
    assert await _used(desk) == 3


async def test_an_update_that_is_set_aside_counts(desk: DeskUnderTest) -> None:
    (fed,) = await desk.session.feed(desk.session.customer("x"))
    part = Part(desk.line, updates=[fed], cursor=fed.cursor, aside="KeyError")
    await desk.pump._turn.run([part])
    assert (await desk.dispositions(), await _used(desk)) == ({"failed": 1}, 1)


async def test_a_turn_that_fails_counts_nothing_and_the_next_one_all(desk: DeskUnderTest) -> None:
    fed = await desk.session.feed(desk.session.customer("1"), desk.session.customer("2"))
    part = Part(desk.line, updates=fed, cursor=fed[-1].cursor)

    def fail(name: str) -> None:
        if name == "turn.stored":
            raise ConnectionError

    checkpoints.hook = fail
    try:
        with pytest.raises(ConnectionError):
            await desk.pump._turn.run([part])
    finally:
        checkpoints.hook = None
    assert await _used(desk) == 0
    await desk.pump._turn.run([part])
    assert await _used(desk) == 2


async def test_a_day_may_go_over_while_tolerated_days_are_left(desk: DeskUnderTest) -> None:
    first = desk.seat
    _limit(desk)
    await spend_tolerated_days(desk.database, desk.tenant.id, 9)
    await _receive(desk, *[desk.session.customer(str(number)) for number in range(5)])
    assert (await _used(desk), (await desk.dispositions()).get("waiting", 0)) == (5, 5)
    assert (await desk.rows("SELECT count(*) AS n FROM updates WHERE disposition = 'held'"))[0].n == 0
    first.close()


async def test_days_of_another_month_are_no_days_of_this_one(desk: DeskUnderTest) -> None:
    first = desk.seat
    _limit(desk)
    await spend_tolerated_days(desk.database, desk.tenant.id, 10, months_ago=1)
    await _receive(desk, *[desk.session.customer(str(number)) for number in range(5)])
    assert await _used(desk) == 5
    first.close()


async def test_beyond_the_limit_customers_wait_and_the_team_does_not(short: DeskUnderTest) -> None:
    session = short.session
    await _receive(short, *[session.customer(str(number)) for number in range(4)])
    assert await _used(short) == LIMIT
    await _receive(short, session.operator("a command or an answer", None), session.customer("5"))
    assert await short.rows("SELECT update_id FROM updates WHERE disposition = 'held' ORDER BY update_id") == [
        (1003,),
        (1005,),
    ]
    assert await _used(short) == LIMIT + 1
    assert len(await _handled(short)) == LIMIT
    assert "unaccounted" not in await short.dispositions()


async def test_the_body_of_what_waits_is_encrypted(short: DeskUnderTest) -> None:
    await _receive(short, *[short.session.customer(f"secret {number}") for number in range(4)])
    (row,) = await short.rows("SELECT body FROM updates WHERE body IS NOT NULL")
    assert b"secret" not in row.body


async def test_what_waits_goes_on_in_order_when_the_day_turns_before_what_comes(short: DeskUnderTest) -> None:
    messages = [short.session.customer(str(number)) for number in range(6)]
    await _receive(short, *messages[:4])
    await _receive(short, *messages[4:])
    await _turn_the_day(short)
    await _release(short)
    assert await _handled(short) == [message.id for message in messages]
    assert await short.rows("SELECT release_at FROM intakes") == [(None,)]
    assert await short.rows("SELECT update_id FROM updates WHERE disposition = 'held' OR body IS NOT NULL") == []
    assert await _used(short) == 3


async def test_no_more_goes_on_than_the_new_day_allows(short: DeskUnderTest) -> None:
    messages = [short.session.customer(str(number)) for number in range(LIMIT + LIMIT + 2)]
    await _receive(short, *messages)
    await _turn_the_day(short)
    await _release(short)
    assert await _handled(short) == [message.id for message in messages[: 2 * LIMIT]]
    assert (await short.rows("SELECT release_at > now() AS later FROM intakes"))[0].later
    assert await _used(short) == LIMIT


async def test_what_comes_while_something_waits_waits_behind_it(short: DeskUnderTest) -> None:
    messages = [short.session.customer(str(number)) for number in range(5)]
    await _receive(short, *messages[:4])
    await _turn_the_day(short)
    await _receive(short, messages[4])
    assert len(await _handled(short)) == 3
    assert (await short.rows("SELECT release_at <= now() AS due FROM intakes"))[0].due
    await _release(short)
    assert await _handled(short) == [message.id for message in messages]


async def test_a_bigger_plan_lets_go_what_waits(short: DeskUnderTest) -> None:
    messages = [short.session.customer(str(number)) for number in range(5)]
    await _receive(short, *messages)
    async with short.database.tenant(short.tenant.id) as unit:
        assert await change_plan(unit, short.tenant.id, Plan.PRO, why="granted")
    await _release(short)
    assert await _handled(short) == [message.id for message in messages]
    assert await _used(short) == 5


async def test_an_update_that_waits_is_not_taken_again(short: DeskUnderTest) -> None:
    fed = await _receive(short, *[short.session.customer(str(number)) for number in range(5)])
    await short.store(Batch(tuple(fed), fed[-1].cursor))
    assert (await short.rows("SELECT count(*) AS n FROM updates"))[0].n == 5
    assert await _used(short) == LIMIT


async def test_what_was_released_is_not_released_again(short: DeskUnderTest) -> None:
    await _receive(short, *[short.session.customer(str(number)) for number in range(4)])
    waiting = await _read(short)
    await _turn_the_day(short)
    await _release(short)
    before = await _handled(short)
    await short.pump._turn.run([Part(short.line, updates=waiting)])
    assert await _handled(short) == before


async def _read(desk: DeskUnderTest) -> list[Incoming]:
    await desk.rows("UPDATE intakes SET release_at = now() RETURNING 1")
    return await Release(desk.tenant.id, desk.database, desk.keyring, desk.seat.release)._read()


async def test_one_that_can_not_be_handled_is_set_aside_and_the_others_go_on(short: DeskUnderTest) -> None:
    messages = [short.session.customer(str(number)) for number in range(3)]
    poison = short.session.customer("poison", name="An\x00na", user=78)  # no text of PostgreSQL's
    await _receive(short, *messages)
    later = short.session.customer("later")
    await _receive(short, poison, later)
    await _turn_the_day(short)
    await _release(short)
    assert await _handled(short) == [message.id for message in [*messages, later]]
    assert (await short.dispositions())["failed"] == 1


async def test_a_dead_letter_of_the_limit_is_handled_when_it_is_asked_for(short: DeskUnderTest) -> None:
    messages = [short.session.customer(str(number)) for number in range(4)]
    await _receive(short, *messages)
    await short.rows("UPDATE updates SET received_at = now() - interval '8 days' RETURNING 1")
    async with short.database.fleet() as unit:
        await set_aside_what_waited_too_long(unit)
    async with short.database.tenant(short.tenant.id) as unit:
        await request_replay(unit, short.tenant.id, [UpdateId(1003)])
    assert await Replays(short.database, short.keyring, "https://backline.example").run(short.line)
    assert await _handled(short) == [message.id for message in messages]


async def test_when_all_that_waited_is_set_aside_nothing_waits_behind_it(short: DeskUnderTest) -> None:
    await _receive(short, *[short.session.customer(str(number)) for number in range(4)])
    await short.rows("UPDATE updates SET received_at = now() - interval '8 days' RETURNING 1")
    async with short.database.fleet() as unit:
        await set_aside_what_waited_too_long(unit)
    await _turn_the_day(short)
    await _receive(short, short.session.customer("today"))
    assert len(await _handled(short)) == 4
    assert await short.rows("SELECT release_at FROM intakes") == [(None,)]


async def test_what_waited_is_announced_as_late_once_for_each_topic(short: DeskUnderTest) -> None:
    ann, bob = "Ann", "Bob"
    await _receive(short, *[short.session.customer(str(number)) for number in range(3)])
    await _receive(
        short,
        short.session.customer("4", name=ann),
        short.session.customer("5", user=78, name=bob),
        short.session.customer("6", name=ann),
    )
    await _turn_the_day(short)
    await _release(short)
    notices = await short.rows("SELECT lane_id FROM outbox WHERE kind = 'notice'")
    assert len(notices) == len(set(notices)) == 2


async def test_a_topic_that_is_the_desks_own_and_the_link_of_a_new_group_do_not_wait(short: DeskUnderTest) -> None:
    await _receive(short, *[short.session.customer(str(number)) for number in range(4)])
    other = Chat(ChatId(-100777), ChatKind.SUPERGROUP, "Another desk")
    await _receive(short, short.session.customer("/start a_word", chat=other))
    assert (await short.rows("SELECT disposition, reason FROM updates ORDER BY update_id DESC LIMIT 1"))[0] == (
        "handled",
        "group_link",
    )


async def test_what_a_program_sends_waits_as_well(short: DeskUnderTest) -> None:
    short.session.is_parallel = True
    hello = short.session.customer("hello")
    await _receive(short, hello)
    said = [short.session.program(str(number)) for number in range(4)]
    await _receive(short, *said)
    mirrors = "SELECT source_message_id FROM outbox WHERE kind = 'mirror' ORDER BY lane_seq"
    assert [row[0] for row in await short.rows(mirrors)] == [message.id for message in said[:2]]
    await _turn_the_day(short)
    await _release(short)
    assert [row[0] for row in await short.rows(mirrors)] == [message.id for message in said]


async def test_a_message_that_waited_both_ways_is_shown_once(short: DeskUnderTest) -> None:
    await _receive(short, *[short.session.customer(str(number)) for number in range(3)])
    twice = short.session.customer("twice")
    await _receive(short, twice)
    await short.rows("UPDATE tenants SET mode_changed_at = now() RETURNING 1")
    await _receive(short, twice)
    await _turn_the_day(short)
    await _release(short)
    assert (await _handled(short)).count(twice.id) == 1


async def test_workers_that_hand_a_tenant_over_count_each_update_once(short: DeskUnderTest) -> None:
    """Two with the same lease, as before and after a hand-over, store the same updates at the same time."""
    await short.rows("DELETE FROM usage RETURNING 1")
    fed = await short.session.feed(*[short.session.customer(str(number)) for number in range(20)])
    turns = [Turn(short.database, short.keyring, "https://backline.example", TERMS) for _ in range(2)]

    async def store(turn: Turn) -> None:
        for update in fed:
            part = Part(short.line, updates=[update], cursor=update.cursor)
            home = None
            while home is None:
                try:
                    home = (await turn.run([part]))[short.tenant.id]
                except (IntegrityError, RuntimeError):
                    home = None  # the other one was first: it comes again, and is known

    await asyncio.gather(*(asyncio.create_task(store(turn), context=Context()) for turn in turns))
    assert await _used(short) == 20
    assert len(await _handled(short)) == 20
