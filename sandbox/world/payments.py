"""Stars change hands: a first payment, those that renew a subscription, and those that are given back."""

from datetime import datetime
from typing import Any

from sandbox.world.delivery import push
from sandbox.world.entities import Bot, User
from sandbox.world.messages import Content, Message
from sandbox.world.posting import post
from sandbox.world.stars import (
    CURRENCY,
    PERIOD,
    Invoice,
    Payment,
    Subscription,
    SubscriptionChange,
    SubscriptionState,
)
from sandbox.world.state import NotAllowed, State


def sell(state: State, user: User, invoice: Invoice) -> Payment:
    """A person pays; if it is a subscription, it begins."""
    if not invoice.is_subscription:
        return _collect(state, user, invoice)
    expires_at = state.now().replace(microsecond=0) + PERIOD
    payment = _collect(state, user, invoice, expires_at, is_first_recurring=True)
    state.stars.subscriptions.append(Subscription(user, invoice, payment.charge_id, expires_at))
    return payment


def renew_due(state: State) -> None:
    """Subscriptions whose period is over are charged anew; those that can't be end."""
    while due := [one for one in state.stars.subscriptions if not one.has_ended and one.expires_at <= state.now()]:
        _renew_or_end(state, min(due, key=lambda one: one.expires_at))


def _renew_or_end(state: State, subscription: Subscription) -> None:
    user, invoice = subscription.user, subscription.invoice
    is_there = not (user.is_deleted or invoice.bot.is_deleted)
    if not subscription.renews or not is_there:
        subscription.has_ended = True
    elif state.stars.balance(user) < invoice.amount:
        subscription.has_ended = True
        _tell(state, subscription, "failed")
    else:
        subscription.expires_at += PERIOD
        _collect(state, user, invoice, subscription.expires_at)
    state.emit("subscription.changed", subscription)


def cancel(state: State, subscription: Subscription) -> None:
    """The person does not want another period; the bot hears of it (Bot API: BotSubscriptionUpdated)."""
    if subscription.is_canceled:
        raise NotAllowed("This subscription is canceled already.")
    subscription.is_canceled = True
    _tell(state, subscription, "canceled")
    state.emit("subscription.changed", subscription)


def resume(state: State, subscription: Subscription) -> None:
    """The person takes back that it was canceled."""
    if subscription.is_barred:
        raise NotAllowed("The bot has canceled this subscription.")
    if not subscription.is_canceled:
        raise NotAllowed("This subscription renews already.")
    subscription.is_canceled = False
    _tell(state, subscription, "active")
    state.emit("subscription.changed", subscription)


def bar(state: State, subscription: Subscription, *, barred: bool) -> None:
    """The bot cancels, or lets the person renew, which they then have to do themselves
    (core.telegram.org/method/payments.botCancelStarsSubscription).
    """
    subscription.is_barred = barred
    subscription.is_canceled = subscription.is_canceled or barred
    state.emit("subscription.changed", subscription)


def refund(state: State, payment: Payment) -> Message:
    """The bot gives the Stars back. A subscription goes on unless the rules say that this ends it."""
    user, invoice = payment.user, payment.invoice
    state.stars.record(payment, state.now(), is_refund=True)
    if state.rules.refunds_end_subscriptions:
        for subscription in state.stars.lasting(user, invoice.bot):
            if subscription.invoice is invoice:
                subscription.has_ended = True
    return _post(state, "refunded_payment", payment)


def _collect(
    state: State,
    user: User,
    invoice: Invoice,
    expires_at: datetime | None = None,
    *,
    is_first_recurring: bool = False,
) -> Payment:
    payment = Payment(state.ids.charge(), user, invoice, state.now())
    state.stars.record(payment, state.now())
    details: dict[str, Any] = {"provider_payment_charge_id": f"{user.id}_{state.ids.callback()}"}
    if expires_at is not None:
        details |= {"subscription_expiration_date": int(expires_at.timestamp()), "is_recurring": True}
    if is_first_recurring:
        details["is_first_recurring"] = True
    _post(state, "successful_payment", payment, **details)
    return payment


def _post(state: State, kind: str, payment: Payment, **details: Any) -> Message:
    user, invoice = payment.user, payment.invoice
    told = {
        "currency": CURRENCY,
        "total_amount": invoice.amount,
        "invoice_payload": invoice.payload,
        "telegram_payment_charge_id": payment.charge_id,
        **details,
    }
    return post(state, state.private(user, invoice.bot), user, Content(kind, details=told))


def _tell(state: State, subscription: Subscription, became: SubscriptionState) -> None:
    bot: Bot = subscription.invoice.bot
    push(state, bot, "subscription", SubscriptionChange(subscription.user, subscription.invoice.payload, became))
