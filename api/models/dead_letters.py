"""Dead letters as they are sent and received."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.models.flags import Flag
from api.pages import Page
from tenants.dead_letters import DeadLetter


class DeadLetterReason(BaseModel):
    code: str = Field(description="For a program; it does not change.")
    text: str = Field(description="One sentence for a person.")


class DeadLetterView(BaseModel):
    """A message that could not be delivered, or an update that could not be processed. Kept for seven days."""

    id: str
    what: Literal["message", "answer", "welcome", "notice", "update"] = Field(
        description="A customer's message, the team's answer, WELCOME, a line of Backline's own, or an update whose "
        "processing failed."
    )
    direction: Literal["team", "customer"] | None = Field(description="Whom it was for. null = not known.")
    customer: str | None = Field(
        description="What the team calls the dialog's customer: an alias under HIDE_INFO. null = of no dialog."
    )
    topic_id: int | None = Field(description="The dialog's topic in the group. null = there is none.")
    since: datetime = Field(description="When it was given up.")
    reason: DeadLetterReason
    attempts: int
    retry_helps: bool = Field(description="false = it would be refused again, whatever is mended meanwhile.")
    replay_requested_at: datetime | None = Field(description="When a replay was asked for that has yet to happen.")


class DeadLetterPage(Page[DeadLetterView]):
    pass


class ReplayRequest(BaseModel):
    """Either `ids` or `all`."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    ids: Annotated[list[str], Field(min_length=1, max_length=100)] | None = Field(
        default=None, description="Of dead letters as they are listed. Either all of them are replayed or none."
    )
    all: Flag = Field(default=False, description="All messages, answers and updates for which a retry may help.")


class Replayed(BaseModel):
    replayed: int = Field(description="How many wait to be tried again.")


def dead_letter_view(letter: DeadLetter) -> DeadLetterView:
    return DeadLetterView(
        id=str(letter.id),
        what=letter.what,
        direction=letter.direction,
        customer=letter.customer,
        topic_id=letter.topic,
        since=letter.since,
        reason=DeadLetterReason(code=letter.reason.code, text=letter.reason.text),
        attempts=letter.attempts,
        retry_helps=letter.reason.retry_helps,
        replay_requested_at=letter.asked_at,
    )
