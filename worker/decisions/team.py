"""What the team does in its group: it answers, it types commands, it renames, closes and reopens topics."""

from sessions.events import Incoming, Message, TopicEvent
from tenants.dialogs import Dialog, Status, clean_name, strip_square, topic_title
from tenants.ids import LaneId
from tenants.intake import Disposition, Handled, Ignored, Queued
from tenants.outbox import Body, NewRow
from worker.commands import COMMANDS
from worker.decisions.acts import note_status
from worker.decisions.command import Call, Command, Inquiry, Place, Typed, read_command
from worker.decisions.work import Work
from worker.manual import help_in_general, help_in_topic

NEEDS_A_NAME = (
    "This command keeps who gave it, and an anonymous administrator has no name: switch off “Remain anonymous” in "
    "your administrator rights, and send it again."
)


def team_wrote(incoming: Incoming, message: Message, work: Work) -> Disposition:
    typed = read_command(message.text)
    if typed is not None and not typed.is_for(work.desk.bot_username):
        return Ignored("for_another_bot")
    if message.topic_id is None:
        return _general(typed, incoming, message, work)
    dialog = work.dialogs.by_topic.get(message.topic_id)
    if dialog is None:
        return Ignored("not_a_dialog")
    if typed is not None:
        return _in_topic(typed, incoming, message, dialog, work)
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


def _general(typed: Typed | None, incoming: Incoming, message: Message, work: Work) -> Disposition:
    if typed is None or typed.is_comment or work.general is None:
        return Ignored("general")
    command, call = COMMANDS.get(typed.name), _call(typed, message, None, work.general, work)
    if command is None or Place.GENERAL not in command.places:
        call.say(help_in_general())
        return Handled("help")
    return _obey(command, call, incoming, message)


def _in_topic(typed: Typed, incoming: Incoming, message: Message, dialog: Dialog, work: Work) -> Disposition:
    if typed.is_comment:
        return Handled("comment")
    command, call = COMMANDS.get(typed.name), _call(typed, message, dialog, dialog.topic_lane, work)
    if command is None or Place.TOPIC not in command.places:
        call.say(help_in_topic(typed.name))
        return Handled("unknown_command")
    return _obey(command, call, incoming, message)


def _call(typed: Typed, message: Message, dialog: Dialog | None, lane: LaneId, work: Work) -> Call:
    by = None if message.anonymous else message.sender
    return Call(typed.name, typed.rest, by, dialog, lane, work, message.id, message.reply_to)


def _obey(command: Command, call: Call, incoming: Incoming, message: Message) -> Disposition:
    if call.by is None and (command.named or command.right is not None):
        call.say(NEEDS_A_NAME)
        return Handled("anonymous")
    if command.asks_telegram:
        return _inquire(command, call, incoming, message)
    if command.act is not None:
        command.act(call)
    else:
        call.work.calls.append(call)
    return Handled(command.name)


def _inquire(command: Command, call: Call, incoming: Incoming, message: Message) -> Disposition:
    """Telegram is asked where nobody waits for it: in the lane to the customer, whose messages go elsewhere."""
    whom = None
    if command.whom is not None and (whom := command.whom(call)) is None:
        return Handled("help")
    inquiry = Inquiry(command.name, call.rest, call.by, call.reply_to, command.right, whom)
    lane = call.lane if call.dialog is None else call.dialog.customer_lane
    source = (message.chat.id, message.id)
    call.work.rows.append(NewRow(lane, "lookup", Body(inquiry.dump()), update_id=incoming.id, source=source))
    return Queued()


def topic_event(event: TopicEvent, work: Work) -> Disposition:
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
