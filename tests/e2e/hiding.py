"""A customer who can't be mistaken, everything that was ever shown to the team, and what is found in it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sandbox.bot_api.render_message import message_json
from sandbox.world import Bot, Message, User
from sandbox.world.entities import Topic
from tests.e2e.conftest import Stage

FIRST, LAST, USERNAME = "Zebulonia", "Quartzheimer", "zq_unmistakable"
PHONE, EMAIL, CARD = "+7 916 555-01-99", "zebu.lonia@quartz-mail.example", "4111 1111 1111 1111"


@dataclass
class Ear:
    """Whatever a program or the team's bots showed in the group, in each form that it ever had, and what else is
    put into `heard`. What people themselves type there is theirs.
    """

    stage: Stage
    observer: Bot
    heard: list[object] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stage.world.listen(self._hear)

    def _hear(self, change: Any) -> None:
        if change.chat is not self.stage.group:
            return
        if isinstance(change.subject, Topic):
            self.heard.append(change.subject.name)
        if isinstance(change.subject, Message) and change.subject.sender.is_bot and not _is_echo(change.subject):
            shown = message_json(self.stage.world, change.subject, self.observer)
            shown.pop("reply_to_message", None)
            self.heard.append(shown)

    def find(self, customer: User) -> dict[str, str]:
        """Which of the customer's traits were heard, and in what."""
        found: dict[str, str] = {}
        for thing in self.heard:
            for value in _values(thing):
                for trait in _traits(str(value).lower(), customer):
                    found.setdefault(trait, str(thing))
        return found


def _is_echo(message: Message) -> bool:
    """The program of the tests repeats in the group what people type there."""
    return message.text.startswith("You wrote: ")


def _traits(value: str, customer: User) -> Iterator[str]:
    digits = re.sub(r"\D", "", value)
    marks = {
        "name": FIRST.lower() in value or LAST.lower() in value,
        "link": USERNAME in value or str(customer.id) in digits,
        "phone": "9165550199" in digits,
        "email": "quartz-mail" in value or "zebu.lonia" in value,
        "card": "411111111111" in digits,
    }
    return (trait for trait, is_there in marks.items() if is_there)


def _values(thing: object) -> Iterator[object]:
    if isinstance(thing, dict):
        for key, value in thing.items():
            if key not in {"date", "chat", "from", "file_id", "file_unique_id", "file_name"}:
                yield from _values(value)
    elif isinstance(thing, (list, tuple)):
        for value in thing:
            yield from _values(value)
    else:
        yield thing
