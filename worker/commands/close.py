"""`/close`: the dialog is done, and so is its topic."""

from worker.decisions.command import Call, Command


def act(call: Call) -> None:
    if call.dialog is not None:
        call.dialog.close()


COMMAND = Command("close", "Close the dialog and its topic", act)
