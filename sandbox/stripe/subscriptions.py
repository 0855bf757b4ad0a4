"""Subscriptions: begun, changed with what the change costs, ended."""

from dataclasses import dataclass, field

from sandbox.stripe import invoices, standing
from sandbox.stripe.account import Account, Thing, listed
from sandbox.stripe.cards import verdict
from sandbox.stripe.catalogue import plan_of, unit_amount
from sandbox.stripe.customers import paying_method
from sandbox.stripe.invoice_routes import card_refused
from sandbox.stripe.periods import period_end, share
from sandbox.stripe.refusals import Refusal


@dataclass(slots=True)
class Wanted:
    """One line of what somebody subscribes to."""

    price: Thing
    quantity: int
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Change:
    """Of items: by id what they become, what comes, the ids of what goes, and how it is charged for."""

    changed: dict[str, Wanted]
    added: list[Wanted]
    removed: set[str]
    prorating: str

    def __bool__(self) -> bool:
        return bool(self.changed or self.added or self.removed)

    def wanted(self) -> list[Wanted]:
        return [*self.changed.values(), *self.added]


def check(
    account: Account, customer: Thing | None, wanted: list[Wanted], currency: str, param: str = "items"
) -> None:
    """Raises what Stripe refuses before anything is made."""
    if not wanted:
        raise Refusal(f"Missing required param: {param}.", code="parameter_missing", param=param)
    for one in wanted:
        if one.price["recurring"] is None:
            raise Refusal(
                "The price specified is set to `type=one_time` but this field only accepts prices with "
                "`type=recurring`.",
                param=f"{param}[0][price]",
            )
        if not one.price["active"]:
            raise Refusal("The price specified is inactive. This field only accepts active prices.", param=param)
        unit_amount(one.price, currency)
    if len({(one.price["recurring"]["interval"], one.price["recurring"]["interval_count"]) for one in wanted}) > 1:
        raise Refusal("Currently, all prices of a subscription have to renew together.", param=param)
    if customer and customer["currency"] not in {None, currency} and _goes_on(account, customer):
        raise Refusal(
            "You cannot combine currencies on a single customer. This customer has an active subscription with "
            f"currency {customer['currency']}.",
        )


def _goes_on(account: Account, customer: Thing) -> bool:
    return any(
        s["customer"] == customer["id"] and s["status"] not in standing.OVER for s in account.newest("subscription")
    )


def begin(
    account: Account,
    customer: Thing,
    wanted: list[Wanted],
    currency: str,
    *,
    metadata: dict[str, str],
    method: str | None = None,
) -> Thing:
    """Incomplete, until its first invoice, which is open already, is paid."""
    now, identity = account.now(customer["id"]), account.new_id("sub")
    items = [_item(account, identity, one, now, now) for one in wanted]
    subscription = account.add(
        {
            "id": identity,
            "object": "subscription",
            **_usual(),
            "billing_cycle_anchor": now,
            "created": now,
            "currency": currency,
            "customer": customer["id"],
            "default_payment_method": method,
            "items": listed(items, f"/v1/subscription_items?subscription={identity}"),
            "metadata": metadata,
            "start_date": now,
            "status": "incomplete",
            "test_clock": customer["test_clock"],
        }
    )
    account.emit("customer.subscription.created", subscription)
    invoice = invoices.make(account, subscription, whole_period(account, subscription), "subscription_create")
    invoices.finalize(account, invoice)
    return subscription


def _usual() -> Thing:
    nothing = dict.fromkeys(
        (
            "application",
            "application_fee_percent",
            "billing_cycle_anchor_config",
            "billing_thresholds",
            "cancel_at",
            "canceled_at",
            "days_until_due",
            "default_source",
            "description",
            "ended_at",
            "latest_invoice",
            "next_pending_invoice_item_invoice",
            "on_behalf_of",
            "pause_collection",
            "pending_invoice_item_interval",
            "pending_setup_intent",
            "pending_update",
            "schedule",
            "transfer_data",
            "trial_end",
            "trial_start",
        )
    )
    return {
        **nothing,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible"},
        "cancel_at_period_end": False,
        "cancellation_details": {"comment": None, "feedback": None, "reason": None},
        "collection_method": "charge_automatically",
        "default_tax_rates": [],
        "discounts": [],
        "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
        "livemode": False,
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
    }


def _item(account: Account, subscription: str, wanted: Wanted, start: int, anchor: int) -> Thing:
    return {
        "id": account.new_id("si"),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": start,
        "current_period_end": period_end(start, anchor, wanted.price["recurring"]),
        "current_period_start": start,
        "discounts": [],
        "metadata": wanted.metadata,
        "plan": plan_of(wanted.price),
        "price": wanted.price,
        "quantity": wanted.quantity,
        "subscription": subscription,
        "tax_rates": [],
    }


def amount_of(subscription: Thing, item: Thing) -> int:
    return unit_amount(item["price"], subscription["currency"]) * int(item["quantity"])


def whole_period(account: Account, subscription: Thing) -> list[Thing]:
    """A line for each item, for the period that it is in."""
    return [
        invoices.make_line(
            account,
            subscription,
            item,
            amount_of(subscription, item),
            period=(item["current_period_start"], item["current_period_end"]),
            description=f"{item['quantity']} × {_title(account, item)} (at {_rate(subscription, item)})",
        )
        for item in subscription["items"]["data"]
    ]


def _title(account: Account, item: Thing) -> str:
    product = account.find("product", item["price"]["product"])
    return str(product["name"]) if product else "A product"


def _rate(subscription: Thing, item: Thing) -> str:
    amount = unit_amount(item["price"], subscription["currency"]) / 100
    return f"{subscription['currency'].upper()} {amount:.2f} / {item['price']['recurring']['interval']}"


def change_items(account: Account, subscription: Thing, change: Change) -> list[Thing]:
    """Carries the change out, and gives the lines of what it costs for the rest of the period."""
    now = account.now(subscription["customer"])
    items: list[Thing] = subscription["items"]["data"]
    lines: list[Thing] = []
    for item in [item for item in items if item["id"] in change.changed or item["id"] in change.removed]:
        lines.append(_prorated(account, subscription, item, now, credit=True))
        wanted = change.changed.get(item["id"])
        if wanted is None:
            items.remove(item)
            continue
        item.update(price=wanted.price, plan=plan_of(wanted.price), quantity=wanted.quantity)
        lines.append(_prorated(account, subscription, item, now, credit=False))
    for wanted in change.added:
        start, end = _period(subscription)
        item = _item(account, subscription["id"], wanted, now, now)
        item.update(current_period_start=start, current_period_end=end)
        items.append(item)
        lines.append(_prorated(account, subscription, item, now, credit=False))
    return lines


def restart(account: Account, subscription: Thing) -> None:
    """A new cycle from now on, as when the interval is another one."""
    now = account.now(subscription["customer"])
    subscription["billing_cycle_anchor"] = now
    for item in subscription["items"]["data"]:
        end = period_end(now, now, item["price"]["recurring"])
        item.update(current_period_start=now, current_period_end=end)


def _period(subscription: Thing) -> tuple[int, int]:
    first = subscription["items"]["data"][0]
    return int(first["current_period_start"]), int(first["current_period_end"])


def _prorated(account: Account, subscription: Thing, item: Thing, now: int, *, credit: bool) -> Thing:
    start, end = int(item["current_period_start"]), int(item["current_period_end"])
    rest = share(amount_of(subscription, item), now, start, end)
    title = f"{item['quantity']} × {_title(account, item)}"
    return invoices.make_line(
        account,
        subscription,
        item,
        -rest if credit else rest,
        period=(now, end),
        description=f"Unused time on {title}" if credit else f"Remaining time on {title}",
        proration=True,
    )


def credit_rest(account: Account, subscription: Thing) -> list[Thing]:
    now = account.now(subscription["customer"])
    return [_prorated(account, subscription, item, now, credit=True) for item in subscription["items"]["data"]]


def refuse_without_payment(account: Account, customer: Thing, subscription: Thing | None, method: str | None) -> None:
    """`error_if_incomplete`: nothing is changed unless the card pays, so it is asked first."""
    card = account.find("payment_method", method) or paying_method(account, customer, subscription)
    if card is None:
        raise Refusal(
            "This customer has no attached payment source or default payment method.", code="resource_missing"
        )
    said = verdict(card, present=False)
    if said.kind != "pays":
        raise card_refused(said)
