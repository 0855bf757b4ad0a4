"""Whether a group can be a desk: rules over what Telegram says of it. Each finding names its sentence and remedy."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sessions.errors import Flaky, FloodWait, Gone, Revoked, SessionError
from sessions.events import ChatKind
from sessions.port import GroupState, Membership


@dataclass(frozen=True, slots=True)
class Finding:
    """`name` is an entry of the catalogue, `values` what it needs beside the bot's name."""

    name: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """`owner` is None where it was not asked: a bot that is no administrator may not ask about others."""

    group: GroupState
    bot: Membership
    owner: Membership | None


@dataclass(frozen=True, slots=True)
class Report:
    """Problems keep the group from being used, warnings don't, what is `done` is as it has to be. `title` is empty
    where it could not be read. `is_silent`: Telegram did not answer, so nothing is known.
    """

    title: str
    problems: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    done: tuple[Finding, ...] = ()
    is_silent: bool = False


def judge(facts: Facts) -> Report:
    group = facts.group
    if group.kind is not ChatKind.SUPERGROUP:
        return Report(group.title, (Finding("group.is_basic"),))
    problems = [] if group.is_forum else [Finding("group.no_topics")]
    problems += _about_bot(facts.bot)
    if facts.owner is not None and not facts.owner.is_administrator:
        problems.append(Finding("group.you_no_admin"))
    warnings = [] if problems else _warnings(facts)
    return Report(group.title, tuple(problems), tuple(warnings), tuple(_done(facts)))


def _done(facts: Facts) -> list[Finding]:
    checks = (
        (facts.group.is_forum, "group.has_topics"),
        (facts.bot.is_present, "group.bot_there"),
        (facts.bot.is_administrator, "group.bot_admin"),
        (facts.bot.is_administrator and facts.bot.may("can_manage_topics"), "group.bot_topics"),
        (facts.owner is not None and facts.owner.is_administrator, "group.you_admin"),
    )
    return [Finding(name) for is_so, name in checks if is_so]


def _about_bot(bot: Membership) -> list[Finding]:
    if bot.status in {"left", "kicked"}:
        return [Finding("group.no_bot")]
    if not bot.is_administrator:
        return [Finding("group.bot_no_admin")]
    return [] if bot.may("can_manage_topics") else [Finding("group.bot_no_topics")]


def _warnings(facts: Facts) -> list[Finding]:
    warnings = []
    if not facts.bot.may("can_delete_messages"):
        warnings.append(Finding("group.no_delete"))
    if not facts.bot.may("can_pin_messages"):
        warnings.append(Finding("group.no_pin"))
    if facts.group.username:
        warnings.append(Finding("group.is_public", {"name": facts.group.username}))
    return warnings


def report_trouble(error: SessionError) -> Report:
    """The same for a group that Telegram would not tell about."""
    if isinstance(error, Revoked):
        return Report("", (Finding("group.token_revoked"),))
    if isinstance(error, (Flaky, FloodWait)):
        return Report("", (Finding("group.silent"),), is_silent=True)
    if isinstance(error, Gone):
        return Report("", (Finding("group.is_basic" if error.code == "migrated" else "group.no_bot"),))
    return Report("", (Finding("group.refused", {"reason": error.text}),))
