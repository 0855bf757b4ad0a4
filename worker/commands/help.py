"""`/help`: what can be typed here."""

from worker import manual
from worker.decisions.command import Call, Command, Place


def act(call: Call) -> None:
    call.say(manual.help_in(Place.GENERAL if call.dialog is None else Place.TOPIC))


COMMAND = Command("help", "Show what you can type here", act, places=frozenset(Place))
