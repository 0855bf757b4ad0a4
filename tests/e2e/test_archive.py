"""ARCHIVE at work, in both kinds of session: switched on while the session runs, it keeps what both sides write."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tenants.access.keys import create_key
from tenants.config import Config
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.job_kinds import FORGET, PERIODIC
from tenants.jobs import enqueue_periodic
from tests.api_client import ApiUnderTest, open_api
from tests.e2e.both_ways import KINDS, Side, desk_in
from tests.e2e.conftest import Stage
from tests.work import do_jobs


@pytest.fixture(params=KINDS)
async def anna(
    request: pytest.FixtureRequest, config: Config, database: Database, keyring: Keyring, tmp_path: Path
) -> AsyncIterator[Stage]:
    async with desk_in(request.param, config, database, keyring, tmp_path) as stage:
        yield stage


@pytest.fixture
async def api(anna: Stage, redis_url: str) -> AsyncIterator[ApiUnderTest]:
    async with open_api(anna.database, anna.keyring, redis_url) as opened:
        opened.key = await create_key(anna.database, anna.tenant.owner_id, "the owner's")
        yield opened


async def _read(api: ApiUnderTest, anna: Stage) -> list[dict[str, Any]]:
    """Oldest first."""
    (dialog,) = await anna.rows("SELECT id FROM dialogs")
    answer = await api.ask("GET", f"/v1/tenants/{anna.tenant.id}/dialogs/{dialog.id}/messages")
    assert answer.status_code == 200, answer.text
    return list(reversed(answer.json()["items"]))


async def test_switched_on_it_keeps_what_comes_from_then_on(anna: Stage, api: ApiUnderTest) -> None:
    team, customer = Side(anna, "operator"), Side(anna, "customer")
    await team.sent("before")
    assert await _read(api, anna) == []
    await anna.change(ARCHIVE=30)
    question, shown = await customer.sent("is it blue?")
    answer, copy = await team.sent("yes")
    anna.world.edit(customer.person, question, "is it green?")
    await customer.sees(shown, text="is it green?")
    anna.world.edit(team.person, answer, "no")
    await team.sees(copy, text="no")
    team.send("/del", reply_to=answer)
    await anna.until(lambda: copy.id not in [message.id for message in anna.seen_by()], "the answer is gone")
    kept = await _read(api, anna)
    assert [(one["direction"], one["author"], [v["text"] for v in one["versions"]]) for one in kept] == [
        ("customer", None, ["is it blue?", "is it green?"]),
        ("team", anna.operator.id, ["yes", "no"]),
    ]
    assert [one["deleted_at"] is None for one in kept] == [True, False]
    assert [one["text"] for one in kept] == ["is it green?", "no"]


async def test_switched_off_all_is_gone_and_nothing_more_is_kept(anna: Stage, api: ApiUnderTest) -> None:
    customer = Side(anna, "customer")
    await anna.change(ARCHIVE=30)
    await customer.sent("kept")
    assert [one["text"] for one in await _read(api, anna)] == ["kept"]
    await anna.change(ARCHIVE=0)
    async with anna.database.fleet() as unit:
        assert await enqueue_periodic(unit, FORGET, PERIODIC[FORGET])
    await do_jobs(anna.database)
    await customer.sent("not kept")
    assert await _read(api, anna) == []
