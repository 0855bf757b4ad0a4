"""What is sent and received. Secrets have no field here."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from tenants.archive import Archived, Direction
from tenants.audit import ActorKind, Entry
from tenants.connections import Tenant
from tenants.dead_letters import DeadLetter
from tenants.parallel import Mode
from tenants.plans import Plan
from tenants.settings.service import Shown
from tenants.webhooks.deliveries import REASONS, State
from tenants.webhooks.deliveries import Shown as Delivery


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
    mode: Mode = Field(
        description="polling = Backline alone drives the bot. parallel = a program of yours does, too."
    )
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


class ModeChange(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    mode: Mode = Field(description="parallel where a program of yours drives the bot, polling otherwise.")


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


class DeadLetterPage(BaseModel):
    items: list[DeadLetterView]
    next: str | None = Field(description="Send it as `cursor` to get the next page. null = this is the last one.")


class ReplayRequest(BaseModel):
    """Either `ids` or `all`."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    ids: Annotated[list[str], Field(min_length=1, max_length=100)] | None = Field(
        default=None, description="Of dead letters as they are listed. Either all of them are replayed or none."
    )
    all: Flag = Field(default=False, description="All messages, answers and updates for which a retry may help.")


class Replayed(BaseModel):
    replayed: int = Field(description="How many wait to be tried again.")


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


class AuditPage(BaseModel):
    items: list[AuditEntryView]
    next: str | None = Field(description="Send it as `cursor` to get the next page. null = this is the last one.")


class DeliveryView(BaseModel):
    """An event on its way to one of your addresses. Kept for seven days."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="The `webhook-id` of every attempt.")
    event: str
    url: str
    payload: dict[str, Any] = Field(description="The body that is posted.")
    state: State = Field(description="waiting (for its first attempt or the next one), delivered, or failed.")
    attempts: int
    created_at: datetime
    tried_at: datetime | None = Field(description="When the last attempt began.")
    next_at: datetime | None = Field(description="When the next attempt is. null = there is none to come.")
    ended_at: datetime | None
    status: int | None = Field(description="The HTTP status of the last answer. null = there was none.")
    reason: DeadLetterReason | None = Field(description="Why the last attempt failed.")


class DeliveryPage(BaseModel):
    items: list[DeliveryView]
    next: str | None = Field(description="Send it as `cursor` to get the next page. null = this is the last one.")


class ReplayedDelivery(BaseModel):
    id: UUID


class SecretView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    made_at: datetime | None = Field(description="null = there is none so far.")
    former_until: datetime | None = Field(description="Until when the one before signs, too. null = it does not.")


class NewSecret(BaseModel):
    secret: str = Field(description="whsec_ and base64, as libraries for Standard Webhooks take it. Keep it.")


def delivery_view(delivery: Delivery) -> DeliveryView:
    code = delivery.error
    reason = None if code is None else DeadLetterReason(code=code, text=REASONS.get(code, "It failed."))
    return DeliveryView.model_validate({**asdict(delivery), "reason": reason})


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


class MessagePage(BaseModel):
    items: list[MessageView]
    next: str | None = Field(description="Send it as `cursor` to get the next page. null = this is the last one.")


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
