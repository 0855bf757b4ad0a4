"""Billing's books in a real database: facts once, in any order, and what follows from them."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import select, text

from tenants.billing.applying import LOOK
from tenants.billing.books import note_fact, read_facts, read_ledger
from tenants.billing.endings import want_end
from tenants.billing.facts import Fact, Kind, Provider, Status
from tenants.billing.ledger import rebuild
from tenants.billing.standing import Reason
from tenants.billing.tables import billing_facts, plan_ledger, standings
from tenants.connections import Connections, Tenant
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.ids import TenantId, new_id
from tenants.jobs import enqueue_periodic
from tenants.models import audit, owner_notices, tenants
from tenants.plans import Plan
from tenants.settings.schema import Settings
from tenants.settings.service import SettingsService
from tests.factories import OWNER, make_tenant
from tests.work import do_jobs

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture
async def tenant(database: Database, keyring: Keyring) -> Tenant:
    return await make_tenant(database, keyring, plan=Plan.FREE)


def about(whose: Tenant, number: int, stands: Status, **values: Any) -> Fact:
    """`number` is the event's, and its place in time."""
    at = NOW - DAY + timedelta(seconds=number)
    kind, sub = Kind.SUBSCRIPTION, f"sub_{whose.bot_id}"
    one = Fact(f"evt_{number}", Provider.STRIPE, kind, at, at, whose.id, sub, "cus_1", number, stands, Plan.PRO)
    return replace(one, **values)


async def tell(database: Database, *facts: Fact) -> list[bool]:
    told = []
    for fact in facts:
        async with database.fleet() as unit:
            told.append(await note_fact(unit, fact))
        await do_jobs(database)
    return told


async def now(database: Database, tenant: Tenant) -> tuple[Plan, int]:
    async with database.tenant(tenant.id) as unit:
        row = (await unit.execute(select(tenants.c.plan, tenants.c.units))).one()
    return Plan(row.plan), row.units


async def kinds_told(database: Database, tenant: Tenant) -> list[str]:
    async with database.tenant(tenant.id) as unit:
        return list((await unit.execute(select(owner_notices.c.kind).order_by(owner_notices.c.id))).scalars())


async def test_what_is_paid_counts_once_however_often_it_is_told(database: Database, tenant: Tenant) -> None:
    paid = about(tenant, 1, Status.ACTIVE, units=4)
    assert await tell(database, paid, paid, paid) == [True, False, False]
    assert await now(database, tenant) == (Plan.PRO, 4)
    assert await kinds_told(database, tenant) == ["plan_paid"]
    async with database.tenant(tenant.id) as unit:
        acts = (await unit.execute(select(audit.c.action).where(audit.c.action == "tenant.plan_changed"))).all()
    assert len(acts) == 1


async def test_many_at_once_are_noted_once(database: Database, tenant: Tenant) -> None:
    paid = about(tenant, 1, Status.ACTIVE)

    async def note() -> bool:
        async with database.fleet() as unit:
            return await note_fact(unit, paid)

    assert sorted(await asyncio.gather(*(note() for _ in range(8)))) == [False] * 7 + [True]


async def test_any_order_of_the_first_six_each_twice_ends_the_same(database: Database, keyring: Keyring) -> None:
    """A sample of the 720; all of them are judged in tests/unit/test_billing_standing.py."""
    ends = set()
    for number, order in enumerate(list(permutations(range(6)))[::60]):
        tenant = await make_tenant(database, keyring, bot=6000 + number, plan=Plan.FREE)
        sub = f"sub_{tenant.bot_id}"
        six = [
            about(tenant, 1, Status.INCOMPLETE),
            about(tenant, 2, Status.ACTIVE),
            about(tenant, 3, Status.ACTIVE, kind=Kind.PAID, status=None, plan=None, tenant=None),
            about(tenant, 4, Status.ACTIVE, units=3),
            about(tenant, 5, Status.PAST_DUE, units=3),
            about(tenant, 6, Status.ACTIVE, kind=Kind.PAYMENT_FAILED, status=None, plan=None, tenant=None),
        ]
        named = [replace(one, id=f"{one.id}_{number}", customer=f"cus_{number}", subscription=sub) for one in six]
        await tell(database, *(named[place] for place in order), *(named[place] for place in order))
        async with database.tenant(tenant.id) as unit:
            ledger, facts = await read_ledger(unit, tenant.id), await read_facts(unit, tenant.id)
        assert len(facts) == 6
        ends.add((*await now(database, tenant), ledger[-1].reason))
        clock = max(fact.received_at for fact in facts)
        assert rebuild(facts, ledger[0].at, clock, otherwise=Plan.FREE) == ledger
    assert ends == {(Plan.PRO, 3, Reason.GRACE)}


async def test_a_payment_that_is_told_before_anybody_knows_whose_it_is_finds_its_tenant(
    database: Database, tenant: Tenant
) -> None:
    nameless = about(tenant, 1, Status.ACTIVE, kind=Kind.PAID, tenant=None, status=None, plan=None)
    assert await tell(database, nameless) == [True]
    assert await tell(database, about(tenant, 2, Status.ACTIVE)) == [True]
    late = about(tenant, 3, Status.ACTIVE, kind=Kind.REFUNDED, tenant=None, subscription=None, status=None, plan=None)
    await tell(database, late)
    async with database.tenant(tenant.id) as unit:
        assert {fact.id for fact in await read_facts(unit, tenant.id)} == {"evt_1", "evt_2", "evt_3"}


async def test_a_fact_about_a_tenant_that_is_not_there_is_noted_and_hurts_nobody(
    database: Database, tenant: Tenant
) -> None:
    stray = about(tenant, 1, Status.ACTIVE, tenant=TenantId(new_id()), subscription="sub_other", customer="cus_other")
    assert await tell(database, stray) == [True]
    assert await now(database, tenant) == (Plan.FREE, 1)


async def test_from_paid_over_grace_to_free_and_back_with_everything_kept(
    database: Database, keyring: Keyring, tenant: Tenant
) -> None:
    connections = Connections(database, keyring, plan=Plan.FREE)
    service = SettingsService(connections, Settings)
    await tell(database, about(tenant, 1, Status.ACTIVE, at=NOW - 60 * DAY))
    await service.change(OWNER, tenant.id, {"AUTOCLOSE": 500, "HIDE_INFO": ["name"]})
    await tell(database, about(tenant, 2, Status.PAST_DUE, at=NOW - 6.5 * DAY))
    assert await now(database, tenant) == (Plan.PRO, 1)
    assert await kinds_told(database, tenant) == ["plan_paid", "payment_failed"]
    async with database.tenant(tenant.id) as unit:
        for passing in (  # a day
            "UPDATE billing_facts SET at = at - interval '1 day', received_at = received_at - interval '1 day'",
            "UPDATE plan_ledger SET at = at - interval '1 day'",
        ):
            await unit.execute(text(passing))
        await unit.execute(text("UPDATE standings SET look_at = now()"))
    async with database.fleet() as unit:
        assert await enqueue_periodic(unit, LOOK, timedelta(minutes=10))
    await do_jobs(database)
    assert await now(database, tenant) == (Plan.FREE, 1)
    assert (await connections.get(OWNER, tenant.id)).overrides == {"AUTOCLOSE": 500, "HIDE_INFO": ["name"]}
    assert "plan_unpaid" in await kinds_told(database, tenant)
    await tell(database, about(tenant, 3, Status.ACTIVE))
    assert await now(database, tenant) == (Plan.PRO, 1)
    async with database.tenant(tenant.id) as unit:
        ledger = await read_ledger(unit, tenant.id)
    assert [entry.reason for entry in ledger] == [Reason.NONE, Reason.PAID, Reason.GRACE, Reason.UNPAID, Reason.PAID]


async def test_of_two_that_were_paid_at_once_the_second_is_given_back(database: Database, tenant: Tenant) -> None:
    await tell(database, about(tenant, 1, Status.ACTIVE), about(tenant, 2, Status.ACTIVE, subscription="sub_twice"))
    async with database.fleet() as unit:
        rows = (await unit.execute(text("SELECT subscription, refund, ended_at FROM subscription_endings"))).all()
    assert [tuple(row) for row in rows] == [("sub_twice", True, None)]
    async with database.tenant(tenant.id) as unit:
        await want_end(unit, Provider.STRIPE, "sub_twice", refund=True)
    async with database.fleet() as unit:
        assert (await unit.execute(text("SELECT count(*) FROM subscription_endings"))).scalar_one() == 1


async def test_no_tenant_reads_what_was_told_of_another(database: Database, keyring: Keyring, tenant: Tenant) -> None:
    other = await make_tenant(database, keyring, bot=6001, plan=Plan.FREE)
    await tell(database, about(tenant, 1, Status.ACTIVE))
    async with database.tenant(other.id) as unit:
        assert (await unit.execute(select(billing_facts))).all() == []
        assert (await unit.execute(select(standings))).all() == []
        assert (await unit.execute(select(plan_ledger.c.tenant_id))).scalars().all() == [other.id]
        assert (await unit.execute(billing_facts.update().values(note="mine"))).rowcount == 0


async def test_plan_and_reason_of_every_day_are_told_by_the_ledger_alone(database: Database, tenant: Tenant) -> None:
    await tell(database, about(tenant, 1, Status.ACTIVE, units=2), about(tenant, 2, Status.PAST_DUE, units=2))
    await tell(database, about(tenant, 3, Status.ENDED))
    days = [5, 3, 1, 0]
    async with database.tenant(tenant.id) as unit:
        for number, ago in enumerate(days):
            earlier = text("UPDATE plan_ledger SET at = at - CAST(:by AS interval) WHERE number = :number")
            await unit.execute(earlier, {"by": timedelta(days=ago), "number": number})
        found = (await unit.execute(_EACH_DAY, {"first": NOW.date() - timedelta(days=5)})).all()
    assert [tuple(row) for row in found] == [
        ("free", 1, "none"),
        ("free", 1, "none"),
        ("pro", 2, "paid"),
        ("pro", 2, "paid"),
        ("pro", 2, "grace"),
        ("free", 1, "ended"),
    ]


_EACH_DAY = text(
    """
    SELECT l.plan, l.units, l.reason
    FROM generate_series(CAST(:first AS date), (now() AT TIME ZONE 'UTC')::date, interval '1 day') AS d(day)
    CROSS JOIN LATERAL (
        SELECT * FROM plan_ledger WHERE at < (d.day + interval '1 day') AT TIME ZONE 'UTC'
        ORDER BY number DESC LIMIT 1
    ) l ORDER BY d.day
    """
)
"""docs/billing.md has it, too: what counted at the end of each day."""
