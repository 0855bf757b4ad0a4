"""A browser and a page for stories that people see. Chromium missing is a failure, never a skip."""

import os
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

from sandbox.demo import populate
from sandbox.server import Sandbox
from tests.browser.panes import Telegram
from tests.browser.relay import EchoRelay

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
PATIENCE_MS = 10_000


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """Playwright gives each launch a new profile folder."""
    if not os.access(CHROMIUM, os.X_OK):
        pytest.fail("These tests need Debian's chromium: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


class Complaints(list[str]):
    """What the page complained of: errors in the console, uncaught exceptions. A test may expect some."""

    def watch(self, page: Page) -> None:
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.append(f"uncaught: {error}"))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.append(message.text)


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture
async def page(chromium: Browser, complaints: Complaints) -> AsyncIterator[Page]:
    async for opened in _page(chromium, complaints, DESKTOP):
        yield opened


@pytest.fixture
async def phone(chromium: Browser, complaints: Complaints) -> AsyncIterator[Page]:
    async for opened in _page(chromium, complaints, PHONE):
        yield opened


async def _page(chromium: Browser, complaints: Complaints, size: dict[str, int]) -> AsyncIterator[Page]:
    context = await chromium.new_context(viewport=size, has_touch=size is PHONE)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    opened = await context.new_page()
    complaints.watch(opened)
    yield opened
    await context.close()
    assert complaints == []


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """The people of `make run`, and nobody who drives their bots."""
    async with Sandbox(latency=timedelta(milliseconds=5)) as running:
        running.cast = populate(running.world)
        yield running


@pytest.fixture
async def relay(sandbox: Sandbox) -> AsyncIterator[EchoRelay]:
    """The shop's bot passes messages between its customers and their topics."""
    async with EchoRelay(sandbox.url, sandbox.cast["demo"]) as running:
        yield running


@pytest.fixture
async def telegram(page: Page, sandbox: Sandbox) -> AsyncIterator[Telegram]:
    """The page leaves before the sandbox goes, or it would complain that it is lost."""
    yield await Telegram.open(page, sandbox.url)
    await page.goto("about:blank")
