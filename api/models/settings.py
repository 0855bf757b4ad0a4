"""Settings as they are sent."""

from typing import Any

from pydantic import BaseModel, Field

from tenants.plans import Plan
from tenants.settings.service import Shown


class Lock(BaseModel):
    """What the tenant's plan allows, and the least plan that has no such limit."""

    limit: str
    plan: Plan


class SettingView(BaseModel):
    value: Any = Field(description="What counts now: the stored value as far as the plan allows it, or the default.")
    default: Any
    stored: Any = Field(description="What was set. null = nothing, the default counts.")
    title: str
    description: str
    section: str
    kind: str
    example: str = Field(description="As a person types it in the setup bot.")
    locked: Lock | None = Field(description="What the plan limits, if anything.")


def setting_view(shown: Shown, plan: Plan) -> SettingView:
    setting = shown.entry.setting
    limit = setting.limit(plan)
    return SettingView(
        value=shown.value,
        default=shown.entry.default,
        stored=shown.stored,
        title=setting.title,
        description=shown.entry.description,
        section=setting.section,
        kind=setting.kind.name,
        example=setting.example,
        locked=None if limit is None else Lock(limit=limit.describe(), plan=_opened_by(shown)),
    )


def _opened_by(shown: Shown) -> Plan:
    return next((plan for plan in Plan if shown.entry.setting.limit(plan) is None), Plan.BUSINESS)
