"""The group of a connection as it is sent and received: what was checked, and how to mend what is missing."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from connecting.verification import Report
from tenants.connections import Tenant
from tenants.groups import ProposedGroup


class GroupLink(BaseModel):
    link: str = Field(
        description="Open it in Telegram, as the person whose key this is, and choose the group: the bot is "
        "added as an administrator with the rights it needs. It works once."
    )
    expires_at: datetime


class CheckName(StrEnum):
    SUPERGROUP = "supergroup"
    TOPICS = "topics"
    BOT_PRESENT = "bot_present"
    BOT_ADMINISTRATOR = "bot_administrator"
    BOT_MANAGES_TOPICS = "bot_manages_topics"
    YOU_ADMINISTRATOR = "you_administrator"
    BOT_DELETES = "bot_deletes_messages"
    BOT_PINS = "bot_pins_messages"
    NOT_PUBLIC = "not_public"


class CheckState(StrEnum):
    OK = "ok"
    MISSING = "missing"
    UNKNOWN = "unknown"


class Check(BaseModel):
    name: CheckName
    state: CheckState = Field(description="unknown = Telegram does not say before something else is mended.")
    required: bool = Field(description="false = the group can be used without it.")
    text: str | None = Field(description="How to mend it, where it is missing.")


class GroupReport(BaseModel):
    """What Telegram says of a group, asked with the connection's own bot."""

    id: int
    title: str
    usable: bool
    problem: str | None = Field(description="Why nothing could be checked, if so.")
    checks: list[Check]


class GroupView(BaseModel):
    current: GroupReport | None = Field(description="The group that is the desk. null = there is none so far.")
    proposed: GroupReport | None = Field(description="What was chosen with the last link and waits for you.")


class GroupChoice(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    id: int = Field(description="The proposed group's: that and no other is taken.", ge=-(2**52), le=2**52)


_FINDINGS: Mapping[CheckName, tuple[str, str]] = {
    CheckName.SUPERGROUP: (
        "group.is_basic",
        "It is a basic group: switch Topics on in its settings, then choose it again with a new link.",
    ),
    CheckName.TOPICS: ("group.no_topics", "Switch Topics on in the group's settings."),
    CheckName.BOT_PRESENT: ("group.no_bot", "The bot is not in the group: add it with a new link."),
    CheckName.BOT_ADMINISTRATOR: (
        "group.bot_no_admin",
        "Make the bot an administrator of the group and allow it to manage topics.",
    ),
    CheckName.BOT_MANAGES_TOPICS: (
        "group.bot_no_topics",
        "Allow the bot to manage topics, among the administrators of the group.",
    ),
    CheckName.YOU_ADMINISTRATOR: (
        "group.you_no_admin",
        "You are no administrator of this group: let its owner make you one.",
    ),
    CheckName.BOT_DELETES: (
        "group.no_delete",
        "Allow the bot to delete messages: otherwise what you delete for a customer stays in the group.",
    ),
    CheckName.BOT_PINS: (
        "group.no_pin",
        "Allow the bot to pin messages: otherwise a customer's card can't be pinned.",
    ),
    CheckName.NOT_PUBLIC: (
        "group.is_public",
        "Make the group private: anyone can read your customers' messages there.",
    ),
}
_OPTIONAL = (CheckName.BOT_DELETES, CheckName.BOT_PINS, CheckName.NOT_PUBLIC)
_UNANSWERED: Mapping[str, str] = {
    "group.token_revoked": "The bot's token is not valid any more: send its current one first.",
    "group.silent": "Telegram did not answer just now: ask again in a minute.",
    "group.refused": "The group could not be checked. {reason}",
}
_HIDES: Mapping[str, tuple[CheckName, ...]] = {
    "group.is_basic": tuple(CheckName)[1:],
    "group.no_bot": (CheckName.BOT_ADMINISTRATOR, CheckName.BOT_MANAGES_TOPICS, CheckName.YOU_ADMINISTRATOR),
    "group.bot_no_admin": (CheckName.BOT_MANAGES_TOPICS, CheckName.YOU_ADMINISTRATOR),
}


def report_view(group: ProposedGroup, report: Report) -> GroupReport:
    found = {finding.name: finding.values for finding in (*report.problems, *report.warnings)}
    unanswered = next((name for name in _UNANSWERED if name in found), None)
    hidden = set(CheckName) if unanswered else {check for name in found for check in _HIDES.get(name, ())}
    if report.problems:
        hidden |= set(_OPTIONAL)
    return GroupReport(
        id=group.chat,
        title=report.title or group.title,
        usable=not report.problems,
        problem=None if unanswered is None else _UNANSWERED[unanswered].format(**found[unanswered]),
        checks=[_check(name, name in hidden, found) for name in CheckName],
    )


def _check(name: CheckName, hidden: bool, found: Mapping[str, object]) -> Check:  # noqa: FBT001
    finding, text = _FINDINGS[name]
    missing = finding in found
    state = CheckState.MISSING if missing else CheckState.UNKNOWN if hidden else CheckState.OK
    return Check(name=name, state=state, required=name not in _OPTIONAL, text=text if missing else None)


def current_group(tenant: Tenant) -> ProposedGroup | None:
    """As whoever owns the connection would propose it today."""
    if tenant.group_id is None:
        return None
    return ProposedGroup(tenant.id, tenant.group_id, tenant.group_title or "", tenant.owner_id)
