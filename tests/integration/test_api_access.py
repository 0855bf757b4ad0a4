"""Whose request it is, and that nobody sees what is somebody else's."""

import pytest
import structlog

from tenants.access.keys import create_key
from tenants.ids import UserId, new_id
from tests.api_client import ApiUnderTest, open_api, problem_of
from tests.factories import STRANGER, make_tenant


@pytest.fixture
async def api(database, keyring, redis_url):
    async with open_api(database, keyring, redis_url) as under_test:
        yield under_test


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
