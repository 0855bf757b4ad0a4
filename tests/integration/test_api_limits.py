"""How often a key may ask: exactly so often, however many processes serve it; without Redis as often as it likes."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest
import structlog
from redis.asyncio import Redis

from api.app import create_app
from tenants.access.keys import create_key
from tenants.ids import UserId
from tests.api_client import make_config, open_api, open_client, problem_of
from tests.factories import OWNER
from tests.fakes import FakeSessions

NOWHERE = "redis://127.0.0.1:1"
REMAINING = re.compile(r'"key";r=(\d+);t=(\d+)')


@pytest.fixture(autouse=True)
async def _empty(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        await redis.flushdb()


@asynccontextmanager
async def _apps(database, keyring, redis_url, number, **more: str) -> AsyncIterator[list[httpx.AsyncClient]]:
    """As many processes would: each with a connection of its own."""
    async with AsyncExitStack() as stack:
        config = make_config("postgresql://db/backline", redis_url, **more)
        clients = []
        for _ in range(number):
            redis = await stack.enter_async_context(Redis.from_url(redis_url))
            app = create_app(config, database, keyring, redis, sessions=FakeSessions())
            clients.append(await stack.enter_async_context(open_client(app)))
        yield clients


async def test_of_a_burst_at_four_processes_exactly_the_limit_is_let_through(database, keyring, redis_url):
    key = await create_key(database, OWNER, "busy")
    async with _apps(database, keyring, redis_url, 4, API_REQUESTS_PER_MINUTE="10") as clients:
        ask = {"headers": {"Authorization": f"Bearer {key}"}}
        answers = await asyncio.gather(*(clients[n % 4].get("/v1/tenants", **ask) for n in range(100)))
    assert sorted(answer.status_code for answer in answers) == [200] * 10 + [429] * 90


async def test_a_refusal_says_when_to_come_back(database, keyring, redis_url):
    async with open_api(database, keyring, redis_url, API_REQUESTS_PER_MINUTE="2") as api:
        seen = [await api.ask("GET", "/v1/tenants") for _ in range(3)]
    assert [answer.headers["ratelimit-policy"] for answer in seen] == ['"key";q=2;w=60'] * 3
    levels = [REMAINING.fullmatch(answer.headers["ratelimit"]) for answer in seen]
    assert [int(level[1]) for level in levels if level] == [1, 0, 0]
    problem = problem_of(seen[2], 429)
    assert problem["code"] == "too_many_requests"
    wait = seen[2].headers["retry-after"]
    assert levels[2]
    assert levels[2][2] == wait
    assert 0 < int(wait) <= 30
    assert f"try again in {wait} seconds." in problem["detail"]


async def test_tokens_come_back(database, keyring, redis_url):
    """60000 in a minute are one in a millisecond: whoever waits for the next answer has it."""
    async with open_api(database, keyring, redis_url, API_REQUESTS_PER_MINUTE="60000") as api:
        for _ in range(3):
            answer = await api.ask("GET", "/v1/tenants")
            assert REMAINING.fullmatch(answer.headers["ratelimit"])[1] == "59999"


async def test_each_key_has_a_limit_of_its_own(database, keyring, redis_url):
    async with open_api(database, keyring, redis_url, API_REQUESTS_PER_MINUTE="1") as api:
        other = await create_key(database, UserId(77), "other")
        assert (await api.ask("GET", "/v1/tenants")).is_success
        problem_of(await api.ask("GET", "/v1/tenants"), 429)
        assert (await api.ask("GET", "/v1/tenants", key=other)).is_success


async def test_problems_carry_the_headers_and_count(database, keyring, redis_url):
    async with open_api(database, keyring, redis_url, API_REQUESTS_PER_MINUTE="2") as api:
        first = await api.ask("PATCH", "/v1/tenants/0192e3a0-0000-7000-8000-000000000000", content=b"{")
        problem_of(first, 404)
        assert first.headers["ratelimit"].startswith('"key";r=1;')


async def test_zero_is_no_limit(database, keyring, redis_url):
    async with open_api(database, keyring, redis_url, API_REQUESTS_PER_MINUTE="0") as api:
        answer = await api.ask("GET", "/v1/tenants")
        assert answer.is_success
        assert "ratelimit" not in answer.headers


async def test_keys_are_not_guessed_fast(database, keyring, redis_url):
    async with open_api(database, keyring, redis_url, API_WRONG_KEYS_PER_MINUTE="3") as api:
        guesses = [await api.ask("GET", "/v1/tenants", key="bl_guess") for _ in range(5)]
        assert [guess.status_code for guess in guesses] == [401, 401, 401, 429, 429]
        problem = problem_of(guesses[-1], 429)
        assert problem["detail"].startswith("Too many wrong keys came from your address: try again in ")
        problem_of(await api.ask("GET", "/v1/tenants"), 429)  # nor is it told which one was right
        right = {"Authorization": f"Bearer {api.key}"}
        elsewhere = await api.ask_from(("192.0.2.7", 1), "/v1/tenants", headers=right)
        assert elsewhere.is_success


async def test_of_many_guesses_at_once_no_more_are_answered(database, keyring, redis_url):
    async with _apps(database, keyring, redis_url, 4, API_WRONG_KEYS_PER_MINUTE="5") as clients:
        ask = {"headers": {"Authorization": "Bearer bl_guess"}}
        answers = await asyncio.gather(*(clients[n % 4].get("/v1/tenants", **ask) for n in range(40)))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 35


async def test_the_addresses_of_one_network_are_one(database, keyring, redis_url):
    wrong = {"headers": {"Authorization": "Bearer bl_guess"}}
    async with open_api(database, keyring, redis_url, API_WRONG_KEYS_PER_MINUTE="1") as api:
        for address, status in (
            ("2001:db8::1", 401),
            ("2001:db8::2", 429),
            ("2001:db8:0:1::1", 401),
            ("192.0.2.1", 401),
            ("::ffff:192.0.2.1", 429),
            ("a name", 401),
        ):
            assert (await api.ask_from((address, 1), "/v1/tenants", **wrong)).status_code == status


async def test_without_redis_everybody_passes_and_it_is_said_once(database, keyring):
    with structlog.testing.capture_logs() as lines:
        async with open_api(database, keyring, NOWHERE, API_REQUESTS_PER_MINUTE="1") as api:
            answers = [await api.ask("GET", "/v1/tenants") for _ in range(5)]
            problem_of(await api.ask("GET", "/v1/tenants", key="bl_wrong"), 401)
    assert all(answer.is_success for answer in answers)
    assert [line["event"] for line in lines] == ["limits.away"]
