"""Alive is not ready: what is asked, and what is said about what is missing."""

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from api.app import create_app
from tenants.db import Database
from tests.api_client import ApiUnderTest, make_config, open_api, open_client, problem_of
from tests.fakes import FakeSessions

GONE = {"database": "postgresql://me:s3cret@127.0.0.1:1/backline", "redis": "redis://:s3cret@127.0.0.1:1/0"}


@pytest.fixture
async def api(database, keyring, redis_url):
    async with open_api(database, keyring, redis_url) as under_test:
        yield under_test


async def test_a_process_that_answers_is_alive(api: ApiUnderTest):
    assert (await api.ask("GET", "/livez", key="")).text == "alive"


async def test_with_both_servers_it_is_ready(api: ApiUnderTest):
    answer = await api.ask("GET", "/readyz", key="")
    assert (answer.status_code, answer.text) == (200, "ready")


@pytest.mark.parametrize(
    ("gone", "sentence"),
    [
        ({"database"}, "Not ready: the database does not answer."),
        ({"redis"}, "Not ready: Redis does not answer."),
        ({"database", "redis"}, "Not ready: the database and Redis do not answer."),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else None,
)
async def test_what_is_missing_is_named_without_its_address(database_url, redis_url, keyring, gone, sentence):
    urls = {
        name: GONE[name] if name in gone else url for name, url in zip(GONE, (database_url, redis_url), strict=True)
    }
    database = Database(urls["database"])
    async with Redis.from_url(urls["redis"], retry=Retry(NoBackoff(), 0)) as redis:
        config = make_config(urls["database"], urls["redis"])
        async with open_client(create_app(config, database, keyring, redis, sessions=FakeSessions())) as client:
            answer = await client.get("/readyz")
            assert problem_of(answer, 503)["detail"] == sentence
            assert answer.headers["retry-after"] == "5"
            assert "s3cret" not in answer.text
            assert (await client.get("/livez")).status_code == 200
    await database.close()
