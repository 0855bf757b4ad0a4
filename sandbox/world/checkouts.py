"""From an invoice's link to a payment: the bot is asked first.

It has ten seconds for its answer (Bot API: answerPreCheckoutQuery).
"""

from datetime import datetime, timedelta

from sandbox.world import payments
from sandbox.world.delivery import push
from sandbox.world.entities import User
from sandbox.world.links import slug_of
from sandbox.world.stars import Checkout, Invoice
from sandbox.world.state import NotAllowed, State

ANSWERED_WITHIN = timedelta(seconds=10)
_UNANSWERED = "The bot did not answer in time. Nothing was paid."
_TOO_POOR = "You have not enough Stars. Nothing was paid."
_SUBSCRIBED = "You are subscribed to this already."


def find_invoice(state: State, link: str) -> Invoice:
    """`https://t.me/$SLUG`."""
    invoice = state.stars.invoices.get(slug_of(link) or "")
    if invoice is None:
        raise NotAllowed("This link leads to no invoice.")
    if invoice.bot.is_deleted:
        raise NotAllowed("This bot has been deleted.")
    return invoice


def ask(state: State, user: User, link: str) -> Checkout:
    """The person presses Pay. Who has not enough Stars is told by the app, and the bot is not asked."""
    invoice = find_invoice(state, link)
    missing = invoice.amount - state.stars.balance(user)
    if missing > 0:
        raise NotAllowed(f"You need {missing} more Stars.")
    if _has_it(state, user, invoice):
        raise NotAllowed(_SUBSCRIBED)
    checkout = Checkout(state.ids.callback(), user, invoice, state.now())
    state.stars.checkouts[checkout.id] = checkout
    push(state, invoice.bot, "pre_checkout_query", checkout)
    state.emit("checkout.opened", checkout)
    return checkout


def answer(state: State, checkout: Checkout, error: str = "") -> bool:
    """The bot agrees, or refuses with the words for the person. False if it is too late, or was said before."""
    expire(state)
    if checkout.outcome != "waiting":
        return False
    reason = error or _hindrance(state, checkout)
    if reason:
        checkout.outcome, checkout.error = "refused", reason
    else:
        checkout.payment = payments.sell(state, checkout.user, checkout.invoice)
        checkout.outcome = "paid"
    state.emit("checkout.closed", checkout)
    return True


def expire(state: State) -> None:
    for checkout in _waiting(state):
        if _deadline(checkout) <= state.now():
            checkout.outcome, checkout.error = "unanswered", _UNANSWERED
            state.emit("checkout.closed", checkout)


def pass_time(state: State) -> None:
    """What the clock brings with it; to be done again and again."""
    expire(state)
    payments.renew_due(state)


def next_moment(state: State) -> datetime | None:
    """When the clock will bring something."""
    moments = [_deadline(checkout) for checkout in _waiting(state)]
    moments += [one.expires_at for one in state.stars.subscriptions if not one.has_ended]
    return min(moments, default=None)


def _waiting(state: State) -> list[Checkout]:
    return [checkout for checkout in state.stars.checkouts.values() if checkout.outcome == "waiting"]


def _deadline(checkout: Checkout) -> datetime:
    return checkout.at + ANSWERED_WITHIN


def _hindrance(state: State, checkout: Checkout) -> str:
    """What has happened between the question and the answer."""
    if state.stars.balance(checkout.user) < checkout.invoice.amount:
        return _TOO_POOR
    return _SUBSCRIBED if _has_it(state, checkout.user, checkout.invoice) else ""


def _has_it(state: State, user: User, invoice: Invoice) -> bool:
    if state.rules.subscriptions_are_sold_twice:
        return False
    return any(one.invoice is invoice for one in state.stars.lasting(user, invoice.bot))
