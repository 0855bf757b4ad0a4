"""The plans, from least to most. What each one allows stands beside the thing that it allows."""

from enum import StrEnum


class Plan(StrEnum):
    FREE = "free"
    PRO = "pro"
    BUSINESS = "business"

    def includes(self, other: "Plan") -> bool:
        """Whether whoever pays for this plan has what `other` has."""
        order = list(Plan)
        return order.index(self) >= order.index(other)
