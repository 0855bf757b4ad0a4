"""`/hold`: the customer waits for the team, whoever wrote last."""

from worker.decisions.acts import note_status
from worker.decisions.command import Call, Command


def act(call: Call) -> None:
    if call.dialog is not None:
        before = call.dialog.status
        call.dialog.hold()
        note_status(call.work, call.dialog, before, call.by, "command")


COMMAND = Command("hold", "Mark the dialog as waiting for the team", act)
