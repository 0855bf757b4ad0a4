"""A plan given by whoever runs the deployment, and what another plan means for a tenant."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from backline.cli import main
from tenants.billing.books import note_fact
from tenants.billing.facts import Fact, Kind, Provider, Status
from tenants.billing.grants import grant
from tenants.connections import Connections, Tenant
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.errors import NotFound
from tenants.ids import TenantId
from tenants.notices import Listener
from tenants.plan_change import change_plan
from tenants.plans import Plan
from tenants.settings.catalog import effective
from tenants.settings.service import SettingsService
from tests.factories import OWNER, make_tenant


@pytest.fixture
async def tenant(database: Database, keyring: Keyring) -> Tenant:
    return await make_tenant(database, keyring, plan=Plan.PRO)


async def _plan(database: Database, keyring: Keyring, tenant: Tenant) -> Plan:
    return (await Connections(database, keyring, plan=Plan.FREE).get(OWNER, tenant.id)).plan


@pytest.mark.parametrize("name", ["@shop5000_bot", "SHOP5000_bot", "its id"])
async def test_a_plan_is_given_by_the_bots_name_or_the_tenants_id(database, keyring, tenant, name):
    bot, standing = await grant(database, str(tenant.id) if name == "its id" else name, Plan.BUSINESS)
    assert (bot, standing.plan) == ("shop5000_bot", Plan.BUSINESS)
    assert await _plan(database, keyring, tenant) is Plan.BUSINESS


@pytest.mark.usefixtures("tenant")
@pytest.mark.parametrize("name", ["@nobody_bot", "01a208f9-ba01-7e8c-adb1-e37a33d1d6d2", ""])
async def test_a_connection_that_is_none_is_not_found(database, name):
    with pytest.raises(NotFound):
        await grant(database, name, Plan.PRO)


async def test_an_erased_connection_is_not_found(database, keyring, tenant):
    await Connections(database, keyring, plan=Plan.FREE).erase(OWNER, tenant.id)
    with pytest.raises(NotFound):
        await grant(database, "@shop5000_bot", Plan.PRO)


async def test_the_last_grant_counts(database, keyring, tenant):
    for plan in (Plan.BUSINESS, Plan.FREE, Plan.PRO, Plan.FREE):
        await grant(database, str(tenant.id), plan)
        assert await _plan(database, keyring, tenant) is plan


async def test_a_higher_plan_that_is_paid_for_goes_on(database, keyring, tenant):
    now = datetime.now(UTC)
    paid = Fact(
        "evt_1",
        Provider.STRIPE,
        Kind.SUBSCRIPTION,
        at=now,
        received_at=now,
        tenant=TenantId(tenant.id),
        subscription="sub_1",
        status=Status.ACTIVE,
        plan=Plan.BUSINESS,
        paid_until=now + timedelta(days=30),
    )
    async with database.fleet() as unit:
        await note_fact(unit, paid)
    _, standing = await grant(database, str(tenant.id), Plan.PRO)
    assert standing.plan is Plan.BUSINESS
    assert await _plan(database, keyring, tenant) is Plan.BUSINESS


async def test_it_stands_in_the_audit_log_and_running_sessions_hear_of_it(database, database_url, tenant):
    heard: asyncio.Queue[TenantId] = asyncio.Queue()
    listening = asyncio.Event()
    listener = Listener(database_url, [f"shard_{tenant.shard}"], heard=heard.put_nowait, connected=listening.set)
    task = asyncio.create_task(listener.run())
    await asyncio.wait_for(listening.wait(), 10)
    async with database.tenant(tenant.id) as unit:
        assert await change_plan(unit, tenant.id, Plan.FREE, why="granted")
    assert await asyncio.wait_for(heard.get(), 10) == tenant.id
    task.cancel()
    async with database.tenant(tenant.id) as unit:
        (act,) = await unit.execute(text("SELECT subject, params FROM audit WHERE action = 'tenant.plan_changed'"))
        assert (act.subject, act.params) == ("granted", {"old": "pro", "new": "free"})
        assert not await change_plan(unit, tenant.id, Plan.FREE, why="granted")


async def test_a_smaller_plan_keeps_what_was_set_and_a_bigger_one_brings_it_back(database, keyring, tenant):
    connections = Connections(database, keyring, plan=Plan.FREE)
    await SettingsService(connections).change(OWNER, tenant.id, {"AUTOCLOSE": 500})
    for plan, hours in ((Plan.FREE, 48), (Plan.PRO, 500)):
        async with database.tenant(tenant.id) as unit:
            await change_plan(unit, tenant.id, plan, why="granted")
        found = await connections.get(OWNER, tenant.id)
        assert hours == effective(found.overrides, found.plan).AUTOCLOSE
        assert found.overrides == {"AUTOCLOSE": 500}


@pytest.mark.usefixtures("configure")
def test_the_command_says_what_counts_now_and_what_it_does_not_find(database_url, keyring, monkeypatch, capsys):
    async def make() -> None:
        database = Database(database_url)
        await make_tenant(database, keyring)
        await database.close()

    asyncio.run(make())
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert main(["plan", "@shop5000_bot", "free"]) == 0
    assert capsys.readouterr().out == "@shop5000_bot is on the free plan.\n"
    assert main(["plan", "@nobody_bot", "free"]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
