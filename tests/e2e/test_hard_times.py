"""Hard times: an hour of flood wait, a database that is gone or full, a Redis that is gone, clocks that jump. Nothing
is lost, others go on, and log and metrics say what it was.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from backline.embedded import Postgres, Valkey, temporary_folder
from sandbox.faults import Fault
from sandbox.world.entities import User
from tenants.backoff import patiently
from tenants.connections import Connections
from tenants.migrate import upgrade
from tenants.plans import Plan
from tests.e2e.conftest import RIGHTS, Stage, connect_desk
from tests.e2e.test_killed_worker import every_repeat_has_two_attempts, without_repeats
from tests.e2e.watched_worker import LEASE_SECONDS, WatchedWorker, watched_worker
from worker.main import run as run_worker

ANNA = "Anna Petrova"
AN_HOUR = 3600
FULL = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
    CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON outbox FOR EACH ROW EXECUTE FUNCTION refuse();
    CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON updates FOR EACH ROW EXECUTE FUNCTION refuse();
"""
FREE = "DROP FUNCTION refuse() CASCADE"


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """Killed in the middle of things: what it has committed must still be there."""
    with temporary_folder() as folder, Postgres(folder, durable=True) as started:
        upgrade(started.url)
        yield started


@pytest.fixture(scope="module")
def postgres_url(server: Postgres) -> str:
    return server.url


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    with temporary_folder() as folder, Valkey(folder, durable=False) as started:
        yield started


@pytest.fixture
def redis_url(valkey: Valkey) -> str:
    return valkey.url


async def _opened(stage: Stage) -> None:
    stage.world.send(stage.customer, stage.bot, "hello")
    await stage.until(lambda: stage.in_topic(ANNA) and stage.seen_by(), "a topic and WELCOME")
    await _at_rest(stage)


async def _at_rest(stage: Stage) -> None:
    """Until everything that was sent has been recorded."""
    async with asyncio.timeout(30):
        while await stage.rows("SELECT 1 FROM outbox WHERE state IN ('waiting', 'sending')"):
            pass


def _told(stage: Stage) -> list[str]:
    """What the customer has said, as the team reads it."""
    return [message.text for message in stage.in_topic(ANNA) if message.sender is stage.bot]


def _answers(stage: Stage) -> list[str]:
    return [message.text for message in stage.seen_by()][1:]


async def _as_owner(stage: Stage, *statements: str) -> None:
    """As the owner of the tables, whom no policy binds."""
    connection = await asyncpg.connect(stage.config.database_url.get_secret_value())
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _all_is_accounted_for(stage: Stage) -> None:
    """What is ignored are the service messages of our own topics."""
    counted = await stage.dispositions()
    assert set(counted) <= {"relayed", "ignored"}
    assert counted["relayed"] == len(_told(stage)) + len(_answers(stage))


async def _neighbour(stage: Stage) -> Stage:
    """Another tenant of the same worker."""
    world = stage.world
    owner, customer = world.add_user("Nora"), world.add_user("Anna", last_name="Petrova")
    bot, group = world.add_bot("Other Shop", "other_shop_bot", owner=owner), world.add_forum("Other Support", owner)
    world.add_member(group, bot, by=owner)
    world.promote(group, bot, RIGHTS, by=owner)
    connections = Connections(stage.database, stage.keyring, plan=Plan.BUSINESS)
    tenant = await connect_desk(connections, stage.database, owner, bot, group)
    given = (stage.sandbox, stage.config, stage.database, stage.keyring)
    return Stage(*given, owner, owner, customer, bot, group, tenant)


async def _say_and_answer(stage: Stage, operator: User, words: str) -> None:
    """An answer goes from the topic to the customer while nothing goes into the group."""
    before = len(stage.seen_by())
    stage.world.send(operator, stage.group, words, topic=stage.topic(ANNA))
    await stage.until(lambda: len(stage.seen_by()) > before, words)
    assert stage.seen_by()[-1].text == words


async def test_an_hour_of_flood_wait_holds_up_one_group_and_nobody_else_and_outlives_the_worker(stage: Stage) -> None:
    other = await _neighbour(stage)
    async with watched_worker(stage.config) as worker:
        await _opened(stage)
        await _opened(other)
        stage.sandbox.faults.add(_an_hour(stage))
        for words in ("one", "two"):
            stage.world.send(stage.customer, stage.bot, words)
        await worker.says("message.refused", code="flood_wait", tenant=str(stage.tenant.id))
        assert await worker.count("backline_retries_total", reason="flood_wait") == 1
        await _others_go_on(stage, other, "while it lasts")
        await _waits_for_an_hour(stage)
    async with watched_worker(stage.config) as worker:
        await _others_go_on(stage, other, "after a restart")
        stage.world.send(stage.customer, stage.bot, "three")
        await worker.says("update.stored", tenant=str(stage.tenant.id), disposition="queued")
        await _others_go_on(stage, other, "and still")
        await _waits_for_an_hour(stage)
        assert worker.has_said("message.refused") == []
        assert _told(stage) == ["hello"]
        await _as_owner(stage, "UPDATE pauses SET until = now()")
        stage.world.send(stage.customer, stage.bot, "four")
        await stage.until(lambda: len(_told(stage)) == 5, "what has waited")
    assert _told(stage) == ["hello", "one", "two", "three", "four"]
    await _all_is_accounted_for(stage)


def _an_hour(stage: Stage) -> Fault:
    """Once only: a second call within the hour would get through, and be seen."""
    return Fault(
        kind="error",
        method="copyMessage",
        chat=stage.group.id,
        code=429,
        description=f"Too Many Requests: retry after {AN_HOUR}",
        parameters={"retry_after": AN_HOUR},
    )


async def _others_go_on(stage: Stage, other: Stage, words: str) -> None:
    await _say_and_answer(stage, stage.operator, words)
    other.world.send(other.customer, other.bot, words)
    await other.until(lambda: _told(other)[-1] == words, "the neighbour's message")
    await _say_and_answer(other, other.operator, words)


async def _waits_for_an_hour(stage: Stage) -> None:
    (row,) = await stage.rows(
        "SELECT o.state, o.attempts, o.error, l.blocked_until <= now() AS lane_is_free FROM outbox o"
        " JOIN lanes l ON l.id = o.lane_id WHERE l.direction = 'topic' AND o.lane_seq = l.head_seq"
    )
    assert tuple(row) == ("waiting", 0, "flood_wait", True)
    (pause,) = await stage.rows("SELECT extract(epoch FROM until - now()) AS seconds FROM pauses")
    assert AN_HOUR - 60 < pause.seconds <= AN_HOUR


async def test_a_database_that_is_gone_for_longer_than_the_leases_loses_nothing(
    stage: Stage, server: Postgres
) -> None:
    said, answers = [f"{number}" for number in range(3)], ["first answer", "second answer"]
    async with watched_worker(stage.config) as worker:
        await _opened(stage)
        slow = stage.sandbox.faults.add(Fault(kind="delay", method="copyMessage", seconds=1))
        stage.world.send(stage.customer, stage.bot, "on its way")
        await stage.until(lambda: slow.happened, "the call whose result can't be recorded")
        _kill(server)
        for words in said:
            stage.world.send(stage.customer, stage.bot, words)
        for words in answers:
            stage.world.send(stage.operator, stage.group, words, topic=stage.topic(ANNA))
        await worker.says("message.sent", rows=1, to="topic", attempts=1, times=2)
        await _outlast_the_leases(worker)
        await _says_that_it_is_gone(worker)
        before = len(worker.lines)
        server.start()
        await worker.says("database.call_recovered", after=before, during="pump.turn")
        await worker.says("lease.taken", after=before)
        assert await worker.ask("/readyz") == (200, "ready")
        told = ["hello", "on its way", *said]
        await stage.until(lambda: without_repeats(_told(stage)) == told, "what was said meanwhile", 60)
        await stage.until(lambda: without_repeats(_answers(stage)) == answers, "what was answered meanwhile", 60)
        await patiently(lambda: _at_rest(stage), name="test")
    assert (await stage.dispositions())["relayed"] == len(told) + len(answers)
    await every_repeat_has_two_attempts(stage, [stage.customer])


def _kill(server: Postgres) -> None:
    assert server._process is not None
    os.kill(server._process.pid, signal.SIGKILL)
    server._process.wait()


async def _outlast_the_leases(worker: WatchedWorker) -> None:
    """Twice over."""
    gone_at, attempts = time.monotonic(), 0
    while time.monotonic() < gone_at + 2 * LEASE_SECONDS:
        attempts += 1
        line = await worker.says("lease.renewal_failed", times=attempts)
        assert line["level"] == "warning"


async def _says_that_it_is_gone(worker: WatchedWorker) -> None:
    line = await worker.says("database.call_failed", during="pump.turn")
    assert line["level"] == "warning"
    assert await worker.count("backline_database_failures_total") >= 1
    assert await worker.count("backline_lease_events_total", event="attempt_failed") >= 2
    assert await worker.ask("/livez") == (200, "alive")
    assert await worker.ask("/readyz") == (503, "Not ready: the leases are not renewed.")


async def test_a_full_disk_sets_nothing_aside_and_moves_no_cursor_and_is_waited_out(stage: Stage) -> None:
    state = "SELECT cursor, (SELECT count(*) FROM updates) AS updates FROM intakes"
    async with watched_worker(stage.config) as worker:
        await _opened(stage)
        before = (await stage.rows(state))[0]
        await _as_owner(stage, FULL)
        for number in range(3):
            stage.world.send(stage.customer, stage.bot, f"{number}")
        stage.world.send(stage.operator, stage.group, "an answer", topic=stage.topic(ANNA))
        line = await worker.says("database.call_failed", what="disk_full", during="pump.turn", times=2)
        assert (line["level"], line["failures"]) == ("warning", 2)
        assert await worker.count("backline_database_failures_total", what="disk_full") >= 2
        assert (await stage.rows(state))[0] == before
        assert (await worker.ask("/livez"), await worker.ask("/readyz")) == ((200, "alive"), (200, "ready"))
        await _as_owner(stage, FREE)
        await worker.says("database.call_recovered", during="pump.turn")
        await stage.until(lambda: len(_told(stage)) == 4 and _answers(stage), "what has waited")
        assert await worker.count("backline_updates_set_aside_total") == 0
    assert (_told(stage), _answers(stage)) == (["hello", "0", "1", "2"], ["an answer"])
    await _all_is_accounted_for(stage)


async def test_a_disk_that_fills_while_a_message_is_on_its_way_records_it_later_and_sends_it_once(
    stage: Stage,
) -> None:
    async with watched_worker(stage.config) as worker:
        await _opened(stage)
        slow = stage.sandbox.faults.add(Fault(kind="delay", method="copyMessage", seconds=1))
        stage.world.send(stage.customer, stage.bot, "on its way")
        await stage.until(lambda: slow.happened, "the call")
        await _as_owner(stage, FULL)
        await worker.says("message.sent", rows=1, to="topic")
        await worker.says("database.call_failed", what="disk_full")
        await _as_owner(stage, FREE)
        await worker.says("database.call_recovered")
        stage.world.send(stage.customer, stage.bot, "and on")
        await stage.until(lambda: len(_told(stage)) == 3, "the next message")
    assert _told(stage) == ["hello", "on its way", "and on"]
    assert {row.attempts for row in await stage.rows("SELECT attempts FROM outbox")} == {1}


async def test_without_redis_a_cold_start_keeps_a_pace_of_its_own_and_messages_flow(
    stage: Stage, valkey: Valkey
) -> None:
    """`backline worker` itself asks for Redis when it starts: this is one that lost it right after."""
    valkey.stop()
    with capture_logs() as lines:
        async with _worker_here(stage):
            await _opened(stage)
            await _say_and_answer(stage, stage.operator, "without Redis")
    (line,) = [line for line in lines if line["event"] == "pace.redis_not_reached"]
    assert (line["log_level"], line["instead"]) == ("warning", "own pace")


async def test_a_redis_that_is_emptied_and_then_goes_costs_no_message(stage: Stage, valkey: Valkey) -> None:
    async with watched_worker(stage.config) as worker:
        await _opened(stage)
        for number in range(3):
            stage.world.send(stage.customer, stage.bot, f"{number}")
        client = Redis.from_url(valkey.url)
        await client.flushall()
        await client.aclose()
        await _say_and_answer(stage, stage.operator, "emptied")
        valkey.stop()
        stage.world.send(stage.customer, stage.bot, "gone")
        await _say_and_answer(stage, stage.operator, "gone, too")
        await stage.until(lambda: len(_told(stage)) == 5, "all of it")
        assert await worker.ask("/readyz") == (200, "ready")
    assert _told(stage) == ["hello", "0", "1", "2", "gone"]
    await _all_is_accounted_for(stage)


@asynccontextmanager
async def _worker_here(stage: Stage) -> AsyncIterator[None]:
    ready = asyncio.Event()
    worker = asyncio.create_task(run_worker(stage.config, ready.set))
    try:
        async with asyncio.timeout(20):
            await ready.wait()
        yield
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


@pytest.mark.parametrize("jump", [-1_000_000, 1_000_000])
async def test_a_wall_clock_that_jumps_under_a_worker_changes_no_order_and_loses_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, jump: int
) -> None:
    now, now_ns = time.time, time.time_ns
    async with _worker_here(stage):
        await _opened(stage)
        stage.world.send(stage.customer, stage.bot, "before")
        monkeypatch.setattr(time, "time", lambda: now() + jump)
        monkeypatch.setattr(time, "time_ns", lambda: now_ns() + jump * 10**9)
        stage.world.send(stage.customer, stage.bot, "after")
        await _say_and_answer(stage, stage.operator, "an answer")
        monkeypatch.undo()
        stage.world.send(stage.customer, stage.bot, "and back")
        await stage.until(lambda: len(_told(stage)) == 4, "all of it")
    assert _told(stage) == ["hello", "before", "after", "and back"]


async def test_a_worker_that_was_stopped_for_longer_than_its_leases_lets_another_one_go_on(stage: Stage) -> None:
    """As a machine that slept: it wakes, trusts nothing of what it held, and repeats nothing."""
    async with watched_worker(stage.config) as first:
        await _opened(stage)
        first.process.send_signal(signal.SIGSTOP)
        stage.world.send(stage.customer, stage.bot, "while it sleeps")
        async with watched_worker(stage.config) as second:
            await stage.until(lambda: len(_told(stage)) == 2, "the takeover")
            asleep = len(first.lines)
            first.process.send_signal(signal.SIGCONT)
            await first.says("lease.lost", after=asleep)
            stage.world.send(stage.customer, stage.bot, "awake")
            await _say_and_answer(stage, stage.operator, "an answer")
            await stage.until(lambda: len(_told(stage)) == 3, "all of it")
            assert await second.count("backline_lease_events_total", event="taken") > 0
            assert await first.count("backline_lease_events_total", event="lost") > 0
    assert _told(stage) == ["hello", "while it sleeps", "awake"]
    assert {row.attempts for row in await stage.rows("SELECT attempts FROM outbox")} == {1}


_AHEAD = tuple(
    f"UPDATE {table} SET expires_at = expires_at - interval '1 hour' WHERE expires_at IS NOT NULL"  # noqa: S608  # a constant of ours
    for table in ("leases", "workers")
)
"""As if the database's clock had jumped: what was to end within the hour has ended."""


async def test_a_database_clock_that_jumps_ahead_ends_the_leases_and_they_are_taken_again(stage: Stage) -> None:
    async with watched_worker(stage.config) as worker:
        await _opened(stage)
        before = len(worker.lines)
        await _as_owner(stage, *_AHEAD)
        stage.world.send(stage.customer, stage.bot, "an hour later")
        await worker.says("lease.lost", after=before)
        await worker.says("lease.taken", after=before)
        await _say_and_answer(stage, stage.operator, "an answer")
        await stage.until(lambda: len(_told(stage)) == 2, "all of it")
    assert _told(stage) == ["hello", "an hour later"]
    assert {row.attempts for row in await stage.rows("SELECT attempts FROM outbox")} == {1}


async def test_a_result_that_comes_after_its_lease_is_lost_stands_in_nobody_s_way(stage: Stage) -> None:
    """It can't be recorded, so the message is sent again; the same worker's next session does so."""
    async with watched_worker(stage.config) as worker:
        await _opened(stage)
        slow = stage.sandbox.faults.add(Fault(kind="delay", method="copyMessage", seconds=1))
        stage.world.send(stage.customer, stage.bot, "on its way")
        await stage.until(lambda: slow.happened, "the call")
        before = len(worker.lines)
        await _as_owner(stage, *_AHEAD)
        await worker.says("lease.taken", after=before)
        stage.world.send(stage.customer, stage.bot, "an hour later")
        await _say_and_answer(stage, stage.operator, "an answer")
        await stage.until(lambda: _told(stage)[-1] == "an hour later", "all of it")
        await _at_rest(stage)
        turns = await worker.count("backline_database_seconds_count", what="turn")
        assert turns < 50, "a session that is over comes to no turn any more"
    assert without_repeats(_told(stage)) == ["hello", "on its way", "an hour later"]
    await every_repeat_has_two_attempts(stage, [stage.customer])
