"""The pay page on a phone, by keyboard alone, and as a screen reader has it read."""

import re

import pytest
from playwright.async_api import Page, expect

from tenants.connections import Tenant
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.plans import Plan
from tests.billing_stage import Till
from tests.browser.conftest import Complaints
from tests.factories import make_tenant

pytestmark = [pytest.mark.browser]


@pytest.fixture
async def tenant(database: Database, keyring: Keyring) -> Tenant:
    return await make_tenant(database, keyring, plan=Plan.FREE)


async def test_it_is_operated_with_the_keyboard_alone(page: Page, till: Till, tenant: Tenant) -> None:
    await page.goto(await till.link(tenant))
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("radio", name=re.compile("^pro"))).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("radio", name="business")).to_be_checked()
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Units of the pro plan")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Currency")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Go on to payment")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Pay 95.00 EUR")).to_be_visible()


async def test_it_fits_a_phone(phone: Page, till: Till, tenant: Tenant) -> None:
    await phone.goto(await till.link(tenant))
    assert await phone.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    box = await phone.get_by_role("button", name="Go on to payment").bounding_box()
    assert box is not None
    assert box["height"] >= 44, "a finger's width (WCAG 2.5.5)"


async def test_a_screen_reader_is_told_what_everything_is(page: Page, till: Till, tenant: Tenant) -> None:
    await till.pay(tenant)
    await page.goto(f"{await till.link(tenant)}?done=paid")
    assert await page.evaluate("document.documentElement.lang") == "en"
    await expect(page.get_by_role("heading", level=1)).to_have_text(f"Plan of @{tenant.bot_username}")
    await expect(page.get_by_role("status")).to_contain_text("Thank you.")
    await expect(page.get_by_role("group", name="Choose a plan")).to_be_visible()
    nameless = "[...document.querySelectorAll('input:not([type=hidden]), select')].filter(one => !one.labels.length)"
    assert await page.evaluate(f"{nameless}.length") == 0
    await page.get_by_role("radio", name="business").check()
    await page.get_by_role("button", name="Change the plan").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(f"Change the plan of @{tenant.bot_username}?")
    await page.get_by_role("link", name="Keep what I have").click()
    await page.get_by_label("Units of the pro plan").fill("5")
    await page.get_by_role("radio", name=re.compile("^pro")).check()
    await page.get_by_role("button", name="Change the plan").click()
    await page.get_by_role("button", name="Change and pay the difference").click()
    await expect(page.get_by_role("status")).to_contain_text("Changed.")
    await till.settle()
    assert await till.plan(tenant) == (Plan.PRO, 5)


async def test_a_link_that_opens_nothing_says_so_in_one_sentence(
    page: Page, till: Till, complaints: Complaints
) -> None:
    answer = await page.goto(f"{till.url}/pay/forged")
    assert answer is not None
    assert answer.status == 403
    await expect(page.get_by_role("alert")).to_have_text(
        "This link is not complete: open it from the setup bot again."
    )
    assert len(complaints) == 1, "of the status"
    complaints.clear()
