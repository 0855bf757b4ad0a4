"""Connections as they are sent and received. Secrets have no field here."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from api.models.flags import Flag
from api.pages import Page
from tenants.connections import Tenant
from tenants.parallel import Mode
from tenants.plans import Plan


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
    mode: Mode = Field(
        description="polling = Backline alone drives the bot. parallel = a program of yours does, too."
    )
    plan: Plan
    created_at: datetime


class TenantDetail(TenantSummary):
    problem: str | None = Field(description="What keeps it from receiving messages, in a sentence.")


class TenantPage(Page[TenantSummary]):
    pass


class TenantChange(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    running: Flag = Field(description="Starts or stops the relay.")


class ModeChange(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    mode: Mode = Field(description="parallel where a program of yours drives the bot, polling otherwise.")


def summary(tenant: Tenant) -> TenantSummary:
    return TenantSummary.model_validate(tenant)


def detail(tenant: Tenant, problem: str | None) -> TenantDetail:
    return TenantDetail(**summary(tenant).model_dump(), problem=problem)


class TokenChange(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    token: SecretStr = Field(
        description="As @BotFather shows it. It is checked with Telegram, kept encrypted and never shown again.",
        min_length=1,
        max_length=4096,
        json_schema_extra={"writeOnly": True},
    )


class NewTenant(TokenChange):
    mode: Mode = Field(
        default=Mode.POLLING,
        description="polling = Backline alone drives the bot. parallel = a program of yours goes on to.",
    )
