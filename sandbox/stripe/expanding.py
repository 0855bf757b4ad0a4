"""`expand`: ids replaced by what they name, and parts that are only shown when asked for (docs.stripe.com/api/
expanding_objects).
"""

from collections.abc import Callable
from typing import Any

from sandbox.stripe import checkout, invoices
from sandbox.stripe.account import Account, Thing, listed, shown
from sandbox.stripe.refusals import malformed
from sandbox.stripe.routes import matching

_DEEPEST = 4
_NAMED = {
    "charge": "charge",
    "customer": "customer",
    "default_payment_method": "payment_method",
    "default_price": "price",
    "invoice": "invoice",
    "latest_charge": "charge",
    "latest_invoice": "invoice",
    "payment_intent": "payment_intent",
    "payment_method": "payment_method",
    "price": "price",
    "product": "product",
    "subscription": "subscription",
    "test_clock": "test_helpers.test_clock",
}


def render(account: Account, thing: Thing, paths: list[str]) -> Thing:
    """A copy to answer with. Raises `Refusal` for what has no such part."""
    answer: Thing = shown(thing)
    for path in paths:
        steps = path.split(".")
        if len(steps) - (steps[0] == "data") > _DEEPEST:
            raise malformed(f"You cannot expand more than {_DEEPEST} levels of a property.", "expand")
        _expand(account, answer, steps, path)
    return answer


def _expand(account: Account, thing: Any, steps: list[str], path: str) -> None:
    if isinstance(thing, list):
        for one in thing:
            _expand(account, one, steps, path)
        return
    if not steps or thing is None:
        return
    if not isinstance(thing, dict):
        raise malformed(f"This property cannot be expanded ({path}).", "expand")
    first, *rest = steps
    included = _INCLUDED.get((str(thing.get("object")), first))
    value = thing.get(first)
    if included is not None and value is None:
        thing[first] = shown(included(account, thing))
    elif isinstance(value, str) and first in _NAMED:
        thing[first] = shown(_find(account, _NAMED[first], value))
    elif not isinstance(value, dict | list) and not (value is None and first in _NAMED):
        raise malformed(f"This property cannot be expanded ({path}).", "expand")
    _expand(account, thing.get(first), rest, path)


def _find(account: Account, kind: str, identity: str) -> Thing | str:
    deleted = account.find(f"deleted_{kind}", identity)
    return account.find(kind, identity) or deleted or identity


def _payments(account: Account, invoice: Thing) -> Thing:
    return listed(invoices.payments_of(account, invoice), f"/v1/invoice_payments?invoice={invoice['id']}")


def _secret(account: Account, invoice: Thing) -> Thing | None:
    intent = invoices.intent_of(account, invoice)
    return {"client_secret": intent["client_secret"], "type": "payment_intent"} if intent else None


def _options(account: Account, price: Thing) -> Thing:
    options: Thing = account.get("price", price["id"])["_currency_options"]
    return options


def _refunds(account: Account, charge: Thing) -> Thing:
    return listed(matching(account.newest("refund"), charge=charge["id"]), f"/v1/charges/{charge['id']}/refunds")


def _subscriptions(account: Account, customer: Thing) -> Thing:
    found = matching(account.newest("subscription"), customer=customer["id"])
    going = [thing for thing in found if thing["status"] != "canceled"]
    return listed(going, f"/v1/customers/{customer['id']}/subscriptions")


def _line_items(account: Account, session: Thing) -> Thing:
    return checkout.line_items(account, account.get("checkout.session", session["id"]))


_INCLUDED: dict[tuple[str, str], Callable[[Account, Thing], Any]] = {
    ("charge", "refunds"): _refunds,
    ("checkout.session", "line_items"): _line_items,
    ("customer", "subscriptions"): _subscriptions,
    ("invoice", "confirmation_secret"): _secret,
    ("invoice", "payments"): _payments,
    ("price", "currency_options"): _options,
}
