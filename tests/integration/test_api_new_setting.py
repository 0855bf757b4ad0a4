"""A setting that is declared and nothing more is described, shown, taken, refused and reset over HTTP."""

from typing import Annotated

import pytest
from pydantic import Field

from tenants.plans import Plan
from tenants.settings.field import Max, Setting
from tenants.settings.kinds import NUMBER
from tenants.settings.schema import Settings
from tests.api_client import ApiUnderTest, open_api, problem_of
from tests.factories import make_tenant


class Invented(Settings):
    """Limited on the least plan that opens the API."""

    MOON_PHASE: Annotated[
        int,
        Field(ge=0, le=29, description="Days since the last new moon."),
        Setting(
            "Phase of the moon",
            section="sky",
            kind=NUMBER,
            example="7",
            up_to={Plan.FREE: Max(14), Plan.PRO: Max(14)},
        ),
    ] = 1


@pytest.fixture
async def api(database, keyring, redis_url):
    async with open_api(database, keyring, redis_url, Invented) as under_test:
        yield under_test


async def test_it_is_described_with_its_bounds(api: ApiUnderTest):
    document = (await api.ask("GET", "/schema/openapi.json", key="")).json()
    settings = document["paths"]["/v1/tenants/{tenant_id}/settings"]
    taken = settings["patch"]["requestBody"]["content"]["application/json"]["schema"]["properties"]["MOON_PHASE"]
    assert taken["description"] == "Days since the last new moon."
    assert {"minimum": 0, "maximum": 29}.items() <= taken["anyOf"][0].items()
    shown = settings["get"]["responses"]["200"]["content"]["application/json"]["schema"]["properties"]
    assert shown["MOON_PHASE"]["allOf"][1]["properties"]["default"] == {"const": 1}


async def test_it_is_shown_taken_refused_and_reset(api: ApiUnderTest):
    tenant = await make_tenant(api.database, api.keyring, plan=Plan.PRO)
    path = f"/v1/tenants/{tenant.id}/settings"
    shown = (await api.ask("GET", path)).json()["MOON_PHASE"]
    assert (shown["value"], shown["section"]) == (1, "sky")
    assert shown["locked"] == {"limit": "at most 14", "plan": "business"}
    assert (await api.ask("PATCH", path, json={"MOON_PHASE": 14})).json()["MOON_PHASE"]["value"] == 14
    assert problem_of(await api.ask("PATCH", path, json={"MOON_PHASE": 15}), 403)["plan"] == "business"
    problem = problem_of(await api.ask("PATCH", path, json={"MOON_PHASE": 30}), 400)
    assert problem["errors"][0]["field"] == "MOON_PHASE"
    assert (await api.ask("PATCH", path, json={"MOON_PHASE": None})).json()["MOON_PHASE"]["stored"] is None
