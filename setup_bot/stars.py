"""Telegram Stars as a way to pay: invoices of the setup bot, and what Telegram tells of them as facts of ours.

Bot API: createInvoiceLink with currency XTR and a period of 30 days; a renewal is a message with `successful_payment`
and the first one's payload, by which we know the subscription.
"""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest
from aiogram.methods import (
    CreateInvoiceLink,
    EditUserStarSubscription,
    GetStarTransactions,
    RefundStarPayment,
    TelegramMethod,
)
from aiogram.types import BotSubscriptionUpdated, LabeledPrice, SuccessfulPayment, TransactionPartnerUser, User

from setup_bot.texts import words
from tenants.billing.applying import settle
from tenants.billing.books import read_subscription
from tenants.billing.facts import Fact, Kind, Provider, Status
from tenants.billing.port import Order, Prices
from tenants.billing.prices import STARS, total
from tenants.db import Database
from tenants.errors import Conflict, Invalid, Unavailable
from tenants.ids import TenantId, UserId
from tenants.plans import Plan

PERIOD = timedelta(days=30)
"""The only one there is (Bot API: createInvoiceLink)."""
MOST_STARS = 10_000
"""A month of a subscription (Bot API: createInvoiceLink)."""
_REFUNDED_ALREADY = "CHARGE_ALREADY_REFUNDED"
_SOON = timedelta(minutes=1)
_PAGE = 100
Answer = TypeVar("Answer")
_STATES = {"active": Status.ACTIVE, "canceled": Status.ACTIVE, "failed": Status.PAST_DUE}


@dataclass(frozen=True, slots=True)
class Bill:
    """What an invoice's payload says: at most 128 bytes (Bot API), and unlike any other."""

    tenant: TenantId
    person: UserId
    plan: Plan
    units: int
    number: str

    def __str__(self) -> str:
        return f"{self.tenant.hex}:{self.person}:{self.plan}:{self.units}:{self.number}"

    @classmethod
    def read(cls, payload: str) -> "Bill | None":
        """None for what is no bill of ours."""
        try:
            tenant, person, plan, units, number = payload.split(":")
            return cls(TenantId(UUID(hex=tenant)), UserId(int(person)), Plan(plan), int(units), number)
        except ValueError:
            return None


class StarsGateway:
    provider = Provider.STARS
    tells_again = False

    def __init__(self, bot: Bot, database: Database, prices: Prices) -> None:
        self._bot = bot
        self._database = database
        self._prices = prices

    async def open_checkout(self, order: Order) -> str:
        bill = Bill(order.tenant, order.person, order.plan, order.units, secrets.token_urlsafe(9))
        stars = self.price(bill)
        if stars is None:
            raise Invalid("Choose one of the plans that are sold.", field="plan")
        title = words("stars.title", plan=order.plan)
        request = CreateInvoiceLink(
            title=title,
            description=words("stars.description", plan=order.plan),
            payload=str(bill),
            currency=STARS.upper(),
            provider_token="",
            prices=[LabeledPrice(label=title, amount=stars)],
            subscription_period=int(PERIOD.total_seconds()),
        )
        return await self._ask(request)

    def price(self, bill: Bill) -> int | None:
        """Stars for a month. None for what is not sold, or for more than one subscription may cost."""
        if STARS not in self._prices.get(bill.plan, {}):
            return None
        stars = total(self._prices, bill.plan, bill.units, STARS)
        return stars if stars <= MOST_STARS else None

    async def change(self, subscription: str, order: Order) -> str | None:
        """Telegram changes no subscription: a higher plan is another one, which ends this one when it is paid."""
        bill = Bill.read(subscription)
        plans = list(Plan)
        if bill is None or plans.index(order.plan) <= plans.index(bill.plan):
            raise Conflict(
                "A subscription in Stars is never made smaller: end it, and choose anew when its month is over.",
                code="stars_only_grow",
            )
        return await self.open_checkout(order)

    async def open_portal(self, customer: str, back: str) -> str:  # noqa: ARG002  # Telegram has none
        raise Invalid("What is paid with Stars is ended in the setup bot, or in Telegram's settings under My Stars.")

    async def renew(self, subscription: str, *, renews: bool) -> None:
        """Whether it goes on when its month is over."""
        payments = await self._payments(subscription)
        first = payments[0]
        await self._ask(
            EditUserStarSubscription(
                user_id=int(first.customer or 0), telegram_payment_charge_id=first.note, is_canceled=not renews
            )
        )
        newest = (await self._facts(subscription))[-1]
        now = datetime.now(UTC)
        ends_at = None if renews else newest.paid_until
        identity = f"stars:change:{secrets.token_hex(12)}"
        await self._note(replace(newest, id=identity, at=now, received_at=now, ends_at=ends_at, note="asked here"))

    async def end(self, subscription: str, *, refund: bool, key: str) -> None:
        payments = await self._payments(subscription)
        if not payments:
            return
        first, last = payments[0], payments[-1]
        person = int(first.customer or 0)
        await self._ask(
            EditUserStarSubscription(user_id=person, telegram_payment_charge_id=first.note, is_canceled=True)
        )
        if refund:
            await self._refund(person, last.note)
        now = datetime.now(UTC)
        ended = replace(last, id=f"{key}:ended", at=now, received_at=now, rank=9, status=Status.ENDED, note="ended")
        await self._note(ended)

    async def _refund(self, person: int, charge: str) -> None:
        try:
            await self._bot(RefundStarPayment(user_id=person, telegram_payment_charge_id=charge))
        except TelegramBadRequest as refused:
            if _REFUNDED_ALREADY not in refused.message:
                raise Invalid("Telegram does not give these Stars back.", code="provider") from refused
        except TelegramAPIError as error:
            raise _away() from error

    async def list_subscriptions(self) -> AsyncIterator[Fact]:
        newest: dict[str, Fact] = {}
        async for fact in self.list_facts():
            known = newest.get(fact.subscription or "")
            if known is None or known.at < fact.at:
                newest[fact.subscription or ""] = fact
        for fact in newest.values():
            yield fact

    async def list_facts(self) -> AsyncIterator[Fact]:
        """All payments that Telegram knows, the oldest first."""
        offset = 0
        while True:
            page = (await self._ask(GetStarTransactions(offset=offset, limit=_PAGE))).transactions
            for found in page:
                source = found.source
                bill = Bill.read(source.invoice_payload or "") if isinstance(source, TransactionPartnerUser) else None
                if bill is not None and isinstance(source, TransactionPartnerUser):
                    yield _paid(bill, source.user, found.id, found.date, found.date + PERIOD)
            if len(page) < _PAGE:
                return
            offset += len(page)

    async def note_payment(self, person: User, payment: SuccessfulPayment, at: datetime) -> None:
        bill = Bill.read(payment.invoice_payload)
        if bill is None:
            return
        until = payment.subscription_expiration_date
        paid_until = at + PERIOD if until is None else datetime.fromtimestamp(until, UTC)
        await self._note(_paid(bill, person, payment.telegram_payment_charge_id, at, paid_until))

    async def note_refund(self, payload: str, charge: str, at: datetime) -> None:
        bill = Bill.read(payload)
        if bill is not None:
            refunded = Fact(f"stars:refund:{charge}", Provider.STARS, Kind.REFUNDED, at, at, bill.tenant, payload)
            await self._note(replace(refunded, note=charge))

    async def note_change(self, change: BotSubscriptionUpdated, update: int) -> None:
        """Ended or taken up again by the person, or not paid when it was due (Bot API 10.2)."""
        facts = await self._facts(change.invoice_payload)
        if not facts or change.state not in _STATES:
            return
        newest, now = facts[-1], datetime.now(UTC)
        ends_at = newest.paid_until if change.state == "canceled" else None
        changed = replace(newest, id=f"stars:update:{update}", at=now, received_at=now, note=change.state)
        await self._note(replace(changed, status=_STATES[change.state], ends_at=ends_at))

    async def _payments(self, subscription: str) -> list[Fact]:
        """The oldest first; `note` is the charge."""
        return [fact for fact in await self._facts(subscription) if fact.id == f"stars:{fact.note}"]

    async def _facts(self, subscription: str) -> list[Fact]:
        async with self._database.fleet() as unit:
            return await read_subscription(unit, Provider.STARS, subscription)

    async def _note(self, fact: Fact) -> None:
        await settle(self._database, fact)

    async def _ask(self, request: TelegramMethod[Answer]) -> Answer:
        try:
            return await self._bot(request)
        except TelegramBadRequest as refused:
            raise Invalid("Telegram does not take this order.", code="provider") from refused
        except TelegramAPIError as error:
            raise _away() from error


def _away() -> Unavailable:
    return Unavailable("Telegram does not answer just now: try again in a minute.", retry_after=_SOON)


def _paid(bill: Bill, person: User, charge: str, at: datetime, paid_until: datetime) -> Fact:
    return Fact(
        id=f"stars:{charge}",
        provider=Provider.STARS,
        kind=Kind.SUBSCRIPTION,
        at=at,
        received_at=at,
        tenant=bill.tenant,
        subscription=str(bill),
        customer=str(person.id),
        rank=2,
        status=Status.ACTIVE,
        plan=bill.plan,
        units=bill.units,
        paid_until=paid_until,
        person=UserId(person.id),
        note=charge,
    )
