"""A request that is sent again with its Idempotency-Key is done once, whatever happens in between."""

import asyncio

import asyncpg
import pytest
from sqlalchemy import text

from tenants.access.keys import create_key, find_key
from tenants.access.repeats import Answer, Attempt, Repeats
from tenants.db import Database, is_passing, noting_effects
from tenants.errors import Conflict, Reused
from tests.api_client import ApiUnderTest, open_api, problem_of
from tests.factories import OWNER, make_tenant

WORD = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}


@pytest.fixture
async def api(database, keyring, redis_url):
    async with open_api(database, keyring, redis_url) as under_test:
        yield under_test


@pytest.fixture
async def secret(api: ApiUnderTest) -> str:
    """Where each POST makes another secret."""
    tenant = await make_tenant(api.database, api.keyring)
    return f"/v1/tenants/{tenant.id}/webhooks/secret"


async def test_a_repeat_has_the_first_answer_and_no_effect(api: ApiUnderTest, secret):
    first = await api.ask("POST", secret, headers=WORD)
    made_at = (await api.ask("GET", secret)).json()["made_at"]
    again = await api.ask("POST", secret, headers=WORD)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["content-type"] == first.headers["content-type"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert (await api.ask("GET", secret)).json()["made_at"] == made_at


async def test_without_the_header_or_with_another_word_it_is_done_again(api: ApiUnderTest, secret):
    answers = [await api.ask("POST", secret, headers=headers) for headers in ({}, {}, WORD, {"Idempotency-Key": "b"})]
    assert len({answer.json()["secret"] for answer in answers}) == 4


async def test_a_refusal_is_repeated_too(api: ApiUnderTest):
    tenant = await make_tenant(api.database, api.keyring)
    path = f"/v1/tenants/{tenant.id}/dead-letters/replay"
    answers = [await api.ask("POST", path, json={"all": False}, headers=WORD) for _ in range(2)]
    assert problem_of(answers[0], 400) == problem_of(answers[1], 400)
    assert answers[1].headers["idempotency-replayed"] == "true"


async def test_the_same_word_for_something_else_is_refused(api: ApiUnderTest):
    tenant = await make_tenant(api.database, api.keyring)
    path = f"/v1/tenants/{tenant.id}/dead-letters/replay"
    assert (await api.ask("POST", path, json={"all": True}, headers=WORD)).is_success
    for where, body in ((path, {"all": True, "ids": None}), (path.replace("replay", "replay?x"), {"all": True})):
        problem = problem_of(await api.ask("POST", where, json=body, headers=WORD), 422)
        assert problem["code"] == "reused"


async def test_a_word_is_each_keys_own(api: ApiUnderTest, secret):
    other = await create_key(api.database, OWNER, "other")
    mine, theirs = [await api.ask("POST", secret, key=key, headers=WORD) for key in (api.key, other)]
    assert mine.json() != theirs.json()


@pytest.mark.parametrize("word", ["", "x" * 256, "é", "a\tb"])
async def test_a_word_that_can_not_be_is_refused(api: ApiUnderTest, secret, word):
    problem = problem_of(await api.ask("POST", secret, headers={"Idempotency-Key": word.encode("latin-1")}), 400)
    assert problem["errors"][0]["field"] == "Idempotency-Key"


async def test_of_many_at_once_one_is_done(api: ApiUnderTest, secret):
    answers = await asyncio.gather(*(api.ask("POST", secret, headers=WORD) for _ in range(8)))
    made = {answer.json()["secret"] for answer in answers if answer.is_success}
    assert len(made) == 1
    for answer in answers:
        if not answer.is_success:
            assert problem_of(answer, 409)["code"] == "still_runs"
    assert (await api.ask("POST", secret, headers=WORD)).json()["secret"] in made


async def test_what_is_kept_shows_no_secret(api: ApiUnderTest, secret, database_url):
    answer = await api.ask("POST", secret, headers=WORD)
    connection = await asyncpg.connect(database_url)
    (row,) = await connection.fetch("SELECT * FROM idempotency_keys")
    await connection.close()
    shown = answer.json()["secret"].removeprefix("whsec_")
    assert row["answer"] is not None
    assert shown.encode() not in row["answer"]
    assert WORD["Idempotency-Key"].encode() not in row["digest"]


async def _age(database_url: str, hours: int) -> None:
    connection = await asyncpg.connect(database_url)
    older = "UPDATE idempotency_keys SET created_at = created_at - make_interval(hours => $1)"
    await connection.execute(older, hours)
    await connection.close()


async def test_after_a_day_the_word_is_free_again(api: ApiUnderTest, secret, database_url):
    first = await api.ask("POST", secret, headers=WORD)
    await _age(database_url, 23)
    assert (await api.ask("POST", secret, headers=WORD)).content == first.content
    await _age(database_url, 2)
    assert (await api.ask("POST", secret, headers=WORD)).content != first.content


async def test_it_goes_with_its_connection(api: ApiUnderTest, secret, database_url):
    await api.ask("POST", secret, headers=WORD)
    connection = await asyncpg.connect(database_url)
    await connection.execute("DELETE FROM tenants")
    assert await connection.fetchval("SELECT count(*) FROM idempotency_keys") == 0
    await connection.close()


REFUSE_ONCE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$;
CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON webhook_secrets FOR EACH ROW EXECUTE FUNCTION refuse();
"""


async def test_what_failed_on_our_side_may_be_tried_again_at_once(api: ApiUnderTest, secret, database_url):
    connection = await asyncpg.connect(database_url)
    await connection.execute(REFUSE_ONCE)
    problem_of(await api.ask("POST", secret, headers=WORD), 500)
    await connection.execute("DROP TRIGGER refuse ON webhook_secrets")
    await connection.close()
    answer = await api.ask("POST", secret, headers=WORD)
    assert answer.is_success
    assert "idempotency-replayed" not in answer.headers


@pytest.fixture
async def by(api: ApiUnderTest):
    return await find_key(api.database, api.key)


async def _expire(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE idempotency_keys SET locked_until = now() - interval '1 second'")
    await connection.close()


async def _write(database: Database, tenant, name: str) -> None:
    async with database.tenant(tenant.id) as unit:
        await unit.execute(text("UPDATE tenants SET bot_name = :name"), {"name": name})


async def test_of_one_that_was_killed_before_its_effect_the_repeat_is_carried_out(
    api: ApiUnderTest, by, database_url
):
    tenant = await make_tenant(api.database, api.keyring)
    repeats = Repeats(api.database, api.keyring)
    first = await repeats.begin(by, "w", b"x", tenant=None)
    with noting_effects(first.id, first.number):
        async with api.database.tenant(tenant.id) as unit:
            await unit.execute(text("SELECT 1"))  # it read something, then it was killed
    with pytest.raises(Conflict, match="still runs"):
        await repeats.begin(by, "w", b"x", tenant=None)
    await _expire(database_url)
    with pytest.raises(Reused):
        await repeats.begin(by, "w", b"y", tenant=None)
    assert await repeats.begin(by, "w", b"x", tenant=None) == Attempt(first.id, 2)


async def test_of_one_that_was_killed_after_its_effect_the_repeat_is_told_so(api: ApiUnderTest, by, database_url):
    tenant = await make_tenant(api.database, api.keyring)
    repeats = Repeats(api.database, api.keyring)
    first = await repeats.begin(by, "w", b"x", tenant=None)
    with noting_effects(first.id, first.number):
        await _write(api.database, tenant, "renamed")
    await _expire(database_url)
    with pytest.raises(Conflict) as told:
        await repeats.begin(by, "w", b"x", tenant=None)
    assert told.value.code == "answer_lost"


async def test_what_another_attempt_has_overtaken_has_no_effect(api: ApiUnderTest, by, database_url):
    """A process that slept through its time wakes up: what it does is rolled back."""
    tenant = await make_tenant(api.database, api.keyring)
    repeats = Repeats(api.database, api.keyring)
    slow = await repeats.begin(by, "w", b"x", tenant=None)
    await _expire(database_url)
    second = await repeats.begin(by, "w", b"x", tenant=None)
    with noting_effects(second.id, second.number):
        await _write(api.database, tenant, "by the second")
    await repeats.keep(by, second, Answer(200, {}, b"by the second"))
    with pytest.raises(Exception, match="another attempt has begun") as failed, noting_effects(slow.id, slow.number):
        await _write(api.database, tenant, "by the first")
    assert is_passing(failed.value)
    await repeats.keep(by, slow, Answer(200, {}, b"by the first"))
    await repeats.give_up(by, slow)
    assert (await repeats.begin(by, "w", b"x", tenant=None)) == Answer(200, {}, b"by the second")
    async with api.database.tenant(tenant.id) as unit:
        assert (await unit.execute(text("SELECT bot_name FROM tenants"))).scalar_one() == "by the second"


async def test_several_transactions_of_one_attempt_go_through(api: ApiUnderTest, by):
    tenant = await make_tenant(api.database, api.keyring)
    attempt = await Repeats(api.database, api.keyring).begin(by, "w", b"x", tenant=None)
    with noting_effects(attempt.id, attempt.number):
        await _write(api.database, tenant, "one")
        await _write(api.database, tenant, "two")
    async with api.database.tenant(tenant.id) as unit:
        assert (await unit.execute(text("SELECT bot_name FROM tenants"))).scalar_one() == "two"
