"""Making trouble on purpose, and the page's own: a lost stream, a page loaded anew, an empty world."""

from datetime import timedelta

import pytest
from playwright.async_api import Browser, Page, expect

from sandbox.demo import populate
from sandbox.server import Sandbox
from tests.browser.panes import Telegram

pytestmark = pytest.mark.browser


async def test_flood_control_is_a_switch(telegram: Telegram, sandbox: Sandbox) -> None:
    await telegram.find("open-trouble").click()
    await telegram.find("flood-control").uncheck()
    await expect(telegram.find("flood-control")).not_to_be_checked()
    await telegram.page.wait_for_function(
        "() => fetch('/sandbox/settings').then(r => r.json()).then(s => !s.enabled)"
    )
    assert sandbox.flood.rules.enabled is False


@pytest.mark.usefixtures("relay")
async def test_a_refusal_is_ordered_and_seen_in_the_journey(telegram: Telegram) -> None:
    await telegram.find("open-trouble").click()
    await telegram.find("fault-error-429").click()
    await expect(telegram.find("faults")).to_contain_text("answer 429 to copyMessage")
    await telegram.find("trouble-close").click()
    await telegram.left.start()
    await expect(telegram.left.state("/start")).to_contain_text("waits for Telegram’s limit")


async def test_telegram_stops_and_resumes(telegram: Telegram, sandbox: Sandbox) -> None:
    await telegram.find("open-trouble").click()
    await telegram.find("stop-telegram").click()
    await expect(telegram.find("faults")).to_contain_text("answer 502 to any call, until you resume")
    url = f"{sandbox.url}/bot{sandbox.cast['demo']['bot_token']}/getMe"
    assert (await telegram.page.request.get(url)).status == 502
    await telegram.find("resume").click()
    await expect(telegram.find("faults")).to_have_text("No trouble is ordered.")
    assert (await telegram.page.request.get(url)).status == 200


async def test_a_token_is_revoked(telegram: Telegram, sandbox: Sandbox) -> None:
    await telegram.find("open-trouble").click()
    await telegram.find("revoke", "@acme_shop_bot").click()
    await expect(telegram.find("toast")).to_contain_text("is dead")
    assert sandbox.world.bot("acme_shop_bot").token != sandbox.cast["demo"]["bot_token"]


@pytest.mark.usefixtures("relay")
async def test_the_open_topic_is_deleted(telegram: Telegram) -> None:
    await telegram.left.start()
    await telegram.right.become("Olivia")
    await telegram.right.open_topic("Anna")
    await telegram.find("open-trouble").click()
    await telegram.find("trouble-delete-topic").click()
    await expect(telegram.right.find("topic-item")).to_have_count(1)


async def test_a_lost_stream_is_said_and_comes_back_with_what_was_missed(page: Page, complaints: list[str]) -> None:
    async with Sandbox(latency=timedelta(0)) as first:
        first.cast = populate(first.world)
        port = int(first.url.rpartition(":")[2])
        telegram = await Telegram.open(page, first.url)
        await telegram.left.start()
    await telegram.find("reconnect").wait_for()
    second = Sandbox(port=port, latency=timedelta(0))
    second.cast = populate(second.world)
    group = second.world.chat(second.cast["demo"]["group_id"])
    second.world.send(second.world.user(second.cast["demo"]["owner_id"]), group, "said in between")
    async with second:
        await expect(telegram.find("reconnect")).to_be_hidden()
        await telegram.right.hears("said in between")
        await page.goto("about:blank")
    complaints[:] = [text for text in complaints if "ERR_" not in text]


@pytest.mark.usefixtures("relay")
async def test_a_page_loaded_anew_is_where_it_was(telegram: Telegram) -> None:
    await telegram.left.become("Boris")
    await telegram.left.start()
    await telegram.right.open_topic("Boris")
    await telegram.page.reload()
    await expect(telegram.left.find("person-switch")).to_contain_text("Boris")
    await expect(telegram.right.find("chat-title")).to_contain_text("Boris")


async def test_a_world_without_people_asks_for_one(page: Page) -> None:
    async with Sandbox(latency=timedelta(0)) as empty:
        await page.goto(f"{empty.url}/")
        await page.get_by_test_id("first-person").click()
        await page.get_by_test_id("field-first_name").fill("Eve")
        await page.get_by_test_id("form-submit").click()
        await expect(page.get_by_test_id("person-switch").first).to_contain_text("Eve")
        await page.goto("about:blank")


@pytest.mark.usefixtures("relay")
async def test_unread_messages_are_counted_until_they_are_read(telegram: Telegram) -> None:
    await telegram.left.start()
    topic = telegram.right.find("topic-item", "Anna")
    await expect(topic.get_by_test_id("unread")).to_have_text("1")
    await telegram.left.say("One more")
    await expect(topic.get_by_test_id("unread")).to_have_text("2")
    await topic.click()
    await expect(topic.get_by_test_id("unread")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_words_stand_out_from_their_ground(chromium: Browser, sandbox: Sandbox, scheme: str) -> None:
    """Contrast as WCAG counts it: 4.5 for text, in both colour schemes."""
    context = await chromium.new_context(color_scheme=scheme)  # type: ignore[arg-type]
    page = await context.new_page()
    await page.goto(f"{sandbox.url}/")
    await page.get_by_test_id("person-switch").first.wait_for()
    pairs = [
        ("--text", "--surface"),
        ("--quiet", "--surface"),
        ("--quiet", "--sunken"),
        ("--quiet", "--theirs"),
        ("--quiet", "--hover"),
        ("--accent-text", "--accent"),
        ("--accent", "--surface"),
        ("--mine-text", "--mine"),
        ("--text", "--accent-soft"),
        ("--quiet", "--accent-soft"),
        ("--link", "--theirs"),
        ("--warn", "--warn-soft"),
        ("--bad", "--bad-soft"),
        ("--bad", "--surface"),
        ("--quiet", "--ground"),
    ]
    low = {
        f"{ink} on {ground}": ratio for ink, ground in pairs if (ratio := await _contrast(page, ink, ground)) < 4.5
    }
    await context.close()
    assert low == {}


async def _contrast(page: Page, ink: str, ground: str) -> float:
    ratio: float = await page.evaluate(
        """names => {
          const style = getComputedStyle(document.documentElement);
          const light = name => {
            const hex = style.getPropertyValue(name).trim().slice(1);
            const parts = [0, 2, 4].map(at => parseInt(hex.slice(at, at + 2), 16) / 255);
            const [r, g, b] = parts.map(c => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const [a, b] = names.map(light).sort((x, y) => y - x);
          return (a + 0.05) / (b + 0.05);
        }""",
        [ink, ground],
    )
    return ratio
