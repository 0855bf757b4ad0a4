"""`/note`: what the team should remember about a customer. It is never sent."""

from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.dialogs import clean_name
from tenants.notes import LONGEST, MOST, add_note, clean_note
from worker.decisions.command import Call, Command

WHAT = "Write the note behind it: /note prefers to be called in the evening."


async def answer(unit: UnitOfWork, call: Call, keyring: Keyring) -> None:
    dialog, by = call.dialog, call.by
    if dialog is None or by is None:
        return
    words, name = clean_note(call.rest), clean_name(by.name, str(by.id))
    if not words:
        call.say(WHAT)
    elif len(words) > LONGEST:
        call.say(f"A note has at most {LONGEST} characters, this one has {len(words)}: make it shorter.")
    elif await add_note(unit, call.work.desk.tenant, dialog.id, words, by=by.id, name=name, keyring=keyring):
        call.say("📝 Noted. /info shows it; the customer never sees it.")
    else:
        call.say(f"This dialog has {MOST} notes already, which is the most that are kept.")


COMMAND = Command(
    "note",
    "Note something about the customer for the team",
    answer=answer,
    usage="TEXT",
    named=True,
    more=("It is kept encrypted, shown by /info, found by /find, and never sent.",),
)
