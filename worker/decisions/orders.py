"""Whom a typed command concerns, and whether it may be obeyed: in a dialog's topic, or in General, where one of the
bots that share the group speaks for all.
"""

from sessions.events import Incoming, Message
from tenants.dialogs import Dialog
from tenants.ids import LaneId
from tenants.intake import Disposition, Handled, Ignored, Queued
from tenants.neighbours import picked
from worker.commands import COMMANDS
from worker.decisions.command import NEEDS_A_NAME, Call, Command, Inquiry, Place, Typed
from worker.decisions.work import Work
from worker.manual import unknown, wrong_place


def ordered_in_topic(typed: Typed, incoming: Incoming, message: Message, dialog: Dialog, work: Work) -> Disposition:
    if typed.is_comment:
        return Handled("comment")
    call = _call(typed, message, dialog, dialog.topic_lane, work)
    return _carry_out(typed, call, Place.TOPIC, incoming)


def ordered_in_general(typed: Typed, incoming: Incoming, message: Message, work: Work) -> Disposition:
    if typed.is_comment or work.general is None:
        return Ignored("general")
    call = _call(typed, message, None, work.general, work)
    command = COMMANDS.get(typed.name)
    if command is not None and command.picks:
        word, _, rest = typed.rest.partition(" ")
        if word[:1].lower() == "i":
            call.rest = rest.strip()
            return _picked(word, typed, call, incoming)
        call.speaks = typed.bot is not None or work.is_first
    elif typed.bot is None and not work.is_first:
        return Ignored("for_a_neighbour")
    return _carry_out(typed, call, Place.GENERAL, incoming)


def _picked(word: str, typed: Typed, call: Call, incoming: Incoming) -> Disposition:
    """Where it names none of them, the first says so."""
    work = call.work
    one = picked(word, work.neighbours)
    if one is not None and one.tenant == work.desk.tenant:
        return _carry_out(typed, call, Place.GENERAL, incoming)
    if one is not None or (typed.bot is None and not work.is_first):
        return Ignored("for_a_neighbour")
    names = ", ".join(f"i{neighbour.username}" for neighbour in work.neighbours[:10])
    call.say(f"None of the bots here is called so: write one of {names}, or leave it away.")
    return Handled("help")


def _call(typed: Typed, message: Message, dialog: Dialog | None, lane: LaneId, work: Work) -> Call:
    by = None if message.anonymous else message.sender
    return Call(typed.name, typed.rest, by, dialog, lane, work, message.id, message.reply_to)


def _carry_out(typed: Typed, call: Call, place: Place, incoming: Incoming) -> Disposition:
    if typed.bot is None and typed.name in call.work.desk.settings.CUSTOM_COMMANDS:
        return Handled("custom_command")
    command = COMMANDS.get(typed.name)
    if command is None:
        call.say(unknown(typed.name))
        return Handled("unknown_command")
    if place not in command.places:
        call.say(wrong_place(command))
        return Handled("wrong_place")
    return _obey(command, call, incoming)


def _obey(command: Command, call: Call, incoming: Incoming) -> Disposition:
    if call.by is None and (command.named or command.right is not None):
        call.say(NEEDS_A_NAME)
        return Handled("anonymous")
    if command.bare and call.rest:
        call.say(f"Nothing goes behind /{command.name}: it is about the customer of this topic.")
        return Handled("help")
    if command.asks_telegram:
        return _inquire(command, call, incoming)
    if command.act is not None:
        command.act(call)
    else:
        call.work.calls.append(call)
    return Handled(command.name)


def _inquire(command: Command, call: Call, incoming: Incoming) -> Disposition:
    whom = None
    if command.whom is not None and (whom := command.whom(call)) is None:
        return Handled("help")
    call.ask(Inquiry(command.name, call.rest, call.by, call.reply_to, command.right, whom), update=incoming.id)
    return Queued()
