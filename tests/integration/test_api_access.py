"""Whose request it is, and that nobody sees what is somebody else's."""

import pytest
import structlog

from tenants.access.keys import create_key
from tenants.ids import UserId, new_id
from tests.api_client import ApiUnderTest, open_api, problem_of
from tests.factories import STRANGER, make_running, make_tenant

WAYS = [
    ("GET", "", None),
    ("PATCH", "", {"running": False}),
    ("PUT", "/mode", {"mode": "polling"}),
    ("DELETE", "", None),
    ("GET", "/settings", None),
    ("PATCH", "/settings", {"AUTOCLOSE": 24}),
    ("GET", "/dead-letters", None),
    ("POST", "/dead-letters/replay", {"all": True}),
    ("GET", "/audit", None),
    ("GET", "/webhooks/deliveries", None),
    ("POST", "/webhooks/deliveries/00000000-0000-0000-0000-000000000000/replay", None),
    ("GET", "/webhooks/secret", None),
    ("POST", "/webhooks/secret", None),
    ("GET", "/dialogs/0192e3a0-0000-7000-8000-000000000000/messages", None),
]
EVERY_WAY = pytest.mark.parametrize(("method", "path", "body"), WAYS)


@pytest.fixture
async def api(database, keyring, redis_url):
    async with open_api(database, keyring, redis_url) as under_test:
        yield under_test


@EVERY_WAY
async def test_without_a_key_nothing_is_shown_or_done(api: ApiUnderTest, method, path, body):
    tenant = await make_tenant(api.database, api.keyring)
    answer = await api.ask(method, f"/v1/tenants/{tenant.id}{path}", key="", json=body)
    assert problem_of(answer, 401)["code"] == "unauthorized"
    assert answer.headers["www-authenticate"] == 'Bearer realm="backline"'


WRONG_KEYS = (
    "",
    "Bearer",
    "Bearer ",
    "Basic bl_x",
    "bl_x",
    "Bearer bl_é",
    "Bearer bl_unknown",
    "Bearer " + "x" * 5000,
)


async def test_a_wrong_key_is_refused_with_a_challenge(api: ApiUnderTest):
    for given in WRONG_KEYS:
        answer = await api.ask("GET", "/v1/tenants", key="", headers={"Authorization": given.encode()})
        problem_of(answer, 401)
        assert answer.headers["www-authenticate"].startswith('Bearer realm="backline"')


async def test_the_scheme_is_written_in_any_case(api: ApiUnderTest):
    answer = await api.ask("GET", "/v1/tenants", key="", headers={"Authorization": f"bearer {api.key}"})
    assert answer.status_code == 200


async def test_the_key_is_looked_at_before_the_body(api: ApiUnderTest):
    problem_of(await api.ask("PATCH", f"/v1/tenants/{new_id()}", key="", content=b"{"), 401)


@EVERY_WAY
async def test_a_tenant_of_another_owner_is_as_good_as_none(api: ApiUnderTest, method, path, body):
    foreign = await make_tenant(api.database, api.keyring, owner=STRANGER)
    answers = [await api.ask(method, f"/v1/tenants/{tenant}{path}", json=body) for tenant in (foreign.id, new_id())]
    assert [problem_of(answer, 404)["code"] for answer in answers] == ["not_found", "not_found"]
    assert answers[0].content == answers[1].content
    assert answers[0].headers.keys() == answers[1].headers.keys()


async def test_nothing_of_another_owner_has_changed(api: ApiUnderTest):
    foreign = await make_tenant(api.database, api.keyring, owner=STRANGER)
    await make_running(api.database, foreign)
    for method, path, body in WAYS:
        await api.ask(method, f"/v1/tenants/{foreign.id}{path}", json=body)
    key = await create_key(api.database, STRANGER, "the stranger's")
    seen = (await api.ask("GET", f"/v1/tenants/{foreign.id}", key=key)).json()
    assert seen["state"] == "running"
    settings = (await api.ask("GET", f"/v1/tenants/{foreign.id}/settings", key=key)).json()
    assert settings["AUTOCLOSE"]["stored"] is None


async def test_the_list_holds_the_owners_own_only(api: ApiUnderTest):
    mine = await make_tenant(api.database, api.keyring)
    await make_tenant(api.database, api.keyring, owner=STRANGER, bot=6000)
    assert [item["id"] for item in (await api.ask("GET", "/v1/tenants")).json()["items"]] == [str(mine.id)]
    key = await create_key(api.database, UserId(77), "nobody's")
    assert (await api.ask("GET", "/v1/tenants", key=key)).json() == {"items": [], "next": None}


async def test_no_key_is_in_a_log_line(api: ApiUnderTest):
    with structlog.testing.capture_logs() as lines:
        await api.ask("GET", "/v1/tenants")
        await api.ask("GET", "/v1/tenants", key="bl_unknown")
    assert not [line for line in lines if "bl_" in str(line)]
