"""The page of the API in a browser: it shows the description, tries a request out, and asks nobody but us."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from tests.api_client import open_api
from tests.api_server import serving

pytestmark = pytest.mark.browser


@pytest.fixture
async def served(database, keyring, redis_url) -> AsyncIterator[tuple[str, str]]:
    async with open_api(database, keyring, redis_url) as api, serving(api.app) as url:
        yield url, api.key


async def test_every_request_of_the_page_goes_to_us(page: Page, served: tuple[str, str]) -> None:
    url, key = served
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(f"{url}/docs")
    await expect(page.locator(".opblock-summary-path").first).to_be_visible()
    await page.get_by_role("button", name="Authorize").first.click()
    await page.locator(".auth-container input").fill(key)
    await page.locator(".auth-container").get_by_role("button", name="Apply credentials").click()
    await page.locator(".close-modal, .btn-done").first.click()
    listing = page.locator("#operations-tenants-list_tenants")
    await listing.locator(".opblock-summary-control").click()
    await listing.get_by_role("button", name="Try it out").click()
    await listing.get_by_role("button", name="Execute").click()
    await expect(listing.locator(".live-responses-table tbody .response-col_status").first).to_contain_text("200")
    assert f"{url}/docs/swagger-ui-bundle.js" in asked
    assert f"{url}/schema/openapi.json" in asked
    assert f"{url}/docs/favicon-32x32.png" in asked
    assert [one for one in asked if not one.startswith((f"{url}/", "data:"))] == []
