"""The audit log over HTTP: newest first, page by page, filtered, and nobody else's."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from tenants.access.keys import create_key
from tenants.audit import Act, Action, Actor, ActorKind, record
from tenants.connections import Tenant
from tenants.ids import UserId, new_id
from tests.api_client import ApiUnderTest, open_api, problem_of
from tests.factories import OWNER, STRANGER, make_running, make_tenant, make_token

OLGA = Actor(ActorKind.OPERATOR, UserId(77), "Olga")


@pytest.fixture
async def api(database, keyring, redis_url):
    async with open_api(database, keyring, redis_url) as under_test:
        yield under_test


@pytest.fixture
async def tenant(api: ApiUnderTest) -> Tenant:
    made = await make_tenant(api.database, api.keyring)
    await make_running(api.database, made)
    return made


async def _record(api: ApiUnderTest, tenant: Tenant, *acts: Act) -> None:
    async with api.database.tenant(tenant.id) as unit:
        await record(unit, tenant.id, *acts)


async def _list(api: ApiUnderTest, tenant: Tenant, **query) -> list[dict]:
    answer = await api.ask("GET", f"/v1/tenants/{tenant.id}/audit", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_an_act_is_shown_with_who_when_and_what(api: ApiUnderTest, tenant: Tenant):
    await _record(api, tenant, Act(Action.DIALOG_CLOSED, OLGA, "a-dialog", {"how": "command"}))
    shown = (await _list(api, tenant))[0]
    assert shown.pop("id")
    assert datetime.fromisoformat(shown.pop("at")).tzinfo is not None
    assert shown == {
        "actor": {"kind": "operator", "id": 77, "name": "Olga"},
        "action": "dialog.closed",
        "text": "A dialog was closed.",
        "subject": "a-dialog",
        "params": {"how": "command"},
    }


async def test_what_is_done_with_a_key_is_told_as_such(api: ApiUnderTest, tenant: Tenant):
    path = f"/v1/tenants/{tenant.id}"
    assert (await api.ask("PATCH", path, json={"running": False})).is_success
    assert (await api.ask("PATCH", f"{path}/settings", json={"AUTOCLOSE": 24})).is_success
    assert (await api.ask("PATCH", f"{path}/settings", json={"AUTOCLOSE": None})).is_success
    items = await _list(api, tenant)
    assert [(item["action"], item["subject"], item["params"]) for item in items] == [
        ("settings.reset", "AUTOCLOSE", {"old": 24}),
        ("settings.changed", "AUTOCLOSE", {"old": None, "new": 24}),
        ("tenant.stopped", "", {}),
        ("tenant.connected", "@shop5000_bot", {"mode": "polling"}),
    ]
    kinds = [(item["actor"]["kind"], item["actor"]["id"]) for item in items]
    assert kinds == [("api", OWNER), ("api", OWNER), ("api", OWNER), ("owner", OWNER)]


async def test_reading_is_no_act(api: ApiUnderTest, tenant: Tenant):
    before = await _list(api, tenant)
    for path in ("", "/settings", "/dead-letters"):
        await api.ask("GET", f"/v1/tenants/{tenant.id}{path}")
    assert await _list(api, tenant) == before


async def test_pages_follow_each_other_newest_first(api: ApiUnderTest, tenant: Tenant):
    for _ in range(2):
        await _record(api, tenant, Act(Action.STOPPED, OLGA), Act(Action.STARTED, OLGA))
    whole = await _list(api, tenant)
    assert [item["action"].partition(".")[2] for item in whole] == [
        "started",
        "stopped",
        "started",
        "stopped",
        "connected",
    ]
    seen: list[dict] = []
    cursor, sizes = None, []
    while cursor is not None or not sizes:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await api.ask("GET", f"/v1/tenants/{tenant.id}/audit", params=query)).json()
        seen += page["items"]
        sizes.append(len(page["items"]))
        cursor = page["next"]
    assert (seen, sizes) == (whole, [2, 2, 1])


async def test_acts_are_filtered_by_kind_person_and_time(api: ApiUnderTest, tenant: Tenant):
    await _record(api, tenant, Act(Action.DIALOG_HELD, OLGA), Act(Action.DIALOG_CLOSED, OLGA))
    async with api.database.tenant(tenant.id) as unit:
        await unit.execute(text("UPDATE audit SET at = at - interval '2 days' WHERE action = 'dialog.held'"))
    closed, held, connected = await _list(api, tenant)
    assert await _list(api, tenant, action="dialog.held") == [held]
    assert await _list(api, tenant, actor=77) == [closed, held]
    assert await _list(api, tenant, actor=OWNER) == [connected]
    yesterday = datetime.fromisoformat(closed["at"]) - timedelta(days=1)
    assert await _list(api, tenant, since=yesterday.isoformat(), actor=77) == [closed]
    assert await _list(api, tenant, since=closed["at"], action="dialog.closed", limit=1) == [closed]
    assert await _list(api, tenant, action="dialog.opened") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"cursor": "x"}, "cursor"),
        ({"cursor": ""}, "cursor"),
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"action": "tenant.eaten"}, "action"),
        ({"action": "STARTED"}, "action"),
        ({"actor": "Olga"}, "actor"),
        ({"actor": 2**70}, "actor"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-01-31T09:00:00"}, "since"),
        ({"since": "0001-01-01T00:00:00+14:00"}, "since"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused_with_its_field(api: ApiUnderTest, tenant, query, field):
    problem = problem_of(await api.ask("GET", f"/v1/tenants/{tenant.id}/audit", params=query), 400)
    assert [error["field"] for error in problem["errors"]] == [field]


@pytest.mark.parametrize("since", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-31T09:00:00+05:30"])
async def test_any_moment_may_be_asked_for(api: ApiUnderTest, tenant: Tenant, since: str):
    assert len(await _list(api, tenant, since=since)) in {0, 1}


async def test_the_log_of_another_owner_is_as_good_as_none(api: ApiUnderTest, tenant: Tenant):
    theirs = await make_tenant(api.database, api.keyring, owner=STRANGER, bot=6000)
    (foreign,) = await _list_as(api, theirs, await create_key(api.database, STRANGER, "theirs"))
    for missing in (theirs.id, new_id()):
        problem_of(await api.ask("GET", f"/v1/tenants/{missing}/audit"), 404)
        problem_of(await api.ask("GET", f"/v1/tenants/{missing}/audit", params={"cursor": foreign["id"]}), 404)
    beyond = await _list(api, tenant, cursor=foreign["id"])
    assert foreign["id"] not in [item["id"] for item in beyond]
    assert await _list(api, tenant, actor=STRANGER) == []


async def _list_as(api: ApiUnderTest, tenant: Tenant, key: str) -> list[dict]:
    return (await api.ask("GET", f"/v1/tenants/{tenant.id}/audit", key=key)).json()["items"]


async def test_an_erased_connection_has_no_log(api: ApiUnderTest, tenant: Tenant):
    assert (await api.ask("DELETE", f"/v1/tenants/{tenant.id}")).is_success
    problem_of(await api.ask("GET", f"/v1/tenants/{tenant.id}/audit"), 404)


async def test_no_token_and_no_key_is_shown(api: ApiUnderTest, tenant: Tenant):
    answer = await api.ask("GET", f"/v1/tenants/{tenant.id}/audit")
    assert make_token(5000) not in answer.text
    assert api.key not in answer.text
