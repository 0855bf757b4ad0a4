"""`/close`: the dialog is done, and so is its topic."""

from worker.decisions.acts import note_status
from worker.decisions.command import Call, Command


def act(call: Call) -> None:
    if call.dialog is not None:
        before = call.dialog.status
        call.dialog.close()
        note_status(call.work, call.dialog, before, call.by, "command")


COMMAND = Command("close", "Close the dialog and its topic", act)
