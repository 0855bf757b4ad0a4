"""Settings over HTTP: what the catalogue declares is what is shown, taken and refused."""

import asyncio

import pytest

from tenants.connections import Tenant
from tenants.plans import Plan
from tenants.settings.catalog import entries
from tests.api_client import ApiUnderTest, open_api, problem_of
from tests.factories import make_tenant


@pytest.fixture
async def api(database, keyring, redis_url):
    async with open_api(database, keyring, redis_url) as under_test:
        yield under_test


@pytest.fixture
async def tenant(api: ApiUnderTest) -> Tenant:
    return await make_tenant(api.database, api.keyring)


def _path(tenant: Tenant) -> str:
    return f"/v1/tenants/{tenant.id}/settings"


async def test_every_setting_is_shown_with_its_words(api: ApiUnderTest, tenant: Tenant):
    shown = (await api.ask("GET", _path(tenant))).json()
    assert list(shown) == list(entries())
    for name, entry in entries().items():
        assert shown[name] == {
            "value": entry.default,
            "default": entry.default,
            "stored": None,
            "title": entry.setting.title,
            "description": entry.description,
            "section": entry.setting.section,
            "kind": entry.setting.kind.name,
            "example": entry.setting.example,
            "locked": None,
        }


async def test_every_setting_is_changed_and_reset(api: ApiUnderTest, tenant: Tenant):
    for name, entry in entries().items():
        value = entry.setting.kind.parse(entry.setting.example)
        changed = (await api.ask("PATCH", _path(tenant), json={name: value})).json()
        assert (changed[name]["value"], changed[name]["stored"]) == (value, value)
        assert (await api.ask("GET", _path(tenant))).json() == changed
        reset = (await api.ask("PATCH", _path(tenant), json={name: None})).json()
        assert (reset[name]["value"], reset[name]["stored"]) == (entry.default, None)


async def test_every_setting_refuses_another_type(api: ApiUnderTest, tenant: Tenant):
    for name in entries():
        problem = problem_of(await api.ask("PATCH", _path(tenant), json={name: {"a": 1}}), 400)
        assert problem["code"] == "invalid"
        assert problem["errors"][0]["field"] == name
        assert problem["detail"] == problem["errors"][0]["text"]


async def test_empty_means_off(api: ApiUnderTest, tenant: Tenant):
    changed = (await api.ask("PATCH", _path(tenant), json={"WELCOME": "", "WHITE_LIST": []})).json()
    assert (changed["WELCOME"]["value"], changed["WELCOME"]["stored"]) == ("", "")
    assert changed["WHITE_LIST"]["stored"] == []


async def test_a_change_is_made_as_a_whole_or_not_at_all(api: ApiUnderTest, tenant: Tenant):
    for bad in ({"AUTOCLOSE": "soon"}, {"NO_SUCH": 1}):
        problem_of(await api.ask("PATCH", _path(tenant), json={"SILENT_MODE": True, **bad}), 400)
    assert (await api.ask("GET", _path(tenant))).json()["SILENT_MODE"]["stored"] is None


async def test_an_unknown_setting_is_named(api: ApiUnderTest, tenant: Tenant):
    problem = problem_of(await api.ask("PATCH", _path(tenant), json={"NO_SUCH": 1}), 400)
    assert problem["errors"] == [{"field": "NO_SUCH", "text": "There is no setting NO_SUCH."}]


async def test_what_the_plan_does_not_allow_costs_a_plan(api: ApiUnderTest):
    pro = await make_tenant(api.database, api.keyring, plan=Plan.PRO)
    shown = (await api.ask("GET", _path(pro))).json()
    assert shown["AUDIT_DAYS"]["locked"]["plan"] == "business"
    assert shown["SILENT_MODE"]["locked"] is None
    problem = problem_of(await api.ask("PATCH", _path(pro), json={"AUDIT_DAYS": 500}), 403)
    assert (problem["code"], problem["plan"]) == ("plan_required", "business")


async def test_the_etag_is_the_version_and_changes_with_it(api: ApiUnderTest, tenant: Tenant):
    first = (await api.ask("GET", _path(tenant))).headers["etag"]
    second = (await api.ask("PATCH", _path(tenant), json={"AUTOCLOSE": 1})).headers["etag"]
    assert first != second
    assert (await api.ask("GET", _path(tenant))).headers["etag"] == second


async def test_a_change_upon_an_older_version_is_a_conflict(api: ApiUnderTest, tenant: Tenant):
    seen = (await api.ask("GET", _path(tenant))).headers["etag"]
    mine = {"If-Match": seen}
    assert (await api.ask("PATCH", _path(tenant), json={"AUTOCLOSE": 1}, headers=mine)).is_success
    problem = problem_of(await api.ask("PATCH", _path(tenant), json={"AUTOCLOSE": 2}, headers=mine), 412)
    assert problem["code"] == "changed_meanwhile"
    assert (await api.ask("GET", _path(tenant))).json()["AUTOCLOSE"]["stored"] == 1


async def test_a_condition_that_holds_is_written_in_several_ways(api: ApiUnderTest, tenant: Tenant):
    version = str(tenant.version)
    for written in ("*", 'W/"{}"', '"{}"', "{}"):
        headers = {"If-Match": written.format(version)}
        answer = await api.ask("PATCH", _path(tenant), json={"AUTOCLOSE": 1}, headers=headers)
        assert answer.is_success
        version = answer.headers["etag"].strip('"')


async def test_a_condition_that_is_none_is_refused(api: ApiUnderTest, tenant: Tenant):
    for written in ("", "x", '"1", "2"', '""'):
        answer = await api.ask("PATCH", _path(tenant), json={"AUTOCLOSE": 1}, headers={"If-Match": written})
        assert problem_of(answer, 400)["errors"][0]["field"] == "If-Match"


async def test_of_two_changes_at_once_neither_is_lost_in_silence(api: ApiUnderTest, tenant: Tenant):
    changes = [{"AUTOCLOSE": 7}, {"SILENT_MODE": True}]
    answers = await asyncio.gather(*(api.ask("PATCH", _path(tenant), json=change) for change in changes))
    shown = (await api.ask("GET", _path(tenant))).json()
    for change, answer in zip(changes, answers, strict=True):
        assert answer.status_code in {200, 409}
        for name, value in change.items():
            assert (shown[name]["stored"] == value) is answer.is_success
