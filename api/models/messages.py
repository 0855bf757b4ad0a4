"""The messages of a dialog as they are sent."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from api.pages import Page
from tenants.archive import Archived, Direction


class MessageVersion(BaseModel):
    number: int = Field(description="1 = as it was written first.")
    at: datetime
    text: str


class MessageView(BaseModel):
    """A message of a dialog, as the team reads it. It is kept as long as ARCHIVE says."""

    id: UUID
    direction: Direction = Field(
        description="Who wrote it: customer (or a member of a monitored group), team, or program (yours, in parallel "
        "mode)."
    )
    kind: str = Field(description="text, photo, voice, … as the Bot API names it. Media themselves are not kept.")
    author: int | None = Field(description="The operator who wrote it, by Telegram id. null = not of the team's.")
    member: str = Field(description="How the team reads the name of a group's member who wrote it. Empty elsewhere.")
    at: datetime = Field(description="When it came; of one that was kept from a later version on, when that came.")
    text: str = Field(description="The text or the caption, as it is now.")
    versions: list[MessageVersion] = Field(
        description="Oldest first, the newest 100: more than one where it was edited. Those from before ARCHIVE was "
        "switched on, or older than it says, are missing."
    )
    deleted_at: datetime | None = Field(description="When an operator took it back with /del.")


class MessagePage(Page[MessageView]):
    pass


def message_view(message: Archived) -> MessageView:
    return MessageView(
        id=message.id,
        direction=message.direction,
        kind=message.content,
        author=message.author,
        member=message.member,
        at=message.at,
        text=message.text,
        versions=[MessageVersion(number=one.number, at=one.at, text=one.text) for one in message.versions],
        deleted_at=message.deleted_at,
    )
