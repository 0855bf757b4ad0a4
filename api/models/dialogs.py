"""Dialogs as they are sent."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.pages import Page
from tenants.dialog_pages import Listed
from tenants.dialogs import Status


class DialogView(BaseModel):
    """A customer with their topic."""

    id: UUID
    customer: str = Field(description="What the team calls them: an alias under HIDE_INFO.")
    customer_id: int | None = Field(description="The chat's id in Telegram. null = HIDE_INFO hides profiles.")
    kind: Literal["private", "group", "channel"]
    status: Status = Field(
        description="user_answered = it is the team's turn. support_answered = the team answered. closed."
    )
    topic_id: int | None = Field(description="Its topic in the group. null = it has none yet.")
    operator: str | None = Field(description="Who has claimed it. null = nobody.")
    waiting_since: datetime | None = Field(description="Since when the customer waits. null = it is not our turn.")
    created_at: datetime
    active_at: datetime = Field(description="When a message was relayed last, or when it was opened.")


class DialogPage(Page[DialogView]):
    pass


def dialog_view(dialog: Listed) -> DialogView:
    return DialogView(
        id=dialog.id,
        customer=dialog.customer,
        customer_id=dialog.chat,
        kind=dialog.kind,  # type: ignore[arg-type]  # the database checks it
        status=dialog.status,
        topic_id=dialog.topic,
        operator=dialog.operator,
        waiting_since=dialog.waiting_since,
        created_at=dialog.created_at,
        active_at=dialog.active_at,
    )
