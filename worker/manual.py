"""What people read about commands, all of it from the declarations: help that fits the place, Telegram's own list,
and `docs/commands.md`, which `python -m worker.manual` writes.
"""

import sys
from collections.abc import Iterator

from tenants.dialogs import clean_name
from worker import commands
from worker.decisions.command import Command, Place
from worker.paragraph import Paragraph

COMMENT = "“/ text” is a note for the team that is not sent."
_HEAD = """\
# Commands

Operators type them in the group. Every member of the group is an operator.
This page is generated from `worker/commands/` (`make docs`).

A message in a topic that begins with `/` and a space is a comment: it is never sent.
Where several bots share a group, each keeps to its own topics.
In General `/command@bot` goes to that bot; without a name the bot that was connected first answers.
Rights are asked of Telegram, and remembered for a minute.
"""
_COLUMNS = ("Command", "What it does", "Needs", "Also")
_PLACES = {Place.TOPIC: "In a customer's topic", Place.GENERAL: "In General"}
RIGHTS = {
    "can_restrict_members": "ban users",
    "can_delete_messages": "delete messages",
    "can_manage_topics": "manage topics",
}
"""Administrator's rights in words, by the Bot API's names."""


def commands_for(place: Place) -> Iterator[Command]:
    return (command for command in commands.COMMANDS.values() if place in command.places)


def listed() -> list[tuple[str, str]]:
    """As Telegram offers them while somebody types."""
    return [(command.name, command.summary) for command in commands.COMMANDS.values()]


def unknown(name: str) -> str:
    return f"There is no command /{clean_name(name, '…')}: /help lists those there are."


def wrong_place(command: Command) -> str:
    if Place.GENERAL in command.places:
        return f"/{command.name} works in General."
    return f"/{command.name} works in a customer's topic."


def help_in(place: Place) -> Paragraph:
    """A line for each command that works there."""
    other = Place.GENERAL if place is Place.TOPIC else Place.TOPIC
    shown = Paragraph().bold(f"{_PLACES[place]} you can use")
    for command in commands_for(place):
        shown.say(f"\n{_typed(command)} — {command.summary}{_needs(command, ' (needs the right to {})')}")
    if place is Place.TOPIC:
        shown.say(f"\n{COMMENT}")
    elsewhere = ", ".join(f"/{command.name}" for command in commands_for(other) if place not in command.places)
    return shown.say(f"\n{_PLACES[other]}: {elsewhere}")


def _typed(command: Command) -> str:
    return f"/{command.name} {command.usage}".rstrip()


def _needs(command: Command, words: str) -> str:
    return "" if command.right is None else words.format(RIGHTS[command.right])


def commands_page() -> str:
    return "\n".join([_HEAD, *(_section(place) for place in Place)])


def _section(place: Place) -> str:
    lines = [f"## {_PLACES[place]}", "", _row(*_COLUMNS), _row(*("---" for _ in _COLUMNS))]
    lines += [_row(*_cells(command)) for command in commands_for(place)]
    return "\n".join([*lines, ""])


def _cells(command: Command) -> tuple[str, ...]:
    needs = [_needs(command, "the right to {}"), "a name" if command.named or command.right else ""]
    return f"`{_typed(command)}`", command.summary, ", ".join(filter(None, needs)), " ".join(command.more)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    sys.stdout.write(commands_page())
