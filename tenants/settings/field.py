"""What a setting's field carries beside its type: the words, the way people type it, the commercial rule."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from tenants.phrases import Phrase
from tenants.plans import Plan
from tenants.settings.kinds import Kind


class Limit(Protocol):
    """What a plan allows of a value. `is_closed`: nothing can be set at all."""

    is_closed: ClassVar[bool]

    def allows(self, value: Any) -> bool: ...

    def clamp(self, value: Any) -> Any:
        """The nearest value that the plan allows. Used, never stored: an upgrade restores what was set."""

    def describe(self) -> str: ...


@dataclass(frozen=True)
class Max:
    is_closed: ClassVar[bool] = False
    limit: int

    def allows(self, value: Any) -> bool:
        return int(value) <= self.limit

    def clamp(self, value: Any) -> Any:
        return min(int(value), self.limit)

    def describe(self) -> str:
        return Phrase("at most {count}", count=self.limit)


@dataclass(frozen=True)
class NeverOff:
    is_closed: ClassVar[bool] = False
    instead: str

    def allows(self, value: Any) -> bool:
        return bool(value)

    def clamp(self, value: Any) -> Any:
        return value or self.instead

    def describe(self) -> str:
        return "can't be off"


@dataclass(frozen=True)
class AlwaysEmpty:
    """A list, a mapping or a number that the plan does not have."""

    is_closed: ClassVar[bool] = True

    def allows(self, value: Any) -> bool:
        return not value

    def clamp(self, value: Any) -> Any:
        return type(value)()

    def describe(self) -> str:
        return "not included"


@dataclass(frozen=True)
class Frozen:
    """A list that the plan does not have either; but what was set on a higher plan stays in force, since it protects
    somebody, and can't be changed, neither loosened nor widened.
    """

    is_closed: ClassVar[bool] = True

    def allows(self, value: Any) -> bool:
        return not value

    def clamp(self, value: Any) -> Any:
        return value

    def describe(self) -> str:
        return "not included, and what was set before stays as it is"


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

    @property
    def unlimited_on(self) -> Plan:
        """The least plan that allows everything."""
        return next((plan for plan in Plan if self.limit(plan) is None), Plan.BUSINESS)

    def is_closed(self, plan: Plan) -> bool:
        """Whether there is nothing to set on this plan."""
        limit = self.limit(plan)
        return limit is not None and limit.is_closed

    def is_frozen(self, plan: Plan) -> bool:
        """Whether what is stored stays in force on this plan and can't be changed."""
        return isinstance(self.limit(plan), Frozen)
