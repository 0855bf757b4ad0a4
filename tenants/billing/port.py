"""What every provider of payments can do for us, whatever it is called there."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from tenants.billing.facts import Fact, Provider
from tenants.ids import TenantId, UserId
from tenants.plans import Plan

Prices = Mapping[Plan, Mapping[str, int]]
"""What a month of a plan costs, by currency (ISO 4217, lower case; XTR for Stars), in its smallest unit. Of the pro
plan it is the price of one unit.
"""


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants to pay for. `key` makes the same first order, sent twice, one order. `customer` is the
    provider's name for whoever pays, where there is one already.
    """

    tenant: TenantId
    person: UserId
    plan: Plan
    units: int
    currency: str
    key: str
    back: str
    customer: str | None = None


class Gateway(Protocol):
    """Raises `Unavailable` where the provider does not answer, `Invalid` for what it does not take."""

    provider: Provider
    tells_again: bool
    """Whether it tells again by itself what did not arrive here."""

    async def open_checkout(self, order: Order) -> str:
        """The address at which a new subscription is paid."""

    async def change(self, subscription: str, order: Order) -> str | None:
        """Another plan or number of units from now on, with the difference paid for the rest of the month: None where
        that is done, else the address at which it is paid. Raises `Conflict` for what the provider can't change so.
        """

    async def open_portal(self, customer: str, back: str) -> str:
        """The address at which whoever pays changes the card, sees invoices, and ends the subscription."""

    async def end(self, subscription: str, *, refund: bool, key: str) -> None:
        """At once: where two were paid for one connection. `refund`: the last payment is given back."""

    def list_facts(self) -> AsyncIterator[Fact]:
        """What the provider has told lately, whether it arrived here or not."""

    def list_subscriptions(self) -> AsyncIterator[Fact]:
        """How each subscription of ours stands there now."""
