"""The list of all settings, read off the schema, for whoever shows, documents or checks them.

`model` is the class that declares them: every surface takes it from whoever starts it, so that another one will do.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from tenants.errors import Invalid, NotFound, PlanRequired
from tenants.plans import Plan
from tenants.settings.field import Limit, Setting
from tenants.settings.schema import Settings


@dataclass(frozen=True)
class Entry:
    """One setting. `check` raises `Invalid` or `PlanRequired` with a sentence that says what to do."""

    name: str
    description: str
    default: Any
    setting: Setting
    adapter: TypeAdapter[Any]

    def validate(self, value: Any) -> Any:
        """Within the bounds that hold on every plan."""
        try:
            return self.adapter.validate_python(value, strict=True)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            raise Invalid(f"{self.name}: {_sentence(first)}", field=self.name) from None

    def check(self, value: Any, plan: Plan) -> Any:
        valid = self.validate(value)
        limit = self.setting.limit(plan)
        if limit is not None and not limit.allows(valid):
            raise self._beyond(plan, limit, self.setting.opened_by(valid) or Plan.BUSINESS)
        return valid

    def require_unchanged(self, value: Any, overrides: Mapping[str, Any], plan: Plan) -> None:
        """What is frozen may be said again, and nothing else. None is the default."""
        wanted = self.default if value is None else self.validate(value)
        limit = self.setting.limit(plan)
        if limit is not None and wanted != self.value(overrides, plan):
            raise self._beyond(plan, limit, self.setting.unlimited_on)

    def _beyond(self, plan: Plan, limit: Limit, opened_by: Plan) -> PlanRequired:
        more = "opens it" if limit.is_closed else "allows more"
        sentence = f"{self.name} on the {plan} plan: {limit.describe()}. The {opened_by} plan {more}."
        return PlanRequired(sentence, plan=opened_by)

    def clamp(self, value: Any, plan: Plan) -> Any:
        limit = self.setting.limit(plan)
        return value if limit is None or limit.allows(value) else limit.clamp(value)

    def value(self, overrides: Mapping[str, Any], plan: Plan) -> Any:
        """What counts: what the tenant set or else the default, as far as the plan allows it.

        A stored value that today's schema refuses counts as unset: an old row never stops a tenant. Of a list, the
        items that it takes go on counting: one that another release knew must not open what the rest protects.
        """
        value = self._read(overrides[self.name]) if self.name in overrides else self.default
        return self.clamp(value, plan)

    def _read(self, stored: Any) -> Any:
        try:
            return self.adapter.validate_python(stored)
        except ValidationError:
            kept = [item for item in stored if self._takes([item])] if isinstance(stored, list) else self.default
            return kept if self._takes(kept) else self.default

    def _takes(self, value: Any) -> bool:
        with contextlib.suppress(ValidationError):
            return bool(self.adapter.validate_python(value) is not None)
        return False


def _sentence(error: Any) -> str:
    message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return message[:1].lower() + message[1:].rstrip(".") + "."


def entries(model: type[Settings] = Settings) -> dict[str, Entry]:
    """By name, in the order of the schema."""
    return _entries(model)


@cache
def _entries(model: type[Settings]) -> dict[str, Entry]:
    return {name: _entry(name, field) for name, field in model.model_fields.items()}


def _entry(name: str, field: FieldInfo) -> Entry:
    setting = next(item for item in field.metadata if isinstance(item, Setting))
    constraints = [item for item in field.metadata if not isinstance(item, Setting)]
    annotation: Any = field.annotation
    for constraint in constraints:
        annotation = Annotated[annotation, constraint]
    return Entry(
        name=name,
        description=field.description or "",
        default=field.get_default(call_default_factory=True),
        setting=setting,
        adapter=TypeAdapter(annotation),
    )


def find_entry(name: str, model: type[Settings] = Settings) -> Entry | None:
    return entries(model).get(name.upper())


def get_entry(name: str, model: type[Settings] = Settings) -> Entry:
    entry = find_entry(name, model)
    if entry is None:
        raise NotFound("setting")
    return entry


def effective(overrides: dict[str, Any], plan: Plan) -> Settings:
    """Defaults, then what the tenant set, then what the plan allows of it."""
    return Settings.model_construct(**{name: entry.value(overrides, plan) for name, entry in entries().items()})
