"""Paying for a month with Stars, by hand: the offer, the bot's answer, the subscription and its end."""

from collections.abc import AsyncIterator

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import LabeledPrice
from playwright.async_api import expect

from sandbox.server import Sandbox
from sandbox.world import Checkout, World
from tests.browser.panes import Telegram
from tests.browser.test_acts import anna

pytestmark = pytest.mark.browser

PRICE = 250


@pytest.fixture
async def program(sandbox: Sandbox) -> AsyncIterator[Bot]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(sandbox.url))
    async with Bot(sandbox.cast["demo"]["bot_token"], session=session) as bot:
        yield bot


async def offer(telegram: Telegram, sandbox: Sandbox, program: Bot) -> None:
    """Anna reads the bot's message with the link of the invoice, and presses it."""
    await telegram.left.start()
    link = await program.create_invoice_link(
        title="Plus",
        description="Everything, for a month",
        payload="plus",
        currency="XTR",
        prices=[LabeledPrice(label="A month", amount=PRICE)],
        subscription_period=2_592_000,
    )
    await program.send_message(anna(sandbox).id, f'<a href="{link}">Subscribe</a>', parse_mode="HTML")
    await telegram.left.message("Subscribe").get_by_role("link").click()
    await expect(telegram.find("pay-price")).to_have_text("Pay ⭐ 250 a month to Acme Shop.")


async def asked(world: World) -> Checkout:
    """What the bot is asked once Pay is pressed."""
    return await world.wait_for(
        lambda: next((one for one in world.stars.checkouts.values() if one.outcome == "waiting"), None),
        what="a checkout",
    )


async def test_a_month_is_paid_canceled_and_renewed(telegram: Telegram, sandbox: Sandbox, program: Bot) -> None:
    await offer(telegram, sandbox, program)
    await telegram.find("pay").click()
    await program.answer_pre_checkout_query((await asked(sandbox.world)).id, ok=True)
    await expect(telegram.find("pay-outcome")).to_have_text("Paid. You have ⭐ 9,750 left.")
    await telegram.find("pay-close").click()
    await expect(telegram.left.find("service", "Anna Petrova paid ⭐ 250")).to_have_count(1)
    await telegram.left.find("chat-menu").click()
    await telegram.find("menu-stars").click()
    await expect(telegram.find("star-balance")).to_have_text("You have ⭐ 9,750.")
    await telegram.find("cancel-subscription").click()
    await expect(telegram.find("subscription-until")).to_contain_text("Ends on")
    await telegram.find("renew-subscription").click()
    await expect(telegram.find("subscription-until")).to_contain_text("Renews on")
    await telegram.find("more-stars").click()
    await expect(telegram.find("star-balance")).to_have_text("You have ⭐ 10,750.")
    await telegram.close_dialog()
    await telegram.find("open-trouble").click()
    await telegram.find("month").click()
    await expect(telegram.left.find("service", "Anna Petrova paid ⭐ 250")).to_have_count(2)


async def test_a_refusal_is_read(telegram: Telegram, sandbox: Sandbox, program: Bot) -> None:
    await offer(telegram, sandbox, program)
    await telegram.find("pay").click()
    checkout = await asked(sandbox.world)
    await program.answer_pre_checkout_query(checkout.id, ok=False, error_message="Plus is sold out.")
    await expect(telegram.find("pay-outcome")).to_have_text("Plus is sold out.")
    assert sandbox.world.balance(anna(sandbox)) == 10_000
