"""Stars in the sandbox: what is sold for them, how it is paid, and the ten seconds that a bot has."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from aiogram.methods import (
    AnswerPreCheckoutQuery,
    CreateInvoiceLink,
    GetMyStarBalance,
    RefundStarPayment,
)
from aiogram.types import LabeledPrice

from sandbox.world import NotAllowed
from tests.integration.star_shop import PRICE, StarShop, open_star_shop, seconds

TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
PLUS: dict[str, Any] = {
    "title": "Plus",
    "description": "All",
    "payload": "plus",
    "currency": "XTR",
    "prices": [LabeledPrice(label="l", amount=1)],
}


@pytest.fixture
async def shop() -> AsyncIterator[StarShop]:
    async with open_star_shop() as opened:
        yield opened


async def test_a_subscription_is_asked_for_paid_and_told(shop: StarShop) -> None:
    link = await shop.link()
    assert link.startswith("https://t.me/$")
    checkout = shop.scene.world.pay(shop.carl, link)
    query = await shop.query()
    assert (query.id, query.from_user.id, query.currency) == (checkout.id, shop.carl.id, "XTR")
    assert (query.total_amount, query.invoice_payload) == (PRICE, "plus")
    assert (checkout.outcome, shop.balance()) == ("waiting", 10_000)
    assert await query.answer(ok=True).as_(shop.program)
    [paid] = await shop.payments()
    assert (paid.currency, paid.total_amount, paid.invoice_payload) == ("XTR", PRICE, "plus")
    assert (paid.is_recurring, paid.is_first_recurring) == (True, True)
    assert seconds(paid.subscription_expiration_date) == shop.in_a_month()
    assert (checkout.outcome, shop.balance()) == ("paid", 10_000 - PRICE)
    assert shop.scene.said(shop.scene.dialog)[-1] == "successful_payment"


async def test_what_is_sold_once_has_no_period(shop: StarShop) -> None:
    paid = await shop.sell(await shop.link(subscription_period=None))
    assert (paid.is_recurring, paid.is_first_recurring, paid.subscription_expiration_date) == (None, None, None)
    shop.advance(timedelta(days=90))
    assert await shop.updates() == []
    assert shop.balance() == 10_000 - PRICE


async def test_the_bot_refuses_and_the_person_reads_why(shop: StarShop) -> None:
    checkout = shop.scene.world.pay(shop.carl, await shop.link())
    await shop.program.answer_pre_checkout_query(checkout.id, ok=False, error_message="Sold out.")
    assert (checkout.outcome, checkout.error) == ("refused", "Sold out.")
    assert shop.balance() == 10_000
    assert [update.event_type for update in await shop.updates()] == ["pre_checkout_query"]


async def test_a_refusal_needs_its_reason(shop: StarShop) -> None:
    checkout = shop.scene.world.pay(shop.carl, await shop.link())
    call = AnswerPreCheckoutQuery(pre_checkout_query_id=checkout.id, ok=False)
    assert await shop.refusal(call) == 'parameter "error_message" is required'
    assert checkout.outcome == "waiting"


async def test_within_ten_seconds_it_is_not_too_late(shop: StarShop) -> None:
    checkout = shop.scene.world.pay(shop.carl, await shop.link())
    shop.advance(timedelta(seconds=9.9))
    await shop.agree(checkout)
    assert checkout.outcome == "paid"


async def test_after_ten_seconds_nothing_is_paid(shop: StarShop) -> None:
    checkout = shop.scene.world.pay(shop.carl, await shop.link())
    shop.advance(timedelta(seconds=10))
    assert (checkout.outcome, checkout.error) == ("unanswered", "The bot did not answer in time. Nothing was paid.")
    assert await shop.refusal(AnswerPreCheckoutQuery(pre_checkout_query_id=checkout.id, ok=True)) == TOO_OLD
    assert shop.balance() == 10_000


async def test_the_ten_seconds_pass_by_themselves(shop: StarShop) -> None:
    checkout = shop.scene.world.pay(shop.carl, await shop.link())
    shop.scene.clock.advance(timedelta(seconds=10))
    await shop.scene.world.wait_for(lambda: checkout.outcome == "unanswered", what="the end of the checkout")


async def test_a_program_that_asks_for_messages_only_lets_the_checkout_run_out(shop: StarShop) -> None:
    await shop.program.get_updates(allowed_updates=["message"])
    checkout = shop.scene.world.pay(shop.carl, await shop.link())
    assert await shop.updates() == []
    shop.advance(timedelta(seconds=10))
    assert checkout.outcome == "unanswered"


async def test_one_answer_only_and_from_the_bot_that_sells(shop: StarShop) -> None:
    checkout = shop.scene.world.pay(shop.carl, await shop.link())
    other = shop.scene.world.add_bot("Other", "other_bot")
    asked = {"pre_checkout_query_id": checkout.id, "ok": True}
    assert await shop.scene.refusal("answerPreCheckoutQuery", bot=other, **asked) == f"400 Bad Request: {TOO_OLD}"
    await shop.agree(checkout)
    assert await shop.refusal(AnswerPreCheckoutQuery(**asked)) == TOO_OLD
    assert await shop.refusal(AnswerPreCheckoutQuery(pre_checkout_query_id="1", ok=True)) == TOO_OLD
    assert shop.balance() == 10_000 - PRICE


async def test_who_has_not_enough_is_told_before_the_bot_is(shop: StarShop) -> None:
    shop.scene.world.give_stars(shop.carl, -9_800)
    with pytest.raises(NotAllowed, match=r"You need 50 more Stars\."):
        shop.scene.world.pay(shop.carl, await shop.link())
    assert await shop.updates() == []
    with pytest.raises(NotAllowed, match="less than no Stars"):
        shop.scene.world.give_stars(shop.carl, -201)


async def test_stars_that_are_gone_meanwhile_are_missing_in_the_end(shop: StarShop) -> None:
    link = await shop.link(amount=6_000)
    first, second = (shop.scene.world.pay(shop.carl, link) for _ in range(2))
    await shop.agree(first)
    await shop.agree(second)
    assert (first.outcome, second.outcome) == ("paid", "refused")
    assert second.error == "You have not enough Stars. Nothing was paid."
    assert shop.balance() == 4_000


async def test_who_pays_twice_has_paid_twice(shop: StarShop) -> None:
    link = await shop.link()
    first, second = await shop.sell(link), await shop.sell(link)
    assert first.telegram_payment_charge_id != second.telegram_payment_charge_id
    assert second.is_first_recurring is True
    assert shop.balance() == 10_000 - 2 * PRICE
    assert len(shop.scene.world.stars.lasting(shop.carl, shop.scene.bot)) == 2


async def test_who_is_subscribed_may_be_refused_another_one(shop: StarShop) -> None:
    shop.scene.world.rules.subscriptions_are_sold_twice = False
    link = await shop.link()
    first, second = (shop.scene.world.pay(shop.carl, link) for _ in range(2))
    await shop.agree(first)
    await shop.agree(second)
    assert (second.outcome, second.error) == ("refused", "You are subscribed to this already.")
    with pytest.raises(NotAllowed, match="subscribed to this already"):
        shop.scene.world.pay(shop.carl, link)
    assert shop.balance() == 10_000 - PRICE


async def test_links_that_lead_to_nothing_are_not_paid(shop: StarShop) -> None:
    link = await shop.link()
    for wrong in ("https://t.me/$unknown", "https://t.me/shop_bot", "https://example.org/$x"):
        with pytest.raises(NotAllowed, match="This link leads to no invoice"):
            shop.scene.world.pay(shop.carl, wrong)
    with pytest.raises(NotAllowed, match="This link is an invoice"):
        shop.scene.world.open_link(shop.carl, link)
    shop.scene.world.delete_bot(shop.scene.bot)
    with pytest.raises(NotAllowed, match="This bot has been deleted"):
        shop.scene.world.pay(shop.carl, link)


async def test_a_person_whom_the_bot_never_met_pays_too(shop: StarShop) -> None:
    world = shop.scene.world
    await shop.agree(world.pay(shop.scene.olga, await shop.link()))
    assert shop.scene.said(world.private(shop.scene.olga, shop.scene.bot)) == ["successful_payment"]


async def test_a_refund_gives_the_stars_back_once(shop: StarShop) -> None:
    paid = await shop.sell(await shop.link())
    charge = paid.telegram_payment_charge_id
    assert await shop.program.refund_star_payment(shop.carl.id, charge)
    [update] = await shop.updates()
    assert update.message is not None
    told = update.message.refunded_payment
    assert told is not None
    assert (told.currency, told.total_amount, told.invoice_payload) == ("XTR", PRICE, "plus")
    assert told.telegram_payment_charge_id == charge
    again = RefundStarPayment(user_id=shop.carl.id, telegram_payment_charge_id=charge)
    assert await shop.refusal(again) == "CHARGE_ALREADY_REFUNDED"
    assert (shop.balance(), shop.scene.world.balance(shop.scene.bot)) == (10_000, 0)


async def test_a_refund_needs_its_payer_and_its_payment(shop: StarShop) -> None:
    charge = (await shop.sell(await shop.link())).telegram_payment_charge_id
    carl, olga = shop.carl.id, shop.scene.olga.id
    refusals = [(carl, "", "CHARGE_ID_EMPTY"), (carl, "stx", "CHARGE_NOT_FOUND"), (olga, charge, "CHARGE_NOT_FOUND")]
    for user, charge_id, error in [*refusals, (1, charge, "USER_ID_INVALID")]:
        call = RefundStarPayment(user_id=user, telegram_payment_charge_id=charge_id)
        assert await shop.refusal(call) == error
    other = shop.scene.world.add_bot("Other", "other_bot")
    given = {"user_id": carl, "telegram_payment_charge_id": charge}
    refusal = await shop.scene.refusal("refundStarPayment", bot=other, **given)
    assert refusal == "400 Bad Request: CHARGE_NOT_FOUND"
    assert shop.balance() == 10_000 - PRICE


async def test_the_books_say_what_came_and_what_went(shop: StarShop) -> None:
    once, monthly = await shop.link(amount=7, subscription_period=None, payload="once"), await shop.link()
    first, second = await shop.sell(once), await shop.sell(monthly)
    shop.advance(timedelta(hours=1))
    await shop.program.refund_star_payment(shop.carl.id, first.telegram_payment_charge_id)
    rows = (await shop.program.get_star_transactions()).transactions
    assert [row.id for row in rows] == [
        first.telegram_payment_charge_id,
        second.telegram_payment_charge_id,
        first.telegram_payment_charge_id,
    ]
    assert [row.amount for row in rows] == [7, PRICE, 7]
    assert [(row.source is None, row.receiver is None) for row in rows] == [
        (False, True),
        (False, True),
        (True, False),
    ]
    partner = rows[1].source
    assert partner is not None
    assert partner.model_dump(include={"type", "transaction_type", "invoice_payload", "subscription_period"}) == {
        "type": "user",
        "transaction_type": "invoice_payment",
        "invoice_payload": "plus",
        "subscription_period": 2_592_000,
    }
    assert [row.id for row in (await shop.program.get_star_transactions(offset=1, limit=1)).transactions] == [
        rows[1].id
    ]
    assert (await shop.program(GetMyStarBalance())).amount == PRICE


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"title": ""}, 'parameter "title" is required'),
        ({"description": ""}, 'parameter "description" is required'),
        ({"payload": ""}, 'parameter "payload" is required'),
        ({"currency": ""}, 'parameter "currency" is required'),
        ({"currency": "EUR", "provider_token": "1:TEST:2"}, "PAYMENT_PROVIDER_INVALID"),
        ({"provider_token": "1:TEST:2"}, "STARS_INVOICE_INVALID"),
        ({"need_email": True}, "STARS_INVOICE_INVALID"),
        ({"title": "x" * 33}, "STARS_INVOICE_INVALID"),
        ({"description": "x" * 256}, "STARS_INVOICE_INVALID"),
        ({"payload": "é" * 65}, "INVOICE_PAYLOAD_INVALID"),
        ({"prices": []}, "STARS_INVOICE_INVALID"),
        ({"prices": [LabeledPrice(label="l", amount=1)] * 2}, "STARS_INVOICE_INVALID"),
        ({"prices": [LabeledPrice(label="l", amount=0)]}, "CURRENCY_TOTAL_AMOUNT_INVALID"),
        ({"prices": [LabeledPrice(label="l", amount=100_001)]}, "CURRENCY_TOTAL_AMOUNT_INVALID"),
        (
            {"prices": [LabeledPrice(label="l", amount=10_001)], "subscription_period": 2_592_000},
            "SUBSCRIPTION_AMOUNT_INVALID",
        ),
        ({"subscription_period": 86_400}, "SUBSCRIPTION_PERIOD_INVALID"),
        (
            {"prices": [LabeledPrice(label="", amount=1)]},
            "can't parse LabeledPrice: expected an object with label and amount",
        ),
    ],
)
async def test_an_invoice_that_makes_no_sense_is_refused(shop: StarShop, given: dict[str, Any], error: str) -> None:
    assert await shop.refusal(CreateInvoiceLink(**PLUS | given)) == error


async def test_prices_that_are_no_list_are_refused(shop: StarShop) -> None:
    given = PLUS | {"prices": "7"}
    assert "Array of LabeledPrice" in await shop.scene.refusal("createInvoiceLink", **given)


async def test_the_limits_themselves_are_allowed(shop: StarShop) -> None:
    longest = {"title": "x" * 32, "description": "x" * 255, "payload": "é" * 64}
    for amount in (1, 10_000):
        assert await shop.link(amount=amount, **longest)
    assert await shop.link(amount=100_000, subscription_period=None)
