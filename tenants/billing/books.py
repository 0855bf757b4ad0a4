"""Billing's books: a fact is noted once, then what follows from all facts of a tenant is written down and counts."""

from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import insert, select, text

from tenants.billing.facts import Fact, Kind, Provider, Status
from tenants.billing.ledger import Entry, rebuild
from tenants.billing.standing import GRACE, Reason, Standing, in_order, judge, read_subscriptions
from tenants.billing.tables import billing_facts, plan_ledger
from tenants.db import UnitOfWork
from tenants.ids import TenantId
from tenants.jobs import enqueue_job
from tenants.models import tenants
from tenants.plans import Plan

APPLY = "apply_billing"
REMINDERS = (timedelta(days=3), timedelta(days=6))
"""After a payment has failed, within the days of grace."""

log = structlog.get_logger()

_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('billing'), hashtext(:tenant))")
_OWNER = text(
    """
    SELECT coalesce(
        (SELECT id FROM tenants WHERE id = CAST(:tenant AS uuid)),
        (SELECT of_tenant_id FROM billing_facts
        WHERE of_tenant_id IS NOT NULL AND (subscription = :subscription OR customer = :customer)
        ORDER BY at DESC LIMIT 1)
    )
    """
)
_NOTE = text(
    """
    INSERT INTO billing_facts
        (id, provider, kind, at, received_at, of_tenant_id, person_id, subscription, customer, rank, status, plan,
        units, paid_until, ends_at, before, note)
    VALUES (:id, :provider, :kind, :at, clock_timestamp(), :tenant, :person, :subscription, :customer, :rank,
        :status, :plan, :units, :paid_until, :ends_at, :before, :note)
    ON CONFLICT (id) DO NOTHING RETURNING 1
    """
)
_FIND_OUT = text(
    """
    UPDATE billing_facts SET of_tenant_id = :tenant, received_at = clock_timestamp()
    WHERE of_tenant_id IS NULL AND (subscription = :subscription OR (customer = :customer AND subscription IS NULL))
    """
)


async def note_fact(unit: UnitOfWork, fact: Fact) -> bool:
    """Whether it is new, in a fleet unit. Whose it is may be known from another fact only, and later."""
    values = {field.name: getattr(fact, field.name) for field in fields(fact)}
    del values["received_at"]
    asked = {name: values[name] for name in ("tenant", "subscription", "customer")}
    tenant = (await unit.execute(_OWNER, asked)).scalar_one_or_none()
    await unit.execute(_LOCK, {"tenant": str(tenant)})
    values["tenant"] = tenant
    if (await unit.execute(_NOTE, values)).first() is None:
        return False
    log.info("fact.noted", provider=fact.provider, kind=fact.kind, what=fact.note, tenant=str(tenant))
    if tenant is not None:
        await unit.execute(_FIND_OUT, {**asked, "tenant": tenant})
        await enqueue_job(unit, APPLY, TenantId(tenant), {})
    return True


async def read_facts(unit: UnitOfWork, tenant: TenantId) -> list[Fact]:
    query = select(billing_facts).where(billing_facts.c.of_tenant_id == tenant).order_by(billing_facts.c.received_at)
    return [read_fact(row) for row in await unit.execute(query)]


async def read_subscription(unit: UnitOfWork, provider: Provider, subscription: str) -> list[Fact]:
    """All that was told of how it stands, as it happened. In a fleet unit."""
    query = select(billing_facts).where(
        billing_facts.c.provider == provider,
        billing_facts.c.subscription == subscription,
        billing_facts.c.kind == Kind.SUBSCRIPTION,
    )
    return in_order(read_fact(row) for row in await unit.execute(query))


def read_fact(row: Any) -> Fact:
    return Fact(
        id=row.id,
        provider=Provider(row.provider),
        kind=Kind(row.kind),
        at=row.at,
        received_at=row.received_at,
        tenant=row.of_tenant_id,
        person=row.person_id,
        subscription=row.subscription,
        customer=row.customer,
        rank=row.rank,
        status=None if row.status is None else Status(row.status),
        plan=None if row.plan is None else Plan(row.plan),
        units=row.units,
        paid_until=row.paid_until,
        ends_at=row.ends_at,
        before=row.before,
        note=row.note,
    )


async def read_ledger(unit: UnitOfWork, tenant: TenantId) -> list[Entry]:
    query = select(plan_ledger).where(plan_ledger.c.tenant_id == tenant).order_by(plan_ledger.c.number)
    return [
        Entry(row.at, Plan(row.plan), row.units, Reason(row.reason), row.cause) for row in await unit.execute(query)
    ]


async def begin_ledger(unit: UnitOfWork, tenant: TenantId) -> list[Entry]:
    """The ledger; of a tenant that has none so far it begins with the plan that it was made with."""
    entries = await read_ledger(unit, tenant)
    if not entries:
        row = (await unit.execute(select(tenants.c.created_at, tenants.c.plan).where(tenants.c.id == tenant))).one()
        entries = [Entry(row.created_at, Plan(row.plan), 1, Reason.NONE)]
        await _append(unit, tenant, 0, entries)
    return entries


async def _append(unit: UnitOfWork, tenant: TenantId, number: int, entries: list[Entry]) -> None:
    rows = [
        {
            "tenant_id": tenant,
            "number": number + place,
            "at": entry.at,
            "plan": entry.plan,
            "units": entry.units,
            "reason": entry.reason,
            "cause": entry.cause,
        }
        for place, entry in enumerate(entries)
    ]
    if rows:
        await unit.execute(insert(plan_ledger).values(rows))


_SAVE = text(
    """
    INSERT INTO standings (tenant_id, provider, subscription, customer, payer_id, paid_until, ends_at, look_at)
    VALUES (:tenant, :provider, :subscription, :customer, :payer, :paid_until, :ends_at, :look_at)
    ON CONFLICT (tenant_id) DO UPDATE SET provider = excluded.provider, subscription = excluded.subscription,
        customer = coalesce(excluded.customer, standings.customer),
        payer_id = coalesce(excluded.payer_id, standings.payer_id), paid_until = excluded.paid_until,
        ends_at = excluded.ends_at, look_at = excluded.look_at
    """
)
_NOW = text("SELECT clock_timestamp()")


async def bring_up_to_date(unit: UnitOfWork, tenant: TenantId) -> tuple[list[Entry], Standing]:
    """Writes down what follows from the facts and from the time that has passed. The new entries, and what counts."""
    await unit.execute(_LOCK, {"tenant": str(tenant)})
    written = await begin_ledger(unit, tenant)
    facts = await read_facts(unit, tenant)
    now = (await unit.execute(_NOW)).scalar_one()
    otherwise = written[0].plan
    entries = rebuild(facts, written[0].at, now, otherwise=otherwise)
    if entries[: len(written)] != written:
        log.error("ledger.differs", tenant=str(tenant), written=len(written), rebuilt=len(entries))
    new = entries[len(written) :]
    await _append(unit, tenant, len(written), new)
    standing = judge(facts, now, otherwise=otherwise)
    await _save(unit, tenant, facts, standing, now)
    return new, standing


async def _save(unit: UnitOfWork, tenant: TenantId, facts: list[Fact], standing: Standing, now: datetime) -> None:
    about = [one.newest for one in read_subscriptions(facts) if one.id == standing.subscription]
    newest = about[0] if about else None
    values = {
        "tenant": tenant,
        "provider": newest.provider if newest else None,
        "subscription": standing.subscription,
        "customer": newest.customer if newest else None,
        "payer": newest.person if newest else None,
        "paid_until": newest.paid_until if newest else None,
        "ends_at": newest.ends_at if newest else None,
        "look_at": _next_look(standing, now),
    }
    await unit.execute(_SAVE, values)


def _next_look(standing: Standing, now: datetime) -> datetime | None:
    """When time changes something, or somebody is to be reminded."""
    if standing.until is None:
        return None
    moments = [standing.until]
    if standing.reason is Reason.GRACE:
        began = standing.until - GRACE
        moments += [began + after for after in REMINDERS]
    return min(moment for moment in moments if moment > now)
