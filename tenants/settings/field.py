"""What a setting's field carries beside its type: the words, the way people type it, the commercial rule."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tenants.plans import Plan
from tenants.settings.kinds import Kind


class Limit(Protocol):
    """What a plan allows of a value."""

    def allows(self, value: Any) -> bool: ...

    def clamp(self, value: Any) -> Any:
        """The nearest value that the plan allows. Used, never stored: an upgrade restores what was set."""

    def describe(self) -> str: ...


@dataclass(frozen=True)
class Max:
    limit: int

    def allows(self, value: Any) -> bool:
        return int(value) <= self.limit

    def clamp(self, value: Any) -> Any:
        return min(int(value), self.limit)

    def describe(self) -> str:
        return f"at most {self.limit}"


@dataclass(frozen=True)
class NeverOff:
    instead: str

    def allows(self, value: Any) -> bool:
        return bool(value)

    def clamp(self, value: Any) -> Any:
        return value or self.instead

    def describe(self) -> str:
        return "can't be off"


@dataclass(frozen=True)
class Never:
    """Not on this plan: a list that stays empty."""

    def allows(self, value: Any) -> bool:
        return not value

    def clamp(self, value: Any) -> Any:
        return type(value)()

    def describe(self) -> str:
        return "not included"


@dataclass(frozen=True)
class Frozen:
    """Can't be set on this plan; what was set on another stays in force, for the customers' sake."""

    def allows(self, value: Any) -> bool:
        return not value

    def clamp(self, value: Any) -> Any:
        return value

    def describe(self) -> str:
        return "not included; what is set already stays as it is"


@dataclass(frozen=True)
class Setting:
    title: str
    section: str
    kind: Kind
    example: str
    up_to: Mapping[Plan, Limit] = field(default_factory=dict)

    def limit(self, plan: Plan) -> Limit | None:
        return self.up_to.get(plan)

    def opened_by(self, value: Any) -> Plan | None:
        """The least plan that allows the value."""
        return next((p for p in Plan if (limit := self.limit(p)) is None or limit.allows(value)), None)
