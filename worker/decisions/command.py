"""What a command of operators is, and one of them as somebody typed it."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

from sessions.events import Person
from sessions.port import Membership
from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.dialogs import Dialog
from tenants.ids import LaneId, MessageId, UserId
from tenants.outbox import Body, NewRow
from worker.decisions.work import Work

LONGEST_NAME = 32
"""Characters of a command (Bot API: BotCommand)."""
_PERSON = re.compile(r"@[A-Za-z][A-Za-z0-9_]{2,31}|\*[1-9][0-9]{0,15}", re.ASCII)
"""A username has up to 32 characters, the shortest known 3; an id has at most 52 bits (Bot API: User)."""
_COMMAND = re.compile(r"/([A-Za-z0-9_]+)(?:@([A-Za-z0-9_]+))?(?:\s|$)")


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


@dataclass(frozen=True, slots=True)
class Told:
    """What Telegram answered before a command was carried out. `by` is what its author may do in the group, `person`
    whom it is about, and `member` what that person is there. `refusal` says why there is no such person.
    """

    by: Membership | None = None
    person: Person | None = None
    member: Membership | None = None
    refusal: str = ""


@dataclass(slots=True)
class Call:
    """A command as somebody typed it: in a dialog's topic, or in General, where there is no `dialog`. `by` is None
    for an anonymous administrator. What it says goes into `lane`.
    """

    name: str
    rest: str
    by: Person | None
    dialog: Dialog | None
    lane: LaneId
    work: Work
    message: MessageId
    reply_to: MessageId | None
    told: Told = field(default_factory=Told)

    def say(self, words: str, *, body: Body | None = None) -> None:
        """A line that answers the command."""
        self.work.rows.append(NewRow(self.lane, "notice", body or Body(words), reply_to=self.message))

    def tell(self, dialog: Dialog, words: str) -> None:
        """A line in a dialog's topic."""
        self.work.rows.append(NewRow(dialog.topic_lane, "notice", Body(words)))


class Place(StrEnum):
    TOPIC = "a dialog's topic"
    GENERAL = "General"


Act = Callable[[Call], None]
Answer = Callable[[UnitOfWork, Call, Keyring], Awaitable[None]]
AskWhom = Callable[[Call], str | None]


@dataclass(frozen=True, slots=True)
class Command:
    """One of `act`, which decides by itself, and `answer`, which needs the database, is there.

    `usage` is what follows the name. `right` is the administrator's right that it needs, by the Bot API's name.
    `whom` reads the person whom it is about, `@username` or an id, that Telegram is asked for; None: the command has
    answered by itself. `named`: it keeps who did it, so that it needs a name.
    """

    name: str
    summary: str
    act: Act | None = None
    answer: Answer | None = None
    places: frozenset[Place] = frozenset({Place.TOPIC})
    usage: str = ""
    right: str | None = None
    whom: AskWhom | None = None
    named: bool = False

    @property
    def asks_telegram(self) -> bool:
        return self.right is not None or self.whom is not None


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What Telegram is asked before a command is carried out, and all that is needed to do so then."""

    command: str
    rest: str
    by: Person | None
    reply_to: MessageId | None = None
    right: str | None = None
    whom: str | None = None

    def dump(self) -> str:
        by = None if self.by is None else [self.by.id, self.by.name, self.by.username]
        return json.dumps([self.command, self.rest, by, self.reply_to, self.right, self.whom], ensure_ascii=False)

    @classmethod
    def load(cls, dumped: str) -> "Inquiry":
        command, rest, by, reply_to, right, whom = json.loads(dumped)
        person = None if by is None else Person(UserId(by[0]), by[1], by[2], is_bot=False)
        return cls(command, rest, person, reply_to, right, whom)
