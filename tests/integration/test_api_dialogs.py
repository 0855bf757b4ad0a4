"""A connection's dialogs over HTTP: the active ones first, named as the team knows them."""

from typing import Any

import pytest
from sqlalchemy import insert, text

from tenants.connections import Tenant
from tenants.ids import new_id
from tenants.models import dialogs, lanes
from tests.api_client import ApiUnderTest, open_api, problem_of
from tests.factories import STRANGER, make_tenant


@pytest.fixture
async def api(database, keyring, redis_url):
    async with open_api(database, keyring, redis_url) as under_test:
        yield under_test


@pytest.fixture
async def tenant(api: ApiUnderTest) -> Tenant:
    return await make_tenant(api.database, api.keyring)


async def _open(api: ApiUnderTest, tenant: Tenant, chat: int, *, minutes: int, status: str = "user_answered") -> str:
    """Active for the last time so many minutes ago."""
    dialog = new_id()
    row: dict[str, Any] = {"id": dialog, "tenant_id": tenant.id, "chat_id": chat, "name": f"Ann {chat}"}
    row |= {"status": status, "topic_id": chat, "topic_name": "Ann"}
    async with api.database.tenant(tenant.id) as unit:
        await unit.execute(insert(dialogs).values(row))
        for direction, ago in (("topic", minutes), ("customer", minutes + 60)):
            lane = {"id": new_id(), "tenant_id": tenant.id, "dialog_id": dialog, "direction": direction}
            served = text("now() - make_interval(mins => :ago)").bindparams(ago=ago)
            await unit.execute(insert(lanes).values(lane | {"served_at": served}))
    return str(dialog)


async def _list(api: ApiUnderTest, tenant: Tenant, **query: Any) -> dict[str, Any]:
    answer = await api.ask("GET", f"/v1/tenants/{tenant.id}/dialogs", params=query)
    assert answer.is_success, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def test_the_active_ones_come_first_page_by_page(api: ApiUnderTest, tenant: Tenant):
    made = [await _open(api, tenant, 100 + n, minutes=n) for n in (3, 1, 2, 0, 4)]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    sizes = []
    while not sizes or cursor:
        page = await _list(api, tenant, limit=2, **cursor)
        seen += [item["id"] for item in page["items"]]
        sizes.append(len(page["items"]))
        cursor = {"cursor": page["next"]} if page["next"] else {}
    assert seen == [made[3], made[1], made[2], made[0], made[4]]
    assert sizes == [2, 2, 1]


async def test_they_are_picked_by_status(api: ApiUnderTest, tenant: Tenant):
    closed = await _open(api, tenant, 101, minutes=0, status="closed")
    waiting = await _open(api, tenant, 102, minutes=1)
    assert [one["id"] for one in (await _list(api, tenant, status="closed"))["items"]] == [closed]
    assert [one["id"] for one in (await _list(api, tenant, status="user_answered"))["items"]] == [waiting]
    problem_of(await api.ask("GET", f"/v1/tenants/{tenant.id}/dialogs?status=open"), 400)


async def test_one_is_shown_as_in_the_list(api: ApiUnderTest, tenant: Tenant):
    made = await _open(api, tenant, 101, minutes=0)
    (listed,) = (await _list(api, tenant))["items"]
    shown = (await api.ask("GET", f"/v1/tenants/{tenant.id}/dialogs/{made}")).json()
    assert shown == listed
    assert (shown["customer"], shown["customer_id"], shown["status"]) == ("Ann 101", 101, "user_answered")


async def test_what_is_hidden_from_the_team_is_hidden_here(api: ApiUnderTest, tenant: Tenant):
    made = await _open(api, tenant, 101, minutes=0)
    path = f"/v1/tenants/{tenant.id}/settings"
    assert (await api.ask("PATCH", path, json={"HIDE_INFO": ["name", "link"]})).is_success
    for answer in (
        await api.ask("GET", f"/v1/tenants/{tenant.id}/dialogs"),
        await api.ask("GET", f"/v1/tenants/{tenant.id}/dialogs/{made}"),
    ):
        shown = answer.json().get("items", [answer.json()])[0]
        assert shown["customer"].startswith("Customer ")
        assert shown["customer_id"] is None
        assert "Ann" not in answer.text


async def test_another_connections_dialog_is_none(api: ApiUnderTest, tenant: Tenant):
    foreign = await make_tenant(api.database, api.keyring, owner=STRANGER, bot=6000)
    theirs = await _open(api, foreign, 101, minutes=0)
    problem_of(await api.ask("GET", f"/v1/tenants/{tenant.id}/dialogs/{theirs}"), 404)
    assert (await _list(api, tenant))["items"] == []


SOME_ID = "0192e3a0-0000-7000-8000-000000000000"
FOREIGN_CURSORS = ("x", "1.", "1.x", ".", "-1.0", f"{10**30}.{SOME_ID}", f"{10**19}.{SOME_ID}", "")


@pytest.mark.parametrize("cursor", FOREIGN_CURSORS)
async def test_a_cursor_that_is_none_of_ours_is_refused(api: ApiUnderTest, tenant: Tenant, cursor):
    answer = await api.ask("GET", f"/v1/tenants/{tenant.id}/dialogs", params={"cursor": cursor})
    assert problem_of(answer, 400)["errors"][0]["field"] == "cursor"
