"""A parallel session whose connection breaks, whose lease ends, or whose sending is in doubt."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.mtproto.methods.peers import access_hash
from sandbox.server import Sandbox
from sessions.errors import Flaky, FloodWait, SessionError
from sessions.mtproto import MtprotoSession, MtprotoSessions
from tests.e2e.mtproto_trouble import (
    LOGIN,
    add_fault,
    count_asked,
    program_writes,
    receive_all,
    reopen,
    send_from,
    text,
    words_of,
)
from tests.e2e.rigs import OverMtproto, mtproto_sandbox, parallel_sessions
from tests.safes import MemorySafe


@pytest.fixture
async def rig() -> AsyncIterator[OverMtproto]:
    async with OverMtproto.open() as made:
        yield made


async def failure(rig: OverMtproto, words: str) -> SessionError:
    with pytest.raises(SessionError) as caught:
        await send_from(rig, words)
    return caught.value


async def test_a_connection_that_is_cut_while_idle_is_opened_again(rig: OverMtproto) -> None:
    cursor = await rig.begin()
    waiting = asyncio.create_task(rig.session.receive(cursor))
    await asyncio.wait([waiting], timeout=0.05)
    add_fault(rig, "cut", bot=rig.bot.id)
    with pytest.raises(Flaky) as cut:
        async with asyncio.timeout(5):
            await waiting
    assert (cut.value.code, cut.value.ambiguous) == ("network", False)
    await rig.customer_writes("after")
    updates, _ = await receive_all(rig, cursor, 1)
    assert words_of(updates) == ["after"]


@pytest.mark.parametrize(("kind", "heard"), [("drop_request", ["again"]), ("drop_answer", ["words", "again"])])
async def test_a_send_in_the_middle_of_which_it_is_cut_is_in_doubt(
    rig: OverMtproto, kind: str, heard: list[str]
) -> None:
    await rig.begin()
    add_fault(rig, kind, method="messages.sendMessage")
    error = await failure(rig, "words")
    assert isinstance(error, Flaky)
    assert (error.code, error.ambiguous) == ("network", True)
    await send_from(rig, "again")
    assert await rig.heard_by_customer() == heard


async def test_a_call_without_an_answer_ends_at_its_limit(rig: OverMtproto) -> None:
    await rig.begin()
    await rig.session.close()
    reopen(rig, call_seconds=0.3)
    await rig.session.identify()
    add_fault(rig, "delay", method="messages.sendMessage", seconds=60)
    async with asyncio.timeout(5):
        error = await failure(rig, "words")
    assert isinstance(error, Flaky)
    assert (error.code, error.ambiguous) == ("network", True)
    assert await send_from(rig, "again")


async def test_a_flood_of_packets_is_waited_out(rig: OverMtproto) -> None:
    await rig.begin()
    add_fault(rig, "flood", bot=rig.bot.id)
    error = await failure(rig, "words")
    assert isinstance(error, FloodWait)
    assert error.seconds >= 30
    assert await send_from(rig, "again")
    assert rig.safe.logins == 1


async def test_a_flood_of_packets_while_it_connects_is_a_wait_as_well(rig: OverMtproto) -> None:
    await rig.begin()
    await rig.session.close()
    reopen(rig)
    add_fault(rig, "flood", bot=rig.bot.id)
    assert isinstance(await failure(rig, "words"), FloodWait)
    assert await send_from(rig, "again")


async def test_a_server_that_is_away_for_a_while_is_found_again(rig: OverMtproto) -> None:
    cursor = await rig.begin()
    assert rig.sandbox.mtproto is not None
    server = rig.sandbox.mtproto.server
    port = server.port
    await server.close()
    errors = [await failure(rig, "words") for _ in range(3)]
    assert all(isinstance(error, Flaky) for error in errors)
    assert [getattr(error, "ambiguous", None) for error in errors[1:]] == [False] * 2
    await rig.customer_writes("meanwhile")
    await server.start(port=port)
    updates, _ = await receive_all(rig, cursor, 1)
    assert words_of(updates) == ["meanwhile"]
    assert rig.safe.logins == 1


async def test_a_port_that_speaks_another_language_is_only_a_trouble(rig: OverMtproto) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    assert rig.sandbox.mtproto is not None
    server = rig.sandbox.mtproto.server
    port = server.port
    await server.close()
    async with await asyncio.start_server(hang_up, "127.0.0.1", port):
        async with asyncio.timeout(5):
            error = await failure(rig, "words")
    assert (error.code, getattr(error, "ambiguous", None)) == ("network", False)
    await server.start(port=port)
    assert await send_from(rig, "again") if await rig.begin() else False


async def test_a_server_whose_clock_is_ahead_is_followed() -> None:
    ahead = timedelta(seconds=1000)
    async with Sandbox(
        latency=timedelta(), flood_control=False, clock=lambda: datetime.now(UTC) + ahead, mtproto_port=0
    ) as sandbox:
        rig = OverMtproto(sandbox)
        rig.sessions, rig.safe = parallel_sessions(sandbox), MemorySafe()
        rig.session = rig.sessions.open(rig.bot.token, None, rig.safe)
        cursor = await rig.begin()
        await rig.restart()
        await rig.customer_writes("hello")
        updates, _ = await receive_all(rig, cursor, 1)
        assert words_of(updates) == ["hello"]
        assert await send_from(rig, "answer")
        await rig.session.close()


async def test_salts_that_change_are_noticed_by_nobody(rig: OverMtproto) -> None:
    cursor = await rig.begin()
    assert rig.sandbox.mtproto is not None
    for number in range(3):
        rig.sandbox.mtproto.server.rotate_salts()
        await asyncio.gather(*(send_from(rig, f"words {number}.{part}") for part in range(3)))
    await rig.customer_writes("hello")
    updates, _ = await receive_all(rig, cursor, 1)
    assert words_of(updates) == ["hello"]
    assert len(await rig.heard_by_customer()) == 9


async def test_a_call_that_is_pending_ends_when_the_session_is_closed(rig: OverMtproto) -> None:
    await rig.begin()
    add_fault(rig, "delay", method="messages.sendMessage", seconds=60)
    pending = asyncio.create_task(failure(rig, "words"))
    await asyncio.wait([pending], timeout=0.05)
    await rig.session.close()
    async with asyncio.timeout(5):
        assert isinstance(await pending, Flaky)


async def test_a_closed_session_opens_no_connection_any_more(rig: OverMtproto) -> None:
    await rig.begin()
    await rig.session.close()
    error = await failure(rig, "words")
    assert (error.code, getattr(error, "ambiguous", None)) == ("closed", False)
    assert rig.sandbox.mtproto is not None
    async with asyncio.timeout(5):
        await rig.sandbox.mtproto.api.stream.left(rig.bot)


async def test_a_session_that_is_closed_while_it_connects_stays_closed(rig: OverMtproto) -> None:
    reached, may_go = asyncio.Event(), asyncio.Event()

    async def pause() -> None:
        reached.set()
        await may_go.wait()

    reopen(rig, before_connect=pause)
    pending = asyncio.create_task(failure(rig, "words"))
    await reached.wait()
    await rig.session.close()
    may_go.set()
    assert (await pending).code == "closed"
    assert rig.sandbox.mtproto is not None
    async with asyncio.timeout(5):
        await rig.sandbox.mtproto.api.stream.left(rig.bot)


async def test_tasks_that_need_a_connection_open_one(rig: OverMtproto) -> None:
    opened = []

    async def note() -> None:
        opened.append(None)

    reopen(rig, before_connect=note)
    await asyncio.gather(rig.session.receive(None), *(rig.session.identify() for _ in range(10)))
    assert (len(opened), count_asked(rig, LOGIN), rig.safe.logins) == (1, 1, 1)


async def test_a_call_that_is_cancelled_harms_no_other(rig: OverMtproto) -> None:
    await rig.begin()
    add_fault(rig, "delay", method="messages.sendMessage", seconds=0.2)
    pending = asyncio.create_task(send_from(rig, "words"))
    await asyncio.wait([pending], timeout=0.05)
    pending.cancel()
    with suppress(asyncio.CancelledError):
        await pending
    assert await send_from(rig, "again")
    assert rig.safe.logins == 1


async def test_everybody_waits_for_a_turn_to_connect_again() -> None:
    """A reconnect storm: the pace lets one through at a time."""
    turn, inside, most, turns = asyncio.Lock(), 0, 0, 0

    async def wait_for_turn() -> None:
        nonlocal inside, most, turns
        inside += 1
        async with turn:
            most, turns = max(most, inside), turns + 1
        inside -= 1

    async with mtproto_sandbox() as (sandbox, _):
        sessions = parallel_sessions(sandbox, before_connect=wait_for_turn)
        crowd = [_crowded(sandbox, sessions, number) for number in range(5)]
        await asyncio.gather(*(session.receive(None) for session in crowd))
        assert turns == 5
        assert sandbox.mtproto is not None
        waiting = [asyncio.create_task(session.receive(None)) for session in crowd]
        await asyncio.wait(waiting, timeout=0.05)
        sandbox.mtproto.server.cut(None)
        ends = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(end, Flaky) for end in ends)
        assert turns == 5  # the relay pauses first; nobody has come back by himself
        await turn.acquire()
        again = [asyncio.create_task(session.identify()) for session in crowd]
        await asyncio.wait(again, timeout=0.05)
        assert (inside, turns) == (5, 5)
        turn.release()
        await asyncio.gather(*again)
        assert (turns, most) == (10, 5)
        for session in crowd:
            await session.close()


def _crowded(sandbox: Sandbox, sessions: MtprotoSessions, number: int) -> MtprotoSession:
    owner = sandbox.world.add_user(f"Owner {number}")
    bot = sandbox.world.add_bot(f"Shop {number}", f"shop{number}_bot", owner=owner)
    return sessions.open(bot.token, None, MemorySafe())


class LeaseGone(Exception):
    pass


class Guard:
    """Lets so many questions pass."""

    def __init__(self) -> None:
        self.left = 1_000_000
        self.error = LeaseGone()

    def __call__(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise self.error


@pytest.mark.parametrize("left", [0, 1], ids=["before it is written", "right before bytes leave"])
async def test_what_the_guard_refuses_never_leaves(rig: OverMtproto, left: int) -> None:
    guard = Guard()
    await rig.begin()
    await rig.session.close()
    session = reopen(rig, guard)
    await session.identify()
    await session.send(text(rig, "allowed"))
    guard.left = left
    with pytest.raises(LeaseGone) as refused:
        await session.send(text(rig, "refused"))
    assert refused.value is guard.error
    guard.left = 1_000_000
    await session.send(text(rig, "allowed again"))
    assert await rig.heard_by_customer() == ["allowed", "allowed again"]
    assert count_asked(rig, "messages.sendMessage") == 2


@pytest.mark.parametrize("left", range(8))
async def test_what_the_guard_refuses_ends_a_login_as_well(rig: OverMtproto, left: int) -> None:
    guard = Guard()
    guard.left = left
    with pytest.raises(LeaseGone):
        await reopen(rig, guard).receive(None)
    assert count_asked(rig, LOGIN) == 0
    assert rig.safe.login is None


async def test_two_directions_at_once_keep_their_order(rig: OverMtproto) -> None:
    cursor = await rig.begin()
    expected = []
    for number in range(20):
        await asyncio.gather(rig.customer_writes(f"question {number}"), send_from(rig, f"ours {number}"))
        program_writes(rig, f"reply {number}")
        expected += [f"question {number}", f"reply {number}"]
    updates, _ = await receive_all(rig, cursor, 40)
    assert words_of(updates) == expected


async def test_a_stored_hash_is_used_and_a_wrong_one_is_in_the_way_of_nobody_else(rig: OverMtproto) -> None:
    await rig.begin()
    await rig.session.close()
    rig.safe.hashes = {rig.customer: access_hash(rig.bot, rig.ann.id)}
    reopen(rig)
    before = count_asked(rig, "users.getUsers")
    await send_from(rig, "hello")
    assert count_asked(rig, "users.getUsers") == before
