"""What happens by itself as time goes by: renewals, invoices that are due, cards that are tried again, ends."""

from collections.abc import Callable, Iterator

from sandbox.stripe import invoices, payments, standing, subscriptions
from sandbox.stripe.account import Account, Thing
from sandbox.stripe.periods import period_end
from sandbox.stripe.refusals import Refusal

Due = tuple[int, int, Callable[[Account, Thing], None], Thing]
_RENEWS = frozenset({"active", "past_due", "unpaid"})


def advance(account: Account, moment: int) -> None:
    """Of everything that lives by the account's own clock, to `moment` in seconds since 1970."""
    while due := _first(account, None, moment):
        at, _, act, thing = due
        with account.held_at(at):
            act(account, thing)


def advance_clock(account: Account, clock: Thing, moment: int) -> None:
    """Of the customers of one test clock (docs.stripe.com/billing/testing/test-clocks)."""
    if moment <= clock["frozen_time"]:
        raise Refusal("The new frozen time must be after the current one.", param="frozen_time")
    while due := _first(account, clock["id"], moment):
        at, _, act, thing = due
        clock["frozen_time"] = max(clock["frozen_time"], at)
        act(account, thing)
    clock["frozen_time"] = moment


def _first(account: Account, clock: str | None, latest: int) -> Due | None:
    found = [due for due in _all(account) if due[0] <= latest and account.clock_of(due[3].get("customer")) == clock]
    return min(found, key=lambda due: due[:2], default=None)


def _all(account: Account) -> Iterator[Due]:
    order = 0
    for kind, moments in _KINDS.items():
        for thing in account.things.get(kind, {}).values():
            for at, act in moments(account, thing):
                order += 1
                yield at, order, act, thing


def _of_subscription(account: Account, thing: Thing) -> Iterator[tuple[int, Callable[[Account, Thing], None]]]:
    if thing["status"] == "incomplete":
        yield thing["start_date"] + account.settings.incomplete_for, _expire
    if thing["status"] not in _RENEWS:
        return
    end = min(item["current_period_end"] for item in thing["items"]["data"])
    if thing["cancel_at"] is not None and thing["cancel_at"] <= end:
        yield thing["cancel_at"], _end
    else:
        yield end, _renew


def _of_invoice(_: Account, thing: Thing) -> Iterator[tuple[int, Callable[[Account, Thing], None]]]:
    if thing["status"] == "draft" and thing["auto_advance"] and thing["automatically_finalizes_at"]:
        yield thing["automatically_finalizes_at"], _collect
    if thing["status"] == "open" and thing["auto_advance"] and thing["next_payment_attempt"]:
        yield thing["next_payment_attempt"], _collect


def _of_session(_: Account, thing: Thing) -> Iterator[tuple[int, Callable[[Account, Thing], None]]]:
    if thing["status"] == "open":
        yield thing["expires_at"], expire_session


_KINDS: dict[str, Callable[[Account, Thing], Iterator[tuple[int, Callable[[Account, Thing], None]]]]] = {
    "invoice": _of_invoice,
    "subscription": _of_subscription,
    "checkout.session": _of_session,
}


def _renew(account: Account, subscription: Thing) -> None:
    """A new period begins; its invoice is a draft for a while. Of an unpaid subscription it stays one."""
    items = subscription["items"]["data"]
    subscription["_last_period"] = items[0]["current_period_start"]
    unpaid = subscription["status"] == "unpaid"
    with account.changing("customer.subscription.updated", subscription):
        for item in items:
            start, anchor = item["current_period_end"], subscription["billing_cycle_anchor"]
            item.update(
                current_period_start=start,
                current_period_end=period_end(start, anchor, item["price"]["recurring"]),
            )
        invoice = invoices.make(
            account, subscription, subscriptions.whole_period(account, subscription), "subscription_cycle"
        )
        invoice["auto_advance"] = not unpaid
        if not unpaid:
            invoice["automatically_finalizes_at"] = invoice["created"] + account.settings.draft_for
            invoice["next_payment_attempt"] = invoice["automatically_finalizes_at"]


def _end(account: Account, subscription: Thing) -> None:
    standing.end(account, subscription, "cancellation_requested")


def _expire(account: Account, subscription: Thing) -> None:
    """A first payment that nobody finished in time."""
    with account.changing("customer.subscription.updated", subscription):
        subscription.update(status="incomplete_expired", ended_at=account.now(subscription["customer"]))
    for invoice in standing.invoices_of(account, subscription):
        if invoice["status"] == "open":
            invoices.void(account, invoice)


def _collect(account: Account, invoice: Thing) -> None:
    if invoice["status"] == "draft":
        invoices.finalize(account, invoice)
    intent = invoices.intent_of(account, invoice)
    if intent is not None and intent["status"] == "requires_action":
        intent["status"] = "requires_payment_method"
    invoices.collect(account, invoice)


def expire_session(account: Account, session: Thing) -> None:
    session.update(status="expired", url=None)
    account.emit("checkout.session.expired", session)


def forget_customer(account: Account, customer: Thing) -> Thing:
    """Deletes it for good: its subscriptions end at once (docs.stripe.com/api/customers/delete)."""
    for subscription in account.newest("subscription"):
        if subscription["customer"] == customer["id"] and subscription["status"] not in standing.OVER:
            standing.end(account, subscription, "cancellation_requested")
    for intent in account.newest("payment_intent"):
        if intent["customer"] == customer["id"]:
            payments.give_up(account, intent, "abandoned")
    for session in account.newest("checkout.session"):
        if session["customer"] == customer["id"] and session["status"] == "open":
            expire_session(account, session)
    account.emit("customer.deleted", customer)
    gone = account.remove(customer)
    account.things.setdefault("deleted_customer", {})[customer["id"]] = dict(gone)
    return gone
