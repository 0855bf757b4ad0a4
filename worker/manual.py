"""What operators read about commands: help that fits the place."""

from collections.abc import Iterator

from worker.commands import COMMANDS
from worker.decisions.command import Command, Place

COMMENT = "“/ text” for a note that is not sent"


def commands_for(place: Place) -> Iterator[Command]:
    return (command for command in COMMANDS.values() if place in command.places)


def help_in_topic(name: str) -> str:
    general = ", ".join(f"/{command.name}" for command in commands_for(Place.GENERAL))
    return (
        f"There is no command /{name} here. You can use {_for_topics()}, and {COMMENT}; {general} works in General."
    )


def help_in_general() -> str:
    return (
        "Here you can use /new @USERNAME or /new *USER_ID to open a dialog. "
        f"Inside a customer's topic: {_for_topics()}, and {COMMENT}."
    )


def _for_topics() -> str:
    return ", ".join(f"/{command.name}" for command in commands_for(Place.TOPIC))
