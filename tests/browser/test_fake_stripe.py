"""People pay, authenticate and change their minds on the fake Stripe's pages, in a browser, by label and button."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Page

from sandbox.stripe import cards
from sandbox.stripe.server import FakeStripe
from tests.stripe_stage import Shop, a_client

pytestmark = [pytest.mark.browser]


@pytest.fixture
async def shop_url() -> AsyncIterator[str]:
    """Where the shop sends people back to."""

    async def thank(request: web.Request) -> web.Response:
        icon = '<link rel="icon" href="data:,">'
        return web.Response(text=f"{icon}<h1>Back at the shop: {request.path}</h1>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/{rest:.*}", thank)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def shop(stripe_server: FakeStripe) -> AsyncIterator[Shop]:
    async with a_client(stripe_server) as client:
        yield await Shop(stripe_server, client).open()


async def _checkout(shop: Shop, shop_url: str, **more: Any) -> Any:
    return await shop.checkout(success_url=f"{shop_url}/paid", cancel_url=f"{shop_url}/left", **more)


async def _fill(page: Page, number: str) -> None:
    await page.get_by_label("Card number").fill(number)


async def test_a_card_is_declined_and_another_one_pays(page: Page, shop: Shop, shop_url: str) -> None:
    session = await _checkout(shop, shop_url)
    await page.goto(session.url)
    await page.get_by_label("E-mail").fill("ann@example.com")
    await _fill(page, cards.DECLINED)
    await page.get_by_role("button", name="Pay 20.00 EUR").click()
    assert await page.get_by_role("alert").inner_text() == "Your card was declined. Try another card."
    assert await page.get_by_label("E-mail").input_value() == "ann@example.com"
    await _fill(page, "4242 4242 4242 4242")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Back at the shop: /paid").wait_for()
    paid = await shop.client.v1.checkout.sessions.retrieve_async(session.id)
    assert (paid.status, paid.payment_status) == ("complete", "paid")
    await page.goto(session.url or f"{shop.fake.url}/pay/{session.id}")
    await page.get_by_role("heading", name="Back at the shop: /paid").wait_for()


async def test_a_bank_asks_whether_it_is_you(phone: Page, shop: Shop, shop_url: str) -> None:
    session = await _checkout(shop, shop_url, customer=(await shop.customer(None)).id)
    await phone.goto(session.url)
    await _fill(phone, cards.AUTHENTICATES_ONCE)
    await phone.get_by_role("button", name="Pay").click()
    await phone.get_by_role("button", name="It is not me").click()
    assert "did not confirm" in await phone.get_by_role("alert").inner_text()
    await _fill(phone, cards.AUTHENTICATES_ONCE)
    await phone.get_by_role("button", name="Pay").click()
    await phone.get_by_role("button", name="It is me").click()
    await phone.get_by_role("heading", name="Back at the shop: /paid").wait_for()
    assert [s.status for s in (await shop.client.v1.subscriptions.list_async()).data] == ["active"]
    assert await phone.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


async def test_whoever_goes_back_has_not_paid(page: Page, shop: Shop, shop_url: str) -> None:
    session = await _checkout(shop, shop_url)
    await page.goto(session.url)
    await page.get_by_role("link", name="Back without paying").click()
    await page.get_by_role("heading", name="Back at the shop: /left").wait_for()
    await shop.client.v1.checkout.sessions.expire_async(session.id)
    await page.goto(f"{shop.fake.url}/pay/{session.id}")
    assert "expired" in await page.get_by_role("alert").inner_text()


async def test_in_the_portal_a_card_is_changed_a_subscription_ended_and_resumed(
    page: Page, shop: Shop, shop_url: str
) -> None:
    made = await shop.subscribe(customer := await shop.customer())
    portal = await shop.client.v1.billing_portal.sessions.create_async(
        {"customer": customer.id, "return_url": f"{shop_url}/home"}
    )
    await page.goto(portal.url)
    await page.get_by_text("Visa that ends in 4242").wait_for()
    await _fill(page, cards.FAILS_LATER)
    await page.get_by_role("button", name="Use this card").click()
    await page.get_by_text("Visa that ends in 0341").wait_for()
    await page.get_by_role("button", name="End it after this period").click()
    await page.get_by_text("Ends on").wait_for()
    assert (await shop.subscription(made.id)).cancel_at_period_end is True
    await page.get_by_role("button", name="Do not end it").click()
    await page.get_by_text("Renews on").wait_for()
    shop.fake.advance(days=32)
    await page.reload()
    await page.get_by_text("It is past due.").wait_for()
    await page.get_by_role("link", name="-0002").click()
    await _fill(page, cards.WORKS)
    await page.get_by_role("button", name="Pay 10.00 EUR").click()
    await page.get_by_text("This is paid. Thank you.").wait_for()
    assert (await shop.subscription(made.id)).status == "active"


async def test_the_overview_shows_what_there_is(page: Page, shop: Shop) -> None:
    made = await shop.subscribe(await shop.customer())
    await page.goto(shop.fake.url)
    await page.get_by_role("cell", name=made.id).wait_for()
    await page.get_by_role("cell", name="invoice.paid").wait_for()
