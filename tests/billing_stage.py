"""Somebody sells plans: the pretend Stripe, the API that its events come to, and pages that whoever pays reads."""

import html
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx
from sqlalchemy import select

from sandbox.stripe.server import FakeStripe
from tenants.billing.accounts import read_clock
from tenants.billing.applying import LOOK
from tenants.billing.books import note_fact, read_ledger
from tenants.billing.facts import Fact
from tenants.billing.gateway import StripeGateway
from tenants.billing.ledger import Entry
from tenants.billing.links import make_pay_link
from tenants.billing.prices import read_prices, without_stars
from tenants.connections import Tenant
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.ids import UserId
from tenants.jobs import enqueue_periodic
from tenants.models import owner_notices, tenants
from tenants.plans import Plan
from tests.api_client import open_api
from tests.api_server import serving
from tests.e2e.up_stage import free_port
from tests.factories import OWNER
from tests.work import do_jobs, let_books_age

PRICES = "pro=usd:1900,eur:1800,xtr:900 business=usd:9900,eur:9500"
SECRET = "whsec_of_the_tests"  # invented


@dataclass
class Till:
    """The whole way of money. `url` is where the API listens."""

    fake: FakeStripe
    gateway: StripeGateway
    database: Database
    keyring: Keyring
    url: str
    http: httpx.AsyncClient

    async def link(self, tenant: Tenant, person: UserId = OWNER) -> str:
        """The pay page's address."""
        moment = await read_clock(self.database)
        return f"{self.url}/pay/{make_pay_link(self.keyring, tenant.id, person, moment)}"

    async def order(self, page: str, plan: Plan = Plan.PRO, units: int = 1, currency: str = "eur") -> httpx.Response:
        """Presses the button of the pay page."""
        form = {"plan": str(plan), "units": str(units), "currency": currency}
        return await self.http.post(page, data=form)

    async def pay(self, tenant: Tenant, plan: Plan = Plan.PRO, units: int = 1, person: UserId = OWNER) -> str:
        """From the page to a plan that counts. The subscription's id."""
        answer = await self.order(await self.link(tenant, person), plan, units)
        assert answer.status_code == 303, read(answer)
        session = answer.headers["location"].rsplit("/", 1)[-1].partition("#")[0]
        self.fake.acts.pay(session)
        await self.settle()
        return str(self.fake.account.get("checkout.session", session)["subscription"])

    async def pay_twice(self, tenant: Tenant) -> None:
        """Two checkouts that were open at once, for one plan and for the other."""
        link = await self.link(tenant)
        for answer in [await self.order(link, plan) for plan in (Plan.PRO, Plan.BUSINESS)]:
            self.fake.acts.pay(answer.headers["location"].rsplit("/", 1)[-1])
        await self.settle()

    async def note(self, facts: Iterable[Fact]) -> int:
        """How many were news."""
        news = 0
        for fact in facts:
            async with self.database.fleet() as unit:
                news += await note_fact(unit, fact)
        await do_jobs(self.database)
        return news

    async def settle(self) -> None:
        """All webhooks have arrived, and what follows from them is done."""
        await self.fake.webhooks.settled()
        await do_jobs(self.database)

    async def plan(self, tenant: Tenant) -> tuple[Plan, int]:
        async with self.database.tenant(tenant.id) as unit:
            row = (await unit.execute(select(tenants.c.plan, tenants.c.units))).one()
        return Plan(row.plan), row.units

    async def ledger(self, tenant: Tenant) -> list[Entry]:
        async with self.database.tenant(tenant.id) as unit:
            return await read_ledger(unit, tenant.id)

    async def told(self, tenant: Tenant) -> list[str]:
        async with self.database.tenant(tenant.id) as unit:
            return list((await unit.execute(select(owner_notices.c.kind).order_by(owner_notices.c.id))).scalars())

    async def advance(self, **by: float) -> None:
        """Stripe's time goes by, and so it does for what was told: all of it lies that much further back."""
        self.fake.advance(**by)
        await self.fake.webhooks.settled()
        await do_jobs(self.database)

    async def age(self, tenant: Tenant, **by: float) -> None:
        """What is in the books was told so long ago; then time alone may change something."""
        await let_books_age(self.database, tenant.id, timedelta(**by))
        async with self.database.fleet() as unit:
            await enqueue_periodic(unit, LOOK, timedelta(minutes=10))
        await do_jobs(self.database)


def read(answer: httpx.Response) -> str:
    """What a person reads on a page."""
    return html.unescape(re.sub(r"<[^>]+>", " ", answer.text))


@asynccontextmanager
async def a_till(
    fake: FakeStripe, database: Database, keyring: Keyring, redis_url: str, *, prices: str = PRICES
) -> AsyncIterator[Till]:
    port = free_port()
    variables = {
        "STRIPE_SECRET_KEY": fake.secret_key,
        "STRIPE_WEBHOOK_SECRET": SECRET,
        "STRIPE_API_ROOT": fake.url,
        "BILLING_PRICES": prices,
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    gateway = StripeGateway(fake.secret_key, SECRET, without_stars(read_prices(prices)), api=fake.url)
    try:
        await gateway.make_catalogue()
        async with open_api(database, keyring, redis_url, **variables) as api, serving(api.app, port) as url:
            fake.add_endpoint(f"{url}/billing/stripe", secret=SECRET)
            async with httpx.AsyncClient() as http:
                yield Till(fake, gateway, database, keyring, url, http)
    finally:
        await gateway.close()
