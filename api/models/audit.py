"""The audit log as it is sent."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from api.pages import Page
from tenants.audit import ActorKind, Entry


class ActorView(BaseModel):
    """Who did it. An anonymous administrator of the group has neither id nor name, Backline itself has no id."""

    kind: ActorKind = Field(
        description="owner, operator (a member of the group), api (a program with the owner's key), or system "
        "(Backline itself)."
    )
    id: int | None = Field(description="A Telegram user's. Of a program: of the user whose key it has.")
    name: str = Field(description="Empty where it is not known.")


class AuditEntryView(BaseModel):
    """An administrative act. It is kept as long as the plan and AUDIT_DAYS say."""

    id: UUID
    at: datetime
    actor: ActorView
    action: str = Field(description="For a program; it does not change. docs/audit.md lists them.")
    text: str = Field(description="One sentence for a person: what was done.")
    subject: str = Field(description="To what: a dialog's or a group's id, a setting's name. Empty = the connection.")
    params: dict[str, Any] = Field(description="What stood before, what stands now.")


class AuditPage(Page[AuditEntryView]):
    pass


def audit_entry_view(entry: Entry) -> AuditEntryView:
    return AuditEntryView(
        id=entry.id,
        at=entry.at,
        actor=ActorView(kind=entry.by.kind, id=entry.by.id, name=entry.by.name),
        action=entry.action,
        text=entry.sentence,
        subject=entry.subject,
        params=dict(entry.params),
    )
