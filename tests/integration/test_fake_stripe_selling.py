"""Somebody sells a subscription on the fake Stripe through the real library, from the catalogue to the webhook."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import stripe

from sandbox.stripe import cards
from sandbox.stripe.server import FakeStripe
from tests.stripe_stage import Listener, Shop, a_client, a_listener

_HTTPX = pytest.param(
    stripe.HTTPXClient,  # the library hands httpx its form in a way that httpx deprecates
    marks=pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
)


@pytest.fixture(params=[stripe.AIOHTTPClient, _HTTPX])
async def shop(stripe_server: FakeStripe, request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    async with a_client(stripe_server, http=request.param) as client:
        yield await Shop(stripe_server, client).open()


@pytest.fixture
async def listener(shop: Shop) -> AsyncIterator[Listener]:
    async with a_listener() as listening:
        made = await shop.client.v1.webhook_endpoints.create_async({"url": listening.url, "enabled_events": ["*"]})
        listening.secret = str(made.secret)
        yield listening


async def test_a_checkout_that_is_paid_makes_a_subscription_and_says_so(shop: Shop, listener: Listener) -> None:
    session = await shop.checkout()
    assert (session.status, session.payment_status, session.subscription) == ("open", "unpaid", None)
    shop.fake.acts.pay(session.id)
    paid = await shop.client.v1.checkout.sessions.retrieve_async(
        session.id, {"expand": ["subscription.latest_invoice.payments", "line_items", "customer"]}
    )
    assert (paid.status, paid.payment_status, paid.client_reference_id) == ("complete", "paid", "tenant-1")
    subscription: Any = paid.subscription
    item = subscription["items"].data[0]
    assert (subscription.status, subscription.metadata.to_dict(), item.quantity) == ("active", {"tenant": "1"}, 2)
    assert item.current_period_end > item.current_period_start
    assert subscription.latest_invoice.amount_paid == 2000
    assert subscription.latest_invoice.payments.data[0].status == "paid"
    await shop.fake.webhooks.settled()
    wanted = ["customer.subscription.created", "invoice.paid", "checkout.session.completed"]
    assert [kind for kind in listener.types if kind in wanted] == wanted
    assert listener.last("checkout.session.completed").subscription == subscription.id
    assert listener.refused == []


async def test_the_pay_page_takes_a_card_over_plain_http(shop: Shop) -> None:
    session = await shop.checkout()
    async with aiohttp.ClientSession() as http:
        async with http.get(session.url) as page:
            assert "20.00 EUR" in await page.text()
        form = {"number": cards.DECLINED, "email": "ann@example.com"}
        async with http.post(session.url, data=form) as page:
            assert "Your card was declined." in await page.text()
        form["number"] = cards.WORKS
        async with http.post(session.url, data=form, allow_redirects=False) as answer:
            assert answer.headers["Location"] == f"http://127.0.0.1:1/paid?session={session.id}"
    found = await shop.client.v1.customers.list_async({"email": "ann@example.com"})
    assert [customer.currency for customer in found.data] == ["eur"]
