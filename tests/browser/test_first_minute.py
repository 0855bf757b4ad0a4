"""What a stranger does in the first minute: write, see it arrive, answer, and see why a message waits."""

import pytest
from playwright.async_api import Page, expect

from sandbox.server import Sandbox
from tests.browser.panes import Telegram
from tests.browser.relay import EchoRelay

pytestmark = pytest.mark.browser


@pytest.mark.usefixtures("relay")
async def test_a_message_reaches_the_team_and_the_answer_the_customer(telegram: Telegram) -> None:
    left, right = telegram.left, telegram.right
    await left.start()
    await left.say("Where is my order?")
    await right.open_topic("Anna")
    await right.hears("Where is my order?")
    await expect(left.state("Where is my order?")).to_have_text("✓✓into «Acme Support › Anna»")
    await right.say("It left this morning.")
    await left.hears("It left this morning.")
    await expect(right.state("It left this morning.")).to_have_text("✓✓to Anna Petrova")


@pytest.mark.usefixtures("relay")
async def test_the_hints_are_ticked_off_as_one_goes(telegram: Telegram) -> None:
    await expect(telegram.find("tour-write")).to_contain_text("Press Start")
    await telegram.left.start()
    await telegram.left.say("Hello")
    await expect(telegram.find("tour-write")).to_contain_text("(done)")
    await telegram.left.hears("Welcome!")
    await telegram.find("tour-answer").click()
    await telegram.right.say("Hello to you")
    await expect(telegram.find("tour-answer")).to_contain_text("(done)")
    await telegram.right.say("/close")
    await telegram.right.find("closed").wait_for()
    await expect(telegram.find("tour-close")).to_contain_text("(done)")
    await telegram.find("tour-hide").click()
    await expect(telegram.find("tour")).to_be_hidden()


@pytest.mark.usefixtures("relay")
async def test_thirty_quick_messages_wait_and_say_why(telegram: Telegram) -> None:
    await telegram.find("tour-wait").click()
    await telegram.left.hears("Message 30 of 30")
    waiting = telegram.left.node.locator('[data-state="waiting"]')
    await expect(telegram.right.find("budget").first).to_contain_text("must wait")
    await expect(waiting.last).to_contain_text("@acme_shop_bot")
    await waiting.filter(has_text="Telegram’s limit").first.click()
    step = telegram.find("journey-step", "refused: Telegram’s limit of 20 messages a minute in this group")
    await expect(step).to_contain_text("@acme_shop_bot must wait")


async def test_a_spent_budget_is_why_a_message_waits_that_was_read(telegram: Telegram, sandbox: Sandbox) -> None:
    demo = sandbox.cast["demo"]
    api = f"{sandbox.url}/bot{demo['bot_token']}"
    for number in range(20):
        message = {"chat_id": demo["group_id"], "text": f"{number}"}
        await telegram.page.request.post(f"{api}/sendMessage", data=message)
    await expect(telegram.right.find("budget").first).to_contain_text("20 of 20 · next in")
    await telegram.left.start()
    await telegram.page.request.get(f"{api}/getUpdates")
    await expect(telegram.left.state("/start")).to_contain_text("waits for Telegram’s limit at @acme_shop_bot")
    await telegram.left.state("/start").click()
    await expect(telegram.find("journey-dialog")).to_contain_text("It may go on in")


async def test_a_message_that_nobody_fetches_says_so(telegram: Telegram) -> None:
    await telegram.left.start()
    await telegram.left.say("Is anybody there?")
    await expect(telegram.left.state("Is anybody there?")).to_contain_text("waits for @acme_shop_bot")
    await telegram.left.state("Is anybody there?").click()
    await expect(telegram.find("journey-step").last).to_contain_text("until the program of @acme_shop_bot fetches it")


async def test_a_journey_goes_on_while_one_looks(telegram: Telegram, sandbox: Sandbox) -> None:
    await telegram.left.start()
    await telegram.left.say("Hello")
    await telegram.left.state("Hello").click()
    await expect(telegram.find("journey-step")).to_have_count(2)
    async with EchoRelay(sandbox.url, sandbox.cast["demo"]):
        copied = telegram.find("journey-step", "copied by @acme_shop_bot into «Acme Support › 🟪 Anna»")
        await expect(copied).to_be_visible()


@pytest.mark.usefixtures("relay")
async def test_on_a_phone_one_pane_is_shown_and_the_other_is_a_tap_away(phone: Page, sandbox: Sandbox) -> None:
    telegram = await Telegram.open(phone, sandbox.url)
    await expect(telegram.right.node).to_be_hidden()
    await telegram.left.start()
    await telegram.left.say("A question from a phone")
    await expect(telegram.find("tab-right")).to_contain_text("2")
    await telegram.find("tab-right").tap()
    await telegram.right.open_topic("Anna")
    await telegram.right.hears("A question from a phone")
    await telegram.right.say("An answer from a phone")
    await telegram.find("tab-left").tap()
    await telegram.left.hears("An answer from a phone")
    await telegram.left.become("Boris")
    await expect(telegram.find("tab-left")).to_contain_text("Boris")
    await telegram.left.find("back").tap()
    await expect(telegram.left.find("chat-item", "Acme Shop")).to_be_visible()
    assert await telegram.width_of_content() == 390


@pytest.mark.usefixtures("relay")
async def test_nothing_scrolls_sideways(telegram: Telegram) -> None:
    await telegram.left.start()
    await telegram.left.say("x" * 900 + " https://example.org/" + "y" * 400)
    await telegram.right.open_topic("Anna")
    await telegram.right.hears("xxx")
    assert await telegram.width_of_content() == 1280
    for pane in (telegram.left, telegram.right):
        overflow = await pane.find("scroller").evaluate("node => node.scrollWidth - node.clientWidth")
        assert overflow == 0


@pytest.mark.usefixtures("relay")
async def test_what_changes_is_told_to_who_can_not_see_it(telegram: Telegram) -> None:
    await telegram.left.start()
    await telegram.left.hears("Welcome!")
    live = telegram.left.node.locator("[aria-live]")
    await expect(live).to_have_text("Acme Shop: Welcome!")
