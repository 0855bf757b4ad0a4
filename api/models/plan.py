"""What a connection pays, and where to pay."""

from datetime import datetime

from pydantic import BaseModel, Field

from tenants.billing.accounts import Account
from tenants.billing.facts import Provider
from tenants.billing.standing import Reason
from tenants.plans import Plan


class PlanView(BaseModel):
    plan: Plan
    units: int = Field(description="Of the pro plan; 1 on the others.")
    reason: Reason = Field(description="Why this plan counts. `grace`: the payment has failed, a week is left.")
    since: datetime | None = Field(description="Since when it has counted for this reason. Null: from the beginning.")
    provider: Provider | None = Field(description="Where it is paid. Null: nowhere so far.")
    paid_until: datetime | None
    ends_at: datetime | None = Field(description="When a subscription that was ended is over.")


class PayLink(BaseModel):
    url: str = Field(description="A page on which the key's person may pay, for an hour. Whoever has it may, too.")


def plan_view(account: Account) -> PlanView:
    return PlanView(
        plan=account.tenant.plan,
        units=account.units,
        reason=account.reason,
        since=account.since,
        provider=account.provider,
        paid_until=account.paid_until,
        ends_at=account.ends_at,
    )
