"""A pretend Stripe for a test, the real library that talks to it, and somebody who listens to its webhooks."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import stripe
from aiohttp import web

from sandbox.stripe.server import FakeStripe

HOUR = 3600
DAY = 86_400
_PATIENCE = 10.0


@asynccontextmanager
async def a_client(
    fake: FakeStripe, *, http: Callable[[], Any] = stripe.AIOHTTPClient, retries: int = 0, key: str | None = None
) -> AsyncIterator[stripe.StripeClient]:
    """The library itself, over a real socket. `http` makes its transport: AIOHTTPClient or HTTPXClient."""
    transport = http()
    try:
        yield stripe.StripeClient(
            key or fake.secret_key,
            http_client=transport,
            base_addresses={"api": fake.url},
            max_network_retries=retries,
        )
    finally:
        await transport.close_async()


@dataclass
class Listener:
    """Where webhooks arrive: verified as the library does it, then answered with `status`."""

    url: str = ""
    secret: str = ""
    status: int = 200
    events: list[Any] = field(default_factory=list)
    """As they were delivered, also more than once."""
    refused: list[str] = field(default_factory=list)
    """What was not signed as it has to be."""
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]

    @property
    def ids(self) -> list[str]:
        return [event.id for event in self.events]

    def last(self, kind: str) -> Any:
        """The object of the latest event of that type, as it was then."""
        return [event for event in self.events if event.type == kind][-1].data.object

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        async with self.arrived:
            self.arrived.notify_all()
            try:
                event = stripe.Webhook.construct_event(body, request.headers.get("Stripe-Signature"), self.secret)
            except stripe.SignatureVerificationError as error:
                self.refused.append(str(error))
                return web.Response(status=400)
            if self.status == 200:
                self.events.append(event)
            return web.Response(status=self.status)

    async def until(self, so: Callable[[], bool]) -> None:
        async with asyncio.timeout(_PATIENCE), self.arrived:
            await self.arrived.wait_for(so)


@asynccontextmanager
async def a_listener() -> AsyncIterator[Listener]:
    listener = Listener()
    app = web.Application()
    app.router.add_post("/webhooks", listener.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    listener.url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks"
    try:
        yield listener
    finally:
        await runner.cleanup()


@dataclass
class Shop:
    """Somebody who sells: a client, and a price of two plans in two currencies."""

    fake: FakeStripe
    client: stripe.StripeClient
    basic: Any = None
    pro: Any = None

    async def open(self) -> "Shop":
        self.basic = await self.make_price("Basic", 1000, "basic")
        self.pro = await self.make_price("Pro", 3000, "pro")
        return self

    async def make_price(self, name: str, amount: int, key: str, interval: str = "month") -> Any:
        product = await self.client.v1.products.create_async({"name": name})
        options: Any = {"usd": {"unit_amount": amount * 2}}
        recurring: Any = {"interval": interval}
        return await self.client.v1.prices.create_async(
            {
                "product": product.id,
                "currency": "eur",
                "unit_amount": amount,
                "currency_options": options,
                "recurring": recurring,
                "lookup_key": key,
            }
        )

    async def customer(self, card: str | None = "pm_card_visa", **more: Any) -> Any:
        params: Any = {"email": "ann@example.com", **more}
        if card:
            params |= {"payment_method": card}
        made = await self.client.v1.customers.create_async(params)
        if not card:
            return made
        methods = await self.client.v1.payment_methods.list_async({"customer": made.id})
        return await self.client.v1.customers.update_async(
            made.id, {"invoice_settings": {"default_payment_method": methods.data[0].id}}
        )

    async def subscribe(self, customer: Any, price: Any = None, quantity: int = 1, **more: Any) -> Any:
        params: Any = {
            "customer": customer.id,
            "items": [{"price": (price or self.basic).id, "quantity": quantity}],
            **more,
        }
        return await self.client.v1.subscriptions.create_async(params)

    async def checkout(self, **more: Any) -> Any:
        params: Any = {
            "mode": "subscription",
            "line_items": [{"price": self.basic.id, "quantity": 2}],
            "success_url": "http://127.0.0.1:1/paid?session={CHECKOUT_SESSION_ID}",
            "cancel_url": "http://127.0.0.1:1/left",
            "client_reference_id": "tenant-1",
            "metadata": {"tenant": "1"},
            "subscription_data": {"metadata": {"tenant": "1"}},
            **more,
        }
        return await self.client.v1.checkout.sessions.create_async(params)

    async def subscription(self, identity: str) -> Any:
        return await self.client.v1.subscriptions.retrieve_async(identity)

    async def invoices(self, subscription: Any) -> list[Any]:
        """Newest first."""
        return list((await self.client.v1.invoices.list_async({"subscription": subscription.id})).data)
