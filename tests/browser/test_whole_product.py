"""The main job on the page, with the whole product behind it: from @BotFather's token to the second WELCOME."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from tests.browser.panes import Pane, Telegram
from tests.e2e.test_content import PNG
from tests.e2e.up_stage import CHECKOUT, Up, data_folder, running

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PATIENCE_MS = 30_000
PICTURE = {"name": "blue.png", "mimeType": "image/png", "buffer": PNG}


@pytest.fixture
async def product() -> AsyncIterator[Up]:
    with data_folder() as data, running(CHECKOUT, data) as up:
        await asyncio.to_thread(up.hear, "Backline is ready")
        yield up


@pytest.fixture
async def telegram(product: Up, page: Page) -> Telegram:
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    return await Telegram.open(page, f"http://127.0.0.1:{product.environment['SANDBOX_PORT']}")


async def test_the_desk_that_is_there_answers_within_the_first_minute(telegram: Telegram) -> None:
    left, right = telegram.left, telegram.right
    await left.start()
    await left.hears("Hello, Anna Petrova! Thank you for writing.")
    await left.say("Where is my order?")
    await right.open_topic("Anna Petrova")
    await right.hears("Where is my order?")
    await right.say("It left this morning.")
    await left.hears("It left this morning.")
    await expect(right.find("chat-title")).to_contain_text("🟨")
    for number in range(25):
        await left.say(f"One more thing, {number}")
    await expect(telegram.right.find("budget").first).to_contain_text("of 20")
    waiting = left.node.locator('[data-state="fetched"], [data-state="waiting"]')
    await expect(waiting.last).to_contain_text("@acme_shop_bot")


async def test_an_owner_connects_a_bot_and_its_customer_is_served(telegram: Telegram) -> None:
    token = await _make_a_bot(telegram)
    await _connect(telegram, token)
    await _a_conversation(telegram)


async def _make_a_bot(telegram: Telegram) -> str:
    await telegram.right.become("Olivia")
    await telegram.right.show_chats()
    await telegram.right.find("botfather").click()
    await telegram.fill(name="Corner Bakery", username="corner_bakery_bot")
    token = await telegram.find("own-bot", "Corner Bakery").get_by_test_id("token").text_content()
    await telegram.close_dialog()
    assert token
    return token


async def _connect(telegram: Telegram, token: str) -> None:
    """Token, no other program, link, the group's title, yes: every step a button of the setup bot."""
    owner = telegram.right
    await owner.open_chat("Backline Setup")
    await owner.start()
    await owner.find("inline-button", "New connection").last.click()
    await owner.hears("Send me the token")
    await owner.say(token)
    await owner.find("inline-button", "Only Backline").last.click()
    await owner.hears("Choose the group for @corner_bakery_bot")
    await expect(owner.message(token)).to_have_count(0)
    await owner.find("inline-button", "Add @corner_bakery_bot to a group").last.click()
    await telegram.fill(title="Bakery team")
    await owner.hears("/start@corner_bakery_bot")
    await owner.open_chat("Backline Setup")
    await owner.hears("Group «Bakery team» found")
    await owner.find("inline-button", "Use this group").last.click()
    await owner.hears("@corner_bakery_bot now relays to «Bakery team»")


async def _a_conversation(telegram: Telegram) -> None:
    customer, team = telegram.left, telegram.right
    await customer.open_chat("Corner Bakery")
    await customer.start()
    await customer.hears("Hello, Anna Petrova!")
    await customer.say("Do you bake rye bread?")
    await customer.find("file-input").set_input_files([PICTURE])
    await customer.find("send").click()
    await customer.find("file-input").set_input_files([PICTURE, PICTURE])
    await customer.find("send").click()

    await team.open_chat("Bakery team")
    await team.open_topic("Anna Petrova")
    await team.hears("Do you bake rye bread?")
    await expect(team.find("album")).to_have_count(1)
    await expect(team.find("chat-title")).to_contain_text("🟪")
    await team.choose("Do you bake rye bread?", "menu-reply")
    await team.say("Every Friday.")
    await customer.hears("Every Friday.")
    await expect(customer.message("Every Friday.").get_by_test_id("reply-quote")).to_contain_text("rye bread")
    await expect(team.find("chat-title")).to_contain_text("🟨")

    await team.say("/close")
    await expect(team.find("chat-title")).to_contain_text("⬛")
    await _write_again(customer, team)


async def _write_again(customer: Pane, team: Pane) -> None:
    await customer.say("And on Saturday?")
    await team.hears("And on Saturday?")
    await expect(team.find("chat-title")).to_contain_text("🟪")
    await expect(customer.message("Hello, Anna Petrova!")).to_have_count(2)
