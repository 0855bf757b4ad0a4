"""Customers and their cards."""

from sandbox.stripe.account import Account, Thing
from sandbox.stripe.cards import BY_TOKEN, CARDS
from sandbox.stripe.params import Params, merged
from sandbox.stripe.refusals import Refusal, malformed
from sandbox.stripe.routes import Route, created_between, getting, listing, matching

_TEXTS = ("email", "name", "phone", "description")
_EXPIRES = {"exp_month": 12, "exp_year": 2034}


def routes() -> list[Route]:
    return [
        Route("POST", "/v1/customers", create_customer),
        listing("/v1/customers", list_customers),
        Route("GET", "/v1/customers/{id}", get_customer),
        Route("POST", "/v1/customers/{id}", update_customer),
        listing("/v1/customers/{id}/payment_methods", list_own_methods),
        Route("POST", "/v1/payment_methods", create_method),
        listing("/v1/payment_methods", list_methods),
        getting("/v1/payment_methods/{id}", "payment_method"),
        Route("POST", "/v1/payment_methods/{id}/attach", attach_method),
        Route("POST", "/v1/payment_methods/{id}/detach", detach_method),
    ]


def create_customer(account: Account, params: Params) -> Thing:
    given = {name: params.text(name) for name in _TEXTS}
    metadata, clock = merged({}, params.metadata()), params.text("test_clock")
    balance, method = params.integer("balance", -(10**9)), params.text("payment_method")
    default = _default_method(params)
    params.ignore("preferred_locales", "tax_exempt", "address")
    params.done()
    if clock is not None:
        account.get("test_helpers.test_clock", clock, "test_clock")
    customer = make_customer(account, given, metadata, clock)
    customer["balance"] = balance or 0
    for chosen in filter(None, (method, default)):
        attached = attach(account, chosen, customer)
        if default:
            customer["invoice_settings"]["default_payment_method"] = attached["id"]
    return customer


def make_customer(
    account: Account, given: dict[str, str | None], metadata: dict[str, str], clock: str | None = None
) -> Thing:
    identity = account.new_id("cus")
    customer = account.add(
        {
            "id": identity,
            "object": "customer",
            "address": None,
            "balance": 0,
            "created": account.now(),
            "currency": None,
            "default_source": None,
            "delinquent": False,
            "description": given.get("description"),
            "discount": None,
            "email": given.get("email"),
            "invoice_prefix": identity[-8:].upper(),
            "invoice_settings": {
                "custom_fields": None,
                "default_payment_method": None,
                "footer": None,
                "rendering_options": None,
            },
            "livemode": False,
            "metadata": metadata,
            "name": given.get("name"),
            "next_invoice_sequence": 1,
            "phone": given.get("phone"),
            "preferred_locales": [],
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": clock,
        }
    )
    customer["created"] = account.now(identity)
    account.emit("customer.created", customer)
    return customer


def get_customer(account: Account, params: Params, *, id: str) -> Thing:  # noqa: A002
    """A deleted one is still found, and says no more than that it is deleted."""
    params.done()
    gone = account.find("deleted_customer", id)
    return {"id": id, "object": "customer", "deleted": True} if gone else account.get("customer", id)


def update_customer(account: Account, params: Params, *, id: str) -> Thing:  # noqa: A002
    customer = account.get("customer", id)
    given = {name: params.text(name) for name in _TEXTS if params.has(name)}
    metadata = merged(customer["metadata"], params.metadata(), cleared=params.clears("metadata"))
    balance, default = params.integer("balance", -(10**9)), _default_method(params)
    params.ignore("preferred_locales", "tax_exempt", "address")
    params.done()
    with account.changing("customer.updated", customer):
        customer.update(given, metadata=metadata)
        if balance is not None:
            customer["balance"] = balance
        if default is not None:
            _own(account, default, customer)
            customer["invoice_settings"]["default_payment_method"] = default
    return customer


def list_customers(account: Account, params: Params) -> list[Thing]:
    found = matching(account.newest("customer"), email=params.text("email"), test_clock=params.text("test_clock"))
    return created_between(found, params)


def create_method(account: Account, params: Params) -> Thing:
    params.choice("type", ("card",))
    params.need("type")
    card = params.inner("card")
    if card is None:
        raise malformed("Missing required param: card.", "card", "parameter_missing")
    number = card.need("number").replace(" ", "")
    card.ignore("exp_month", "exp_year", "cvc")
    metadata = merged({}, params.metadata())
    params.ignore("billing_details")
    params.done()
    return make_method(account, number, metadata)


def make_method(account: Account, number: str, metadata: dict[str, str] | None = None) -> Thing:
    """Of an invented card: any other number is wrong, so that nobody types a card of their own."""
    if number not in CARDS:
        raise Refusal(
            "Your card number is incorrect.", status=402, kind="card_error", code="incorrect_number", param="number"
        )
    return account.add(
        {
            "id": account.new_id("pm"),
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": {"address": None, "email": None, "name": None, "phone": None},
            "card": {
                "brand": "visa",
                "country": "US",
                **_EXPIRES,
                "funding": "credit",
                "last4": number[-4:],
                "display_brand": "visa",
            },
            "created": account.now(),
            "customer": None,
            "livemode": False,
            "metadata": metadata or {},
            "type": "card",
            "_number": number,
            "_fails": None,
        }
    )


def attach(account: Account, name: str, customer: Thing) -> Thing:
    """`name` is a payment method's id, or one of the well-known ones that stand for a card."""
    token = BY_TOKEN.get(name)
    method = make_method(account, token.number) if token else account.get("payment_method", name, "payment_method")
    if method["customer"] not in {None, customer["id"]}:
        raise Refusal(
            "The payment method you provided has already been attached to a customer.",
            code="payment_method_unexpected_state",
        )
    if method["customer"] is None:
        method["customer"] = customer["id"]
        account.emit("payment_method.attached", method)
    return method


def attach_method(account: Account, params: Params, *, id: str) -> Thing:  # noqa: A002
    customer = params.need("customer")
    params.done()
    return attach(account, id, account.get("customer", customer, "customer"))


def detach_method(account: Account, params: Params, *, id: str) -> Thing:  # noqa: A002
    method = account.get("payment_method", id, "payment_method")
    params.done()
    customer = account.find("customer", method["customer"])
    if customer is None:
        raise Refusal("The payment method you provided is not attached to a customer so detachment is impossible.")
    if customer["invoice_settings"]["default_payment_method"] == id:
        with account.changing("customer.updated", customer):
            customer["invoice_settings"]["default_payment_method"] = None
    for subscription in matching(account.newest("subscription"), default_payment_method=id):
        subscription["default_payment_method"] = None
    method["customer"] = None
    account.emit("payment_method.detached", method, {"customer": customer["id"]})
    return method


def list_methods(account: Account, params: Params) -> list[Thing]:
    params.choice("type", ("card",))
    return matching(account.newest("payment_method"), customer=params.need("customer"))


def list_own_methods(account: Account, params: Params, *, id: str) -> list[Thing]:  # noqa: A002
    params.choice("type", ("card",))
    return matching(account.newest("payment_method"), customer=account.get("customer", id)["id"])


def paying_method(account: Account, customer: Thing, subscription: Thing | None) -> Thing | None:
    """The subscription's own, or the customer's."""
    chosen = subscription["default_payment_method"] if subscription else None
    return account.find("payment_method", chosen or customer["invoice_settings"]["default_payment_method"])


def _default_method(params: Params) -> str | None:
    asked = params.inner("invoice_settings")
    return asked.text("default_payment_method") if asked else None


def _own(account: Account, method: str, customer: Thing) -> None:
    if account.get("payment_method", method, "payment_method")["customer"] != customer["id"]:
        raise Refusal(
            f"The customer does not have a payment method with the ID {method}. "
            "The payment method must be attached to the customer.",
            code="resource_missing",
            param="invoice_settings[default_payment_method]",
        )
