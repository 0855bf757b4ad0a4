"""Whatever anybody does on the fake Stripe, in whatever order: its books balance, and each event arrives."""

from collections import Counter
from typing import Any

import stripe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.stripe import cards
from sandbox.stripe.refusals import Refusal
from sandbox.stripe.server import FakeStripe
from tests.stripe_stage import Shop, a_client, a_listener

_TOKENS = sorted(cards.BY_TOKEN)
_NUMBERS = sorted(cards.CARDS)
_WHICH = st.integers(0, 5)
_PRORATIONS = ["always_invoice", "create_prorations", "none"]
_BEHAVIOURS = ["allow_incomplete", "error_if_incomplete"]

_OPERATIONS = st.one_of(
    st.tuples(st.just("subscribe"), st.sampled_from(_TOKENS), st.integers(1, 4), st.sampled_from(_BEHAVIOURS)),
    st.tuples(st.just("checkout"), st.sampled_from(_NUMBERS)),
    st.tuples(
        st.just("change"), _WHICH, st.integers(0, 4), st.sampled_from(_PRORATIONS), st.sampled_from(_BEHAVIOURS)
    ),
    st.tuples(st.just("advance"), st.sampled_from([0.01, 1, 3, 15, 31, 70])),
    st.tuples(st.just("end"), _WHICH, st.booleans()),
    st.tuples(st.just("cancel"), _WHICH, st.booleans()),
    st.tuples(st.just("card"), _WHICH, st.sampled_from([None, "expired_card"])),
    st.tuples(st.just("pay"), _WHICH),
    st.tuples(st.just("refund"), _WHICH, st.integers(1, 2000)),
    st.tuples(st.just("dispute"), _WHICH),
    st.tuples(st.just("delete"), _WHICH),
    st.tuples(st.just("faults"), st.sampled_from([{}, {"dropping": True}, {"duplicates": 2}, {"reorder": 3}])),
)


class Play:
    """Carries operations out through the library, and through the control where Stripe has no call for it."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._v1 = shop.client.v1
        self._acts = shop.fake.acts

    async def do(self, operation: tuple[Any, ...]) -> None:
        name, *given = operation
        try:
            await getattr(self, f"do_{name}")(*given)
        except (stripe.InvalidRequestError, stripe.CardError, Refusal):
            return  # what it refuses, it may refuse; a mistake of its own is an APIError

    def _one(self, kind: str, which: int) -> Any:
        found = self._shop.fake.account.newest(kind)
        if not found:
            raise Refusal("There is none.")
        return found[which % len(found)]

    async def do_subscribe(self, card: str, quantity: int, behaviour: str) -> None:
        customer = await self._shop.customer(card)
        await self._shop.subscribe(customer, quantity=quantity, payment_behavior=behaviour)

    async def do_checkout(self, number: str) -> None:
        self._acts.pay((await self._shop.checkout()).id, number)

    async def do_change(self, which: int, quantity: int, proration: Any, behaviour: Any) -> None:
        found = self._one("subscription", which)
        await self._v1.subscriptions.update_async(
            found["id"],
            {
                "items": [
                    {"id": found["items"]["data"][0]["id"], "price": self._shop.pro.id, "quantity": quantity},
                ],
                "proration_behavior": proration,
                "payment_behavior": behaviour,
            },
        )

    async def do_advance(self, days: float) -> None:
        self._shop.fake.advance(days=days)

    async def do_end(self, which: int, ends: bool) -> None:
        found = self._one("subscription", which)
        await self._v1.subscriptions.update_async(found["id"], {"cancel_at_period_end": ends})

    async def do_cancel(self, which: int, credit: bool) -> None:
        found = self._one("subscription", which)
        await self._v1.subscriptions.cancel_async(found["id"], {"prorate": credit, "invoice_now": credit})

    async def do_card(self, which: int, code: str | None) -> None:
        self._acts.fail_card(self._one("customer", which)["id"], code)

    async def do_pay(self, which: int) -> None:
        await self._v1.invoices.pay_async(self._one("invoice", which)["id"])

    async def do_refund(self, which: int, amount: int) -> None:
        await self._v1.refunds.create_async({"charge": self._one("charge", which)["id"], "amount": amount})

    async def do_dispute(self, which: int) -> None:
        self._acts.dispute(self._one("charge", which)["id"])

    async def do_delete(self, which: int) -> None:
        await self._v1.customers.delete_async(self._one("customer", which)["id"])

    async def do_faults(self, faults: dict[str, Any]) -> None:
        self._shop.fake.webhooks.set_faults(**faults)


async def _all(listing: Any) -> list[Any]:
    return [one async for one in listing.auto_paging_iter()]


async def _judge(client: stripe.StripeClient) -> None:
    invoices = await _all(await client.v1.invoices.list_async({"limit": 100, "expand": ["data.payments"]}))
    subscriptions = await _all(await client.v1.subscriptions.list_async({"limit": 100, "status": "all"}))
    charges = await _all(await client.v1.charges.list_async({"limit": 100}))
    for invoice in invoices:
        _judge_invoice(invoice)
    for subscription in subscriptions:
        own = [i for i in invoices if i.parent.subscription_details.subscription == subscription.id]
        _judge_subscription(subscription, own)
    paid: Counter[str] = Counter()
    for charge in charges:
        paid[str(charge.customer)] += charge.amount_captured
        assert charge.amount_refunded <= charge.amount_captured <= charge.amount
        assert charge.refunded is (0 < charge.amount_captured == charge.amount_refunded)
    for invoice in invoices:
        paid[str(invoice.customer)] -= invoice.amount_paid
    assert set(paid.values()) <= {0}, "what was charged is what invoices were paid with"
    for customer in await _all(await client.v1.customers.list_async({"limit": 100})):
        fixed = [i for i in invoices if i.customer == customer.id and i.status not in {"draft", "void"}]
        assert customer.balance == sum(i.total - i.amount_due for i in fixed), "credit is neither lost nor made"


def _judge_invoice(invoice: Any) -> None:
    assert invoice.total == sum(line.amount for line in invoice.lines.data)
    assert invoice.amount_due == max(0, invoice.total + invoice.starting_balance)
    if invoice.status == "paid":
        assert (invoice.amount_paid, invoice.amount_remaining) == (invoice.amount_due, 0)
        assert sum(payment.amount_paid for payment in invoice.payments.data) == invoice.amount_paid
    else:
        assert invoice.amount_paid == 0


def _judge_subscription(subscription: Any, invoices: list[Any]) -> None:
    over = subscription.status in {"canceled", "incomplete_expired"}
    assert over is (subscription.ended_at is not None)
    if over:
        assert all(invoice.created <= subscription.ended_at for invoice in invoices)
        assert all(invoice.next_payment_attempt is None for invoice in invoices)
    renewals = [i for i in invoices if i.billing_reason in {"subscription_create", "subscription_cycle"}]
    periods = sorted((line.period.start, line.period.end) for i in renewals for line in _whole(i))
    assert [end for _, end in periods[:-1]] == [start for start, _ in periods[1:]], "no day is paid twice or never"


def _whole(invoice: Any) -> list[Any]:
    return [line for line in invoice.lines.data if not line.parent.subscription_item_details.proration]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_OPERATIONS, min_size=1, max_size=14))
async def test_the_books_balance_and_every_event_arrives(operations: list[tuple[Any, ...]]) -> None:
    async with FakeStripe() as fake, a_client(fake) as client, a_listener() as listener:
        listener.secret = fake.add_endpoint(listener.url)["secret"]
        play = Play(await Shop(fake, client).open())
        for operation in operations:
            await play.do(operation)
        await _judge(client)
        fake.webhooks.clear_faults()
        await fake.webhooks.settled()
        told = await _all(await client.v1.events.list_async({"limit": 100}))
        assert {event.id for event in told} <= set(listener.ids)
        assert {event.pending_webhooks for event in told} <= {0}
