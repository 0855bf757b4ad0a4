"""The commands that operators type in a dialog's topic, each declared once."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from tenants.dialogs import Dialog

LONGEST_NAME = 32
"""Characters of a command (Bot API: BotCommand)."""
_COMMAND = re.compile(r"/([A-Za-z0-9_]+)(?:@([A-Za-z0-9_]+))?(?:\s|$)")


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    summary: str
    act: Callable[[Dialog], None] | None
    """None for a question about the message that it replies to."""


COMMANDS = (
    Command("close", "Close the dialog and its topic", Dialog.close),
    Command("hold", "Mark the dialog as waiting for the team", Dialog.hold),
    Command("why", "As a reply: what became of that message", None),
    Command("retry", "As a reply: send that message again", None),
)
_BY_NAME = {command.name: command for command in COMMANDS}


@dataclass(frozen=True, slots=True)
class Typed:
    """A message that begins with a slash. `name` is empty for a comment, `bot` is whom it is addressed to."""

    name: str
    bot: str | None

    @property
    def is_comment(self) -> bool:
        return not self.name

    def is_for(self, username: str) -> bool:
        return self.bot is None or self.bot.lower() == username.lower()


def read_command(text: str) -> Typed | None:
    """None for an ordinary message. `/ text` is a comment; `/path/like` counts as an unknown command."""
    if not text.startswith("/"):
        return None
    if text == "/" or text[1].isspace():
        return Typed("", None)
    found = _COMMAND.match(text)
    if found is None:
        return Typed(text[1:].split(maxsplit=1)[0].lower()[:LONGEST_NAME], None)
    return Typed(found[1].lower()[:LONGEST_NAME], found[2])


def find_command(name: str) -> Command | None:
    return _BY_NAME.get(name)


def help_in_topic(name: str) -> str:
    known = ", ".join(f"/{command.name}" for command in COMMANDS)
    return f"There is no command /{name}. Here you can use {known}, and “/ text” for a note that is not sent."


def help_in_general() -> str:
    known = ", ".join(f"/{command.name}" for command in COMMANDS)
    return f"Commands work inside a customer's topic: {known}, and “/ text” for a note that is not sent."
