"""Every route against every key that is not the right one: nobody reads or changes what is somebody else's.

The routes are read off the application: one that has no row here fails the first test.
"""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from litestar.routes import HTTPRoute

from tenants.access.keys import Keys, create_key
from tenants.columns import metadata
from tenants.connections import Connections, Tenant
from tenants.ids import UserId, new_id
from tenants.plans import Plan
from tests.api_client import ApiUnderTest, open_api, problem_of
from tests.factories import OWNER, STRANGER, fill_every_table, make_running, make_tenant, make_token

Route = tuple[str, str]
HOME = "/v1/tenants/{tenant_id}"
ROWS: dict[Route, Any] = {
    ("GET", "/v1/tenants"): None,
    ("POST", "/v1/tenants"): {"token": make_token(7999)},
    ("GET", HOME): None,
    ("PATCH", HOME): {"running": False},
    ("DELETE", HOME): None,
    ("PUT", f"{HOME}/mode"): {"mode": "polling"},
    ("PUT", f"{HOME}/token"): {"token": "{token}"},
    ("POST", f"{HOME}/group-link"): None,
    ("GET", f"{HOME}/group"): None,
    ("PUT", f"{HOME}/group"): {"id": -1001},
    ("GET", f"{HOME}/administrators"): None,
    ("DELETE", f"{HOME}/administrators/{{user_id}}"): None,
    ("POST", f"{HOME}/invitations"): None,
    ("POST", f"{HOME}/transfer"): {"to": 71, "name": "Olga"},
    ("GET", "/v1/keys"): None,
    ("POST", "/v1/keys"): {"label": "new"},
    ("DELETE", "/v1/keys/{key_id}"): None,
    ("GET", f"{HOME}/keys"): None,
    ("POST", f"{HOME}/keys"): {"label": "new"},
    ("DELETE", f"{HOME}/keys/{{key_id}}"): None,
    ("GET", f"{HOME}/settings"): None,
    ("PATCH", f"{HOME}/settings"): {"AUTOCLOSE": 24},
    ("GET", f"{HOME}/dead-letters"): None,
    ("POST", f"{HOME}/dead-letters/replay"): {"all": True},
    ("GET", f"{HOME}/audit"): None,
    ("GET", f"{HOME}/dialogs"): None,
    ("GET", f"{HOME}/dialogs/{{dialog_id}}"): None,
    ("GET", f"{HOME}/dialogs/{{dialog_id}}/messages"): None,
    ("GET", f"{HOME}/usage"): None,
    ("GET", f"{HOME}/plan"): None,
    ("POST", f"{HOME}/plan/link"): None,
    ("GET", f"{HOME}/webhooks/deliveries"): None,
    ("POST", f"{HOME}/webhooks/deliveries/{{delivery_id}}/replay"): None,
    ("GET", f"{HOME}/webhooks/secret"): None,
    ("POST", f"{HOME}/webhooks/secret"): None,
}
EXCUSED = {
    ("PUT", f"{HOME}/group"): 409,  # nothing is proposed
    ("POST", f"{HOME}/webhooks/deliveries/{{delivery_id}}/replay"): 409,  # it waits anyway
}
"""What the right key is told instead of a success."""
ACCOUNT_ONLY = {
    ("POST", "/v1/tenants"),
    ("POST", "/v1/keys"),
    ("DELETE", "/v1/keys/{key_id}"),
    ("DELETE", HOME),
    ("DELETE", f"{HOME}/administrators/{{user_id}}"),
    ("POST", f"{HOME}/invitations"),
    ("POST", f"{HOME}/transfer"),
    ("POST", f"{HOME}/keys"),
    ("DELETE", f"{HOME}/keys/{{key_id}}"),
}
"""For which a key of the connection is not enough."""
ON_EVERY_PLAN = [
    ("GET", HOME),
    ("GET", f"{HOME}/usage"),
    ("GET", f"{HOME}/plan"),
    ("POST", f"{HOME}/plan/link"),
    ("DELETE", HOME),
]
OF_TENANTS = [route for route in ROWS if route[1].startswith(HOME)]


@dataclass
class Mine:
    """A connection with something in every table, and the ids of what a route may name."""

    tenant: Tenant
    ids: dict[str, Any] = field(default_factory=dict)

    def path(self, route: Route, **other: Any) -> str:
        return route[1].format(**{**self.ids, **other})

    def body(self, route: Route) -> Any:
        body = ROWS[route]
        return {"token": make_token(self.tenant.bot_id)} if body == {"token": "{token}"} else body


@pytest.fixture
async def api(database, keyring, redis_url):
    more = {
        "SETUP_BOT_TOKEN": "777:" + "S" * 35,
        "API_REQUESTS_PER_MINUTE": "0",
        "STRIPE_SECRET_KEY": "sk_invented",
        "STRIPE_WEBHOOK_SECRET": "whsec_invented",
    }
    async with open_api(database, keyring, redis_url, **more) as under_test:
        yield under_test


async def _make(api: ApiUnderTest, database_url: str, number: int = 1, *, owner: UserId = OWNER) -> Mine:
    tenant = await make_tenant(api.database, api.keyring, owner=owner, bot=5000 + number)
    await make_running(api.database, tenant, group=-1000 - number)
    await fill_every_table(api.database, tenant, number=1)
    keys = Keys(api.database, Connections(api.database, api.keyring, plan=Plan.PRO))
    await keys.renew(owner, tenant.id, "one connection's")
    (only,) = await keys.list_keys(owner, tenant.id)
    connection = await asyncpg.connect(database_url)
    await connection.execute("DELETE FROM archive; DELETE FROM webhook_secrets")  # they hold no ciphertexts of ours
    one = "SELECT id FROM {} WHERE tenant_id = $1"
    ids = {
        "tenant_id": tenant.id,
        "dialog_id": await connection.fetchval(one.format("dialogs"), tenant.id),
        "delivery_id": await connection.fetchval(one.format("webhook_deliveries"), tenant.id),
        "key_id": only.id,
        "user_id": 71,
    }
    await connection.close()
    return Mine(tenant, ids)


async def _rows(database_url: str, mine: Mine) -> dict[str, list[tuple[Any, ...]]]:
    """All that is stored of a connection and its owner's keys, but when a key was used."""
    connection = await asyncpg.connect(database_url)
    found = {}
    for table in metadata.sorted_tables:
        if table.name == "tenants":
            where, value = "id = $1", mine.tenant.id
        elif table.name == "api_keys":
            where, value = "owner_id = $1", mine.tenant.owner_id
        elif "tenant_id" in table.c:
            where, value = "tenant_id = $1", mine.tenant.id
        else:
            continue
        columns = ", ".join(column.name for column in table.c if column.name != "used_at")
        rows = await connection.fetch(f"SELECT {columns} FROM {table.name} WHERE {where}", value)  # noqa: S608
        found[table.name] = sorted((tuple(row) for row in rows), key=str)
    await connection.close()
    return found


def test_every_route_has_a_row(api: ApiUnderTest):
    served = {
        (method, route.path_format)
        for route in api.app.routes
        if isinstance(route, HTTPRoute) and route.path.startswith("/v1/")
        for method in route.methods
        if method != "OPTIONS"
    }
    assert served == set(ROWS)


async def test_without_a_key_or_with_a_revoked_one_nothing_is_done(api: ApiUnderTest, database_url):
    mine = await _make(api, database_url)
    keys = Keys(api.database, Connections(api.database, api.keyring, plan=Plan.PRO))
    revoked = await create_key(api.database, OWNER, "revoked")
    await keys.revoke(OWNER, next(one.id for one in await keys.list_keys(OWNER) if one.label == "revoked"))
    before = await _rows(database_url, mine)
    for route in ROWS:
        for key in ("", revoked, "bl_" + "x" * 43):
            answer = await api.ask(route[0], mine.path(route), key=key, json=mine.body(route))
            assert problem_of(answer, 401)["code"] == "unauthorized", route
            assert answer.headers["www-authenticate"].startswith('Bearer realm="backline"')
    assert await _rows(database_url, mine) == before


async def test_a_stranger_finds_nothing_and_changes_nothing(api: ApiUnderTest, database_url):
    """Neither with a key of the whole account nor with that of one connection, nor by mixing ids of both."""
    mine, theirs = await _make(api, database_url), await _make(api, database_url, 2, owner=STRANGER)
    account = await create_key(api.database, STRANGER, "account")
    only = await create_key(api.database, STRANGER, "only", only=theirs.tenant.id)
    before = await _rows(database_url, mine)
    for route in OF_TENANTS:
        for key in (account, only):
            found = await api.ask(route[0], mine.path(route), key=key, json=mine.body(route))
            forged = await api.ask(route[0], mine.path(route, tenant_id=new_id()), key=key, json=mine.body(route))
            assert problem_of(found, 404) == problem_of(forged, 404), route
            assert found.headers.keys() == forged.headers.keys()
        if "{key_id}" in route[1] or "_id}/" in route[1].removeprefix(HOME) or route[1].endswith("dialog_id}"):
            mixed = await api.ask(
                route[0], mine.path(route, tenant_id=theirs.tenant.id), key=account, json=mine.body(route)
            )
            problem_of(mixed, 404)
    problem_of(await api.ask("DELETE", f"/v1/keys/{mine.ids['key_id']}", key=account), 404)
    for path in ("/v1/tenants", "/v1/keys"):
        for key in (account, only):
            answer = await api.ask("GET", path, key=key)
            assert answer.is_success
            assert str(mine.tenant.id) not in answer.text
            assert str(mine.ids["key_id"]) not in answer.text
    assert await _rows(database_url, mine) == before


async def test_a_key_of_another_connection_of_the_same_owner_finds_nothing(api: ApiUnderTest, database_url):
    mine, other = await _make(api, database_url), await _make(api, database_url, 2)
    key = await create_key(api.database, OWNER, "only", only=other.tenant.id)
    before = await _rows(database_url, mine)
    for route in ROWS:
        answer = await api.ask(route[0], mine.path(route), key=key, json=mine.body(route))
        if route[1].startswith(HOME):
            problem_of(answer, 404)
        elif route in ACCOUNT_ONLY:
            assert problem_of(answer, 403)["code"] == "account_key_needed"
        else:
            assert str(mine.tenant.id) not in answer.text
            assert str(mine.ids["key_id"]) not in answer.text
    assert await _rows(database_url, mine) == before


async def test_forged_ids_are_nothing(api: ApiUnderTest, database_url):
    mine = await _make(api, database_url)
    before = await _rows(database_url, mine)
    for route in ROWS:
        for name in mine.ids:
            if f"{{{name}}}" in route[1]:
                forged: UUID | int = 2**40 if name == "user_id" else new_id()
                path = mine.path(route, **{name: forged})
                problem_of(await api.ask(route[0], path, json=mine.body(route)), 404)
    assert await _rows(database_url, mine) == before


async def test_the_right_key_is_served(api: ApiUnderTest, database_url):
    """Each route upon a connection of its own, so that none is in another's way."""
    for number, route in enumerate(ROWS):
        mine = await _make(api, database_url, 10 + number)
        answer = await api.ask(route[0], mine.path(route), json=mine.body(route))
        if route in EXCUSED:
            problem_of(answer, EXCUSED[route])
        else:
            assert answer.is_success, (route, answer.text)


async def test_a_key_of_the_connection_does_what_does_not_give_it_away(api: ApiUnderTest, database_url):
    for number, route in enumerate(OF_TENANTS):
        mine = await _make(api, database_url, 100 + number)
        key = await create_key(api.database, OWNER, "only", only=mine.tenant.id)
        before = await _rows(database_url, mine)
        answer = await api.ask(route[0], mine.path(route), key=key, json=mine.body(route))
        if route in ACCOUNT_ONLY:
            assert problem_of(answer, 403)["code"] == "account_key_needed", route
            assert await _rows(database_url, mine) == before
        elif route in EXCUSED:
            problem_of(answer, EXCUSED[route])
        else:
            assert answer.is_success, (route, answer.text)


async def test_on_the_free_plan_nothing_is_done_but_looking_and_erasing(api: ApiUnderTest, database_url):
    mine = await _make(api, database_url)
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE tenants SET plan = 'free'")
    await connection.close()
    before = await _rows(database_url, mine)
    for route in OF_TENANTS:
        if route not in ON_EVERY_PLAN:
            answer = await api.ask(route[0], mine.path(route), json=mine.body(route))
            assert problem_of(answer, 403)["code"] == "plan_required", route
    assert await _rows(database_url, mine) == before
    for route in ON_EVERY_PLAN:
        assert (await api.ask(route[0], mine.path(route))).is_success
