"""`/new`: the team writes first, or watches somebody."""

from tenants.audit import Action
from tenants.dialogs import clean_name
from tenants.identity import name_of
from tenants.ids import ChatId
from worker.card import introduce, say_opened
from worker.decisions.acts import note
from worker.decisions.command import Call, Command, Place, read_person

WHOM = "Say whom: /new @ann for a name, or /new *123456789 for an id."


def whom(call: Call) -> str | None:
    who = read_person(call.rest)
    if who is None and call.speaks:
        call.say(WHOM)
    return who


def act(call: Call) -> None:
    """The dialog passes the filters until it is closed."""
    person = call.told.person
    if person is None:
        return
    name = clean_name(person.name, str(person.id))
    if person.is_bot:
        call.say("That is a bot: bots can't write to each other.")
        return
    if call.work.is_ignored(ChatId(person.id)):
        call.say(f"{name} is banned: send /unban in their topic, or take {person.id} off IGNORE_CHATS, first.")
        return
    book = call.work.dialogs
    dialog = book.by_chat.get(ChatId(person.id))
    is_news = dialog is None or not dialog.is_open
    if dialog is None:
        dialog = book.open(ChatId(person.id), person.name, person.username)
    elif is_news:
        dialog.hold()
    dialog.opened_by_team = True
    introduce(dialog, call.work)
    settings = call.work.desk.settings
    if is_news:
        note(call.work, Action.DIALOG_OPENED, call.by, dialog.id)
        call.tell(dialog, say_opened(dialog, settings))
    who = name_of(dialog, settings)
    call.say(f"Opened: {who}." if is_news else f"There is a dialog with {who} already.")


COMMAND = Command(
    "new",
    "Open a dialog: /new @USERNAME or /new *USER_ID",
    act,
    places=frozenset({Place.GENERAL}),
    usage="@USERNAME or *USER_ID",
    whom=whom,
    picks=True,
    more=(
        "The team writes first, or watches.",
        "Where several bots share the group, each opens one: /new iBOT_USERNAME @USERNAME picks that bot.",
        "The connection's whole id behind the i does, too.",
    ),
)
