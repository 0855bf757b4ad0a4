"""How a subscription stands follows from its invoices (docs.stripe.com/billing/subscriptions/overview)."""

from sandbox.stripe.account import Account, Thing
from sandbox.stripe.routes import matching

OVER = frozenset({"canceled", "incomplete_expired"})


def set_status(account: Account, subscription: Thing, status: str) -> None:
    with account.changing("customer.subscription.updated", subscription):
        subscription["status"] = status


def after_paid(account: Account, subscription: Thing) -> None:
    """The latest invoice decides: an older one that is paid late leaves the subscription where it is."""
    latest = account.find("invoice", subscription["latest_invoice"])
    if subscription["status"] in {"incomplete", "past_due", "unpaid"} and latest and latest["status"] == "paid":
        set_status(account, subscription, "active")


def after_failed(account: Account, subscription: Thing) -> None:
    if subscription["status"] == "active":
        set_status(account, subscription, "past_due")


def after_last_try(account: Account, subscription: Thing) -> None:
    """As the dashboard's settings have it."""
    if subscription["status"] in OVER or subscription["status"] == "incomplete":
        return
    if account.settings.after_retries == "cancel":
        end(account, subscription, "payment_failed")
    elif account.settings.after_retries == "unpaid":
        set_status(account, subscription, "unpaid")


def end(account: Account, subscription: Thing, reason: str | None) -> None:
    """Over at once. What it still owes is not asked for by itself any more."""
    now = account.now(subscription["customer"])
    subscription.update(status="canceled", ended_at=now, canceled_at=subscription["canceled_at"] or now)
    if reason:
        subscription["cancellation_details"]["reason"] = reason
    for invoice in invoices_of(account, subscription):
        if invoice["status"] in {"draft", "open"}:
            invoice.update(auto_advance=False, next_payment_attempt=None, automatically_finalizes_at=None)
    account.emit("customer.subscription.deleted", subscription)


def invoices_of(account: Account, subscription: Thing) -> list[Thing]:
    return matching(account.newest("invoice"), _subscription=subscription["id"])
