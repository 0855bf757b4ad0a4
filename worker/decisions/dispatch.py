"""Who decides what one update means.

Every path ends in a disposition; a message that is dropped in silence does not type-check.
"""

from typing import assert_never

from sessions.events import ChatKind, Edited, GroupMoved, Incoming, Message, Other, Pressed, ReachChanged, TopicEvent
from tenants.dialogs import clean_name
from tenants.groups import ProposedGroup
from tenants.ids import ChatId, LaneId, TopicId
from tenants.intake import Disposition, Handled, Ignored
from tenants.outbox import Ask
from worker.decisions.command import read_command
from worker.decisions.customers import customer_wrote, reach_changed
from worker.decisions.program import pressed, program_edited, program_wrote
from worker.decisions.team import team_wrote, topic_event
from worker.decisions.work import Work

APOLOGY = "Sorry, this message could not be processed. Please try again a little later."


def touched(incoming: Incoming, group: ChatId | None) -> tuple[ChatId | None, TopicId | None]:
    """The customer's chat and the topic that an update is about, for loading the dialogs beforehand."""
    event = incoming.event
    if isinstance(event, (Message, TopicEvent)) and event.chat.id == group:
        return None, event.topic_id
    if isinstance(event, Edited):
        return (event.message.chat.id if event.message.outgoing else None), None
    if isinstance(event, (Message, ReachChanged, Pressed)) and event.chat.kind is ChatKind.PRIVATE:
        return event.chat.id, None
    return None, None


def list_asks(incoming: Incoming, work: Work) -> list[Ask]:
    """What has to be known of the message that an update is about; most updates are of messages nobody can know."""
    event = incoming.event
    message = event.message if isinstance(event, Edited) else event
    if not isinstance(message, Message) or not (message.outgoing or work.desk.switched_at):
        return []
    lane, back = _lanes_of(message, work)
    return [] if lane is None else [Ask(work.desk.tenant, message.chat.id, message.id, lane, back)]


def _lanes_of(message: Message, work: Work) -> tuple[LaneId | None, LaneId | None]:
    """Into which it would be queued, and that of the other direction."""
    if message.chat.id != work.desk.group_id:
        dialog = work.dialogs.by_chat.get(message.chat.id)
        return (dialog.topic_lane, dialog.customer_lane) if dialog else (None, None)
    if message.topic_id is None:
        return work.general, None
    dialog = work.dialogs.by_topic.get(message.topic_id)
    return (dialog.customer_lane, dialog.topic_lane) if dialog else (None, None)


def awaits_own_topic(incoming: Incoming) -> bool:
    return isinstance(incoming.event, TopicEvent) and incoming.event.what == "created"


def speaks_in_general(incoming: Incoming, group: ChatId | None) -> bool:
    event = incoming.event
    return isinstance(event, Message) and event.chat.id == group and event.topic_id is None


def dispatch(incoming: Incoming, work: Work) -> Disposition:
    event = incoming.event
    match event:
        case Other():
            decided: Disposition = Ignored(event.reason)
        case ReachChanged():
            decided = reach_changed(event, work)
        case TopicEvent():
            decided = topic_event(event, work)
        case GroupMoved():
            decided = _group_moved(event, work)
        case Message():
            decided = _message(incoming, event, work)
        case Edited():
            decided = program_edited(incoming, event, work)
        case Pressed():
            decided = pressed(event, work)
        case _:
            assert_never(event)
    return decided


def _message(incoming: Incoming, message: Message, work: Work) -> Disposition:
    if message.outgoing:
        return program_wrote(incoming, message, work)
    if work.desk.switched_at is not None and (seen := _before_the_switch(message, work)) is not None:
        return seen
    if message.sender is not None and message.sender.is_bot and not message.anonymous:
        return Ignored("bot")
    if message.chat.id == work.desk.group_id:
        return team_wrote(incoming, message, work)
    if message.chat.kind is ChatKind.PRIVATE:
        return customer_wrote(incoming, message, work)
    return _stranger_group(message, work)


def _before_the_switch(message: Message, work: Work) -> Ignored | None:
    """What came while the tenant received another way; a command must not be obeyed twice. A date is a second's
    beginning.
    """
    if work.trace(message.chat.id, message.id).was_seen:
        return Ignored("seen_before")
    switched_at = work.desk.switched_at
    is_command = message.chat.id == work.desk.group_id and read_command(message.text) is not None
    if (
        switched_at is not None
        and is_command
        and message.date > 0
        and not work.is_late
        and message.date + 1 <= switched_at.timestamp()
    ):
        return Ignored("before_the_switch")
    return None


def _stranger_group(message: Message, work: Work) -> Disposition:
    """A group that is not the desk: the one-time word of a group link is all that counts there."""
    command, _, word = message.text.partition(" ")
    is_start = command.lower() in {"/start", f"/start@{work.desk.bot_username.lower()}"}
    if is_start and word.strip() and message.sender is not None:
        title = clean_name(message.chat.title, str(message.chat.id))
        proposed = ProposedGroup(work.desk.tenant, message.chat.id, title, message.sender.id)
        work.proposals.append((proposed, word.strip()))
        return Handled("group_link")
    return Ignored("not_the_desk")


def _group_moved(event: GroupMoved, work: Work) -> Disposition:
    if event.chat.id != work.desk.group_id:
        return Ignored("not_the_desk")
    work.moved_to = event.to
    return Handled("group_moved")
