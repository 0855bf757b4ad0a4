"""The billing portal: whoever pays changes the card, ends the subscription, goes on with it, sees invoices."""

from sandbox.stripe import customers, invoices, standing
from sandbox.stripe.account import Account, Thing
from sandbox.stripe.cards import Verdict, verdict
from sandbox.stripe.params import Params
from sandbox.stripe.refusals import Refusal
from sandbox.stripe.routes import Route, matching
from sandbox.stripe.subscription_routes import set_end

_KIND = "billing_portal.session"


def routes() -> list[Route]:
    return [Route("POST", "/v1/billing_portal/sessions", create_session)]


def create_session(account: Account, params: Params) -> Thing:
    customer = account.get("customer", params.need("customer"), "customer")
    back = params.text("return_url")
    params.ignore("locale", "configuration")
    params.done()
    identity = account.new_id("bps")
    return account.add(
        {
            "id": identity,
            "object": _KIND,
            "configuration": "bpc_sandbox",
            "created": account.now(customer["id"]),
            "customer": customer["id"],
            "flow": None,
            "livemode": False,
            "locale": None,
            "on_behalf_of": None,
            "return_url": back,
            "url": f"{account.base}/portal/{identity}",
        }
    )


def subscriptions_of(account: Account, session: Thing) -> list[Thing]:
    return matching(account.newest("subscription"), customer=session["customer"])


def find_own(account: Account, session: Thing, subscription: str) -> Thing:
    """Raises where it is somebody else's, or over."""
    found = account.get("subscription", subscription)
    if found["customer"] != session["customer"] or found["status"] in standing.OVER:
        raise Refusal("This subscription is not yours, or is over.", status=404)
    return found


def end_or_resume(account: Account, session: Thing, subscription: str, *, ends: bool) -> None:
    found = find_own(account, session, subscription)
    with account.changing("customer.subscription.updated", found):
        set_end(account, found, at_end=ends)


def change_card(account: Account, session: Thing, number: str, *, authenticated: bool = False) -> Verdict:
    """A card that is declined, or whose owner is not asked yet, changes nothing."""
    customer = account.get("customer", session["customer"])
    method = customers.make_method(account, number)
    said = verdict(method, present=True, authenticated=authenticated)
    if said.kind != "pays":
        account.remove(method)
        return said
    customers.attach(account, method["id"], customer)
    with account.changing("customer.updated", customer):
        customer["invoice_settings"]["default_payment_method"] = method["id"]
    for subscription in subscriptions_of(account, session):
        if subscription["status"] not in standing.OVER:
            with account.changing("customer.subscription.updated", subscription):
                subscription["default_payment_method"] = method["id"]
    return said


def pay_open(account: Account, invoice: Thing, number: str | None, *, authenticated: bool = False) -> Verdict:
    """On an invoice's own page: with the card that is known, or with another one, by its number."""
    customer = account.get("customer", invoice["customer"])
    method = None
    if number is not None:
        method = customers.make_method(account, number)
        customers.attach(account, method["id"], customer)
    return invoices.collect(account, invoice, present=True, authenticated=authenticated, method=method)
