"""Telegram Stars: who has how many, what bots sell for them, who has paid and who is subscribed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sandbox.world.entities import Account, Bot, User

CURRENCY = "XTR"
PERIOD = timedelta(seconds=2_592_000)
"""The only one there is (Bot API: createInvoiceLink, subscription_period)."""
FIRST_BALANCE = 10_000
"""What a person has who never bought any."""

Outcome = Literal["waiting", "paid", "refused", "unanswered"]
SubscriptionState = Literal["active", "canceled", "failed"]


@dataclass(frozen=True, slots=True)
class Invoice:
    """What a link sells, to anybody and any number of times."""

    slug: str
    bot: Bot
    title: str
    description: str
    payload: str
    amount: int
    """In Stars."""
    is_subscription: bool

    @property
    def link(self) -> str:
        return f"https://t.me/${self.slug}"


@dataclass(frozen=True, slots=True)
class Payment:
    charge_id: str
    user: User
    invoice: Invoice
    at: datetime


@dataclass(slots=True, eq=False)
class Checkout:
    """A person has pressed Pay: the bot is asked whether it still sells."""

    id: str
    user: User
    invoice: Invoice
    at: datetime
    outcome: Outcome = "waiting"
    error: str = ""
    """What the person reads where nothing was paid."""
    payment: Payment | None = None


@dataclass(slots=True, eq=False)
class Subscription:
    user: User
    invoice: Invoice
    charge_id: str
    """Of its first payment."""
    expires_at: datetime
    is_canceled: bool = False
    is_barred: bool = False
    """The bot has canceled it, and the person can't renew it."""
    has_ended: bool = False

    @property
    def renews(self) -> bool:
        return not (self.is_canceled or self.is_barred or self.has_ended)


@dataclass(frozen=True, slots=True)
class SubscriptionChange:
    user: User
    payload: str
    state: SubscriptionState


@dataclass(frozen=True, slots=True)
class Transaction:
    payment: Payment
    at: datetime
    is_refund: bool


class Stars:
    """The books: every Star that one account loses another one gets."""

    def __init__(self) -> None:
        self._balances: dict[int, int] = {}
        self.invoices: dict[str, Invoice] = {}
        self.checkouts: dict[str, Checkout] = {}
        self.payments: dict[str, Payment] = {}
        self.refunded: dict[str, datetime] = {}
        """By charge id, when."""
        self.subscriptions: list[Subscription] = []
        self.transactions: dict[int, list[Transaction]] = {}
        """By bot, the oldest first."""

    def balance(self, account: Account) -> int:
        return self._balances.get(account.id, 0 if account.is_bot else FIRST_BALANCE)

    def give(self, account: Account, amount: int) -> None:
        self._balances[account.id] = self.balance(account) + amount

    def record(self, payment: Payment, at: datetime, *, is_refund: bool = False) -> None:
        """The Stars move, from the person to the bot or back."""
        bot, amount = payment.invoice.bot, payment.invoice.amount
        self.give(payment.user, amount if is_refund else -amount)
        self.give(bot, -amount if is_refund else amount)
        self.payments[payment.charge_id] = payment
        if is_refund:
            self.refunded[payment.charge_id] = at
        self.transactions.setdefault(bot.id, []).append(Transaction(payment, at, is_refund))

    def subscription(self, bot: Bot, user: User, charge_id: str) -> Subscription | None:
        """The one that lasts and began with that payment."""
        lasting = self.lasting(user, bot)
        return next((one for one in lasting if one.charge_id == charge_id), None)

    def lasting(self, user: User, bot: Bot) -> list[Subscription]:
        """Those of the person to the bot whose period is not over, the oldest first."""
        return [
            one for one in self.subscriptions if one.user is user and one.invoice.bot is bot and not one.has_ended
        ]
