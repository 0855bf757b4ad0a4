"""Months go by on the fake Stripe: renewals, cards that fail, changes in the middle of a month, ends."""

from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from sandbox.stripe import cards
from tests.stripe_stage import DAY, HOUR, Listener, Shop


def _item(subscription: Any) -> Any:
    return subscription["items"].data[0]


async def test_a_month_later_it_renews_and_the_invoice_is_a_draft_for_an_hour(stripe_shop: Shop) -> None:
    made = await stripe_shop.subscribe(await stripe_shop.customer())
    ends = _item(made).current_period_end
    stripe_shop.fake.acts.catch_up()
    stripe_shop.fake.advance(seconds=ends - stripe_shop.fake.account.now() + 60)
    renewed = await stripe_shop.subscription(made.id)
    assert (_item(renewed).current_period_start, renewed.status) == (ends, "active")
    draft, _ = await stripe_shop.invoices(made)
    assert (draft.status, draft.billing_reason, draft.amount_due) == ("draft", "subscription_cycle", 1000)
    stripe_shop.fake.advance(hours=1)
    paid, _ = await stripe_shop.invoices(made)
    assert (paid.status, paid.id) == ("paid", draft.id)


async def test_a_card_that_fails_is_tried_again_after_1_3_5_and_7_days_and_then_it_ends(
    stripe_shop: Shop, stripe_listener: Listener
) -> None:
    customer = await stripe_shop.customer("pm_card_visa")
    made = await stripe_shop.subscribe(customer)
    stripe_shop.fake.acts.fail_card(customer.id)
    stripe_shop.fake.advance(seconds=_item(made).current_period_end - stripe_shop.fake.account.now() + HOUR)
    assert (await stripe_shop.subscription(made.id)).status == "past_due"
    waits = []
    for tries in range(1, 5):
        failed = (await stripe_shop.invoices(made))[0]
        assert (failed.status, failed.attempt_count) == ("open", tries)
        wait = int(failed.next_payment_attempt or 0) - stripe_shop.fake.account.now()
        waits.append(round(wait / DAY))
        stripe_shop.fake.advance(seconds=wait)
    assert waits == [1, 3, 5, 7]
    ended = await stripe_shop.subscription(made.id)
    assert (ended.status, ended.cancellation_details.reason) == ("canceled", "payment_failed")
    before = len(await stripe_shop.invoices(made))
    stripe_shop.fake.advance(days=400)
    assert len(await stripe_shop.invoices(made)) == before
    await stripe_shop.fake.webhooks.settled()
    assert stripe_listener.types.count("invoice.payment_failed") == 5
    assert stripe_listener.types[-1] == "customer.subscription.deleted"


@pytest.mark.parametrize(("setting", "status"), [("unpaid", "unpaid"), ("past_due", "past_due")])
async def test_the_settings_say_how_a_subscription_stands_after_the_last_try(
    stripe_shop: Shop, setting: str, status: str
) -> None:
    stripe_shop.fake.acts.change_settings(after_retries=setting, retries=[DAY])
    made = await stripe_shop.subscribe(customer := await stripe_shop.customer())
    stripe_shop.fake.acts.fail_card(customer.id)
    stripe_shop.fake.advance(days=34)
    assert (await stripe_shop.subscription(made.id)).status == status
    stripe_shop.fake.acts.fail_card(customer.id, None)
    stripe_shop.fake.acts.pay_invoice((await stripe_shop.invoices(made))[0].id)
    assert (await stripe_shop.subscription(made.id)).status == "active"


async def test_a_first_payment_that_is_not_finished_in_23_hours_expires(stripe_shop: Shop) -> None:
    made = await stripe_shop.subscribe(await stripe_shop.customer("pm_card_authenticationRequired"))
    assert made.status == "incomplete"
    invoice = await stripe_shop.client.v1.invoices.retrieve_async(
        made.latest_invoice, {"expand": ["payments.data.payment.payment_intent", "confirmation_secret"]}
    )
    intent: Any = invoice.payments.data[0].payment.payment_intent if invoice.payments else None
    assert (intent.status, invoice.status) == ("requires_action", "open")
    stripe_shop.fake.advance(hours=23)
    assert (await stripe_shop.subscription(made.id)).status == "incomplete_expired"
    assert [found.status for found in await stripe_shop.invoices(made)] == ["void"]


async def test_a_declined_card_begins_nothing_where_it_is_asked_to(stripe_shop: Shop) -> None:
    customer = await stripe_shop.customer("pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError) as refused:
        await stripe_shop.subscribe(customer, payment_behavior="error_if_incomplete")
    assert (refused.value.code, refused.value.http_status) == ("card_declined", 402)
    assert refused.value.json_body["error"]["decline_code"] == "generic_decline"
    assert (await stripe_shop.client.v1.subscriptions.list_async({"status": "all"})).data == []


async def test_a_bigger_plan_costs_the_difference_at_once(stripe_shop: Shop) -> None:
    made = await stripe_shop.subscribe(await stripe_shop.customer())
    item = _item(made)
    half = (item.current_period_end - item.current_period_start) // 2
    stripe_shop.fake.advance(seconds=half)
    changed = await stripe_shop.client.v1.subscriptions.update_async(
        made.id,
        {
            "items": [{"id": item.id, "price": stripe_shop.pro.id, "quantity": 2}],
            "proration_behavior": "always_invoice",
            "payment_behavior": "error_if_incomplete",
        },
    )
    assert (_item(changed).price.lookup_key, _item(changed).quantity) == ("pro", 2)
    assert _item(changed).current_period_end == item.current_period_end
    invoice = await stripe_shop.client.v1.invoices.retrieve_async(str(changed.latest_invoice))
    amounts = [line.amount for line in invoice.lines.data]
    assert amounts == [pytest.approx(-500, abs=1), pytest.approx(3000, abs=1)]
    assert (invoice.billing_reason, invoice.status, invoice.total) == ("subscription_update", "paid", sum(amounts))


async def test_a_change_that_the_card_does_not_pay_for_is_not_made(stripe_shop: Shop) -> None:
    made = await stripe_shop.subscribe(customer := await stripe_shop.customer())
    stripe_shop.fake.acts.fail_card(customer.id, "insufficient_funds")
    change: Any = {
        "items": [{"id": _item(made).id, "quantity": 5}],
        "proration_behavior": "always_invoice",
        "payment_behavior": "error_if_incomplete",
    }
    with pytest.raises(stripe.CardError):
        await stripe_shop.client.v1.subscriptions.update_async(made.id, change)
    assert _item(await stripe_shop.subscription(made.id)).quantity == 1
    change["payment_behavior"] = "allow_incomplete"
    changed = await stripe_shop.client.v1.subscriptions.update_async(made.id, change)
    assert (_item(changed).quantity, changed.status) == (5, "past_due")


async def test_a_smaller_plan_leaves_credit_that_the_next_month_uses(stripe_shop: Shop) -> None:
    made = await stripe_shop.subscribe(customer := await stripe_shop.customer(), stripe_shop.pro)
    await stripe_shop.client.v1.subscriptions.update_async(
        made.id,
        {
            "items": [{"id": _item(made).id, "price": stripe_shop.basic.id}],
            "proration_behavior": "always_invoice",
        },
    )
    credit = (await stripe_shop.client.v1.customers.retrieve_async(customer.id)).balance
    assert credit == pytest.approx(-2000, abs=1)
    stripe_shop.fake.advance(days=32)
    paid = (await stripe_shop.invoices(made))[0]
    assert (paid.amount_due, paid.total, paid.status) == (0, 1000, "paid")
    assert paid.ending_balance == (credit or 0) + 1000


async def test_prorations_may_wait_for_the_next_invoice(stripe_shop: Shop) -> None:
    made = await stripe_shop.subscribe(await stripe_shop.customer())
    await stripe_shop.client.v1.subscriptions.update_async(
        made.id, {"items": [{"id": _item(made).id, "quantity": 3}]}
    )
    assert len(await stripe_shop.invoices(made)) == 1
    stripe_shop.fake.advance(days=32)
    renewal = (await stripe_shop.invoices(made))[0]
    assert len(renewal.lines.data) == 3
    assert renewal.amount_paid == sum(line.amount for line in renewal.lines.data) == pytest.approx(5000, abs=2)


async def test_another_interval_begins_a_new_period_now(stripe_shop: Shop) -> None:
    yearly = await stripe_shop.make_price("Yearly", 10_000, "yearly", "year")
    made = await stripe_shop.subscribe(await stripe_shop.customer())
    stripe_shop.fake.advance(days=10)
    changed = await stripe_shop.client.v1.subscriptions.update_async(
        made.id, {"items": [{"id": _item(made).id, "price": yearly.id}]}
    )
    item = _item(changed)
    assert item.current_period_start == changed.billing_cycle_anchor >= made.billing_cycle_anchor + 10 * DAY
    assert item.current_period_end - item.current_period_start >= 365 * DAY


async def test_it_may_end_with_the_period_and_go_on_after_all(stripe_shop: Shop, stripe_listener: Listener) -> None:
    made = await stripe_shop.subscribe(await stripe_shop.customer())
    update = stripe_shop.client.v1.subscriptions.update_async
    ending = await update(made.id, {"cancel_at_period_end": True})
    assert (ending.status, ending.cancel_at) == ("active", _item(made).current_period_end)
    going = await update(made.id, {"cancel_at_period_end": False})
    assert (going.cancel_at, going.canceled_at, going.cancel_at_period_end) == (None, None, False)
    await update(made.id, {"cancel_at_period_end": True})
    stripe_shop.fake.advance(days=32)
    ended = await stripe_shop.subscription(made.id)
    assert (ended.status, ended.ended_at) == ("canceled", _item(made).current_period_end)
    assert len(await stripe_shop.invoices(made)) == 1
    assert (await stripe_shop.client.v1.subscriptions.list_async({})).data == []
    await stripe_shop.fake.webhooks.settled()
    told = [event for event in stripe_listener.events if event.type == "customer.subscription.updated"]
    before = [event.data.previous_attributes.to_dict() for event in told]
    assert [found.get("cancel_at_period_end") for found in before] == [None, False, True, False]
    assert before[0]["status"] == "incomplete"


async def test_it_may_end_at_once_and_nothing_more_of_it_can_change(stripe_shop: Shop) -> None:
    made = await stripe_shop.subscribe(await stripe_shop.customer())
    ended = await stripe_shop.client.v1.subscriptions.cancel_async(made.id, {"prorate": False, "invoice_now": False})
    assert ended.status == "canceled"
    with pytest.raises(stripe.InvalidRequestError, match="canceled subscription can only update"):
        await stripe_shop.client.v1.subscriptions.update_async(made.id, {"cancel_at_period_end": True})
    with pytest.raises(stripe.InvalidRequestError) as twice:
        await stripe_shop.client.v1.subscriptions.cancel_async(made.id)
    assert (twice.value.code, twice.value.http_status) == ("resource_missing", 404)


async def test_one_customer_pays_in_one_currency(stripe_shop: Shop) -> None:
    customer = await stripe_shop.customer()
    in_dollars = await stripe_shop.subscribe(customer, currency="usd")
    assert (await stripe_shop.invoices(in_dollars))[0].amount_paid == 2000
    with pytest.raises(stripe.InvalidRequestError, match="cannot combine currencies"):
        await stripe_shop.subscribe(customer)
    with pytest.raises(stripe.InvalidRequestError, match="only supports"):
        await stripe_shop.subscribe(customer, currency="chf")


async def test_a_month_that_begins_on_the_31st_ends_on_the_last_day_of_a_shorter_one(stripe_shop: Shop) -> None:
    clock = await stripe_shop.client.v1.test_helpers.test_clocks.create_async(
        {"frozen_time": int(datetime(2027, 1, 31, 12, tzinfo=UTC).timestamp())}
    )
    made = await stripe_shop.subscribe(await stripe_shop.customer(test_clock=clock.id))
    ends = []
    for month in (2, 3, 4):
        ends.append(datetime.fromtimestamp(_item(await stripe_shop.subscription(made.id)).current_period_end, UTC))
        moved = await stripe_shop.client.v1.test_helpers.test_clocks.advance_async(
            clock.id, {"frozen_time": int(datetime(2027, month + 1, 1, tzinfo=UTC).timestamp())}
        )
        assert moved.status == "ready"
    assert [(end.month, end.day) for end in ends] == [(2, 28), (3, 31), (4, 30)]
    assert {invoice.status for invoice in await stripe_shop.invoices(made)} == {"paid"}


async def test_money_goes_back_by_a_refund_or_a_dispute(stripe_shop: Shop, stripe_listener: Listener) -> None:
    await stripe_shop.subscribe(customer := await stripe_shop.customer())
    v1 = stripe_shop.client.v1
    charge = (await v1.charges.list_async({"customer": customer.id})).data[0]
    part = await v1.refunds.create_async({"charge": charge.id, "amount": 300})
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        await v1.refunds.create_async({"charge": charge.id, "amount": 701})
    rest = await v1.refunds.create_async({"payment_intent": str(charge.payment_intent)})
    assert (part.amount, rest.amount) == (300, 700)
    with pytest.raises(stripe.InvalidRequestError) as twice:
        await v1.refunds.create_async({"charge": charge.id})
    assert twice.value.code == "charge_already_refunded"
    await stripe_shop.subscribe(other := await stripe_shop.customer())
    second = (await v1.charges.list_async({"customer": other.id})).data[0]
    opened = stripe_shop.fake.acts.dispute(second.id)
    assert (await v1.disputes.retrieve_async(opened["id"])).status == "needs_response"
    assert (await v1.disputes.close_async(opened["id"])).status == "lost"
    await stripe_shop.fake.webhooks.settled()
    assert stripe_listener.types.count("charge.refunded") == 2
    assert stripe_listener.last("charge.refunded").refunded is True
    assert stripe_listener.last("charge.dispute.created").charge == second.id


async def test_a_deleted_customer_takes_its_subscriptions_with_it(
    stripe_shop: Shop, stripe_listener: Listener
) -> None:
    made = await stripe_shop.subscribe(customer := await stripe_shop.customer())
    gone = await stripe_shop.client.v1.customers.delete_async(customer.id)
    assert gone.deleted is True
    found = await stripe_shop.client.v1.customers.retrieve_async(customer.id)
    assert (found.deleted, found.to_dict()) == (True, {"id": customer.id, "object": "customer", "deleted": True})
    ended = await stripe_shop.client.v1.subscriptions.retrieve_async(made.id, {"expand": ["customer"]})
    assert (ended.status, getattr(ended.customer, "deleted", None)) == ("canceled", True)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await stripe_shop.client.v1.customers.update_async(customer.id, {"name": "Ann"})
    assert refused.value.code == "resource_missing"
    stripe_shop.fake.advance(days=100)
    await stripe_shop.fake.webhooks.settled()
    assert stripe_listener.types[-2:] == ["customer.subscription.deleted", "customer.deleted"]


async def test_whoever_does_not_pay_at_checkout_leaves_no_trace(stripe_shop: Shop) -> None:
    session = await stripe_shop.checkout()
    assert stripe_shop.fake.acts.pay(session.id, cards.DECLINED).kind == "declines"
    assert (await stripe_shop.client.v1.subscriptions.list_async({"status": "all"})).data == []
    stripe_shop.fake.advance(days=1)
    expired = await stripe_shop.client.v1.checkout.sessions.retrieve_async(session.id)
    assert (expired.status, expired.url) == ("expired", None)
    other = await stripe_shop.checkout()
    assert (await stripe_shop.client.v1.checkout.sessions.expire_async(other.id)).status == "expired"
