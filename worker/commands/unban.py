"""`/unban`: a customer may write again."""

from tenants.audit import Action
from tenants.bans import unban
from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.dialogs import clean_name
from worker.decisions.acts import note
from worker.decisions.command import Call, Command


async def answer(unit: UnitOfWork, call: Call, _: Keyring) -> None:
    dialog = call.dialog
    if dialog is None:
        return
    name = clean_name(dialog.name, str(dialog.chat_id))
    if await unban(unit, call.work.desk.tenant, dialog.chat_id):
        note(call.work, Action.CUSTOMER_UNBANNED, call.by, dialog.id)
        call.say(f"✅ {name} is not banned any more: their next message opens the dialog.")
    else:
        call.say(f"{name} is not banned.")


COMMAND = Command(
    "unban",
    "Let the customer write again",
    answer=answer,
    right="can_restrict_members",
    bare=True,
    more=("It takes the customer off IGNORE_CHATS; the dialog stays closed until they write.",),
)
