"""Endpoints of subscriptions."""

import copy

from sandbox.stripe import invoices, standing, subscriptions
from sandbox.stripe.account import Account, Thing
from sandbox.stripe.params import Params, merged
from sandbox.stripe.refusals import Refusal
from sandbox.stripe.routes import Route, created_between, getting, listing, matching
from sandbox.stripe.subscriptions import Change, Wanted

_STATUSES = ("active", "past_due", "unpaid", "canceled", "incomplete", "incomplete_expired", "trialing", "paused")
_BEHAVIOURS = ("allow_incomplete", "default_incomplete", "error_if_incomplete")
_PRORATIONS = ("always_invoice", "create_prorations", "none")


def routes() -> list[Route]:
    return [
        Route("POST", "/v1/subscriptions", create_subscription),
        listing("/v1/subscriptions", list_subscriptions),
        getting("/v1/subscriptions/{id}", "subscription"),
        Route("POST", "/v1/subscriptions/{id}", update_subscription),
        Route("DELETE", "/v1/subscriptions/{id}", cancel_subscription),
        listing("/v1/subscription_items", list_items),
    ]


def list_subscriptions(account: Account, params: Params) -> list[Thing]:
    """Without a status, those that were cancelled are left out (docs.stripe.com/api/subscriptions/list)."""
    status, price = params.choice("status", (*_STATUSES, "all", "ended")), params.text("price")
    found = matching(
        account.newest("subscription"),
        customer=params.text("customer"),
        status=status if status in _STATUSES else None,
        test_clock=params.text("test_clock"),
    )
    if status is None:
        found = [thing for thing in found if thing["status"] != "canceled"]
    elif status == "ended":
        found = [thing for thing in found if thing["status"] in standing.OVER]
    priced = [t for t in found if price is None or price in {i["price"]["id"] for i in t["items"]["data"]}]
    return created_between(priced, params)


def list_items(account: Account, params: Params) -> list[Thing]:
    return list(account.get("subscription", params.need("subscription"), "subscription")["items"]["data"])


def create_subscription(account: Account, params: Params) -> Thing:
    customer = account.get("customer", params.need("customer"), "customer")
    wanted = [_wanted(account, entry) for entry in params.each("items")]
    metadata, method = merged({}, params.metadata()), params.text("default_payment_method")
    behaviour = params.choice("payment_behavior", _BEHAVIOURS, "allow_incomplete")
    currency = params.text("currency") or (wanted[0].price["currency"] if wanted else "")
    params.ignore("off_session", "payment_settings", "collection_method", "billing_mode", "proration_behavior")
    params.done()
    subscriptions.check(account, customer, wanted, currency)
    if method is not None:
        account.get("payment_method", method, "default_payment_method")
    if behaviour == "error_if_incomplete":
        subscriptions.refuse_without_payment(account, customer, None, method)
    made = subscriptions.begin(account, customer, wanted, currency, metadata=metadata, method=method)
    if behaviour != "default_incomplete":
        invoices.collect(account, account.get("invoice", made["latest_invoice"]))
    return made


def update_subscription(account: Account, params: Params, *, id: str) -> Thing:  # noqa: A002
    subscription = account.get("subscription", id, "subscription")
    metadata = merged(subscription["metadata"], params.metadata(), cleared=params.clears("metadata"))
    change = _change(account, subscription, params)
    behaviour = params.choice("payment_behavior", _BEHAVIOURS[::2], "allow_incomplete")
    at_end, method = params.flag("cancel_at_period_end"), params.text("default_payment_method")
    cancel_at, ends = params.integer("cancel_at"), params.has("cancel_at")
    params.ignore("off_session", "payment_settings")
    params.done()
    _may_change(account, subscription, change, method)
    if behaviour == "error_if_incomplete" and change:
        _refuse_unpaid(account, subscription, change)
    with account.changing("customer.subscription.updated", subscription):
        subscription["metadata"] = metadata
        if method is not None:
            subscription["default_payment_method"] = method
        if at_end is not None or ends:
            set_end(account, subscription, at_end=bool(at_end), moment=cancel_at)
        lines, now = _carry_out(account, subscription, change)
    if lines and now:
        charge_change(account, subscription, lines)
    elif lines:
        subscription.setdefault("_pending_lines", []).extend(lines)
    return subscription


def _change(account: Account, subscription: Thing, params: Params) -> Change:
    entries = [(entry.text("id"), entry.flag("deleted"), entry) for entry in params.each("items")]
    return Change(
        changed={name: _changed(account, subscription, name, e) for name, gone, e in entries if name and not gone},
        added=[_wanted(account, entry) for name, _, entry in entries if not name],
        removed={name for name, gone, e in entries if name and gone},
        prorating=params.choice("proration_behavior", _PRORATIONS) or "create_prorations",
    )


def charge_change(account: Account, subscription: Thing, lines: list[Thing]) -> None:
    invoice = invoices.make(account, subscription, lines, "subscription_update")
    invoices.finalize(account, invoice)
    invoices.collect(account, invoice)


def set_end(account: Account, subscription: Thing, *, at_end: bool, moment: int | None = None) -> None:
    """`moment`: when, in seconds since 1970, where it is not the period's end. Neither: it goes on."""
    end = min(item["current_period_end"] for item in subscription["items"]["data"])
    going = at_end or moment is not None
    subscription["cancel_at_period_end"] = at_end
    subscription["cancel_at"] = moment if moment is not None else end if at_end else None
    subscription["canceled_at"] = account.now(subscription["customer"]) if going else None
    subscription["cancellation_details"]["reason"] = "cancellation_requested" if going else None


def _may_change(account: Account, subscription: Thing, change: Change, method: str | None) -> None:
    if subscription["status"] in standing.OVER:
        raise Refusal(
            "A canceled subscription can only update its cancellation_details and metadata.",
            code="invalid_canceled_subscription_fields",
        )
    if len(subscription["items"]["data"]) - len(change.removed) + len(change.added) < 1:
        raise Refusal("A subscription must have at least one active plan.")
    if wanted := change.wanted():
        subscriptions.check(account, None, wanted, subscription["currency"])
    if method is not None:
        account.get("payment_method", method, "default_payment_method")


def _carry_out(account: Account, subscription: Thing, change: Change) -> tuple[list[Thing], bool]:
    """The lines of what it costs, and whether they are asked for at once."""
    if not change:
        return [], False
    before = _interval(subscription["items"]["data"][0]["price"])
    prorated = change.prorating != "none"
    if any(_interval(one.price) != before for one in change.wanted()):
        credit = subscriptions.credit_rest(account, subscription)
        subscriptions.change_items(account, subscription, change)
        subscriptions.restart(account, subscription)
        whole = subscriptions.whole_period(account, subscription)
        return [*(credit if prorated else []), *whole], True
    lines = subscriptions.change_items(account, subscription, change)
    return (lines if prorated else []), change.prorating == "always_invoice"


def _refuse_unpaid(account: Account, subscription: Thing, change: Change) -> None:
    """Tried on a copy: a change that is not paid for is not made."""
    tried = copy.deepcopy(subscription)
    lines, at_once = _carry_out(account, tried, change)
    customer = account.get("customer", subscription["customer"], "customer")
    waiting = [*subscription.get("_pending_lines", []), *lines]
    if at_once and sum(line["amount"] for line in waiting) + customer["balance"] > 0:
        subscriptions.refuse_without_payment(account, customer, subscription, None)


def _interval(price: Thing) -> tuple[str, int]:
    return price["recurring"]["interval"], price["recurring"]["interval_count"]


def cancel_subscription(account: Account, params: Params, *, id: str) -> Thing:  # noqa: A002
    subscription = account.get("subscription", id, "id")
    prorate, invoice_now = params.flag("prorate"), params.flag("invoice_now")
    params.ignore("cancellation_details")
    params.done()
    if subscription["status"] in standing.OVER:
        raise Refusal(f"No such subscription: '{id}'", code="resource_missing", param="id", status=404)
    lines = subscriptions.credit_rest(account, subscription) if prorate else []
    if invoice_now and (lines or subscription.get("_pending_lines")):
        charge_change(account, subscription, lines)
    standing.end(account, subscription, "cancellation_requested")
    return subscription


def _wanted(account: Account, entry: Params) -> Wanted:
    price = account.get("price", entry.need("price"), entry.named("price"))
    quantity = entry.integer("quantity")
    return Wanted(price, 1 if quantity is None else quantity, merged({}, entry.metadata()))


def _changed(account: Account, subscription: Thing, name: str, entry: Params) -> Wanted:
    known = {item["id"]: item for item in subscription["items"]["data"]}
    if name not in known:
        raise Refusal(f"No such subscription item: '{name}'", code="resource_missing", param=entry.named("id"))
    item, price, quantity = known[name], entry.text("price"), entry.integer("quantity")
    return Wanted(
        account.get("price", price, entry.named("price")) if price else item["price"],
        item["quantity"] if quantity is None else quantity,
        merged(item["metadata"], entry.metadata()),
    )
