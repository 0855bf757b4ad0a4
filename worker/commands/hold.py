"""`/hold`: the customer waits for the team, whoever wrote last."""

from worker.decisions.command import Call, Command


def act(call: Call) -> None:
    if call.dialog is not None:
        call.dialog.hold()


COMMAND = Command("hold", "Mark the dialog as waiting for the team", act)
