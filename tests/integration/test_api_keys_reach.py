"""How far a key reaches: a key of one connection opens that one, and the API at all is part of a plan."""

import pytest

from tenants.access.keys import create_key
from tenants.ids import new_id
from tenants.plans import Plan
from tests.api_client import ApiUnderTest, open_api, problem_of
from tests.factories import OWNER, make_tenant


@pytest.fixture
async def api(database, keyring, redis_url):
    async with open_api(database, keyring, redis_url) as under_test:
        yield under_test


async def test_a_key_of_one_connection_sees_that_one_only(api: ApiUnderTest):
    mine, other = [await make_tenant(api.database, api.keyring, bot=bot) for bot in (5000, 5001)]
    key = await create_key(api.database, OWNER, "one", only=mine.id)
    assert [item["id"] for item in (await api.ask("GET", "/v1/tenants", key=key)).json()["items"]] == [str(mine.id)]
    assert (await api.ask("GET", f"/v1/tenants/{mine.id}/settings", key=key)).is_success
    answers = [await api.ask("GET", f"/v1/tenants/{tenant}/settings", key=key) for tenant in (other.id, new_id())]
    for answer in answers:
        problem_of(answer, 404)
    assert answers[0].content == answers[1].content


async def test_the_page_behind_the_only_connection_is_empty(api: ApiUnderTest):
    mine = await make_tenant(api.database, api.keyring)
    key = await create_key(api.database, OWNER, "one", only=mine.id)
    page = (await api.ask("GET", f"/v1/tenants?cursor={mine.id}", key=key)).json()
    assert page == {"items": [], "next": None}


async def test_a_key_of_one_connection_does_not_erase_it(api: ApiUnderTest):
    mine = await make_tenant(api.database, api.keyring)
    key = await create_key(api.database, OWNER, "one", only=mine.id)
    problem = problem_of(await api.ask("DELETE", f"/v1/tenants/{mine.id}", key=key), 403)
    assert problem["code"] == "account_key_needed"
    assert (await api.ask("GET", f"/v1/tenants/{mine.id}")).is_success


async def test_on_the_free_plan_a_connection_is_listed_shown_and_erased_and_nothing_else(api: ApiUnderTest):
    free = await make_tenant(api.database, api.keyring, plan=Plan.FREE)
    path = f"/v1/tenants/{free.id}"
    for method, where, body in (
        ("GET", "/settings", None),
        ("PATCH", "", {"running": False}),
        ("GET", "/audit", None),
    ):
        problem = problem_of(await api.ask(method, path + where, json=body), 403)
        assert (problem["code"], problem["plan"]) == ("plan_required", "pro")
        assert problem["detail"] == "The API is part of the pro plan: @shop5000_bot is on the free plan."
    assert (await api.ask("GET", path)).json()["plan"] == "free"
    assert [item["id"] for item in (await api.ask("GET", "/v1/tenants")).json()["items"]] == [str(free.id)]
    assert (await api.ask("DELETE", path)).status_code == 204


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("PATCH", "", {"running": False}), ("PUT", "/mode", {"mode": "polling"}), ("DELETE", "", None)],
)
async def test_a_change_upon_an_older_version_is_refused(api: ApiUnderTest, method, path, body):
    tenant = await make_tenant(api.database, api.keyring)
    home = f"/v1/tenants/{tenant.id}"
    seen = (await api.ask("GET", home)).headers["etag"]
    assert (await api.ask("PATCH", f"{home}/settings", json={"AUTOCLOSE": 1})).is_success
    problem_of(await api.ask(method, home + path, json=body, headers={"If-Match": seen}), 412)
    now = (await api.ask("GET", home)).headers["etag"]
    assert now != seen
    assert (await api.ask(method, home + path, json=body, headers={"If-Match": now})).is_success
