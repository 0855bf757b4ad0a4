"""The plans, from least to most, and what each one includes that is no setting.

What a plan allows of a setting stands beside the setting.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum


class Plan(StrEnum):
    FREE = "free"
    PRO = "pro"
    BUSINESS = "business"

    def includes(self, other: "Plan") -> bool:
        """Whether whoever pays for this plan has what `other` has."""
        order = list(Plan)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Terms:
    """What one plan includes. `updates_a_day`: updates that are handled, by UTC days; `tolerated_days`: days of a
    month on which more are, too; `broadcasts_a_month`: messages at least, `broadcasts_a_unit` for each unit that is
    paid; `audit_lives`: how long the audit log is kept unless the setting AUDIT_DAYS says so.
    """

    updates_a_day: int
    broadcasts_a_month: int
    audit_lives: timedelta
    tolerated_days: int = 10
    broadcasts_a_unit: int = 0
    has_api: bool = True

    def broadcasts(self, units: int = 1) -> int:
        """Messages that broadcasts may send in a month."""
        return max(self.broadcasts_a_month, units * self.broadcasts_a_unit)


TermsByPlan = Mapping[Plan, Terms]

TERMS: TermsByPlan = {
    Plan.FREE: Terms(updates_a_day=2_500, broadcasts_a_month=500, has_api=False, audit_lives=timedelta(days=30)),
    Plan.PRO: Terms(
        updates_a_day=100_000,
        broadcasts_a_month=5_000,
        broadcasts_a_unit=1_000,
        audit_lives=timedelta(days=365),
    ),
    Plan.BUSINESS: Terms(updates_a_day=1_000_000, broadcasts_a_month=100_000, audit_lives=timedelta(days=365)),
}

API_FROM = next(plan for plan, terms in TERMS.items() if terms.has_api)
"""The least plan with the API."""

AUDIT_LIVES: Mapping[Plan, timedelta] = {plan: terms.audit_lives for plan, terms in TERMS.items()}
"""On the business plan the setting AUDIT_DAYS may say more."""


def with_updates_a_day(limits: Mapping[Plan, int]) -> TermsByPlan:
    """The terms of a deployment that has limits of its own."""
    return {
        plan: replace(terms, updates_a_day=limits.get(plan, terms.updates_a_day)) for plan, terms in TERMS.items()
    }
