"""`/info`: who the customer is, and what the team has noted about them."""

from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.notes import Note, list_notes
from tenants.outbox import cut
from worker.card import card
from worker.decisions.command import Call, Command
from worker.paragraph import Paragraph

SHOWN = 10
LONGEST_SHOWN = 300
"""UTF-16 units of a note on the card."""


async def answer(unit: UnitOfWork, call: Call, keyring: Keyring) -> None:
    desk, dialog = call.work.desk, call.dialog
    if dialog is None:
        return
    shown = card(dialog, desk, call.by)
    notes = await list_notes(unit, desk.tenant, dialog.id, keyring)
    _add_notes(shown, notes)
    call.say(shown)


def _add_notes(shown: Paragraph, notes: list[Note]) -> None:
    """Newest first."""
    for note in notes[:SHOWN]:
        words = cut(note.text, LONGEST_SHOWN)
        more = "" if words == note.text else "…"
        shown.say(f"\n📝 {note.at:%Y-%m-%d} {note.author}: {words}{more}")
    if len(notes) > SHOWN:
        shown.say(f"\n… and {len(notes) - SHOWN} older notes")


COMMAND = Command("info", "Show who the customer is, and your notes", answer=answer)
