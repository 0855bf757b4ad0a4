"""What is sent and received. Secrets have no field here."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from tenants.connections import Tenant
from tenants.plans import Plan
from tenants.settings.service import Shown


def _flag(value: object) -> object:
    if not isinstance(value, bool):
        raise ValueError("should be true or false")  # noqa: TRY004  # pydantic takes ValueError for an answer
    return value


Flag = Annotated[bool, BeforeValidator(_flag)]
"""Not 1, not "yes". (The framework switches pydantic's own strict types off.)"""


class TenantSummary(BaseModel):
    """One connection: a bot and the group that is its desk."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    bot_id: int
    bot_username: str
    bot_name: str
    group_id: int | None = Field(description="null until a group is connected.")
    group_title: str | None
    state: Literal["setup", "running", "stopped", "revoked"]
    plan: Plan
    created_at: datetime


class TenantDetail(TenantSummary):
    problem: str | None = Field(description="What keeps it from receiving messages, in a sentence.")


class TenantPage(BaseModel):
    items: list[TenantSummary]
    next: str | None = Field(description="Send it as `cursor` to get the next page. null = this is the last one.")


class TenantChange(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    running: Flag = Field(description="Starts or stops the relay.")


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


def summary(tenant: Tenant) -> TenantSummary:
    return TenantSummary.model_validate(tenant)


def detail(tenant: Tenant, problem: str | None) -> TenantDetail:
    return TenantDetail(**summary(tenant).model_dump(), problem=problem)


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
