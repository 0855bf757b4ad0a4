"""Checkout sessions: a page on which somebody subscribes. The subscription is made once it is paid."""

from sandbox.stripe import customers, cycle, invoices, subscriptions
from sandbox.stripe.account import DAY, HOUR, Account, Thing, listed
from sandbox.stripe.cards import Verdict, verdict
from sandbox.stripe.catalogue import unit_amount
from sandbox.stripe.params import Params, merged
from sandbox.stripe.refusals import Refusal, malformed
from sandbox.stripe.routes import Route, created_between, getting, listing, matching
from sandbox.stripe.subscriptions import Wanted

_PATH = "/v1/checkout/sessions"
_SOONEST = HOUR // 2
_LATEST = DAY
_UNUSED = (
    "allow_promotion_codes",
    "automatic_tax",
    "billing_address_collection",
    "locale",
    "payment_method_collection",
    "payment_method_types",
    "saved_payment_method_options",
    "submit_type",
    "tax_id_collection",
)


def routes() -> list[Route]:
    return [
        Route("POST", _PATH, create_session),
        listing(_PATH, list_sessions),
        getting(_PATH + "/{id}", "checkout.session"),
        listing(_PATH + "/{id}/line_items", list_lines),
        Route("POST", _PATH + "/{id}/expire", expire),
    ]


def list_sessions(account: Account, params: Params) -> list[Thing]:
    found = matching(
        account.newest("checkout.session"),
        customer=params.text("customer"),
        subscription=params.text("subscription"),
        status=params.choice("status", ("open", "complete", "expired")),
    )
    return created_between(found, params)


def list_lines(account: Account, _: Params, *, id: str) -> list[Thing]:  # noqa: A002
    return lines_of(account, account.get("checkout.session", id))


def create_session(account: Account, params: Params) -> Thing:
    params.choice("mode", ("subscription",))
    params.need("mode")
    params.choice("ui_mode", ("hosted", "hosted_page"))
    wanted = _line_items(account, params)
    named, success = params.text("customer"), params.need("success_url")
    currency = params.text("currency") or (wanted[0].price["currency"] if wanted else "")
    asked = params.inner("subscription_data")
    inherited = merged({}, asked.metadata()) if asked else {}
    texts = {name: params.text(name) for name in ("client_reference_id", "customer_email", "cancel_url")}
    metadata, expires = merged({}, params.metadata()), params.integer("expires_at")
    params.ignore(*_UNUSED)
    params.done()
    customer = account.get("customer", named, "customer") if named else None
    if customer and texts["customer_email"]:
        raise malformed("You may only specify one of these parameters: customer, customer_email.", "customer")
    subscriptions.check(account, customer, wanted, currency.lower(), "line_items")
    now = account.now(named)
    if expires is not None and not now + _SOONEST <= expires <= now + _LATEST:
        raise malformed("The `expires_at` timestamp must be between 30 minutes and 24 hours from now.", "expires_at")
    identity = account.new_id("cs_test")
    total = sum(unit_amount(one.price, currency.lower()) * one.quantity for one in wanted)
    return account.add(
        {
            "id": identity,
            "object": "checkout.session",
            **_usual(),
            **texts,
            "amount_subtotal": total,
            "amount_total": total,
            "created": now,
            "currency": currency.lower(),
            "customer": named,
            "customer_creation": None if named else "always",
            "customer_details": {"email": customer["email"], "name": customer["name"]} if customer else None,
            "expires_at": expires or now + _LATEST,
            "metadata": metadata,
            "success_url": success,
            "url": f"{account.base}/pay/{identity}",
            "_items": [{"price": one.price["id"], "quantity": one.quantity} for one in wanted],
            "_metadata": inherited,
        }
    )


def _line_items(account: Account, params: Params) -> list[Wanted]:
    found = []
    for entry in params.each("line_items"):
        quantity = entry.integer("quantity", 1)
        if quantity is None:
            raise malformed("Quantity is required.", entry.named("quantity"), "parameter_missing")
        entry.ignore("adjustable_quantity")
        price = account.get("price", entry.need("price"), entry.named("price"))
        found.append(Wanted(price, quantity))
    return found


def _usual() -> Thing:
    nothing = dict.fromkeys(
        (
            "after_expiration",
            "billing_address_collection",
            "client_secret",
            "collected_information",
            "consent",
            "consent_collection",
            "currency_conversion",
            "invoice",
            "invoice_creation",
            "locale",
            "payment_intent",
            "payment_link",
            "recovered_from",
            "return_url",
            "setup_intent",
            "shipping_address_collection",
            "shipping_cost",
            "submit_type",
            "subscription",
        )
    )
    return {
        **nothing,
        "allow_promotion_codes": None,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "custom_fields": [],
        "custom_text": {},
        "livemode": False,
        "mode": "subscription",
        "payment_method_collection": "always",
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "phone_number_collection": {"enabled": False},
        "shipping_options": [],
        "status": "open",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
    }


def lines_of(account: Account, session: Thing) -> list[Thing]:
    found = []
    for number, entry in enumerate(session["_items"]):
        price = account.get("price", entry["price"])
        amount = unit_amount(price, session["currency"]) * entry["quantity"]
        found.append(
            {
                "id": f"li_{session['id'][8:]}{number}",
                "object": "item",
                "amount_discount": 0,
                "amount_subtotal": amount,
                "amount_tax": 0,
                "amount_total": amount,
                "currency": session["currency"],
                "description": account.get("product", price["product"])["name"],
                "metadata": {},
                "price": price,
                "quantity": entry["quantity"],
            }
        )
    return found


def line_items(account: Account, session: Thing) -> Thing:
    return listed(lines_of(account, session), f"{_PATH}/{session['id']}/line_items")


def expire(account: Account, params: Params, *, id: str) -> Thing:  # noqa: A002
    session = account.get("checkout.session", id)
    params.done()
    if session["status"] != "open":
        raise Refusal(
            f'Only Checkout Sessions with a status in ["open"] can be expired. This one is {session["status"]}.'
        )
    cycle.expire_session(account, session)
    return session


def pay(account: Account, session: Thing, number: str, email: str | None, *, authenticated: bool = False) -> Verdict:
    """What the page does when somebody presses the button. A card that does not pay changes nothing."""
    if session["status"] != "open":
        raise Refusal("This Checkout Session is no longer open.")
    method = customers.make_method(account, number)
    said = verdict(method, present=True, authenticated=authenticated)
    if said.kind != "pays":
        account.remove(method)
        return said
    _complete(account, session, method, email, authenticated=authenticated)
    return said


def _complete(account: Account, session: Thing, method: Thing, email: str | None, *, authenticated: bool) -> None:
    customer = account.find("customer", session["customer"])
    if customer is None:
        customer = customers.make_customer(account, {"email": session["customer_email"] or email}, {})
    customers.attach(account, method["id"], customer)
    wanted = [Wanted(account.get("price", entry["price"]), entry["quantity"]) for entry in session["_items"]]
    subscription = subscriptions.begin(
        account, customer, wanted, session["currency"], metadata=dict(session["_metadata"]), method=method["id"]
    )
    invoice = account.get("invoice", subscription["latest_invoice"])
    invoices.collect(account, invoice, present=True, authenticated=authenticated)
    session.update(
        status="complete",
        payment_status="paid",
        customer=customer["id"],
        customer_details={"email": customer["email"], "name": customer["name"]},
        subscription=subscription["id"],
        invoice=invoice["id"],
        url=None,
    )
    account.emit("checkout.session.completed", session)
