"""The plans, from least to most. What each one allows stands beside the thing that it allows."""

from collections.abc import Mapping
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


AUDIT_LIVES: Mapping[Plan, timedelta] = {
    Plan.FREE: timedelta(days=30),
    Plan.PRO: timedelta(days=365),
    Plan.BUSINESS: timedelta(days=365),
}
"""How long the audit log is kept unless the setting AUDIT_DAYS says so; on the business plan it may say more."""
