"""Payments in Stars as the Bot API's JSON objects."""

from sandbox.bot_api.render import Json, user_json
from sandbox.world import Checkout
from sandbox.world.stars import CURRENCY, PERIOD, SubscriptionChange, Transaction


def checkout_json(checkout: Checkout) -> Json:
    """A PreCheckoutQuery."""
    return {
        "id": checkout.id,
        "from": user_json(checkout.user),
        "currency": CURRENCY,
        "total_amount": checkout.invoice.amount,
        "invoice_payload": checkout.invoice.payload,
    }


def subscription_change_json(change: SubscriptionChange) -> Json:
    """A BotSubscriptionUpdated."""
    return {"user": user_json(change.user), "invoice_payload": change.payload, "state": change.state}


def transaction_json(transaction: Transaction) -> Json:
    """A StarTransaction: a refund has the id of what it gives back."""
    payment = transaction.payment
    partner: Json = {
        "type": "user",
        "transaction_type": "invoice_payment",
        "user": user_json(payment.user),
        "invoice_payload": payment.invoice.payload,
    }
    if payment.invoice.is_subscription:
        partner["subscription_period"] = int(PERIOD.total_seconds())
    return {
        "id": payment.charge_id,
        "amount": payment.invoice.amount,
        "date": int(transaction.at.timestamp()),
        "receiver" if transaction.is_refund else "source": partner,
    }
