"""Who decides what one update means.

Every path ends in a disposition; a message that is dropped in silence does not type-check.
"""

from typing import assert_never

from sessions.events import (
    Chat,
    ChatKind,
    Edited,
    GroupMoved,
    Incoming,
    Message,
    Other,
    Pressed,
    ReachChanged,
    Reacted,
    StandingChanged,
    TopicEvent,
)
from tenants.dialogs import Dialog, clean_name
from tenants.groups import ProposedGroup
from tenants.ids import ChatId, LaneId, MessageId, TopicId
from tenants.intake import Disposition, Handled, Ignored
from tenants.outbox import Ask
from worker.decisions.command import read_command
from worker.decisions.condition import look_at_desk
from worker.decisions.customers import customer_wrote, reach_changed
from worker.decisions.edits import customer_edited, team_edited
from worker.decisions.groups import group_moved, group_wrote, standing_changed
from worker.decisions.happenings import look, note_events
from worker.decisions.program import pressed, program_edited, program_wrote
from worker.decisions.reactions import reacted
from worker.decisions.team import team_wrote, topic_event
from worker.decisions.veil import veil
from worker.decisions.work import Work

APOLOGY = "Sorry, this message could not be processed. Please try again a little later."


def touched(incoming: Incoming, group: ChatId | None) -> tuple[ChatId | None, TopicId | None]:
    """The customer's chat and the topic that an update is about, for loading the dialogs beforehand."""
    event = incoming.event.message if isinstance(incoming.event, Edited) else incoming.event
    if isinstance(event, (Message, TopicEvent)) and event.chat.id == group:
        return None, event.topic_id
    if isinstance(event, Reacted):
        return (None if event.chat.id == group else event.chat.id), None
    if isinstance(event, (Message, ReachChanged, StandingChanged, GroupMoved)):
        return event.chat.id, None
    if isinstance(event, Pressed) and event.chat.kind is ChatKind.PRIVATE:
        return event.chat.id, None
    return None, None


def touched_message(incoming: Incoming, group: ChatId | None) -> MessageId | None:
    """The message in the group that an update is about which does not say its topic."""
    event = incoming.event
    return event.message if isinstance(event, Reacted) and event.chat.id == group else None


def also_touched(incoming: Incoming) -> ChatId | None:
    """A second chat: what a group becomes, or the channel of which a post came into its group."""
    event = incoming.event
    if isinstance(event, GroupMoved):
        return event.to
    if isinstance(event, Message) and event.automatic and event.as_chat is not None:
        return event.as_chat.id
    return None


def list_asks(incoming: Incoming, work: Work) -> list[Ask]:
    """What has to be known of the message that an update is about; most updates are of messages nobody can know."""
    event = incoming.event
    if isinstance(event, Reacted):
        return _ask(event.chat, event.message, work.dialogs.by_message.get(event.message), work)
    message = event.message if isinstance(event, Edited) else event
    if not isinstance(message, Message):
        return []
    if not (isinstance(event, Edited) or message.outgoing or work.desk.switched_at):
        return []
    dialog = None if message.topic_id is None else work.dialogs.by_topic.get(message.topic_id)
    return _ask(message.chat, message.id, dialog, work, general=message.topic_id is None)


def _ask(chat: Chat, message: MessageId, in_group: Dialog | None, work: Work, *, general: bool = False) -> list[Ask]:
    """`in_group` is the dialog where it is in the group, `general` whether it is in the group's General."""
    lane: LaneId | None
    back: LaneId | None
    if chat.id != work.desk.group_id:
        dialog = work.dialogs.by_chat.get(chat.id)
        lane, back = (dialog.topic_lane, dialog.customer_lane) if dialog else (None, None)
    elif general:
        lane, back = work.general, None
    else:
        lane, back = (in_group.customer_lane, in_group.topic_lane) if in_group else (None, None)
    return [] if lane is None else [Ask(work.desk.tenant, chat.id, message, lane, back)]


def awaits_own_topic(incoming: Incoming) -> bool:
    return isinstance(incoming.event, TopicEvent) and incoming.event.what == "created"


def speaks_in_general(incoming: Incoming, group: ChatId | None) -> bool:
    """Or may have to be asked there: it has no dialog."""
    event = incoming.event
    if isinstance(event, StandingChanged):
        return event.is_present and event.chat.id != group
    return isinstance(event, Message) and event.chat.id == group and event.topic_id is None


def dispatch(incoming: Incoming, work: Work) -> Disposition:
    before = look(work)
    look_at_desk(incoming.event, work)
    decided = _decide(incoming, work)
    note_events(work, before)
    return decided


def _decide(incoming: Incoming, work: Work) -> Disposition:
    event = veil(incoming.event, work)
    match event:
        case Other():
            decided: Disposition = Ignored(event.reason)
        case ReachChanged():
            decided = reach_changed(event, work)
        case StandingChanged():
            decided = standing_changed(event, work)
        case TopicEvent():
            decided = topic_event(event, work)
        case GroupMoved():
            decided = _group_moved(event, work)
        case Message():
            decided = _message(incoming, event, work)
        case Edited():
            decided = _edited(incoming, event, work)
        case Reacted():
            decided = reacted(incoming, event, work)
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
        again = _group_link(message, work) if message.topic_id is None else None
        return again or team_wrote(incoming, message, work)
    if message.chat.kind is ChatKind.PRIVATE:
        return customer_wrote(incoming, message, work)
    return _group_link(message, work) or group_wrote(incoming, message, work)


def _edited(incoming: Incoming, edited: Edited, work: Work) -> Disposition:
    message = edited.message
    if message.outgoing:
        return program_edited(incoming, edited, work)
    if message.sender is not None and message.sender.is_bot and not message.anonymous:
        return Ignored("bot")
    if message.chat.id == work.desk.group_id:
        return team_edited(incoming, edited, work)
    return customer_edited(incoming, edited, work)


def _before_the_switch(message: Message, work: Work) -> Ignored | None:
    """What came while the tenant received another way; a command must not be obeyed twice. A date is a second's
    beginning.
    """
    source = (message.chat.id, message.id)
    is_queued = any(row.source == source for row in work.rows)  # what waited may be there both ways
    if is_queued or work.trace(*source).was_seen:
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


def _group_link(message: Message, work: Work) -> Disposition | None:
    """The one-time word of a group link: in another group, or in the team's, which is verified again."""
    command, _, word = message.text.partition(" ")
    is_start = command.lower() in {"/start", f"/start@{work.desk.bot_username.lower()}"}
    if is_start and word.strip() and message.sender is not None:
        title = clean_name(message.chat.title, str(message.chat.id))
        proposed = ProposedGroup(work.desk.tenant, message.chat.id, title, message.sender.id)
        work.proposals.append((proposed, word.strip()))
        return Handled("group_link")
    return None


def _group_moved(event: GroupMoved, work: Work) -> Disposition:
    if event.chat.id != work.desk.group_id:
        return group_moved(event, work)
    work.moved_to = event.to
    return Handled("group_moved")
