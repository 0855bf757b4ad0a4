"""Invoices: made of lines, finalized into an amount, and paid by card, at once or at a later try."""

from typing import Any

from sandbox.stripe import payments, standing
from sandbox.stripe.account import Account, Thing, listed
from sandbox.stripe.cards import Verdict
from sandbox.stripe.customers import paying_method
from sandbox.stripe.refusals import Refusal

_NOTHING = (
    "account_tax_ids",
    "application",
    "automatically_finalizes_at",
    "custom_fields",
    "customer_address",
    "customer_phone",
    "customer_shipping",
    "default_payment_method",
    "default_source",
    "description",
    "due_date",
    "effective_at",
    "footer",
    "from_invoice",
    "hosted_invoice_url",
    "invoice_pdf",
    "last_finalization_error",
    "latest_revision",
    "next_payment_attempt",
    "number",
    "on_behalf_of",
    "receipt_number",
    "rendering",
    "shipping_cost",
    "shipping_details",
    "statement_descriptor",
    "threshold_reason",
    "webhooks_delivered_at",
)
"""What an invoice of the sandbox never has, or not from its beginning."""
_NO_CARD = Verdict(
    "declines", "", "This customer has no attached payment source or default payment method.", "missing"
)


def make_line(
    account: Account,
    subscription: Thing,
    item: Thing,
    amount: int,
    *,
    period: tuple[int, int],
    description: str,
    proration: bool = False,
) -> Thing:
    details: Thing = {
        "invoice_item": None,
        "proration": proration,
        "proration_details": None,
        "subscription": subscription["id"],
        "subscription_item": item["id"],
    }
    price, quantity = item["price"], item["quantity"]
    return {
        "id": account.new_id("il"),
        "object": "line_item",
        "amount": amount,
        "currency": subscription["currency"],
        "description": description,
        "discount_amounts": [],
        "discountable": not proration,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": dict(subscription["metadata"]),
        "parent": {
            "invoice_item_details": None,
            "subscription_item_details": details,
            "type": "subscription_item_details",
        },
        "period": {"start": period[0], "end": period[1]},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": str(price["_currency_options"][subscription["currency"]]["unit_amount"]),
        },
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "subscription": subscription["id"],
        "subtotal": amount,
        "taxes": [],
    }


def make(account: Account, subscription: Thing, lines: list[Thing], reason: str) -> Thing:
    """A draft. What waited for the customer's next invoice comes with it."""
    customer = account.get("customer", subscription["customer"], "customer")
    now, identity = account.now(customer["id"]), account.new_id("in")
    lines = [*subscription.pop("_pending_lines", []), *lines]
    for line in lines:
        line["invoice"] = identity
    total = sum(line["amount"] for line in lines)
    item = subscription["items"]["data"][0]
    invoice = account.add(
        {
            "id": identity,
            "object": "invoice",
            **_amounts(total, customer),
            **_unfinished(),
            "auto_advance": True,
            "billing_reason": reason,
            "created": now,
            "currency": subscription["currency"],
            "customer": customer["id"],
            "customer_email": customer["email"],
            "customer_name": customer["name"],
            "lines": listed(lines, f"/v1/invoices/{identity}/lines"),
            "parent": {
                "quote_details": None,
                "subscription_details": {
                    "metadata": dict(subscription["metadata"]),
                    "subscription": subscription["id"],
                },
                "type": "subscription_details",
            },
            "period_end": item["current_period_start"] if reason == "subscription_cycle" else now,
            "period_start": subscription.get("_last_period", now) if reason == "subscription_cycle" else now,
            "test_clock": customer["test_clock"],
            "_subscription": subscription["id"],
        }
    )
    subscription["latest_invoice"] = identity
    account.emit("invoice.created", invoice)
    return invoice


def _amounts(total: int, customer: Thing) -> Thing:
    due = max(0, total + customer["balance"])
    return {
        "amount_due": due,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_remaining": due,
        "amount_shipping": 0,
        "ending_balance": None,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "starting_balance": customer["balance"],
        "subtotal": total,
        "subtotal_excluding_tax": total,
        "total": total,
        "total_discount_amounts": [],
        "total_excluding_tax": total,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
    }


def _unfinished() -> Thing:
    nothing: dict[str, Any] = dict.fromkeys(_NOTHING)
    transitions = dict.fromkeys(("finalized_at", "marked_uncollectible_at", "paid_at", "voided_at"))
    return {
        **nothing,
        "account_country": "US",
        "account_name": "The sandbox",
        "attempt_count": 0,
        "attempted": False,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None, "status": None},
        "collection_method": "charge_automatically",
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        "default_tax_rates": [],
        "discounts": [],
        "issuer": {"type": "self"},
        "livemode": False,
        "metadata": {},
        "payment_settings": {"default_mandate": None, "payment_method_options": None, "payment_method_types": None},
        "status": "draft",
        "status_transitions": transitions,
    }


def finalize(account: Account, invoice: Thing) -> Thing:
    """From now on its amount is fixed: the customer's credit is used, and the rest is asked for."""
    if invoice["status"] != "draft":
        raise Refusal("This invoice is already finalized, you can't re-finalize a non-draft invoice.")
    customer = account.get("customer", invoice["customer"], "customer")
    now = account.now(customer["id"])
    invoice.update(_amounts(invoice["total"], customer))
    invoice["ending_balance"] = customer["balance"] + invoice["total"] - invoice["amount_due"]
    number = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04}"
    invoice.update(status="open", number=number, effective_at=now, automatically_finalizes_at=None)
    invoice["hosted_invoice_url"] = f"{account.base}/invoice/{invoice['id']}"
    invoice["status_transitions"]["finalized_at"] = now
    with account.changing("customer.updated", customer):
        customer["currency"] = customer["currency"] or invoice["currency"]
        customer["balance"] = invoice["ending_balance"]
        customer["next_invoice_sequence"] += 1
    if invoice["amount_due"] > 0:
        _ask(account, invoice)
    account.emit("invoice.finalized", invoice)
    return invoice


def _ask(account: Account, invoice: Thing) -> None:
    first = invoice["billing_reason"] == "subscription_create"
    intent = payments.ask(
        account,
        customer=invoice["customer"],
        amount=invoice["amount_due"],
        currency=invoice["currency"],
        description="Subscription creation" if first else "Subscription update",
    )
    account.add(
        {
            "id": account.new_id("inpay"),
            "object": "invoice_payment",
            "amount_paid": None,
            "amount_requested": invoice["amount_due"],
            "created": intent["created"],
            "currency": invoice["currency"],
            "invoice": invoice["id"],
            "is_default": True,
            "livemode": False,
            "payment": {"payment_intent": intent["id"], "type": "payment_intent"},
            "status": "open",
            "status_transitions": {"canceled_at": None, "paid_at": None},
        }
    )


def payments_of(account: Account, invoice: Thing) -> list[Thing]:
    return [p for p in account.newest("invoice_payment") if p["invoice"] == invoice["id"]]


def intent_of(account: Account, invoice: Thing) -> Thing | None:
    for payment in payments_of(account, invoice):
        return account.find("payment_intent", payment["payment"]["payment_intent"])
    return None


def collect(
    account: Account,
    invoice: Thing,
    *,
    present: bool = False,
    authenticated: bool = False,
    method: Thing | None = None,
) -> Verdict:
    """Tries to be paid, once. `method` is another card than the usual one."""
    if invoice["status"] != "open":
        raise Refusal(f"Invoice is already {invoice['status']}", code="invoice_not_open")
    intent = intent_of(account, invoice)
    if intent is None:
        _paid(account, invoice)
        return Verdict("pays")
    invoice.update(attempted=True, attempt_count=invoice["attempt_count"] + 1)
    subscription = account.find("subscription", invoice["_subscription"])
    customer = account.get("customer", invoice["customer"], "customer")
    method = method or paying_method(account, customer, subscription)
    if method is None:
        said = _NO_CARD
    else:
        said = payments.attempt(account, intent, method, present=present, authenticated=authenticated)
    if said.kind == "pays":
        _paid(account, invoice)
    else:
        _failed(account, invoice, subscription, said)
    return said


def _paid(account: Account, invoice: Thing) -> None:
    now = account.now(invoice["customer"])
    invoice.update(
        status="paid",
        attempted=True,
        amount_paid=invoice["amount_due"],
        amount_remaining=0,
        next_payment_attempt=None,
        auto_advance=False,
    )
    invoice["status_transitions"]["paid_at"] = now
    for payment in payments_of(account, invoice):
        payment.update(status="paid", amount_paid=payment["amount_requested"])
        payment["status_transitions"]["paid_at"] = now
        account.emit("invoice_payment.paid", payment)
    account.emit("invoice.paid", invoice)
    account.emit("invoice.payment_succeeded", invoice)
    subscription = account.find("subscription", invoice["_subscription"])
    if subscription is not None:
        standing.after_paid(account, subscription)


def _failed(account: Account, invoice: Thing, subscription: Thing | None, said: Verdict) -> None:
    """A renewal is tried again after the settings' delays, and after the last one given up."""
    tries, delays = invoice["attempt_count"], account.settings.retries
    over = subscription is None or subscription["status"] in standing.OVER
    retried = invoice["billing_reason"] != "subscription_create" and not over and tries <= len(delays)
    now = account.now(invoice["customer"])
    invoice["next_payment_attempt"] = now + delays[tries - 1] if retried else None
    if said.kind == "asks":
        account.emit("invoice.payment_action_required", invoice)
    account.emit("invoice.payment_failed", invoice)
    if subscription is None or over:
        return
    standing.after_failed(account, subscription)
    if not retried:
        standing.after_last_try(account, subscription)


def void(account: Account, invoice: Thing) -> Thing:
    """Nobody has to pay it any more, and the credit that it used is there again."""
    if invoice["status"] not in {"open", "uncollectible"}:
        raise Refusal(f"You can only pass in open invoices. This invoice isn't open: it is {invoice['status']}.")
    now = account.now(invoice["customer"])
    customer = account.find("customer", invoice["customer"])
    if customer is not None:
        with account.changing("customer.updated", customer):
            customer["balance"] += invoice["starting_balance"] - invoice["ending_balance"]
    invoice.update(status="void", next_payment_attempt=None, auto_advance=False, amount_remaining=0)
    invoice["status_transitions"]["voided_at"] = now
    intent = intent_of(account, invoice)
    if intent is not None:
        payments.give_up(account, intent, "void_invoice")
    for payment in payments_of(account, invoice):
        payment["status"] = "canceled"
        payment["status_transitions"]["canceled_at"] = now
    account.emit("invoice.voided", invoice)
    return invoice
