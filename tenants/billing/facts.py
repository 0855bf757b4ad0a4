"""What a provider of payments told, in words of our own: all that a plan follows from, and nothing else of it.

A fact is stored once and never changed. Facts come in any order and after any delay; `at` is the provider's own time.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tenants.ids import TenantId, UserId
from tenants.plans import Plan


class Provider(StrEnum):
    STRIPE = "stripe"
    STARS = "stars"
    OPERATOR = "operator"
    """Whoever runs this deployment."""


class Kind(StrEnum):
    SUBSCRIPTION = "subscription"
    """How a subscription stands."""
    GRANTED = "granted"
    """A plan without a payment, until the next grant."""
    PAID = "paid"
    PAYMENT_FAILED = "payment_failed"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    CUSTOMER_DELETED = "customer_deleted"
    OTHER = "other"
    """Told, and of no consequence."""


class Status(StrEnum):
    """Of a subscription, in Stripe's words (docs.stripe.com/api/subscriptions/object), the last ones as one."""

    INCOMPLETE = "incomplete"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Fact:
    """`id` is the provider's, so that the same fact is stored once. `rank` orders facts of one second: what comes
    later in a subscription's life has the higher one, and of the same rank each names the state that it changed:
    `before`, as `after` has it. `plan` is None where nothing of ours is subscribed to.
    `person` is whoever ordered it.
    `ends_at`: a subscription that was cancelled, but is paid until then.
    """

    id: str
    provider: Provider
    kind: Kind
    at: datetime
    received_at: datetime
    tenant: TenantId | None = None
    subscription: str | None = None
    customer: str | None = None
    rank: int = 0
    status: Status | None = None
    plan: Plan | None = None
    units: int = 1
    paid_until: datetime | None = None
    ends_at: datetime | None = None
    person: UserId | None = None
    before: str | None = None
    note: str = ""

    @property
    def after(self) -> str:
        return describe_state(self.status, self.plan, self.units, self.ends_at)


def describe_state(status: Status | None, plan: Plan | None, units: int, ends_at: datetime | None) -> str:
    return f"{status} {plan} {units} {'-' if ends_at is None else int(ends_at.timestamp())}"
