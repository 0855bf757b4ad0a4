"""Whatever goes wrong is a problem document with one clear sentence, and nothing of our insides."""

from datetime import timedelta

import asyncpg
import httpx
import pytest
import structlog
from litestar import Litestar, get
from litestar.exceptions import TooManyRequestsException
from redis.asyncio import Redis

from api.app import create_app
from api.problems import exception_handlers
from tenants.db import Database
from tenants.errors import Conflict, Forbidden, Invalid, LeaseLost, NotFound, PlanRequired, Unavailable
from tests.api_client import ApiUnderTest, make_config, open_api, open_client, problem_of
from tests.factories import make_tenant
from tests.fakes import FakeSessions

SEND_AN_OBJECT = {"field": "body", "text": "send a JSON object."}


@pytest.fixture
async def api(database, keyring, redis_url):
    async with open_api(database, keyring, redis_url) as under_test:
        yield under_test


async def test_an_unknown_address_is_not_found(api: ApiUnderTest):
    for path in (
        "/",
        "/nope",
        "/v1",
        "/v1/",
        "/v1/nope",
        "/schema/nope",
        "/v1/tenants/7/8",
        "/v1/tenants/me",
        "/%00",
    ):
        problem = problem_of(await api.ask("GET", path), 404)
        assert problem["detail"] == "There is nothing at this address."


async def test_a_method_that_is_not_taken_is_told_with_those_that_are(api: ApiUnderTest):
    for method, path in (("POST", "/livez"), ("PUT", "/v1/tenants"), ("BREW", "/metrics")):
        answer = await api.ask(method, path)
        assert problem_of(answer, 405)["detail"] == f"This address does not take {method}."
        assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize("path", ["", "/settings"])
async def test_a_body_that_is_no_json_is_told_so(api: ApiUnderTest, path):
    tenant = await make_tenant(api.database, api.keyring)
    for body in (b"{", b"\xff\xfe", b"[" * 60_000, b"{'a': 1}", b'{"a": NaN}', b'{"a": "\\ud800"}'):
        problem = problem_of(await api.ask("PATCH", f"/v1/tenants/{tenant.id}{path}", content=body), 400)
        assert problem["detail"] == "The body is not valid JSON."


@pytest.mark.parametrize("path", ["", "/settings"])
async def test_a_body_that_is_no_object_is_told_so(api: ApiUnderTest, path):
    tenant = await make_tenant(api.database, api.keyring)
    for body in (b"", b"null", b"[]", b'"x"', b"1", b"[[1, 2]]"):
        problem = problem_of(await api.ask("PATCH", f"/v1/tenants/{tenant.id}{path}", content=body), 400)
        assert problem["errors"] == [SEND_AN_OBJECT]


WRONG_FIELDS = [
    ({}, {"running": "this field is missing."}),
    ({"running": "yes"}, {"running": "should be true or false."}),
    ({"running": 1}, {"running": "should be true or false."}),
    ({"running": None}, {"running": "should be true or false."}),
    ({"running": True, "plan": "business"}, {"plan": "there is no such field."}),
    ({"plan": 1}, {"running": "this field is missing.", "plan": "there is no such field."}),
]


async def test_every_field_that_is_wrong_is_named(api: ApiUnderTest):
    tenant = await make_tenant(api.database, api.keyring)
    for body, errors in WRONG_FIELDS:
        problem = problem_of(await api.ask("PATCH", f"/v1/tenants/{tenant.id}", json=body), 400)
        assert {error["field"]: error["text"] for error in problem["errors"]} == errors


async def test_a_body_that_is_too_large_is_not_read(api: ApiUnderTest):
    tenant = await make_tenant(api.database, api.keyring)
    problem = problem_of(await api.ask("PATCH", f"/v1/tenants/{tenant.id}", content=b" " * 65_537), 413)
    assert problem["detail"] == "The body is too large: at most 64 KB."


async def test_a_failure_of_ours_is_a_reference_here_and_a_traceback_there(api: ApiUnderTest, database_url):
    connection = await asyncpg.connect(database_url)
    await connection.execute("ALTER TABLE tenants DROP COLUMN group_title")
    await connection.close()
    with structlog.testing.capture_logs() as lines:
        problem = problem_of(await api.ask("GET", "/v1/tenants"), 500)
    assert problem["reference"] in problem["detail"]
    assert "group_title" not in str(problem)
    (line,) = lines
    assert (line["event"], line["reference"]) == ("request.failed", problem["reference"])
    assert "group_title" in str(line["exc_info"])


async def test_a_database_that_is_gone_is_a_matter_of_time(keyring, redis_url):
    url = "postgresql://me:s3cret@127.0.0.1:1/backline"
    database = Database(url)
    async with Redis.from_url(redis_url) as redis:
        client = open_client(
            create_app(make_config(url, redis_url), database, keyring, redis, sessions=FakeSessions())
        )
        with structlog.testing.capture_logs() as lines:
            answer = await client.get("/v1/tenants", headers={"Authorization": "Bearer bl_x"})
        await client.aclose()
    problem = problem_of(answer, 503)
    assert answer.headers["retry-after"] == "5"
    assert problem["code"] == "unavailable"
    assert problem["reference"] == lines[0]["reference"]
    assert "s3cret" not in f"{answer.text} {lines}"
    await database.close()


OF_THE_DOMAIN = [
    (Invalid("Send a number.", field="AUTOCLOSE"), 400, "invalid"),
    (PlanRequired("The pro plan allows more.", plan="pro"), 403, "plan_required"),
    (Forbidden("You may not."), 403, "forbidden"),
    (NotFound("connection"), 404, "not_found"),
    (Conflict("It changed meanwhile."), 409, "conflict"),
    (TooManyRequestsException("Too many requests: wait a little."), 429, "too_many_requests"),
    (Unavailable("Not now.", retry_after=timedelta(seconds=7)), 503, "unavailable"),
    (LeaseLost(), 500, "internal"),
    (ZeroDivisionError(), 500, "internal"),
]


async def _answer_to(error: Exception) -> httpx.Response:
    @get("/")
    async def fail() -> None:
        raise error

    app = Litestar([fail], exception_handlers=exception_handlers(), openapi_config=None, logging_config=None)
    with structlog.testing.capture_logs():
        async with open_client(app) as client:
            return await client.get("/")


@pytest.mark.parametrize(("error", "status", "code"), OF_THE_DOMAIN, ids=lambda value: type(value).__name__)
async def test_every_error_of_the_domain_has_its_status(error, status, code):
    answer = await _answer_to(error)
    assert problem_of(answer, status)["code"] == code
    if status < 500:
        assert "reference" not in answer.json()


async def test_what_is_unavailable_says_when_to_come_back():
    answer = await _answer_to(Unavailable("Not now.", retry_after=timedelta(seconds=7)))
    assert answer.headers["retry-after"] == "7"


async def test_a_field_of_the_domain_is_named():
    answer = await _answer_to(Invalid("Send a number.", field="AUTOCLOSE"))
    assert answer.json()["errors"] == [{"field": "AUTOCLOSE", "text": "Send a number."}]
