"""The commands that operators type in a dialog's topic or in General, each declared once."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from tenants.dialogs import Dialog

LONGEST_NAME = 32
"""Characters of a command (Bot API: BotCommand)."""
NEW = "new"
_PERSON = re.compile(r"@[A-Za-z][A-Za-z0-9_]{2,31}|\*[1-9][0-9]{0,15}", re.ASCII)
"""A username has up to 32 characters, the shortest known 3; an id has at most 52 bits (Bot API: User)."""
_COMMAND = re.compile(r"/([A-Za-z0-9_]+)(?:@([A-Za-z0-9_]+))?(?:\s|$)")


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    summary: str
    act: Callable[[Dialog], None] | None
    """None for a question about the message that it replies to, and for what is no dialog's."""
    in_general: bool = False


COMMANDS = (
    Command("close", "Close the dialog and its topic", Dialog.close),
    Command("hold", "Mark the dialog as waiting for the team", Dialog.hold),
    Command("why", "As a reply: what became of that message", None),
    Command("retry", "As a reply: send that message again", None),
    Command(NEW, "In General: open a dialog, /new @USERNAME or /new *USER_ID", None, in_general=True),
)
_BY_NAME = {command.name: command for command in COMMANDS}


@dataclass(frozen=True, slots=True)
class Typed:
    """A message that begins with a slash. `name` is empty for a comment, `bot` is whom it is addressed to, and `rest`
    what follows.
    """

    name: str
    bot: str | None
    rest: str = ""

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
    return Typed(found[1].lower()[:LONGEST_NAME], found[2], text[found.end() :].strip())


def read_person(typed: str) -> str | None:
    """`@username` as it is, `*123` as the digits; None for anything else."""
    return typed.removeprefix("*") if _PERSON.fullmatch(typed) else None


def find_command(name: str) -> Command | None:
    return _BY_NAME.get(name)


def help_in_topic(name: str) -> str:
    general = ", ".join(f"/{command.name}" for command in COMMANDS if command.in_general)
    return (
        f"There is no command /{name} here. You can use {_for_topics()}, and “/ text” for a note that is not sent; "
        f"{general} works in General."
    )


def help_in_general() -> str:
    return (
        "Here you can use /new @USERNAME or /new *USER_ID to open a dialog. "
        f"Inside a customer's topic: {_for_topics()}, and “/ text” for a note that is not sent."
    )


def _for_topics() -> str:
    return ", ".join(f"/{command.name}" for command in COMMANDS if not command.in_general)
