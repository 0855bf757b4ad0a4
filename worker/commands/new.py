"""`/new`: the team writes first, or watches somebody."""

from sessions.events import Person
from tenants.audit import Action
from tenants.ids import ChatId
from worker.decisions.acts import note
from worker.decisions.command import Call, Command, Place, read_person

WHOM = "Say whom: /new @ann for a name, or /new *123456789 for an id."


def whom(call: Call) -> str | None:
    who = read_person(call.rest)
    if who is None:
        call.say(WHOM)
    return who


def act(call: Call) -> None:
    """The dialog passes the filters until it is closed."""
    person = call.told.person
    if person is None:
        return
    if person.is_bot:
        call.say("That is a bot: bots can't write to each other.")
        return
    book = call.work.dialogs
    dialog = book.by_chat.get(ChatId(person.id))
    is_news = dialog is None or not dialog.is_open
    if dialog is None:
        dialog = book.open(ChatId(person.id), person.name, person.username)
    elif is_news:
        dialog.hold()
    dialog.opened_by_team = True
    if is_news:
        note(call.work, Action.DIALOG_OPENED, call.by, dialog.id)
        call.tell(dialog, _opened(person))
    call.say(f"Opened: {person.name}." if is_news else f"There is a dialog with {dialog.name} already.")


def _opened(person: Person) -> str:
    username = f", @{person.username}" if person.username else ""
    return (
        f"Opened by /new: {person.name}{username}, id {person.id}. "
        "The topic shows what they and the bot write from now on."
    )


COMMAND = Command(
    "new",
    "Open a dialog: /new @USERNAME or /new *USER_ID",
    act,
    places=frozenset({Place.GENERAL}),
    usage="@USERNAME or *USER_ID",
    whom=whom,
)
