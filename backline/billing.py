"""`backline billing …`: prices at Stripe, what differs there, what never arrived, and the books anew."""

import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager

import structlog
from sqlalchemy import text

from backline.failure import Failure
from backline.preflight import check_database
from tenants.billing.applying import apply_to
from tenants.billing.books import note_fact
from tenants.billing.gateway import StripeGateway, open_gateway
from tenants.billing.reconciliation import reconcile
from tenants.config import Config
from tenants.db import Database
from tenants.ids import TenantId

_NEXT = text(
    "SELECT id FROM tenants WHERE erased_at IS NULL AND (CAST(:after AS uuid) IS NULL OR id > CAST(:after AS uuid)) "
    "ORDER BY id LIMIT 500"
)


async def set_up(config: Config) -> str:
    """Products and prices at Stripe, as BILLING_PRICES has them. Run it again after each change of the prices."""
    async with _gateway(config) as gateway:
        made = await gateway.make_catalogue()
    return f"Made at Stripe: {', '.join(made)}." if made else "Stripe has all prices already."


async def check(config: Config) -> str:
    """Raises `Failure` with what differs."""
    async with _gateway(config) as gateway, _database(config) as database:
        found = await reconcile(database, gateway)
    if found:
        raise Failure("\n".join(["Stripe and the books differ:", *map(str, found)]))
    return "Stripe and the books say the same."


async def fetch(config: Config) -> str:
    """Events of the last 30 days that never arrived."""
    news = 0
    async with _gateway(config) as gateway, _database(config) as database:
        async for fact in gateway.list_facts():
            async with database.fleet() as unit:
                news += await note_fact(unit, fact)
    return f"{news} events that had not arrived are noted." if news else "Every event had arrived."


async def replay(config: Config) -> str:
    """What follows from all that is noted, for every connection. It changes nothing where the books are right."""
    number, after = 0, None
    async with _database(config) as database:
        while True:
            async with database.fleet() as unit:
                found = (await unit.execute(_NEXT, {"after": after})).scalars().all()
            for tenant in found:
                async with database.tenant(TenantId(tenant)) as unit:
                    await apply_to(unit, TenantId(tenant))
            number += len(found)
            if not found:
                return f"The plans of {number} connections follow from what is noted."
            after = found[-1]


CHORES: Mapping[str, Callable[[Config], Coroutine[None, None, str]]] = {
    "setup": set_up,
    "check": check,
    "fetch": fetch,
    "replay": replay,
}


@asynccontextmanager
async def _gateway(config: Config) -> AsyncIterator[StripeGateway]:
    gateway = open_gateway(config)
    if gateway is None:
        raise Failure("Set STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET: without them no card is taken.")
    try:
        yield gateway
    finally:
        await gateway.close()


@asynccontextmanager
async def _database(config: Config) -> AsyncIterator[Database]:
    """The answer alone is for stdout."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    url = config.database_url.get_secret_value()
    await check_database(url)
    database = Database(url)
    try:
        yield database
    finally:
        await database.close()
