"""Money that goes back: refunds by us, disputes by the cardholder's bank."""

from sandbox.stripe.account import DAY, Account, Thing
from sandbox.stripe.params import Params, merged
from sandbox.stripe.refusals import Refusal, malformed
from sandbox.stripe.routes import Route, created_between, getting, listing, matching

_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
_ANSWER_WITHIN = 7 * DAY


def routes() -> list[Route]:
    return [
        Route("POST", "/v1/refunds", create_refund),
        listing("/v1/refunds", list_refunds),
        getting("/v1/refunds/{id}", "refund"),
        listing("/v1/disputes", list_disputes),
        getting("/v1/disputes/{id}", "dispute"),
        Route("POST", "/v1/disputes/{id}/close", close_dispute),
    ]


def create_refund(account: Account, params: Params) -> Thing:
    named, intent = params.text("charge"), params.text("payment_intent")
    amount, reason = params.integer("amount", 1), params.choice("reason", _REASONS)
    metadata = merged({}, params.metadata())
    params.done()
    if intent is not None:
        named = account.get("payment_intent", intent, "payment_intent")["latest_charge"]
    if named is None:
        raise malformed("One of the following params should be provided: payment_intent or charge.", "charge")
    return refund(account, account.get("charge", named, "charge"), amount, reason, metadata)


def refund(
    account: Account,
    charge: Thing,
    amount: int | None = None,
    reason: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Thing:
    """All that is left of it, where no amount is named."""
    left = charge["amount_captured"] - charge["amount_refunded"]
    if left <= 0:
        raise Refusal(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if charge["disputed"]:
        raise Refusal(f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")
    if amount is not None and amount > left:
        raise Refusal(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", param="amount"
        )
    made = account.add(
        {
            "id": account.new_id("re"),
            "object": "refund",
            "amount": amount or left,
            "balance_transaction": None,
            "charge": charge["id"],
            "created": account.now(charge["customer"]),
            "currency": charge["currency"],
            "metadata": metadata or {},
            "payment_intent": charge["payment_intent"],
            "reason": reason,
            "receipt_number": None,
            "status": "succeeded",
        }
    )
    refunded = charge["amount_refunded"] + made["amount"]
    previous = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
    charge.update(amount_refunded=refunded, refunded=refunded == charge["amount_captured"])
    account.emit("refund.created", made)
    account.emit("charge.refunded", charge, previous)
    return made


def list_refunds(account: Account, params: Params) -> list[Thing]:
    wanted = {"charge": params.text("charge"), "payment_intent": params.text("payment_intent")}
    return created_between(matching(account.newest("refund"), **wanted), params)


def dispute(account: Account, charge: Thing, reason: str = "fraudulent") -> Thing:
    """The cardholder's bank takes the money back (docs.stripe.com/disputes)."""
    if not charge["paid"] or charge["disputed"]:
        raise Refusal("Only a charge that was paid can be disputed, and only once.")
    now = account.now(charge["customer"])
    made = account.add(
        {
            "id": account.new_id("du"),
            "object": "dispute",
            "amount": charge["amount_captured"] - charge["amount_refunded"],
            "balance_transactions": [],
            "charge": charge["id"],
            "created": now,
            "currency": charge["currency"],
            "enhanced_eligibility_types": [],
            "evidence": {},
            "evidence_details": {
                "due_by": now + _ANSWER_WITHIN,
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
            },
            "is_charge_refundable": False,
            "livemode": False,
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "reason": reason,
            "status": "needs_response",
        }
    )
    charge["disputed"] = True
    account.emit("charge.dispute.created", made)
    account.emit("charge.dispute.funds_withdrawn", made)
    return made


def list_disputes(account: Account, params: Params) -> list[Thing]:
    wanted = {"charge": params.text("charge"), "payment_intent": params.text("payment_intent")}
    return created_between(matching(account.newest("dispute"), **wanted), params)


def close_dispute(account: Account, params: Params, *, id: str) -> Thing:  # noqa: A002
    """Gives it up (docs.stripe.com/api/disputes/close)."""
    found = account.get("dispute", id)
    params.done()
    return settle(account, found, won=False)


def settle(account: Account, found: Thing, *, won: bool) -> Thing:
    if found["status"] in {"won", "lost"}:
        raise Refusal("This dispute is already closed.")
    previous = {"status": found["status"]}
    found["status"] = "won" if won else "lost"
    account.emit("charge.dispute.closed", found, previous)
    if won:
        account.emit("charge.dispute.funds_reinstated", found)
    return found
