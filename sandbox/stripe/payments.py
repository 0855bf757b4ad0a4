"""Payment intents and their charges: money that was asked of a card, and what became of it."""

from sandbox.stripe.account import Account, Thing
from sandbox.stripe.cards import Verdict, verdict
from sandbox.stripe.params import Params
from sandbox.stripe.routes import Route, created_between, getting, listing, matching


def routes() -> list[Route]:
    return [
        listing("/v1/payment_intents", list_intents),
        getting("/v1/payment_intents/{id}", "payment_intent"),
        listing("/v1/charges", list_charges),
        getting("/v1/charges/{id}", "charge"),
    ]


def list_intents(account: Account, params: Params) -> list[Thing]:
    found = matching(account.newest("payment_intent"), customer=params.text("customer"))
    return created_between(found, params)


def list_charges(account: Account, params: Params) -> list[Thing]:
    wanted = {"customer": params.text("customer"), "payment_intent": params.text("payment_intent")}
    return created_between(matching(account.newest("charge"), **wanted), params)


def ask(account: Account, *, customer: str, amount: int, currency: str, description: str) -> Thing:
    """An intent that nobody has paid yet."""
    identity = account.new_id("pi")
    intent = account.add(
        {
            "id": identity,
            "object": "payment_intent",
            "amount": amount,
            "amount_capturable": 0,
            "amount_received": 0,
            "automatic_payment_methods": None,
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": "automatic",
            "client_secret": f"{identity}_secret_{account.new_id('s')[2:]}",
            "confirmation_method": "automatic",
            "created": account.now(customer),
            "currency": currency,
            "customer": customer,
            "description": description,
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "metadata": {},
            "next_action": None,
            "payment_method": None,
            "payment_method_types": ["card"],
            "receipt_email": None,
            "setup_future_usage": "off_session",
            "shipping": None,
            "statement_descriptor": None,
            "status": "requires_payment_method",
        }
    )
    account.emit("payment_intent.created", intent)
    return intent


def attempt(account: Account, intent: Thing, method: Thing, *, present: bool, authenticated: bool = False) -> Verdict:
    """Tries the card once. `present`: whoever owns it is there."""
    said = verdict(method, present=present, authenticated=authenticated)
    intent.update(payment_method=method["id"], next_action=None, last_payment_error=None)
    if said.kind == "asks":
        url = f"{account.base}/authenticate/{intent['id']}"
        intent["status"] = "requires_action"
        intent["next_action"] = {
            "type": "redirect_to_url",
            "redirect_to_url": {"return_url": None, "url": url},
        }
        account.emit("payment_intent.requires_action", intent)
        return said
    charge = _charge(account, intent, method, said)
    intent["latest_charge"] = charge["id"]
    if said.kind == "pays":
        intent.update(status="succeeded", amount_received=intent["amount"])
        account.emit("charge.succeeded", charge)
        account.emit("payment_intent.succeeded", intent)
    else:
        intent.update(status="requires_payment_method", payment_method=None)
        intent["last_payment_error"] = {**card_error(said), "charge": charge["id"], "message": said.message}
        account.emit("charge.failed", charge)
        account.emit("payment_intent.payment_failed", intent)
    return said


def give_up(account: Account, intent: Thing, reason: str) -> None:
    if intent["status"] not in {"succeeded", "canceled"}:
        intent.update(status="canceled", canceled_at=account.now(intent["customer"]), cancellation_reason=reason)
        account.emit("payment_intent.canceled", intent)


def card_error(said: Verdict) -> Thing:
    if said.kind == "asks":
        return {"type": "card_error", "code": "authentication_required", "decline_code": "authentication_required"}
    return {"type": "card_error", "code": said.code, "decline_code": said.decline_code}


def _charge(account: Account, intent: Thing, method: Thing, said: Verdict) -> Thing:
    paid = said.kind == "pays"
    return account.add(
        {
            "id": account.new_id("ch"),
            "object": "charge",
            "amount": intent["amount"],
            "amount_captured": intent["amount"] if paid else 0,
            "amount_refunded": 0,
            "balance_transaction": None,
            "billing_details": method["billing_details"],
            "captured": paid,
            "created": account.now(intent["customer"]),
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": intent["description"],
            "disputed": False,
            "failure_code": None if paid else said.code,
            "failure_message": None if paid else said.message,
            "fraud_details": {},
            "livemode": False,
            "metadata": {},
            "outcome": _outcome(said),
            "paid": paid,
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": {"card": dict(method["card"]), "type": "card"},
            "receipt_url": None,
            "refunded": False,
            "status": "succeeded" if paid else "failed",
        }
    )


def _outcome(said: Verdict) -> Thing:
    paid = said.kind == "pays"
    return {
        "network_status": "approved_by_network" if paid else "declined_by_network",
        "reason": None if paid else said.decline_code,
        "risk_level": "normal",
        "seller_message": "Payment complete." if paid else "The bank did not return any further details.",
        "type": "authorized" if paid else "issuer_declined",
    }
