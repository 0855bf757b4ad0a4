"""What an operator reads: a few lines of plain words, and nothing of our insides."""

from datetime import UTC, datetime, timedelta

import pytest

from sessions import errors
from tenants.dead_letters import HOPELESS, OUR_FAULT, Reason, late_notice, mark_late
from tenants.ids import LaneId, RowId, UpdateId, new_id
from tenants.outbox import Body, NewRow
from tenants.story import Story, Wait
from worker.why import UNKNOWN, retry_words, words

NOW = datetime(2026, 3, 2, 14, 10, 0, tzinfo=UTC)
RECEIVED = datetime(2026, 3, 2, 14, 5, 9, tzinfo=UTC)
BLOCKED = Reason("blocked", "The customer has blocked the bot.", retry_helps=True)
TOO_LONG = Reason("too_long", "The text is longer than Telegram's 4096 characters.", retry_helps=False)
ROW = RowId(new_id())


def _story(**what) -> Story:
    return Story(**{"direction": "customer", "state": "delivered", "received_at": RECEIVED, "told_at": NOW, **what})


def test_a_delivered_answer():
    assert words(_story(ended_at=RECEIVED + timedelta(seconds=1))).splitlines() == [
        "✅ Delivered to the customer.",
        "Received: 14:05:09 UTC",
        "Delivered: 14:05:10 UTC, after 1 s",
    ]


def test_a_copy_that_took_several_attempts_and_a_retry():
    ended = RECEIVED + timedelta(minutes=2)
    story = _story(direction="team", attempts=3, tried_at=ended, ended_at=ended, replays=1)
    assert words(story).splitlines() == [
        "✅ Shown here.",
        "Received: 14:05:09 UTC",
        "Tried again on request: once",
        "Attempts: 3, the last at 14:07:09 UTC",
        "Delivered: 14:07:09 UTC, after 2 min 0 s",
    ]


def test_a_buried_answer_says_why_and_how_to_try_again():
    story = _story(state="buried", ended_at=RECEIVED, reason=BLOCKED, dead=(ROW,))
    assert words(story).splitlines() == [
        "⚠️ Not delivered to the customer.",
        "Received: 14:05:09 UTC",
        "Given up: 14:05:09 UTC, after 0 s",
        "Reason: The customer has blocked the bot.",
        "To try again, reply /retry to the message.",
    ]


def test_a_retry_that_does_not_help_is_not_proposed():
    assert words(_story(state="buried", ended_at=RECEIVED, reason=TOO_LONG, dead=(ROW,))).endswith(
        "To try again does not help."
    )


def test_an_answer_that_was_set_aside():
    story = _story(state="set_aside", reason=OUR_FAULT, dead=(UpdateId(1),))
    assert words(story).splitlines()[0] == "⚠️ Set aside before it was sent to the customer."
    assert words(_story(state="set_aside", reason=OUR_FAULT, asked_at=NOW)).endswith("It is being tried again.")


@pytest.mark.parametrize(
    ("wait", "line"),
    [
        (Wait("turn"), "Waits for the group's limit of messages a minute"),
        (Wait("order", ahead=1), "Waits for the message before it"),
        (Wait("order", ahead=4), "Waits for the 4 messages before it"),
        (Wait("topic"), "Waits for its topic, which is being made"),
        (
            Wait("group", NOW + timedelta(minutes=1)),
            "Waits for the rest that Telegram asked of the group until 14:11:00 UTC",
        ),
        (Wait("lane", NOW + timedelta(seconds=5)), "Waits for the next attempt at 14:10:05 UTC"),
        (Wait("album", NOW + timedelta(seconds=1)), "Waits for the rest of its album"),
    ],
)
def test_what_a_message_waits_for(wait: Wait, line: str):
    assert words(_story(direction="team", state="waiting", waits=(wait,))).splitlines()[2] == line


def test_what_waits_after_a_refusal_tells_the_refusal():
    story = _story(state="waiting", attempts=2, tried_at=NOW, reason=BLOCKED, waits=(Wait("turn"),))
    assert "Last refusal: The customer has blocked the bot." in words(story)


def test_another_day_is_named():
    story = _story(ended_at=RECEIVED + timedelta(days=1, hours=2), told_at=NOW + timedelta(days=1, hours=3))
    assert "Received: 2026-03-02 14:05:09 UTC" in words(story)
    assert "Delivered: 16:05:09 UTC, after 26 h 0 min" in words(story)


def test_the_longest_story_is_short():
    waits = tuple(Wait(obstacle, NOW) for obstacle in ("order", "topic", "group", "lane"))
    story = _story(state="waiting", attempts=5, tried_at=NOW, waits=waits, reason=BLOCKED, replays=2)
    assert len(words(story).splitlines()) <= 10


def test_a_message_without_a_story():
    assert words(None) == retry_words(None) == UNKNOWN
    assert "48 hours" in UNKNOWN


def test_what_a_retry_answers():
    assert retry_words(_story(state="buried", reason=BLOCKED, dead=(ROW,))) == "🔁 It is tried again."
    assert "likely to be refused" in retry_words(_story(state="buried", reason=TOO_LONG, dead=(ROW,)))
    assert retry_words(_story()) == "There is nothing to try again.\n✅ Delivered to the customer."
    assert "already" in retry_words(_story(state="set_aside", reason=OUR_FAULT, asked_at=NOW))


def test_every_hopeless_code_is_one_of_the_table_of_errors():
    assert set(HOPELESS) <= {entry.code for entry in errors._TEXTS}


def test_what_comes_late_is_announced_before_the_first_copy_of_each_lane():
    lanes = [LaneId(new_id()) for _ in range(2)]
    rows = [NewRow(lane, kind, Body("x")) for lane in lanes for kind in ("copy", "copy", "welcome")]
    marked = mark_late(rows, RECEIVED)
    assert [row.kind for row in marked] == ["notice", "copy", "copy", "welcome"] * 2
    assert marked[0] == late_notice(lanes[0], RECEIVED)
    assert marked[0].body.text == "⏳ The next message is late: it was written at 2026-03-02 14:05 UTC."
