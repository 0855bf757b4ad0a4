"""Webhooks over HTTP: deliveries page by page, replayed; a secret that is shown once; nobody else's."""

from base64 import b64decode
from datetime import datetime

import pytest
from sqlalchemy import text

from tenants.connections import Tenant
from tenants.ids import ChatId, DialogId, MessageId, RowId, TenantId, new_id
from tenants.settings.schema import Settings
from tenants.webhooks.deliveries import Outcome, record, take
from tenants.webhooks.happenings import Happening, Told, tell
from tenants.webhooks.signing import get_secrets
from tests.api_client import ApiUnderTest, open_api, problem_of
from tests.factories import STRANGER, make_tenant

HOOK = "https://hooks.example.com/all"


@pytest.fixture
async def api(database, keyring, redis_url):
    async with open_api(database, keyring, redis_url) as under_test:
        yield under_test


@pytest.fixture
async def tenant(api: ApiUnderTest) -> Tenant:
    return await make_tenant(api.database, api.keyring)


async def _happen(api: ApiUnderTest, tenant: TenantId, times: int = 1) -> None:
    settings = Settings(WEBHOOKS={HOOK: ["message_received"]})
    async with api.database.tenant(tenant) as unit:
        now = (await unit.execute(text("SELECT now()"))).scalar_one()
        for _ in range(times):
            about = (DialogId(new_id()), "private", ChatId(77), MessageId(5))
            await tell(unit, [Told(tenant, settings, Happening("message_received", now, *about))])


async def _end(api: ApiUnderTest, tenant: TenantId, outcome: Outcome) -> RowId:
    """The first attempt at what is due."""
    async with api.database.fleet() as unit:
        ((delivery, _),) = await take(unit, most=1, each=1)
    async with api.database.tenant(tenant) as unit:
        await record(unit, tenant, delivery, 1, outcome)
    return delivery


def _path(tenant: Tenant, rest: str) -> str:
    return f"/v1/tenants/{tenant.id}/webhooks/{rest}"


async def _list(api: ApiUnderTest, tenant: Tenant, **query) -> list[dict]:
    answer = await api.ask("GET", _path(tenant, "deliveries"), params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_a_delivery_is_shown_with_what_became_of_it(api: ApiUnderTest, tenant: Tenant):
    await _happen(api, tenant.id)
    delivery = await _end(api, tenant.id, Outcome(503, "refused"))
    (shown,) = await _list(api, tenant)
    for name in ("created_at", "tried_at", "next_at"):
        assert datetime.fromisoformat(shown.pop(name)).tzinfo is not None
    assert shown.pop("payload")["data"]["message_id"] == 5
    assert shown == {
        "id": str(delivery),
        "event": "message_received",
        "url": HOOK,
        "state": "waiting",
        "attempts": 1,
        "ended_at": None,
        "status": 503,
        "reason": {"code": "refused", "text": "The address answered with an error."},
    }


async def test_pages_follow_each_other_newest_first(api: ApiUnderTest, tenant: Tenant):
    await _happen(api, tenant.id, times=5)
    whole = await _list(api, tenant)
    seen: list[dict] = []
    cursor, sizes = None, []
    while cursor is not None or not sizes:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await api.ask("GET", _path(tenant, "deliveries"), params=query)).json()
        seen += page["items"]
        sizes.append(len(page["items"]))
        cursor = page["next"]
    assert (seen, sizes) == (whole, [2, 2, 1])
    assert [item["id"] for item in whole] == sorted((item["id"] for item in whole), reverse=True)


async def test_a_state_is_asked_for(api: ApiUnderTest, tenant: Tenant):
    await _happen(api, tenant.id, times=3)
    gone = await _end(api, tenant.id, Outcome(410, "gone"))
    taken = await _end(api, tenant.id, Outcome(200))
    assert [item["id"] for item in await _list(api, tenant, only="failed")] == [str(gone)]
    assert [item["id"] for item in await _list(api, tenant, only="delivered")] == [str(taken)]
    assert len(await _list(api, tenant, only="waiting")) == 1


@pytest.mark.parametrize("query", [{"cursor": "x"}, {"limit": 0}, {"limit": 101}, {"only": "eaten"}])
async def test_a_question_that_makes_no_sense_is_refused_with_its_field(api: ApiUnderTest, tenant: Tenant, query):
    problem = problem_of(await api.ask("GET", _path(tenant, "deliveries"), params=query), 400)
    assert [error["field"] for error in problem["errors"]] == [*query]


@pytest.mark.parametrize("outcome", [Outcome(410, "gone"), Outcome(200)])
async def test_what_ended_is_sent_again_under_the_same_id(api: ApiUnderTest, tenant: Tenant, outcome: Outcome):
    await _happen(api, tenant.id)
    delivery = await _end(api, tenant.id, outcome)
    path = _path(tenant, f"deliveries/{delivery}/replay")
    answer = await api.ask("POST", path)
    assert (answer.status_code, answer.json()) == (202, {"id": str(delivery)})
    (shown,) = await _list(api, tenant)
    assert (shown["state"], shown["ended_at"]) == ("waiting", None)
    async with api.database.fleet() as unit:
        assert await take(unit, most=9, each=9) == [(delivery, tenant.id)]
    assert problem_of(await api.ask("POST", path), 409)["detail"].startswith("This delivery waits")
    audited = (await api.ask("GET", f"/v1/tenants/{tenant.id}/audit")).json()["items"]
    assert [(item["action"], item["subject"]) for item in audited[:-1]] == [("webhooks.replayed", str(delivery))]


async def test_a_secret_is_shown_once(api: ApiUnderTest, tenant: Tenant):
    path = _path(tenant, "secret")
    assert (await api.ask("GET", path)).json() == {"made_at": None, "former_until": None}
    made = await api.ask("POST", path)
    assert made.status_code == 201
    secret = made.json()["secret"]
    assert len(b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    state = await api.ask("GET", path)
    assert state.json()["made_at"]
    assert state.json()["former_until"] is None
    assert secret not in state.text
    newer = (await api.ask("POST", path)).json()["secret"]
    assert (await api.ask("GET", path)).json()["former_until"]
    async with api.database.tenant(tenant.id) as unit:
        assert await get_secrets(unit, tenant.id, api.keyring) == [newer, secret]
    audit = await api.ask("GET", f"/v1/tenants/{tenant.id}/audit")
    assert [item["action"] for item in audit.json()["items"][:2]] == ["webhooks.secret_made"] * 2
    assert newer not in audit.text


async def test_what_is_anothers_is_as_good_as_none(api: ApiUnderTest, tenant: Tenant):
    theirs = await make_tenant(api.database, api.keyring, owner=STRANGER, bot=6000)
    await _happen(api, theirs.id)
    delivery = await _end(api, theirs.id, Outcome(410, "gone"))
    problem_of(await api.ask("GET", _path(theirs, "deliveries")), 404)
    problem_of(await api.ask("GET", _path(theirs, "secret")), 404)
    problem_of(await api.ask("POST", _path(theirs, "secret")), 404)
    for whose in (theirs, tenant):
        problem_of(await api.ask("POST", _path(whose, f"deliveries/{delivery}/replay")), 404)
    problem_of(await api.ask("POST", _path(tenant, f"deliveries/{new_id()}/replay")), 404)
    assert await _list(api, tenant) == []
    async with api.database.fleet() as unit:
        assert await take(unit, most=9, each=9) == []


async def test_an_address_of_this_machine_is_refused_unless_the_deployment_is_for_trying(
    api: ApiUnderTest, tenant: Tenant, redis_url: str
):
    path, here = f"/v1/tenants/{tenant.id}/settings", {"WEBHOOKS": {"http://localhost:9/a": ["dialog_closed"]}}
    problem = problem_of(await api.ask("PATCH", path, json=here), 400)
    assert problem["errors"][0]["field"] == "WEBHOOKS"
    async with open_api(api.database, api.keyring, redis_url, WEBHOOK_LOOPBACK="on") as trying:
        assert (await trying.ask("PATCH", path, json=here)).is_success
