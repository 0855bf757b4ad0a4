"""Whether a provider and our books say the same of every subscription. It changes nothing: what was missed comes with
the provider's own events, or is fetched by `backline billing replay`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from sqlalchemy import select

from tenants.billing.books import read_fact
from tenants.billing.facts import Fact, Kind, Provider, Status
from tenants.billing.port import Gateway
from tenants.billing.standing import read_subscriptions
from tenants.billing.tables import billing_facts
from tenants.db import Database, UnitOfWork

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Difference:
    """Of one subscription: `here` and `there` in words, each None where that side does not know it."""

    subscription: str
    here: str | None
    there: str | None

    def __str__(self) -> str:
        return f"{self.subscription}: here {self.here or 'unknown'}, there {self.there or 'unknown'}"


async def reconcile(database: Database, gateway: Gateway) -> list[Difference]:
    """Logged, each. What the provider still tells of one that ended is no difference. Raises `Unavailable`."""
    there = {fact.subscription or "": fact async for fact in gateway.list_subscriptions()}
    async with database.fleet() as unit:
        here = await _newest(unit, gateway.provider)
    found = [
        Difference(name, _words(here.get(name)), _words(there.get(name)))
        for name in sorted(here.keys() | there.keys())
        if _differ(here.get(name), there.get(name))
    ]
    for one in found:
        log.error("billing.differs", subscription=one.subscription, here=one.here, there=one.there)
    log.info("billing.reconciled", provider=gateway.provider, subscriptions=len(there), differences=len(found))
    return found


async def _newest(unit: UnitOfWork, provider: Provider) -> Mapping[str, Fact]:
    query = select(billing_facts).where(
        billing_facts.c.provider == provider, billing_facts.c.kind == Kind.SUBSCRIPTION
    )
    facts = [read_fact(row) for row in await unit.execute(query)]
    return {one.id: one.newest for one in read_subscriptions(facts)}


def _differ(here: Fact | None, there: Fact | None) -> bool:
    known = [one for one in (here, there) if one is not None and one.status is not Status.ENDED]
    return bool(known) and _words(here) != _words(there)


def _words(fact: Fact | None) -> str | None:
    if fact is None:
        return None
    if fact.provider is Provider.STARS:  # Telegram lists payments, not subscriptions
        return f"paid until {fact.paid_until:%Y-%m-%d}"
    if fact.status is Status.ENDED:
        return "ended"
    ends = "" if fact.ends_at is None else f", ends {fact.ends_at:%Y-%m-%d}"
    return f"{fact.status} {fact.plan or 'no plan'} × {fact.units}{ends}"
