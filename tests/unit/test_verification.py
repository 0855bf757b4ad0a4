"""Which groups can be desks, and what is said of those that can't."""

import pytest

from connecting.verification import Facts, Report, judge, report_trouble
from sessions.errors import Flaky, FloodWait, Gone, Rejected, Revoked, SessionError
from sessions.events import ChatKind
from sessions.port import GroupState, Membership
from setup_bot.texts import Language, words
from setup_bot.texts.catalogues import catalogue

GOOD = GroupState("Desk", ChatKind.SUPERGROUP, is_forum=True, username=None)
ALL = frozenset({"can_manage_topics", "can_delete_messages", "can_pin_messages", "can_invite_users"})
BOT = Membership("administrator", ALL)
OWNER = Membership("creator", frozenset())


def names(report: Report) -> tuple[list[str], list[str]]:
    return [found.name for found in report.problems], [found.name for found in report.warnings]


def test_a_forum_with_both_as_administrators_is_fine() -> None:
    for bot, owner in (
        (BOT, OWNER),
        (BOT, Membership("administrator", frozenset())),
        (Membership("creator", frozenset()), OWNER),
    ):
        report = judge(Facts(GOOD, bot, owner))
        assert (report.title, report.problems, report.warnings) == ("Desk", (), ())
        assert [found.name for found in report.done] == [
            "group.has_topics",
            "group.bot_there",
            "group.bot_admin",
            "group.bot_topics",
            "group.you_admin",
        ]


@pytest.mark.parametrize(
    ("facts", "problems"),
    [
        (Facts(GroupState("D", ChatKind.GROUP, is_forum=False, username=None), BOT, OWNER), ["group.is_basic"]),
        (Facts(GroupState("D", ChatKind.CHANNEL, is_forum=False, username=None), BOT, OWNER), ["group.is_basic"]),
        (Facts(GroupState("D", ChatKind.SUPERGROUP, is_forum=False, username=None), BOT, OWNER), ["group.no_topics"]),
        (Facts(GOOD, Membership("member", ALL), None), ["group.bot_no_admin"]),
        (Facts(GOOD, Membership("restricted", ALL), None), ["group.bot_no_admin"]),
        (Facts(GOOD, Membership("left", frozenset()), None), ["group.no_bot"]),
        (Facts(GOOD, Membership("kicked", frozenset()), None), ["group.no_bot"]),
        (Facts(GOOD, Membership("administrator", ALL - {"can_manage_topics"}), OWNER), ["group.bot_no_topics"]),
        (Facts(GOOD, BOT, Membership("member", ALL)), ["group.you_no_admin"]),
        (Facts(GOOD, BOT, Membership("left", frozenset())), ["group.you_no_admin"]),
        (
            Facts(
                GroupState("D", ChatKind.SUPERGROUP, is_forum=False, username="public"),
                Membership("administrator", frozenset()),
                Membership("member", frozenset()),
            ),
            ["group.no_topics", "group.bot_no_topics", "group.you_no_admin"],
        ),
    ],
)
def test_what_is_missing_is_all_said_at_once(facts: Facts, problems: list[str]) -> None:
    assert names(judge(facts)) == (problems, [])


def test_rights_that_are_only_useful_and_a_public_name_are_warnings() -> None:
    public = GroupState("Desk", ChatKind.SUPERGROUP, is_forum=True, username="acme_desk")
    report = judge(Facts(public, Membership("administrator", frozenset({"can_manage_topics"})), OWNER))
    assert names(report) == ([], ["group.no_delete", "group.no_pin", "group.is_public"])
    assert "@acme_desk" in words("group.is_public", bot="x_bot", **report.warnings[2].values)


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (Revoked(), "group.token_revoked"),
        (Flaky("network", "n", ambiguous=True), "group.silent"),
        (FloodWait(3), "group.silent"),
        (Gone("group", "kicked", "k"), "group.no_bot"),
        (Gone("customer", "chat_not_found", "c"), "group.no_bot"),
        (Gone("group", "migrated", "m"), "group.is_basic"),
        (Rejected("refused", "Telegram refused: so."), "group.refused"),
    ],
)
def test_every_trouble_of_a_session_is_a_sentence(error: SessionError, problem: str) -> None:
    report = report_trouble(error)
    assert names(report) == ([problem], [])
    assert problem in catalogue(Language.ENGLISH)
    assert words(problem, bot="x_bot", **report.problems[0].values)
