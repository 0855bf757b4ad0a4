"""Deleting a customer, and Stripe's own test clocks: what moves more than one object."""

from sandbox.stripe import cycle
from sandbox.stripe.account import DAY, Account, Thing
from sandbox.stripe.params import Params
from sandbox.stripe.refusals import malformed
from sandbox.stripe.routes import Route, getting, listing

_KEPT = 30 * DAY
_PATH = "/v1/test_helpers/test_clocks"
_KIND = "test_helpers.test_clock"


def routes() -> list[Route]:
    return [
        Route("DELETE", "/v1/customers/{id}", delete_customer),
        Route("POST", _PATH, create_clock),
        listing(_PATH, list_clocks),
        getting(_PATH + "/{id}", _KIND),
        Route("POST", _PATH + "/{id}/advance", advance_clock),
        Route("DELETE", _PATH + "/{id}", delete_clock),
    ]


def delete_customer(account: Account, params: Params, *, id: str) -> Thing:  # noqa: A002
    customer = account.get("customer", id)
    params.done()
    return cycle.forget_customer(account, customer)


def create_clock(account: Account, params: Params) -> Thing:
    frozen, name = params.integer("frozen_time"), params.text("name")
    params.done()
    if frozen is None:
        raise malformed("Missing required param: frozen_time.", "frozen_time", "parameter_missing")
    clock = account.add(
        {
            "id": account.new_id("clock"),
            "object": _KIND,
            "created": account.now(),
            "deletes_after": account.now() + _KEPT,
            "frozen_time": frozen,
            "livemode": False,
            "name": name,
            "status": "ready",
            "status_details": {},
        }
    )
    account.emit("test_helpers.test_clock.created", clock)
    return clock


def list_clocks(account: Account, _: Params) -> list[Thing]:
    return account.newest(_KIND)


def advance_clock(account: Account, params: Params, *, id: str) -> Thing:  # noqa: A002
    """It is ready when the call comes back, where Stripe's own takes a while."""
    clock, moment = account.get(_KIND, id), params.integer("frozen_time")
    params.done()
    if moment is None:
        raise malformed("Missing required param: frozen_time.", "frozen_time", "parameter_missing")
    account.emit("test_helpers.test_clock.advancing", {**clock, "status": "advancing"})
    cycle.advance_clock(account, clock, moment)
    account.emit("test_helpers.test_clock.ready", clock)
    return clock


def delete_clock(account: Account, params: Params, *, id: str) -> Thing:  # noqa: A002
    """Its customers go with it."""
    clock = account.get(_KIND, id)
    params.done()
    for customer in account.newest("customer"):
        if customer["test_clock"] == id:
            cycle.forget_customer(account, customer)
    account.emit("test_helpers.test_clock.deleted", clock)
    return account.remove(clock)
