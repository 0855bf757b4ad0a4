"""The pace of cold starts against a real Valkey, and without one."""

import asyncio
import itertools
import socket
import time
from collections.abc import AsyncIterator

import pytest
import structlog
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisAway

from worker.pace import ASK_AGAIN, CONNECTS_PER_SECOND, EgressPace, connect_pace, open_redis

_egresses = (f"test-{number}" for number in itertools.count(1))
LONG = 1000.0


class Sleeps:
    """Sleeps that take no time, and a clock that they move."""

    def __init__(self) -> None:
        self.now = 1000.0

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)

    def clock(self) -> float:
        return self.now


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = open_redis(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def egress() -> str:
    return next(_egresses)


@pytest.fixture
async def nowhere() -> AsyncIterator[Redis]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    client = open_redis(f"redis://127.0.0.1:{port}")
    yield client
    await client.aclose()


def make_pace(redis: Redis, egress: str, sleeps: Sleeps, **limits: float) -> EgressPace:
    given = {"per_minute": 4, "per_hour": 1000, "minute": LONG, "hour": 10 * LONG, "jitter": 0, **limits}
    return EgressPace(redis, egress, clock=sleeps.clock, sleep=sleeps.sleep, **given)  # type: ignore[arg-type]


async def waits(pace: EgressPace, times: int) -> list[float]:
    return [await pace.wait_for_cold_start() for _ in range(times)]


def near(*expected: float) -> object:
    """Redis's clock runs on while a test asks it."""
    return pytest.approx(expected, abs=20)


async def test_two_workers_behind_one_address_share_one_pace(redis: Redis, egress: str) -> None:
    first, second = make_pace(redis, egress, Sleeps()), make_pace(redis, egress, Sleeps())
    assert await waits(first, 3) == [0, 0, 0]
    assert await waits(second, 3) == near(0, LONG, LONG)
    assert await waits(first, 3) == near(LONG, LONG, 2 * LONG)


async def test_another_address_has_a_pace_of_its_own(redis: Redis, egress: str) -> None:
    assert await waits(make_pace(redis, egress, Sleeps()), 4) == [0] * 4
    assert await waits(make_pace(redis, egress + "-b", Sleeps()), 4) == [0] * 4


async def test_the_hour_is_counted_too(redis: Redis, egress: str) -> None:
    pace = make_pace(redis, egress, Sleeps(), per_hour=6)
    assert await waits(pace, 8) == near(0, 0, 0, 0, LONG, LONG, 10 * LONG, 10 * LONG)


async def test_callers_side_by_side_get_slots_of_their_own(redis: Redis, egress: str) -> None:
    paces = [make_pace(redis, egress, Sleeps()) for _ in range(12)]
    found = await asyncio.gather(*(pace.wait_for_cold_start() for pace in paces))
    assert sorted(found) == near(*[0] * 4, *[LONG] * 4, *[2 * LONG] * 4)


async def test_in_real_time_no_window_sees_more_than_its_share(redis: Redis, egress: str) -> None:
    pace = EgressPace(redis, egress, per_minute=20, minute=0.5, hour=2.0, jitter=0.005)
    started: list[float] = []

    async def start() -> None:
        await pace.wait_for_cold_start()
        started.append(time.monotonic())

    await asyncio.gather(*(start() for _ in range(50)))
    assert all(later - earlier > 0.4 for earlier, later in zip(started, started[20:], strict=False))


async def test_who_must_wait_does_not_come_in_one_heap(redis: Redis, egress: str) -> None:
    found = await waits(make_pace(redis, egress, Sleeps(), jitter=100), 8)
    assert found[:4] == [0] * 4
    assert found[4:] == sorted(found[4:])
    assert len(set(found[4:])) > 1


async def test_what_redis_keeps_goes_by_itself(redis: Redis, egress: str) -> None:
    await waits(make_pace(redis, egress, Sleeps(), per_hour=6), 10)
    key = f"pace:cold_starts:{egress}"
    assert await redis.llen(key) == 6
    assert 0 < await redis.pttl(key) <= 50 * LONG * 1000


async def test_a_flushed_redis_forgets_the_pace_and_nothing_else(redis: Redis, egress: str) -> None:
    pace = make_pace(redis, egress, Sleeps())
    await waits(pace, 4)
    await redis.flushall()
    await redis.script_flush()
    assert await waits(pace, 5) == near(0, 0, 0, 0, LONG)


async def test_a_clock_that_was_set_back_keeps_nobody_waiting(redis: Redis, egress: str) -> None:
    await redis.rpush(f"pace:cold_starts:{egress}", *[int((time.time() + 86400 * 365) * 1000)] * 4)
    assert await waits(make_pace(redis, egress, Sleeps()), 5) == near(0, 0, 0, 0, LONG)


async def test_without_redis_each_process_keeps_the_pace_by_itself(nowhere: Redis, egress: str) -> None:
    pace = make_pace(nowhere, egress, Sleeps(), per_hour=6)
    assert await waits(pace, 8) == [0, 0, 0, 0, LONG, 0, 9 * LONG, 0]


async def test_one_line_says_that_redis_is_away_and_one_that_it_is_back(
    redis: Redis, nowhere: Redis, egress: str
) -> None:
    sleeps = Sleeps()
    pace = make_pace(nowhere, egress, sleeps, per_minute=100)
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            await pace.wait_for_cold_start()
            sleeps.now += ASK_AGAIN
        pace._reserve_shared = redis.register_script(pace._reserve_shared.script)
        await waits(pace, 3)
    assert [entry["event"] for entry in logs] == ["pace.redis_not_reached", "pace.redis_reached"]


async def test_a_redis_that_is_away_is_not_asked_each_time(redis: Redis, egress: str) -> None:
    sleeps, asked = Sleeps(), []

    async def away(**_: object) -> int:
        asked.append(sleeps.now)
        raise RedisAway

    pace = make_pace(redis, egress, sleeps)
    pace._reserve_shared = away  # type: ignore[assignment]
    await waits(pace, 4)
    sleeps.now += ASK_AGAIN
    await waits(pace, 1)
    assert asked == [1000, 1000 + ASK_AGAIN]


async def test_what_redis_had_granted_counts_when_it_goes_away(redis: Redis, nowhere: Redis, egress: str) -> None:
    pace = make_pace(redis, egress, Sleeps())
    await waits(pace, 3)
    pace._reserve_shared = nowhere.register_script(pace._reserve_shared.script)
    assert await waits(pace, 2) == [0, LONG]


async def test_a_redis_that_never_answers_is_given_up(egress: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.pace.REDIS_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        client = Redis.from_url(f"redis://127.0.0.1:{deaf.getsockname()[1]}", socket_timeout=None)
        assert await waits(make_pace(client, egress, Sleeps()), 5) == [0, 0, 0, 0, LONG]
        await client.aclose()


async def test_a_key_that_is_something_else_stops_nobody(redis: Redis, egress: str) -> None:
    await redis.set(f"pace:cold_starts:{egress}", "what?")
    assert await waits(make_pace(redis, egress, Sleeps()), 5) == [0, 0, 0, 0, LONG]


@pytest.mark.parametrize("off", [0, None])
async def test_switched_off_it_asks_nobody_and_waits_for_nothing(
    nowhere: Redis, egress: str, off: int | None
) -> None:
    pace = EgressPace(nowhere, egress, per_minute=off)
    with structlog.testing.capture_logs() as logs:
        assert await waits(pace, 100) == [0] * 100
    assert logs == []


async def test_callers_that_give_up_take_one_slot_of_the_future_along(redis: Redis, egress: str) -> None:
    asleep = asyncio.Event()

    async def sleep(_: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    pace = EgressPace(redis, egress, per_minute=1, sleep=sleep)
    callers = [asyncio.create_task(pace.wait_for_cold_start()) for _ in range(30)]
    await asleep.wait()
    for caller in callers:
        caller.cancel()
    ended = await asyncio.gather(*callers, return_exceptions=True)
    assert ended[0] == 0
    assert all(isinstance(end, asyncio.CancelledError) for end in ended[1:])
    assert await redis.llen(f"pace:cold_starts:{egress}") == 2


async def test_connections_are_paced_by_the_second(nowhere: Redis, egress: str) -> None:
    pace, sleeps = connect_pace(nowhere, egress), Sleeps()
    pace._clock, pace._sleep = sleeps.clock, sleeps.sleep
    assert await waits(pace, CONNECTS_PER_SECOND) == [0.0] * CONNECTS_PER_SECOND
    assert await waits(pace, 2 * CONNECTS_PER_SECOND) == pytest.approx([1.0, 0, 0, 0, 0] * 2)


async def test_connections_and_cold_starts_have_a_pace_each(redis: Redis, egress: str) -> None:
    cold = make_pace(redis, egress, Sleeps(), per_minute=1)
    assert await waits(cold, 2) == near(0, LONG)
    assert await waits(connect_pace(redis, egress), 1) == [0.0]
