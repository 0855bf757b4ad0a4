"""Co-administrators and keys as they are sent and received. A key is shown once, in the answer that makes it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from tenants.access.administrators import Administrator
from tenants.access.keys import Listed
from tenants.ids import UserId

LONGEST_NAME = 64


def _text(value: object) -> object:
    if isinstance(value, str) and (not value.strip() or not value.isprintable()):
        raise ValueError("should be a name of visible characters")
    return value


Name = Annotated[str, BeforeValidator(_text), Field(min_length=1, max_length=LONGEST_NAME)]
TelegramUser = Annotated[int, Field(ge=1, le=2**52)]
"""Ids have at most 52 significant bits (Bot API: User.id)."""


class AdministratorView(BaseModel):
    id: int = Field(description="A Telegram user's.")
    name: str
    added_at: datetime


class AdministratorList(BaseModel):
    owner: int = Field(description="The owner's Telegram id.")
    items: list[AdministratorView] = Field(description="At most 20, the longest serving first.")


class Invitation(BaseModel):
    link: str = Field(description="Whoever opens it first in Telegram and accepts becomes a co-administrator.")
    expires_at: datetime


class Transfer(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    to: TelegramUser = Field(description="A co-administrator's Telegram id.")
    name: Name = Field(description="How you are called from then on, in the list of co-administrators.")


class KeyView(BaseModel):
    id: UUID
    label: str
    tenant_id: UUID | None = Field(description="The one connection that it opens. null = all that you manage.")
    created_at: datetime
    used_at: datetime | None = Field(description="When it was used last, to the minute. null = never.")


class KeyList(BaseModel):
    items: list[KeyView] = Field(description="Newest first. Revoked ones are not listed.")


class NewKey(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    label: Name = Field(description="What you know it by.")


class MadeKey(BaseModel):
    key: str = Field(description="Send it as a bearer token. It is shown this once: keep it.")


def administrator_list(owner: UserId, others: list[Administrator]) -> AdministratorList:
    views = [AdministratorView(id=one.user, name=one.name, added_at=one.added_at) for one in others]
    return AdministratorList(owner=owner, items=views)


def key_list(keys: list[Listed]) -> KeyList:
    return KeyList(
        items=[
            KeyView(id=key.id, label=key.label, tenant_id=key.only, created_at=key.created_at, used_at=key.used_at)
            for key in keys
        ]
    )
