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
from tenants.phrases import Phrase
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
            raise Invalid(
                Phrase("{name}: {problem}", name=self.name, problem=_sentence(first)), field=self.name
            ) from None

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
        opens = "{name} on the {plan} plan: {limit}. The {higher} plan opens it."
        allows = "{name} on the {plan} plan: {limit}. The {higher} plan allows more."
        sentence = opens if limit.is_closed else allows
        values = {"name": self.name, "plan": plan, "limit": limit.describe(), "higher": opened_by}
        return PlanRequired(Phrase(sentence, **values), plan=opened_by)

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


PROBLEMS = {
    "greater_than_equal": "should be {ge} or more.",
    "less_than_equal": "should be {le} or less.",
    "string_too_long": "should have at most {count} characters.",
    "string_too_short": "should have at least {count} characters.",
    "too_long": "should have at most {count} items, not {actual_length}.",
    "literal_error": "should be {expected}.",
    "string_pattern_mismatch": "should match the pattern {pattern}.",
    "string_type": "should be a text.",
    "int_type": "should be a whole number.",
    "bool_type": "should be true or false.",
    "list_type": "should be a list.",
    "dict_type": "should be a mapping.",
}
"""By pydantic's types of errors; the placeholders are those of its context, and `count` is a length."""


def _sentence(error: Any) -> str:
    context = error.get("ctx", {})
    raised = context.get("error")
    if isinstance(raised, ValueError):
        sentence: str = raised.args[0]
        return sentence
    template = PROBLEMS.get(error["type"])
    if template is None:
        return Phrase("can't be read: {problem}.", problem=str(error["msg"]).rstrip("."))
    length = context.get("max_length", context.get("min_length"))
    return Phrase(template, **context, **({} if length is None else {"count": length}))


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
