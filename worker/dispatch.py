"""What one update means: pure decisions over the tenant's settings and dialogs, with rows as their effect.

Every path ends in a disposition; a message that is dropped in silence does not type-check.
"""

from typing import assert_never

from sessions.port import ChatKind, Edited, GroupMoved, Incoming, Message, Other, Pressed, ReachChanged, TopicEvent
from tenants.dialogs import Dialog, Status, clean_name, strip_square, topic_title
from tenants.groups import ProposedGroup
from tenants.ids import ChatId, LaneId, TopicId
from tenants.intake import Disposition, Handled, Ignored, Queued
from tenants.outbox import Ask, Body, NewRow
from tenants.plans import Plan
from tenants.settings.kinds import matches
from worker.acts import author, note_status
from worker.commands import NEW, Typed, find_command, help_in_general, help_in_topic, read_command, read_person
from worker.interception import pressed, program_edited, program_wrote
from worker.work import Question, Work

BLOCKED = "🚫 The customer has blocked the bot. Answers reach them again once they unblock it."
UNBLOCKED = "✅ The customer has unblocked the bot: answers reach them again."
WHOM = "Say whom: /new @ann for a name, or /new *123456789 for an id."
APOLOGY = "Sorry, this message could not be processed. Please try again a little later."
_MARKDOWN = str.maketrans({char: f"\\{char}" for char in r"\_*[]()~`>#+-=|{}.!"})


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
            decided = _reach_changed(event, work)
        case TopicEvent():
            decided = _topic_event(event, work)
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
        return _team_wrote(incoming, message, work)
    if message.chat.kind is ChatKind.PRIVATE:
        return _customer_wrote(incoming, message, work)
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


def _customer_wrote(incoming: Incoming, message: Message, work: Work) -> Disposition:
    settings, chat = work.desk.settings, message.chat
    if not work.is_welcome(chat.id):
        return Ignored("not_on_white_list")
    dialog = work.dialogs.by_chat.get(chat.id)
    is_open = dialog is not None and dialog.is_open
    if settings.PRIVATE_KEYWORDS and not is_open and not matches(settings.PRIVATE_KEYWORDS, message.text):
        return Ignored("no_keyword")
    username = message.sender.username if message.sender else None
    if dialog is None:
        dialog = work.dialogs.open(chat.id, chat.title, username)
    dialog.name, dialog.username = chat.title, username
    opened = dialog.customer_wrote()
    work.rows.append(
        NewRow(
            lane=dialog.topic_lane,
            kind="copy",
            body=Body(message.text, content=message.content, entities=message.entities),
            update_id=incoming.id,
            source=(chat.id, message.id),
            reply_to=message.reply_to,
            album=message.album,
            joinable=message.joinable,
        )
    )
    if opened and settings.WELCOME:
        work.rows.append(_welcome(dialog, work))
    return Queued()


def _welcome(dialog: Dialog, work: Work) -> NewRow:
    text = work.desk.settings.WELCOME.replace("{title}", dialog.name.translate(_MARKDOWN))
    if work.desk.plan is Plan.FREE:
        link = work.brand_link.replace("\\", "\\\\").replace(")", "\\)")
        text = f"{text}\n\n_Answered with [Backline]({link})_"
    return NewRow(lane=dialog.customer_lane, kind="welcome", body=Body(text, markdown=True))


def _team_wrote(incoming: Incoming, message: Message, work: Work) -> Disposition:
    command = read_command(message.text)
    if command is not None and not command.is_for(work.desk.bot_username):
        return Ignored("for_another_bot")
    if message.topic_id is None:
        return _general(command, incoming, message, work)
    dialog = work.dialogs.by_topic.get(message.topic_id)
    if dialog is None:
        return Ignored("not_a_dialog")
    if command is not None:
        return _command(command.name, message, dialog, work)
    dialog.team_answered(work.desk.now, work.desk.settings.AUTOCLOSE)
    work.rows.append(
        NewRow(
            lane=dialog.customer_lane,
            kind="answer",
            body=Body(message.text, content=message.content),
            update_id=incoming.id,
            source=(message.chat.id, message.id),
            reply_to=message.reply_to,
            reply_at=message.reply_at,
            album=message.album,
        )
    )
    return Queued()


def _general(command: Typed | None, incoming: Incoming, message: Message, work: Work) -> Disposition:
    if command is None or command.is_comment or work.general is None:
        return Ignored("general")
    if command.name != NEW:
        work.rows.append(NewRow(work.general, "notice", Body(help_in_general()), reply_to=message.id))
        return Handled("help")
    who = read_person(command.rest)
    if who is None:
        work.rows.append(NewRow(work.general, "notice", Body(WHOM), reply_to=message.id))
        return Handled("help")
    source = (message.chat.id, message.id)
    asker = (by.id, by.name) if (by := author(message)) else None
    work.rows.append(NewRow(work.general, "lookup", Body(who, asker=asker), update_id=incoming.id, source=source))
    return Queued()


def _command(name: str, message: Message, dialog: Dialog, work: Work) -> Disposition:
    if not name:
        return Handled("comment")
    command = find_command(name)
    if command is None or command.in_general:
        work.rows.append(_notice(dialog, help_in_topic(name), message))
        return Handled("unknown_command")
    if command.act is None:
        work.questions.append(Question(command.name, dialog, message.id, message.reply_to))
    else:
        before = dialog.status
        command.act(dialog)
        note_status(work, dialog, before, author(message), "command")
    return Handled(command.name)


def _notice(dialog: Dialog, text: str, message: Message | None = None) -> NewRow:
    return NewRow(dialog.topic_lane, "notice", Body(text), reply_to=message.id if message else None)


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


def _topic_event(event: TopicEvent, work: Work) -> Disposition:
    if event.chat.id != work.desk.group_id:
        return Ignored("not_the_desk")
    if event.actor is not None and event.actor.id == work.desk.bot_id:
        return _adopt(event, work) if event.what == "created" else Ignored("own_service")
    if event.actor is not None and event.actor.is_bot:  # the housekeeper
        return Ignored("bot")
    dialog = work.dialogs.by_topic.get(event.topic_id)
    if dialog is None:
        return Ignored("not_a_dialog")
    before = dialog.status
    if event.what == "closed":
        dialog.close()
        dialog.topic_open = False
    elif event.what == "reopened":
        dialog.topic_open = True
        if dialog.status is Status.CLOSED:
            dialog.hold()
    elif event.name is not None:
        _rename(dialog, event.name)
    note_status(work, dialog, before, event.actor, "topic")
    return Handled(f"topic_{event.what}")


def _rename(dialog: Dialog, title: str) -> None:
    """An operator's own name is kept; only the square in front of it is ours."""
    dialog.topic_name = clean_name(strip_square(title), dialog.topic_name)
    if title != topic_title(dialog.status, dialog.topic_name):
        dialog.topic_status = None


def _adopt(event: TopicEvent, work: Work) -> Disposition:
    """A creation whose answer was lost turns up as our own service message: that topic is the one."""
    if event.topic_id in work.dialogs.by_topic or event.name is None:
        return Ignored("own_service")
    dialog = work.dialogs.find_asked(event.name)
    if dialog is None:
        return Ignored("own_service")
    work.dialogs.adopt(dialog, event.topic_id, event.name)
    return Handled("topic_adopted")


def _group_moved(event: GroupMoved, work: Work) -> Disposition:
    if event.chat.id != work.desk.group_id:
        return Ignored("not_the_desk")
    work.moved_to = event.to
    return Handled("group_moved")


def _reach_changed(event: ReachChanged, work: Work) -> Disposition:
    dialog = work.dialogs.by_chat.get(event.chat.id)
    if dialog is None:
        return Ignored("no_dialog")
    if event.reachable == (dialog.unreachable_at is None):
        return Ignored("nothing_changed")
    dialog.unreachable_at = None if event.reachable else work.desk.now
    work.rows.append(_notice(dialog, UNBLOCKED if event.reachable else BLOCKED))
    return Handled("unblocked" if event.reachable else "blocked")
