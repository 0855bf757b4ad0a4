"""Listing, starting, stopping and erasing connections over HTTP."""

import asyncpg
import pytest
import structlog

from tenants.connections import NOT_OFFERED
from tenants.intake import note_problem
from tests.api_client import ApiUnderTest, open_api, problem_of
from tests.factories import fill_every_table, make_running, make_tenant, make_token


@pytest.fixture
async def api(database, keyring, redis_url):
    async with open_api(database, keyring, redis_url) as under_test:
        yield under_test


async def test_a_connection_is_shown_as_it_is(api: ApiUnderTest):
    tenant = await make_tenant(api.database, api.keyring)
    shown = (await api.ask("GET", f"/v1/tenants/{tenant.id}")).json()
    assert shown.pop("created_at")
    assert shown == {
        "id": str(tenant.id),
        "bot_id": 5000,
        "bot_username": "shop5000_bot",
        "bot_name": "Shop 5000",
        "group_id": None,
        "group_title": None,
        "state": "setup",
        "mode": "polling",
        "plan": "business",
        "problem": None,
    }


async def test_what_keeps_it_from_receiving_is_said(api: ApiUnderTest):
    tenant = await make_tenant(api.database, api.keyring)
    async with api.database.tenant(tenant.id) as unit:
        await note_problem(unit, tenant.id, "Another program polls this bot.")
    shown = (await api.ask("GET", f"/v1/tenants/{tenant.id}")).json()
    assert shown["problem"] == "Another program polls this bot."


async def test_pages_follow_each_other_without_a_gap_or_an_overlap(api: ApiUnderTest):
    made = [str((await make_tenant(api.database, api.keyring, bot=5000 + n)).id) for n in range(5)]
    seen: list[str] = []
    cursor, sizes = None, []
    while cursor is not None or not sizes:
        page = (
            await api.ask("GET", "/v1/tenants", params={"limit": 2, **({"cursor": cursor} if cursor else {})})
        ).json()
        seen += [item["id"] for item in page["items"]]
        sizes.append(len(page["items"]))
        cursor = page["next"]
    assert seen == sorted(made)
    assert sizes == [2, 2, 1]


async def test_a_page_that_is_just_full_is_the_last(api: ApiUnderTest):
    await make_tenant(api.database, api.keyring)
    assert (await api.ask("GET", "/v1/tenants?limit=1")).json()["next"] is None


@pytest.mark.parametrize(
    ("query", "field"), [("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("cursor=x", "cursor")]
)
async def test_a_page_that_can_not_be_is_refused(api: ApiUnderTest, query, field):
    problem = problem_of(await api.ask("GET", f"/v1/tenants?{query}"), 400)
    assert [error["field"] for error in problem["errors"]] == [field]
    assert "`int`" not in problem["detail"]


async def test_a_connection_stops_and_starts(api: ApiUnderTest):
    tenant = await make_tenant(api.database, api.keyring)
    await make_running(api.database, tenant)
    for running, state in ((False, "stopped"), (False, "stopped"), (True, "running")):
        answer = await api.ask("PATCH", f"/v1/tenants/{tenant.id}", json={"running": running})
        assert answer.json()["state"] == state
        assert (await api.ask("GET", f"/v1/tenants/{tenant.id}")).json()["state"] == state


async def test_without_a_group_it_does_not_start(api: ApiUnderTest):
    tenant = await make_tenant(api.database, api.keyring)
    problem = problem_of(await api.ask("PATCH", f"/v1/tenants/{tenant.id}", json={"running": True}), 400)
    assert "group" in problem["detail"]


async def test_the_mode_is_chosen_and_shown(database, keyring, redis_url):
    given = {"TELEGRAM_API_ID": "12345", "TELEGRAM_API_HASH": "0123456789abcdef" * 2}
    async with open_api(database, keyring, redis_url, **given) as api:
        tenant = await make_tenant(api.database, api.keyring)
        for mode in ("parallel", "parallel", "polling"):
            answer = await api.ask("PUT", f"/v1/tenants/{tenant.id}/mode", json={"mode": mode})
            assert answer.json()["mode"] == mode
            assert (await api.ask("GET", f"/v1/tenants/{tenant.id}")).json()["mode"] == mode
            (listed,) = (await api.ask("GET", "/v1/tenants")).json()["items"]
            assert listed["mode"] == mode


async def test_a_mode_that_is_not_offered_is_refused_in_a_sentence(api: ApiUnderTest):
    tenant = await make_tenant(api.database, api.keyring)
    problem = problem_of(await api.ask("PUT", f"/v1/tenants/{tenant.id}/mode", json={"mode": "parallel"}), 400)
    assert problem["detail"] == NOT_OFFERED
    assert (await api.ask("GET", f"/v1/tenants/{tenant.id}")).json()["mode"] == "polling"


@pytest.mark.parametrize("body", [{}, {"mode": "webhook"}, {"mode": None}, {"mode": "polling", "running": True}])
async def test_what_is_no_mode_is_refused(api: ApiUnderTest, body):
    tenant = await make_tenant(api.database, api.keyring)
    problem = problem_of(await api.ask("PUT", f"/v1/tenants/{tenant.id}/mode", json=body), 400)
    assert len(problem["errors"]) == 1


async def test_an_erased_connection_is_gone(api: ApiUnderTest):
    tenant = await make_tenant(api.database, api.keyring)
    await fill_every_table(api.database, tenant)
    answer = await api.ask("DELETE", f"/v1/tenants/{tenant.id}")
    assert (answer.status_code, answer.content) == (204, b"")
    problem_of(await api.ask("GET", f"/v1/tenants/{tenant.id}"), 404)
    problem_of(await api.ask("DELETE", f"/v1/tenants/{tenant.id}"), 404)


async def test_no_answer_holds_the_token(api: ApiUnderTest):
    tenant = await make_tenant(api.database, api.keyring)
    await make_running(api.database, tenant)
    path = f"/v1/tenants/{tenant.id}"
    answers = [
        await api.ask("GET", "/v1/tenants"),
        await api.ask("GET", path),
        await api.ask("PATCH", path, json={"running": False}),
        await api.ask("GET", f"{path}/settings"),
        await api.ask("PATCH", f"{path}/settings", json={"AUTOCLOSE": 1}),
    ]
    secret = make_token(5000).partition(":")[2]
    for answer in answers:
        assert answer.is_success
        assert secret not in answer.text
        assert "token" not in answer.text.lower()


REFUSE_AT_COMMIT = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$;
CREATE CONSTRAINT TRIGGER refuse AFTER UPDATE OR DELETE ON tenants
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse();
"""


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "", {"running": False}),
        ("PATCH", "/settings", {"AUTOCLOSE": 1}),
        ("DELETE", "", None),
    ],
)
async def test_what_could_not_be_committed_is_no_success(api: ApiUnderTest, database_url, method, path, body):
    tenant = await make_tenant(api.database, api.keyring)
    await make_running(api.database, tenant)
    connection = await asyncpg.connect(database_url)
    await connection.execute(REFUSE_AT_COMMIT)
    await connection.close()
    with structlog.testing.capture_logs() as lines:
        problem = problem_of(await api.ask(method, f"/v1/tenants/{tenant.id}{path}", json=body), 500)
    (failed,) = [line for line in lines if line["event"] == "request.failed"]
    assert "not today" in str(failed["exc_info"])
    assert "not today" not in str(problem)
    assert (await api.ask("GET", f"/v1/tenants/{tenant.id}")).json()["state"] == "running"
    settings = (await api.ask("GET", f"/v1/tenants/{tenant.id}/settings")).json()
    assert settings["AUTOCLOSE"]["stored"] is None
