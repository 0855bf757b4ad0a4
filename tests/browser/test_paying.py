"""A plan is paid on the page outside of Telegram, its card fails, and a payment brings all back."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import select

from tenants.billing.books import APPLY
from tenants.db import Database
from tenants.ids import TenantId
from tenants.jobs import enqueue_job
from tenants.models import tenants
from tests.browser.panes import Pane, Telegram
from tests.e2e.up_stage import CHECKOUT, Up, data_folder, running
from tests.work import let_books_age

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PATIENCE_MS = 30_000


@pytest.fixture
async def product() -> AsyncIterator[Up]:
    with data_folder() as data, running(CHECKOUT, data) as up:
        await asyncio.to_thread(up.hear, "Backline is ready")
        yield up


@pytest.fixture
async def telegram(product: Up, page: Page) -> Telegram:
    page.set_default_timeout(PATIENCE_MS)
    page.context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    return await Telegram.open(page, f"http://127.0.0.1:{product.environment['SANDBOX_PORT']}")


async def test_from_a_locked_setting_to_a_paid_plan_and_back(product: Up, telegram: Telegram) -> None:
    await telegram.find("open-trouble").click()
    await telegram.find("flood-control").uncheck()  # no person taps as fast as this story
    await telegram.find("trouble-close").click()
    owner = telegram.right
    await owner.become("Olivia")
    await owner.open_chat("Backline Setup")
    await owner.start()
    await _off_is_refused_with_the_price(owner)
    await _pays(await _open_pay_page(owner))
    await owner.hears("@acme_shop_bot is on the pro plan now.")
    await _off_counts_at_once(telegram)
    stripe = await _card_fails(product, telegram)
    await owner.hears("The payment for @acme_shop_bot has failed.")
    await _a_week_goes_by(product)
    await owner.hears("so the free plan counts from now on. Nothing is deleted")
    await _is_clamped_and_kept(owner)
    await _pays_what_is_open(owner, stripe)
    await _is_back(owner)


async def _setting(owner: Pane, section: str, title: str) -> None:
    await owner.say("/start")
    await owner.hears("Your connections")
    for label in ("@acme_shop_bot", "Settings", section, title):
        await owner.press(label)


async def _off_is_refused_with_the_price(owner: Pane) -> None:
    await _setting(owner, "Dialogs", "Welcome")
    await owner.say("OFF")
    await owner.hears("WELCOME on the free plan: can't be off")
    await owner.hears("The pro plan allows everything here, for €18.00 / $19.00 a month.")


async def _open_pay_page(owner: Pane) -> Page:
    await owner.press("Plan")
    await owner.hears("The plan of @acme_shop_bot")
    async with owner.page.context.expect_page() as opened:
        await owner.find("inline-button", re.compile("Choose and pay|Change, card")).last.click()
    return await opened.value


async def _pays(page: Page) -> None:
    await expect(page.get_by_role("heading", name="Plan of @acme_shop_bot")).to_be_visible()
    await page.get_by_role("radio", name=re.compile("^pro")).check()
    await page.get_by_label("Currency").select_option("usd")
    await page.get_by_role("button", name="Go on to payment").click()
    await page.get_by_label("E-mail").fill("olivia@example.com")
    await page.get_by_label("Card number").fill("4242 4242 4242 4242")
    await page.get_by_role("button", name="Pay 19.00 USD").click()
    await expect(page.get_by_role("status")).to_contain_text("Thank you.")
    await page.close()


async def _off_counts_at_once(telegram: Telegram) -> None:
    owner, customer = telegram.right, telegram.left
    await _setting(owner, "Dialogs", "Welcome")
    await owner.say("OFF")
    await owner.hears("Saved: Welcome text.")
    await _setting(owner, "The team", "Hide from operators")
    await owner.press("Names")
    await owner.hears("Now: Names")
    await customer.start()
    await customer.say("Is anybody there?")
    await expect(owner.row("chat-item", "Acme Support")).to_contain_text("Is anybody there?")
    await expect(customer.message("Hello, Anna Petrova!")).to_have_count(0)


async def _card_fails(product: Up, telegram: Telegram) -> Page:
    stripe = await telegram.page.context.new_page()
    await stripe.goto(f"http://127.0.0.1:{product.environment['SANDBOX_STRIPE_PORT']}/")
    await stripe.get_by_role("button", name="Card declines from now on").click()
    await stripe.get_by_role("button", name="Let a month pass").click()
    await expect(stripe.get_by_role("cell", name="past_due")).to_be_visible()
    return stripe


async def _a_week_goes_by(product: Up) -> None:
    """Of our own clock, which no test can put forward: what is in the books was told that much earlier."""
    url = product.find("backline tasks").environ()["DATABASE_URL"]
    database = Database(url)
    try:
        async with database.fleet() as unit:
            tenant = TenantId((await unit.execute(select(tenants.c.id))).scalar_one())
        await let_books_age(database, tenant, timedelta(days=8))
        async with database.tenant(tenant) as unit:
            await enqueue_job(unit, APPLY, tenant, {})
    finally:
        await database.close()


async def _is_clamped_and_kept(owner: Pane) -> None:
    await _setting(owner, "Dialogs", "Welcome")
    await owner.hears("You set OFF, but the free plan uses what is shown above.")
    await _setting(owner, "The team", "Hide from operators")
    await owner.hears("Now: Names")
    await owner.hears("what was set before stays as it is")


async def _pays_what_is_open(owner: Pane, stripe: Page) -> None:
    await stripe.get_by_role("button", name="Card works again").click()
    page = await _open_pay_page(owner)
    address = page.url
    await expect(page.get_by_text("The last payment has failed")).to_be_visible()
    await page.get_by_role("button", name="Card, invoices, end the subscription").click()
    await page.get_by_role("row", name="open").get_by_role("link").click()
    await page.get_by_label("Card number").fill("4242 4242 4242 4242")
    await page.get_by_role("button", name="Pay").click()
    await expect(page.get_by_text("This is paid.")).to_be_visible()
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while not await page.get_by_text("You are on the pro plan, paid until").is_visible():
            await page.goto(address)


async def _is_back(owner: Pane) -> None:
    await _setting(owner, "Dialogs", "Welcome")
    await owner.hears("Now: OFF")
