"""The list of all settings, read off the schema, for whoever shows, documents or checks them."""

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError

from tenants.errors import Invalid, NotFound, PlanRequired
from tenants.plans import Plan
from tenants.settings.field import Frozen, Setting
from tenants.settings.schema import Settings


@dataclass(frozen=True)
class Entry:
    """One setting. `check` raises `Invalid` or `PlanRequired` with a sentence that says what to do."""

    name: str
    description: str
    default: Any
    setting: Setting
    adapter: TypeAdapter[Any]

    def check(self, value: Any, plan: Plan) -> Any:
        try:
            valid = self.adapter.validate_python(value, strict=True)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            raise Invalid(f"{self.name}: {_sentence(first)}", field=self.name) from None
        limit = self.setting.limit(plan)
        if limit is not None and not limit.allows(valid):
            opened_by = self.setting.opened_by(valid) or Plan.BUSINESS
            raise PlanRequired(
                f"{self.name} on the {plan} plan: {limit.describe()}. The {opened_by} plan allows more.",
                plan=opened_by,
            )
        return valid

    def is_frozen(self, plan: Plan) -> bool:
        """What is stored stays in force and can't be changed."""
        return isinstance(self.setting.limit(plan), Frozen)

    def clamp(self, value: Any, plan: Plan) -> Any:
        limit = self.setting.limit(plan)
        return value if limit is None or limit.allows(value) else limit.clamp(value)


def _sentence(error: Any) -> str:
    message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return message[:1].lower() + message[1:].rstrip(".") + "."


@cache
def entries() -> dict[str, Entry]:
    """By name, in the order of the schema."""
    return {name: _entry(name) for name in Settings.model_fields}


def _entry(name: str) -> Entry:
    field = Settings.model_fields[name]
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


def find_entry(name: str) -> Entry | None:
    return entries().get(name.upper())


def get_entry(name: str) -> Entry:
    entry = find_entry(name)
    if entry is None:
        raise NotFound("setting")
    return entry


def effective(overrides: dict[str, Any], plan: Plan) -> Settings:
    """Defaults, then what the tenant set, then what the plan allows of it.

    A stored value that today's schema refuses counts as unset: an old row never stops a tenant.
    """
    values = {}
    for name, entry in entries().items():
        value = entry.default
        if name in overrides:
            try:
                value = entry.adapter.validate_python(overrides[name])
            except ValidationError:
                value = entry.default
        values[name] = entry.clamp(value, plan)
    return Settings.model_construct(**values)
