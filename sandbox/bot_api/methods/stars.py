"""Selling for Stars: invoices, the answer before each payment, refunds, subscriptions, the books."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sandbox.bot_api.call import Call
from sandbox.bot_api.errors import bad_request
from sandbox.bot_api.methods.answers import TOO_OLD
from sandbox.bot_api.render import Json
from sandbox.bot_api.render_stars import transaction_json
from sandbox.world import Invoice, User
from sandbox.world.checkouts import answer
from sandbox.world.payments import bar, refund
from sandbox.world.stars import CURRENCY, PERIOD

_LONGEST_TITLE = 32
_LONGEST_DESCRIPTION = 255
_LONGEST_PAYLOAD = 128
_DEAREST = 100_000
"""Measured by others, and written nowhere; that of a subscription is documented (Bot API: createInvoiceLink)."""
_DEAREST_SUBSCRIPTION = 10_000
_MOST_TRANSACTIONS = 100
_NOT_FOR_STARS = (
    "provider_token",
    "max_tip_amount",
    "need_name",
    "need_phone_number",
    "need_email",
    "need_shipping_address",
    "send_phone_number_to_provider",
    "send_email_to_provider",
    "is_flexible",
)


def create_invoice_link(call: Call) -> str:
    """Stars only: no payment provider is known here. The errors are those of payments.exportInvoice."""
    title, description, payload = (call.required(name) for name in ("title", "description", "payload"))
    if call.required("currency") != CURRENCY:
        raise bad_request("PAYMENT_PROVIDER_INVALID")
    period = call.number("subscription_period")
    amount = _amount(call, is_subscription=period != 0)
    if any(call.text(name) not in {"", "0", "false"} for name in _NOT_FOR_STARS):
        raise bad_request("STARS_INVOICE_INVALID")
    if len(title) > _LONGEST_TITLE or len(description) > _LONGEST_DESCRIPTION:
        raise bad_request("STARS_INVOICE_INVALID")
    if len(payload.encode()) > _LONGEST_PAYLOAD:
        raise bad_request("INVOICE_PAYLOAD_INVALID")
    if period and timedelta(seconds=period) != PERIOD:
        raise bad_request("SUBSCRIPTION_PERIOD_INVALID")
    slug = call.world.ids.invoice()
    invoice = Invoice(slug, call.bot, title, description, payload, amount, is_subscription=period != 0)
    call.world.stars.invoices[slug] = invoice
    return invoice.link


def _amount(call: Call, *, is_subscription: bool) -> int:
    prices = call.json("prices", "prices")
    if not isinstance(prices, list) or not all(isinstance(price, dict) for price in prices):
        raise bad_request("expected an Array of LabeledPrice")
    if len(prices) != 1:
        raise bad_request("STARS_INVOICE_INVALID")
    amount = prices[0].get("amount")
    if not prices[0].get("label") or not isinstance(amount, int):
        raise bad_request("can't parse LabeledPrice: expected an object with label and amount")
    if is_subscription and amount > _DEAREST_SUBSCRIPTION:
        raise bad_request("SUBSCRIPTION_AMOUNT_INVALID")
    if not 1 <= amount <= _DEAREST:
        raise bad_request("CURRENCY_TOTAL_AMOUNT_INVALID")
    return amount


def answer_pre_checkout_query(call: Call) -> bool:
    """QUERY_ID_INVALID of Telegram's servers is these words in the Bot API."""
    checkout = call.world.stars.checkouts.get(call.required("pre_checkout_query_id"))
    error = "" if call.flag("ok") else call.required("error_message")
    if checkout is None or checkout.invoice.bot is not call.bot or not answer(call.world, checkout, error):
        raise bad_request(TOO_OLD)
    return True


def refund_star_payment(call: Call) -> bool:
    """(core.telegram.org/method/payments.refundStarsCharge); CHARGE_NOT_FOUND is not in its list. [L]"""
    user, charge_id = _user(call), call.text("telegram_payment_charge_id")
    if not charge_id:
        raise bad_request("CHARGE_ID_EMPTY")
    payment = call.world.stars.payments.get(charge_id)
    if payment is None or payment.user is not user or payment.invoice.bot is not call.bot:
        raise bad_request("CHARGE_NOT_FOUND")
    if charge_id in call.world.stars.refunded:
        raise bad_request("CHARGE_ALREADY_REFUNDED")
    refund(call.world, payment)
    return True


def edit_user_star_subscription(call: Call) -> bool:
    """By the id of the first payment (core.telegram.org/method/payments.botCancelStarsSubscription)."""
    call.world.pass_time()
    user, charge_id = _user(call), call.text("telegram_payment_charge_id")
    call.required("is_canceled")
    subscription = call.world.stars.subscription(call.bot, user, charge_id)
    if subscription is None:
        raise bad_request("CHARGE_ID_INVALID")
    bar(call.world, subscription, barred=call.flag("is_canceled"))
    return True


def get_star_transactions(call: Call) -> Json:
    offset = call.number("offset", 0, 0)
    limit = call.number("limit", _MOST_TRANSACTIONS, 1, _MOST_TRANSACTIONS)
    found = call.world.stars.transactions.get(call.bot.id, [])[offset : offset + limit]
    return {"transactions": [transaction_json(one) for one in found]}


def get_my_star_balance(call: Call) -> Json:
    return {"amount": call.world.balance(call.bot)}


def _user(call: Call) -> User:
    user = call.world.users.get(call.user_id())
    if user is None:
        raise bad_request("USER_ID_INVALID")
    return user


METHODS: dict[str, Callable[[Call], Any]] = {
    "createInvoiceLink": create_invoice_link,
    "answerPreCheckoutQuery": answer_pre_checkout_query,
    "refundStarPayment": refund_star_payment,
    "editUserStarSubscription": edit_user_star_subscription,
    "getStarTransactions": get_star_transactions,
    "getMyStarBalance": get_my_star_balance,
}
