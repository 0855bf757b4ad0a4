"""`/assign`: whose dialog it is, by hand."""

from sessions.events import Person
from tenants.audit import Action
from tenants.claims import find_owner, own
from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.dialogs import Dialog, clean_name
from tenants.ids import UserId
from tenants.operators import find_operator
from tenants.parallel import Mode
from worker.decisions.acts import note
from worker.decisions.command import NEEDS_A_NAME, NO_MEMBER, Call, Command, Inquiry, read_person
from worker.durations import lasting
from worker.paragraph import Paragraph

WHOM = "Say whose it shall be: /assign @max, /assign *123456789 for an id, /assign me, or /assign off."
SWITCHED_OFF = "Nobody owns dialogs here: the setting CLAIM is 0."
CLOSED = "The dialog is closed, and nobody owns a closed one: /hold opens it."
NOBODY = "Nobody owns this dialog. /assign me takes it."
RELEASED = "Nobody owns this dialog any more."
A_BOT = "That is a bot: bots answer nobody here."


async def answer(unit: UnitOfWork, call: Call, _: Keyring) -> None:
    """Twice where Telegram has to say who is meant: then it is called again with what Telegram said."""
    dialog, typed = call.dialog, call.rest.lower()
    if dialog is None:
        return
    if typed == "off":
        _note(call, dialog, None)
        dialog.release()
        call.say(RELEASED)
    elif not call.work.desk.settings.CLAIM:
        call.say(SWITCHED_OFF)
    elif not typed:
        _show(call, dialog)
    elif not dialog.is_open:
        call.say(CLOSED)
    elif typed == "me":
        _take(call, dialog)
    elif call.told.person is not None:
        _give(call, dialog, call.told.person)
    else:
        await _look_for(unit, call)


def _show(call: Call, dialog: Dialog) -> None:
    now = call.work.desk.now
    owner = find_owner(dialog, now)
    call.say(NOBODY if owner is None else f"{owner.name} owns this dialog for {lasting(owner.until - now)}.")


def _take(call: Call, dialog: Dialog) -> None:
    if call.by is None:
        call.say(NEEDS_A_NAME)
    else:
        _hand_over(call, dialog, call.by)


def _give(call: Call, dialog: Dialog, person: Person) -> None:
    """A username may have been given to somebody else since it was seen in the group."""
    if person.is_bot:
        call.say(A_BOT)
    elif call.rest.startswith("@") and (person.username or "").lower() != call.rest[1:].lower():
        call.say(NO_MEMBER)
    else:
        _hand_over(call, dialog, person)


def _hand_over(call: Call, dialog: Dialog, person: Person) -> None:
    desk, name = call.work.desk, clean_name(person.name, str(person.id))
    _note(call, dialog, person.id)
    own(dialog, person.id, name, now=desk.now, hours=desk.settings.CLAIM)
    call.say(Paragraph().say("👤 ").mention(name, person.id).say(f" owns this dialog for {desk.settings.CLAIM} h."))


def _note(call: Call, dialog: Dialog, new: UserId | None) -> None:
    """Where it changes who owns the dialog."""
    owner = find_owner(dialog, call.work.desk.now)
    if (None if owner is None else owner.id) != new:
        note(call.work, Action.DIALOG_ASSIGNED, call.by, dialog.id, owner=new)


async def _look_for(unit: UnitOfWork, call: Call) -> None:
    whom, desk = read_person(call.rest), call.work.desk
    if whom is None:
        call.say(WHOM)
        return
    if whom.startswith("@"):
        seen = await find_operator(unit, desk.tenant, whom[1:])
        if seen is None and desk.mode is not Mode.PARALLEL:
            call.say(f"{whom} has written nothing in this group so far: let them write one message, then repeat it.")
            return
        whom = whom if seen is None else str(seen)
    call.ask(Inquiry("assign", call.rest, call.by, call.reply_to, whom=whom, among_members=True))


COMMAND = Command(
    "assign",
    "Show who owns the dialog, or give it to somebody",
    answer=answer,
    usage="@OPERATOR, *ID, me or off",
    more=(
        "The first answer makes its operator the owner for CLAIM hours; each answer of the owner's prolongs it.",
        "Who answers beside the owner is told, and so is the owner; both answers are sent.",
    ),
)
