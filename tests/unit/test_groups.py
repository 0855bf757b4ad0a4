"""What groups and channels lead to, decided over settings and dialogs alone."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from sessions.events import Chat, ChatKind, Cursor, GroupMoved, Incoming, Message, Person, StandingChanged
from tenants.dialogs import DialogBook, Status
from tenants.ids import ChatId, LaneId, MessageId, TenantId, TopicId, UpdateId, UserId, new_id
from tenants.intake import Desk, Handled, Ignored, Queued
from tenants.plans import Plan
from tenants.settings.schema import Settings
from worker.decisions.dispatch import dispatch
from worker.decisions.groups import author_of
from worker.decisions.work import Work
from worker.hearing import read_question

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TEAM = ChatId(-1001)
CLUB = Chat(ChatId(-1007), ChatKind.SUPERGROUP, "Chess club")
NEWS = Chat(ChatId(-1008), ChatKind.CHANNEL, "Chess news")
ANN = Person(UserId(77), "Ann", None, is_bot=False)


def work_with(**settings: Any) -> Work:
    tenant = TenantId(new_id())
    desk = Desk(
        tenant=tenant,
        owner_id=UserId(1),
        bot_id=UserId(5000),
        bot_username="shop_bot",
        group_id=TEAM,
        state="running",
        plan=Plan.BUSINESS,
        settings=Settings(**settings),
        cursor=None,
        now=NOW,
        known=frozenset(),
        is_warm=True,
        is_housekept=False,
    )
    return Work(desk, DialogBook(tenant, NOW), "https://example.org", general=LaneId(new_id()))


def said(text: str = "hello", chat: Chat = CLUB, **more: Any) -> Message:
    plain = Message(chat, MessageId(5), ANN, False, "text", text, None, None, None, joinable=True)
    return replace(plain, **more)


def decide(work: Work, event: Any) -> Any:
    return dispatch(Incoming(UpdateId(1), "message", event, Cursor("1"), b"{}"), work)


def test_a_groups_first_message_opens_its_dialog_and_asks_whether_the_bot_hears() -> None:
    work = work_with(MONITOR_GROUPS=True)
    assert decide(work, said(topic_id=TopicId(9))) == Queued()
    dialog = work.dialogs.by_chat[CLUB.id]
    question, shown = work.rows
    assert (dialog.kind, dialog.name, question.kind) == ("group", "Chess club", "lookup")
    assert read_question(question.body.text) == (CLUB.id, "Chess club")
    assert (shown.author, shown.body.by, shown.thread, shown.joinable, shown.loose) == (77, "Ann", 9, True, False)
    assert all(row.lane == dialog.topic_lane for row in work.rows)


@pytest.mark.parametrize(
    ("chat", "settings", "reason"),
    [
        (CLUB, {}, "not_monitored"),
        (NEWS, {"MONITOR_GROUPS": True}, "not_monitored"),
        (CLUB, {"MONITOR_CHANNELS": True}, "not_monitored"),
        (CLUB, {"MONITOR_GROUPS": True, "IGNORE_CHATS": [CLUB.id]}, "ignored_chat"),
        (CLUB, {"MONITOR_GROUPS": True, "WHITE_LIST": [77]}, "not_on_white_list"),
        (CLUB, {"MONITOR_GROUPS": True, "GROUPS_KEYWORDS": [["help"]]}, "no_keyword"),
        (NEWS, {"MONITOR_CHANNELS": True, "CHANNELS_KEYWORDS": [["help"]]}, "no_keyword"),
        (CLUB, {"MONITOR_GROUPS": True, "RESTRICTED_KEYWORDS_FRONTEND": ["HELL"]}, "restricted_keyword"),
        (Chat(ChatId(77), ChatKind.PRIVATE, "Ann"), {"MONITOR_PRIVATE": False}, "not_monitored"),
    ],
)
def test_filters_keep_a_message_out_and_say_why(chat: Chat, settings: dict[str, Any], reason: str) -> None:
    work = work_with(**settings)
    assert decide(work, said(chat=chat)) == Ignored(reason)
    assert (work.rows, work.dialogs.by_chat) == ([], {})


def test_nobody_is_welcomed_and_left_closed_stays_closed() -> None:
    work = work_with(MONITOR_CHANNELS=True, MONITOR_GROUPS=True, LEAVE_CLOSED=["channel"])
    decide(work, said(chat=NEWS))
    decide(work, said())
    assert work.dialogs.by_chat[NEWS.id].status is Status.CLOSED
    assert work.dialogs.by_chat[CLUB.id].status is Status.USER_ANSWERED
    assert [row.kind for row in work.rows] == ["copy", "lookup", "copy"]


@pytest.mark.parametrize(
    ("message", "author"),
    [
        (said(), (77, "Ann")),
        (said(as_chat=CLUB, anonymous=True), (CLUB.id, "Chess club")),
        (said(as_chat=CLUB, anonymous=True, signature="Chief"), (CLUB.id, "Chief")),
        (said(as_chat=NEWS, anonymous=True), (NEWS.id, "Chess news")),
        (said(chat=NEWS, as_chat=NEWS, sender=None), (None, "")),
        (said(chat=NEWS, as_chat=NEWS, sender=None, signature="Boris"), (NEWS.id, "Boris")),
        (said(sender=replace(ANN, name="\u202e")), (77, "77")),
    ],
)
def test_who_wrote_it_has_a_name(message: Message, author: tuple[int | None, str]) -> None:
    assert author_of(message) == author


def test_what_is_no_plain_text_may_be_joined_only_after_long() -> None:
    work = work_with(MONITOR_GROUPS=True)
    decide(work, said(joinable=False, reply_to=MessageId(4)))
    decide(work, said(joinable=False, content="photo"))
    assert [(row.joinable, row.loose) for row in work.rows[1:]] == [(False, True), (False, False)]


def test_a_post_that_telegram_forwards_into_its_group_is_shown_once() -> None:
    work = work_with(MONITOR_GROUPS=True, MONITOR_CHANNELS=True)
    forwarded = said(as_chat=NEWS, anonymous=True, automatic=True)
    assert decide(work, forwarded) == Queued()
    decide(work, said(chat=NEWS, as_chat=NEWS, sender=None))
    assert decide(work, forwarded) == Ignored("seen_in_channel")


def test_bots_are_not_heard() -> None:
    bot = replace(ANN, is_bot=True)
    assert decide(work_with(MONITOR_GROUPS=True), said(sender=bot)) == Ignored("bot")


def test_going_and_coming_back_are_told_once() -> None:
    work = work_with(MONITOR_GROUPS=True)
    decide(work, said())
    gone, back = (StandingChanged(CLUB, ANN, is_present=here, is_administrator=False) for here in (False, True))
    said_so = [decide(work, event) for event in (gone, gone, back, back)]
    assert said_so == [Handled("removed"), Ignored("nothing_changed"), Handled("added"), Ignored("nothing_changed")]
    assert [row.body.text[0] for row in work.rows if row.kind == "notice"] == ["🚪", "✅"]


@pytest.mark.parametrize(
    ("is_administrator", "settings", "asks"),
    [(False, {"MONITOR_GROUPS": True}, True), (True, {"MONITOR_GROUPS": True}, False), (False, {}, False)],
)
def test_a_bot_that_joins_asks_whether_it_hears(is_administrator: bool, settings: dict[str, Any], asks: bool) -> None:
    work = work_with(**settings)
    decide(work, StandingChanged(CLUB, ANN, is_present=True, is_administrator=is_administrator))
    assert [(row.lane, row.kind) for row in work.rows] == ([(work.general, "lookup")] if asks else [])


def test_a_group_that_moves_keeps_its_dialog_unless_the_new_one_has_one() -> None:
    work = work_with(MONITOR_GROUPS=True)
    decide(work, said())
    dialog = work.dialogs.by_chat[CLUB.id]
    assert decide(work, GroupMoved(CLUB, ChatId(-1009))) == Handled("group_moved")
    assert (work.dialogs.by_chat, dialog.chat_id) == ({ChatId(-1009): dialog}, -1009)
    decide(work, said())
    assert decide(work, GroupMoved(CLUB, ChatId(-1009))) == Handled("group_moved_twice")
    assert decide(work, GroupMoved(NEWS, ChatId(-1009))) == Ignored("no_dialog")
