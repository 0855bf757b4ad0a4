"""What an owner sees of the plan's limit: over HTTP, in notices, among the dead letters; and what operations sees."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text

from tenants.connections import Tenant
from tenants.db import Database
from tenants.dead_letters import list_dead_letters
from tenants.intake import OVER_LIMIT, UPDATE_BODY
from tenants.plans import Plan
from tenants.settings.schema import Settings
from tenants.usage.limits import Allotment
from tenants.usage.table import usage
from tenants.usage.telling import Counted, tell
from tests.api_client import ApiUnderTest, open_api, problem_of
from tests.factories import STRANGER, make_tenant
from tests.usage import spend_tolerated_days
from tests.work import do_jobs


@pytest.fixture
async def api(database, keyring, redis_url):
    async with open_api(database, keyring, redis_url, UPDATES_A_DAY="free=3 pro=10") as under_test:
        yield under_test


async def _today(database: Database) -> date:
    async with database.fleet() as unit:
        return (await unit.execute(text("SELECT (now() AT TIME ZONE 'UTC')::date"))).scalar_one()


async def _had_today(database: Database, tenant: Tenant, updates: int, allowed: int) -> None:
    async with database.tenant(tenant.id) as unit:
        row = {"tenant_id": tenant.id, "day": text("(now() AT TIME ZONE 'UTC')::date")}
        await unit.execute(insert(usage).values(**row, updates=updates, allowed=allowed))


async def _hold(database: Database, keyring, tenant: Tenant, number: int, *, days_ago: int = 0) -> None:
    body = keyring.encrypt(tenant.id, UPDATE_BODY, b"[]")
    statement = text(
        """
        WITH held AS (
            INSERT INTO updates (tenant_id, update_id, kind, disposition, reason, body, chat_id, received_at)
            VALUES (:tenant, :number, 'message', 'held', 'over_limit', :body, 77, now() - make_interval(days => :ago))
        )
        UPDATE intakes SET release_at = now() WHERE tenant_id = :tenant
        """
    )
    async with database.tenant(tenant.id) as unit:
        await unit.execute(statement, {"tenant": tenant.id, "number": number, "body": body, "ago": days_ago})


async def test_the_month_so_far_is_shown(api: ApiUnderTest):
    tenant = await make_tenant(api.database, api.keyring, plan=Plan.FREE)
    await spend_tolerated_days(api.database, tenant.id, 4)
    await _had_today(api.database, tenant, 5, 3)
    await _hold(api.database, api.keyring, tenant, 1)
    shown = (await api.ask("GET", f"/v1/tenants/{tenant.id}/usage")).json()
    days, turns_at = shown.pop("days"), datetime.fromisoformat(shown.pop("turns_at"))
    today = await _today(api.database)
    assert shown == {
        "plan": "free",
        "updates": 5,
        "allowed": 3,
        "tolerated_days": 10,
        "tolerated_days_used": 5,
        "waiting": 1,
    }
    assert turns_at.astimezone(UTC) == datetime.combine(today + timedelta(days=1), datetime.min.time(), UTC)
    assert len(days) == 5
    assert {"day": str(today), "updates": 5, "allowed": 3, "is_over": True} in days


async def test_a_day_on_which_nothing_came_yet_has_the_plans_limit(api: ApiUnderTest):
    tenant = await make_tenant(api.database, api.keyring, plan=Plan.PRO)
    shown = (await api.ask("GET", f"/v1/tenants/{tenant.id}/usage")).json()
    assert (shown["updates"], shown["allowed"], shown["days"], shown["waiting"]) == (0, 10, [], 0)


async def test_a_smaller_plan_takes_nothing_back_from_the_day(api: ApiUnderTest):
    tenant = await make_tenant(api.database, api.keyring, plan=Plan.FREE)
    await _had_today(api.database, tenant, 9, 10)
    shown = (await api.ask("GET", f"/v1/tenants/{tenant.id}/usage")).json()
    assert (shown["allowed"], shown["tolerated_days_used"]) == (10, 0)


async def test_somebody_elses_usage_is_not_found(api: ApiUnderTest):
    theirs = await make_tenant(api.database, api.keyring, owner=STRANGER)
    problem_of(await api.ask("GET", f"/v1/tenants/{theirs.id}/usage"), 404)


async def test_operations_sees_how_many_connections_wait(api: ApiUnderTest):
    tenant = await make_tenant(api.database, api.keyring)
    assert "backline_tenants_over_limit 0.0" in (await api.client.get("/metrics")).text
    await _hold(api.database, api.keyring, tenant, 1)
    await _hold(api.database, api.keyring, tenant, 2)
    shown = (await api.client.get("/metrics")).text
    assert "backline_tenants_over_limit 1.0" in shown
    assert 'backline_updates{disposition="waiting"} 2.0' in shown


async def test_what_waited_for_seven_days_is_a_dead_letter_for_seven_more(database: Database, keyring):
    tenant = await make_tenant(database, keyring)
    await _hold(database, keyring, tenant, 1, days_ago=8)
    await _hold(database, keyring, tenant, 2, days_ago=6)
    await _forget(database)
    assert await _told(database, tenant) == ["usage_expired"]
    async with database.tenant(tenant.id) as unit:
        (letter,) = await list_dead_letters(unit, tenant.id, Settings(), limit=9)
        assert (letter.id, letter.reason.code, letter.reason.retry_helps) == (1, OVER_LIMIT, True)
        held = await unit.execute(text("SELECT update_id FROM updates WHERE disposition = 'held'"))
        assert held.scalars().all() == [2]
        await unit.execute(text("UPDATE updates SET aside_at = now() - interval '8 days' WHERE update_id = 1"))
    await _forget(database)
    async with database.tenant(tenant.id) as unit:
        assert (await unit.execute(text("SELECT update_id FROM updates"))).scalars().all() == [2]


async def _forget(database: Database) -> None:
    async with database.fleet() as unit:
        await unit.execute(text("INSERT INTO jobs (id, kind) VALUES (gen_random_uuid(), 'forget_the_past')"))
    await do_jobs(database)


def _counted(tenant: Tenant, used: int, handled: int, *, over: int = 0, **more: Any) -> Counted:
    values = {"waited": False, "waits": False, "at": datetime.now(UTC), **more}
    return Counted(tenant.id, Allotment(0, 10, over, tolerated=10), handled, used, **values)


async def _told(database: Database, tenant: Tenant) -> list[str]:
    async with database.tenant(tenant.id) as unit:
        return list((await unit.execute(text("SELECT kind FROM owner_notices ORDER BY created_at, id"))).scalars())


async def _tell(database: Database, *counted: Counted) -> None:
    for one in counted:
        async with database.tenant(one.tenant) as unit:
            await tell(unit, [one])


async def test_each_news_of_a_day_is_told_once(database: Database, keyring):
    tenant = await make_tenant(database, keyring)
    await _tell(database, *[_counted(tenant, used, 1) for used in range(1, 13)])
    assert await _told(database, tenant) == ["usage_near", "usage_full"]
    await _tell(database, _counted(tenant, 8, 1), _counted(tenant, 10, 1))
    assert await _told(database, tenant) == ["usage_near", "usage_full"]
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    await _tell(database, _counted(tenant, 8, 1, at=tomorrow))
    assert await _told(database, tenant) == ["usage_near", "usage_full", "usage_near"]


async def test_that_messages_go_on_is_only_told_to_whom_it_was_told_that_they_wait(database: Database, keyring):
    tenant = await make_tenant(database, keyring)
    waits = _counted(tenant, 10, 0, over=10, waits=True)
    flows = _counted(tenant, 3, 3, over=10, waited=True)
    await _tell(database, waits, flows)
    assert await _told(database, tenant) == ["usage_waits"]
    async with database.tenant(tenant.id) as unit:
        await unit.execute(
            text("UPDATE owner_notices SET state = 'delivered', result_message_id = 1, ended_at = now()")
        )
    await _tell(database, flows)
    assert await _told(database, tenant) == ["usage_waits", "usage_flows"]
