"""Endpoints of invoices and their payments."""

from sandbox.stripe import invoices
from sandbox.stripe.account import Account, Thing
from sandbox.stripe.cards import Verdict
from sandbox.stripe.params import Params, merged
from sandbox.stripe.refusals import Refusal, missing
from sandbox.stripe.routes import Route, created_between, getting, listing, matching

_STATUSES = ("draft", "open", "paid", "uncollectible", "void")


def routes() -> list[Route]:
    return [
        listing("/v1/invoices", list_invoices),
        getting("/v1/invoices/{id}", "invoice"),
        Route("POST", "/v1/invoices/{id}", update_invoice),
        Route("POST", "/v1/invoices/{id}/finalize", finalize_invoice),
        Route("POST", "/v1/invoices/{id}/pay", pay_invoice),
        Route("POST", "/v1/invoices/{id}/void", void_invoice),
        Route("POST", "/v1/invoices/{id}/mark_uncollectible", write_off),
        listing("/v1/invoices/{id}/lines", list_lines),
        listing("/v1/invoice_payments", list_payments),
        getting("/v1/invoice_payments/{id}", "invoice_payment"),
    ]


def list_invoices(account: Account, params: Params) -> list[Thing]:
    found = matching(
        account.newest("invoice"),
        customer=params.text("customer"),
        _subscription=params.text("subscription"),
        status=params.choice("status", _STATUSES),
    )
    return created_between(found, params)


def list_lines(account: Account, _: Params, *, id: str) -> list[Thing]:  # noqa: A002
    return list(account.get("invoice", id, "invoice")["lines"]["data"])


def list_payments(account: Account, params: Params) -> list[Thing]:
    wanted = {"invoice": params.text("invoice"), "status": params.choice("status", ("open", "paid", "canceled"))}
    asked = params.inner("payment")
    intent = asked.text("payment_intent") if asked else None
    if asked:
        asked.choice("type", ("payment_intent",))
    found = matching(account.newest("invoice_payment"), **wanted)
    return [payment for payment in found if intent is None or payment["payment"]["payment_intent"] == intent]


def update_invoice(account: Account, params: Params, *, id: str) -> Thing:  # noqa: A002
    invoice = account.get("invoice", id, "invoice")
    metadata = merged(invoice["metadata"], params.metadata(), cleared=params.clears("metadata"))
    advance = params.flag("auto_advance")
    params.done()
    with account.changing("invoice.updated", invoice):
        invoice["metadata"] = metadata
        if advance is not None:
            invoice["auto_advance"] = advance
    return invoice


def finalize_invoice(account: Account, params: Params, *, id: str) -> Thing:  # noqa: A002
    invoice = account.get("invoice", id, "invoice")
    params.ignore("auto_advance")
    params.done()
    return invoices.finalize(account, invoice)


def pay_invoice(account: Account, params: Params, *, id: str) -> Thing:  # noqa: A002
    """A card that declines is a failure of the request, too (docs.stripe.com/api/invoices/pay)."""
    invoice = account.get("invoice", id, "invoice")
    named, absent = params.text("payment_method"), params.flag("off_session")
    params.done()
    method = account.get("payment_method", named, "payment_method") if named else None
    if method is not None and method["customer"] != invoice["customer"]:
        raise missing("payment_method", str(named), "payment_method")
    if invoice["status"] == "draft":
        invoices.finalize(account, invoice)
    said = invoices.collect(account, invoice, present=absent is False, method=method)
    if said.kind != "pays":
        raise card_refused(said)
    return invoice


def card_refused(said: Verdict) -> Refusal:
    asks = said.kind == "asks"
    return Refusal(
        "Your card was declined. This transaction requires authentication." if asks else said.message,
        status=402 if asks or said.decline_code else 400,
        kind="card_error" if asks or said.decline_code else "invalid_request_error",
        code="subscription_payment_intent_requires_action" if asks else said.code,
        more={"decline_code": said.decline_code} if said.decline_code else None,
    )


def void_invoice(account: Account, params: Params, *, id: str) -> Thing:  # noqa: A002
    params.done()
    return invoices.void(account, account.get("invoice", id, "invoice"))


def write_off(account: Account, params: Params, *, id: str) -> Thing:  # noqa: A002
    invoice = account.get("invoice", id, "invoice")
    params.done()
    if invoice["status"] != "open":
        raise Refusal("You can only mark an open invoice as uncollectible.")
    invoice.update(status="uncollectible", next_payment_attempt=None)
    invoice["status_transitions"]["marked_uncollectible_at"] = account.now(invoice["customer"])
    account.emit("invoice.marked_uncollectible", invoice)
    return invoice
