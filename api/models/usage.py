"""How much of its plan a connection has used."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field

from tenants.plans import Plan
from tenants.usage.reading import Usage


class UsageDay(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    day: date = Field(description="By UTC.")
    updates: int = Field(description="Updates of the bot's that were handled on this day.")
    allowed: int = Field(description="How many the day allowed.")
    is_over: bool


class UsageView(BaseModel):
    """Today and this month, by UTC. Days on which nothing came are left out."""

    plan: Plan
    updates: int = Field(description="Of the bot's, handled today.")
    allowed: int = Field(description="Updates that today allows.")
    tolerated_days: int = Field(description="Days of a month that may go over.")
    tolerated_days_used: int = Field(description="Days of this month that did, today among them.")
    waiting: int = Field(description="Updates that are kept until there is room: the next day, or a bigger plan.")
    turns_at: datetime = Field(description="When the next day begins.")
    days: list[UsageDay]


def usage_view(usage: Usage) -> UsageView:
    allotment = usage.allotment
    return UsageView(
        plan=usage.plan,
        updates=allotment.used,
        allowed=allotment.allowed,
        tolerated_days=allotment.tolerated,
        tolerated_days_used=allotment.tolerated_used,
        waiting=usage.waiting,
        turns_at=usage.turns_at,
        days=[UsageDay.model_validate(day) for day in usage.days],
    )
