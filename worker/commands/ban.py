"""`/ban`: nothing of this customer comes in any more, and nothing goes out."""

from tenants.audit import Action
from tenants.bans import ban
from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.dialogs import clean_name
from tenants.errors import Invalid
from worker.decisions.acts import note
from worker.decisions.command import Call, Command

FULL = "IGNORE_CHATS is full: take ids off that list in the setup bot first."


async def answer(unit: UnitOfWork, call: Call, _: Keyring) -> None:
    dialog = call.dialog
    if dialog is None:
        return
    name = clean_name(dialog.name, str(dialog.chat_id))
    try:
        is_news = await ban(unit, call.work.desk.tenant, dialog.chat_id)
    except Invalid:
        call.say(FULL)
        return
    dialog.close()
    if is_news:
        note(call.work, Action.CUSTOMER_BANNED, call.by, dialog.id)
        words = "is banned, and the dialog is closed: nothing of theirs is shown or answered. /unban undoes it."
        call.say(f"🚫 {name} {words}")
    else:
        call.say(f"{name} is banned already: /unban lets them write again.")


COMMAND = Command(
    "ban",
    "Ban the customer and close the dialog",
    answer=answer,
    right="can_restrict_members",
    bare=True,
    more=("It adds the customer to IGNORE_CHATS.", "What they write is not shown, and nothing is sent to them."),
)
