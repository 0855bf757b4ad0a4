"""What one update means: pure decisions over the tenant's settings and dialogs, with rows as their effect.

Every path ends in a disposition; a message that is dropped in silence does not type-check.
"""

from dataclasses import dataclass, field
from typing import assert_never

from sessions.port import ChatKind, GroupMoved, Incoming, Message, Other, ReachChanged, TopicEvent
from tenants.connections import ProposedGroup
from tenants.dialogs import Dialog, DialogBook, Status, clean_name, strip_square, topic_title
from tenants.ids import ChatId, LaneId, MessageId, TopicId
from tenants.intake import Desk, Disposition, Handled, Ignored, Queued
from tenants.outbox import Body, NewRow
from tenants.plans import Plan
from tenants.settings.kinds import matches
from worker.commands import find_command, help_in_general, help_in_topic, read_command

BLOCKED = "🚫 The customer has blocked the bot. Answers reach them again once they unblock it."
UNBLOCKED = "✅ The customer has unblocked the bot: answers reach them again."
APOLOGY = "Sorry, this message could not be processed. Please try again a little later."
_MARKDOWN = str.maketrans({char: f"\\{char}" for char in r"\_*[]()~`>#+-=|{}.!"})


@dataclass(frozen=True, slots=True)
class Question:
    """What an operator wants to know about a message, to be answered from the database."""

    name: str
    dialog: Dialog
    asked_in: MessageId
    about: MessageId | None


@dataclass(slots=True)
class Work:
    """What one batch reads and what it changes."""

    desk: Desk
    dialogs: DialogBook
    brand_link: str
    general: LaneId | None = None
    rows: list[NewRow] = field(default_factory=list)
    proposals: list[tuple[ProposedGroup, str]] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    moved_to: ChatId | None = None


def touched(incoming: Incoming, group: ChatId | None) -> tuple[ChatId | None, TopicId | None]:
    """The customer's chat and the topic that an update is about, for loading the dialogs beforehand."""
    event = incoming.event
    if isinstance(event, (Message, TopicEvent)) and event.chat.id == group:
        return None, event.topic_id
    if isinstance(event, (Message, ReachChanged)) and event.chat.kind is ChatKind.PRIVATE:
        return event.chat.id, None
    return None, None


def awaits_own_topic(incoming: Incoming) -> bool:
    return isinstance(incoming.event, TopicEvent) and incoming.event.what == "created"


def speaks_in_general(incoming: Incoming, group: ChatId | None) -> bool:
    event = incoming.event
    return isinstance(event, Message) and event.chat.id == group and event.topic_id is None


def dispatch(incoming: Incoming, work: Work) -> Disposition:
    event = incoming.event
    match event:
        case Other():
            return Ignored(event.reason)
        case ReachChanged():
            return _reach_changed(event, work)
        case TopicEvent():
            return _topic_event(event, work)
        case GroupMoved():
            return _group_moved(event, work)
        case Message():
            return _message(incoming, event, work)
        case _:
            assert_never(event)


def _message(incoming: Incoming, message: Message, work: Work) -> Disposition:
    if message.sender is not None and message.sender.is_bot and not message.anonymous:
        return Ignored("bot")
    if message.chat.id == work.desk.group_id:
        return _team_wrote(incoming, message, work)
    if message.chat.kind is ChatKind.PRIVATE:
        return _customer_wrote(incoming, message, work)
    return _stranger_group(message, work)


def _customer_wrote(incoming: Incoming, message: Message, work: Work) -> Disposition:
    settings, chat = work.desk.settings, message.chat
    if settings.WHITE_LIST and chat.id not in settings.WHITE_LIST:
        return Ignored("not_on_white_list")
    dialog = work.dialogs.by_chat.get(chat.id)
    is_open = dialog is not None and dialog.status is not Status.CLOSED
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
        if command is None or command.is_comment or work.general is None:
            return Ignored("general")
        work.rows.append(NewRow(work.general, "notice", Body(help_in_general()), reply_to=message.id))
        return Handled("help")
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


def _command(name: str, message: Message, dialog: Dialog, work: Work) -> Disposition:
    if not name:
        return Handled("comment")
    command = find_command(name)
    if command is None:
        work.rows.append(_notice(dialog, help_in_topic(name), message))
        return Handled("unknown_command")
    if command.act is None:
        work.questions.append(Question(command.name, dialog, message.id, message.reply_to))
    else:
        command.act(dialog)
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
    if event.what == "closed":
        dialog.close()
        dialog.topic_open = False
    elif event.what == "reopened":
        dialog.topic_open = True
        if dialog.status is Status.CLOSED:
            dialog.hold()
    elif event.name is not None:
        _rename(dialog, event.name)
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
