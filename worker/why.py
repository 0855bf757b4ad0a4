"""`/why` and `/retry`: the story of one message in the words that an operator reads in the topic."""

from datetime import datetime, timedelta

from tenants.db import UnitOfWork
from tenants.story import Story, Wait, find_story
from worker.decisions.command import Call

UNKNOWN = (
    "I know nothing of that message: it was not relayed (a note, a command, a line by another bot), "
    "or it is older than 48 hours."
)
REPLY_WHICH = "Reply with the command to the message that you mean."
_HEADS = {
    ("delivered", "customer"): "✅ Delivered to the customer.",
    ("delivered", "team"): "✅ Shown here.",
    ("sending", "customer"): "📤 On its way to the customer.",
    ("sending", "team"): "📤 On its way into this topic.",
    ("waiting", "customer"): "⏳ Waiting to be sent to the customer.",
    ("waiting", "team"): "⏳ Waiting to be shown here.",
    ("buried", "customer"): "⚠️ Not delivered to the customer.",
    ("buried", "team"): "⚠️ Could not be shown here.",
    ("set_aside", "customer"): "⚠️ Set aside before it was sent to the customer.",
}
_MINUTE = 60
_HOUR = 3600


async def find_story_of(unit: UnitOfWork, call: Call) -> Story | None:
    """Of the message to which a command in a dialog's topic replies."""
    group, dialog = call.work.desk.group_id, call.dialog
    if group is None or dialog is None or call.reply_to is None:
        return None
    return await find_story(unit, call.work.desk.tenant, dialog.id, group, call.reply_to)


def words(story: Story | None) -> str:
    """Plain text, a line for each thing that happened."""
    if story is None:
        return UNKNOWN
    return "\n".join(line for line in _lines(story) if line)


def retry_words(story: Story | None) -> str:
    """What `/retry` answers; it replays `story.dead`."""
    if story is None:
        return UNKNOWN
    if story.asked_at is not None:
        return "🔁 It is being tried again already."
    if not story.dead:
        return f"There is nothing to try again.\n{_HEADS[story.state, story.direction]}"
    if story.reason is not None and not story.reason.retry_helps:
        return f"🔁 It is tried again, and is likely to be refused again: {story.reason.text}"
    return "🔁 It is tried again."


def _lines(story: Story) -> list[str]:
    return [
        _HEADS[story.state, story.direction],
        f"Received: {_at(story.received_at, story)}",
        f"Tried again on request: {_times(story.replays)}" if story.replays else "",
        *(f"Waits for {_wait(wait, story)}" for wait in story.waits),
        _attempts(story),
        _end(story),
        _reason(story),
        _remedy(story),
    ]


def _at(moment: datetime, story: Story) -> str:
    """The day is said where it is not today."""
    day = "" if moment.date() == story.told_at.date() else f"{moment:%Y-%m-%d} "
    return f"{day}{moment:%H:%M:%S} UTC"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _wait(wait: Wait, story: Story) -> str:
    until = "" if wait.until is None else f" until {_at(wait.until, story)}"
    turn = "the group's limit of messages a minute" if story.direction == "team" else "its turn, a moment"
    return {
        "order": "the message before it" if wait.ahead == 1 else f"the {wait.ahead} messages before it",
        "topic": "its topic, which is being made",
        "group": f"the rest that Telegram asked of the group{until}",
        "lane": f"the next attempt{until.replace(' until', ' at')}",
        "album": "the rest of its album",
        "turn": turn,
    }[wait.obstacle]


def _attempts(story: Story) -> str:
    if story.attempts <= 1 or story.tried_at is None:
        return ""
    return f"Attempts: {story.attempts}, the last at {_at(story.tried_at, story)}"


def _end(story: Story) -> str:
    if story.ended_at is None:
        return ""
    what = "Delivered" if story.state == "delivered" else "Given up"
    return f"{what}: {_at(story.ended_at, story)}, after {_length(story.ended_at - story.received_at)}"


def _length(time: timedelta) -> str:
    seconds = max(0, round(time.total_seconds()))
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min {seconds % _MINUTE} s"
    return f"{seconds // _HOUR} h {seconds % _HOUR // _MINUTE} min"


def _reason(story: Story) -> str:
    if story.reason is None:
        return ""
    return f"{'Last refusal' if story.state == 'waiting' else 'Reason'}: {story.reason.text}"


def _remedy(story: Story) -> str:
    if story.asked_at is not None:
        return "It is being tried again."
    if not story.dead or story.reason is None:
        return ""
    if story.reason.retry_helps:
        return "To try again, reply /retry to the message."
    return "To try again does not help."
