"""What should become of a desk, as product.md says it: a model that is small enough to be read against it."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

WAITS, ANSWERED, CLOSED = "🟪", "🟨", "⬛️"
NEVER = 1_000_000
DEFAULTS: dict[str, Any] = {
    "WELCOME": "Hello",
    "AUTOCLOSE": 48,
    "PRIVATE_KEYWORDS": [],
    "WHITE_LIST": [],
    "IGNORE_CHATS": [777000],
    "MONITOR_PRIVATE": True,
    "LEAVE_CLOSED": [],
    "REPLY_ONLY": False,
    "RESTRICTED_KEYWORDS_FRONTEND": [],
    "RESTRICTED_KEYWORDS_BACKEND": [],
    "CUSTOM_COMMANDS": [],
}


@dataclass
class Dialog:
    name: str
    title: str
    status: str = WAITS
    named_by_team: bool = False
    watched: bool = False
    hours_left: int | None = None

    def close(self) -> None:
        self.status, self.watched, self.hours_left = CLOSED, False, None

    def hold(self) -> None:
        self.status, self.hours_left = WAITS, None


@dataclass
class Desk:
    """One tenant's. `arrives` says of each message of people whether the other side gets it, `says` what it reads
    there; `reactions` are the bot's, by the message that was reacted to.
    """

    settings: dict[str, Any] = field(default_factory=lambda: dict(DEFAULTS))
    dialogs: dict[int, Dialog] = field(default_factory=dict)
    arrives: dict[int, bool] = field(default_factory=dict)
    says: dict[int, str] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    welcomes: Counter[int] = field(default_factory=Counter)
    reactions: dict[tuple[int, int], str | None] = field(default_factory=dict)
    blocked: set[int] = field(default_factory=set)
    _answers: list[tuple[int, int]] = field(default_factory=list)
    _welcomed: list[int] = field(default_factory=list)
    _fresh: set[int] = field(default_factory=set)
    _edited: dict[int, tuple[int | None, str]] = field(default_factory=dict)
    _later: list[Callable[[], None]] = field(default_factory=list)

    def customer_writes(self, customer: int, name: str, parts: Sequence[tuple[int, str]]) -> None:
        """The parts of an album are one message."""
        text = " ".join(words for _, words in parts)
        relayed = self._lets_in(customer, text)
        for number, words in parts:
            self.arrives[number], self.says[number] = relayed, words
            self._fresh.add(number)
        if not relayed:
            return
        is_new = customer not in self.dialogs
        dialog = self.dialogs.setdefault(customer, Dialog(name, name))
        self._call(dialog, name)
        opens = is_new or dialog.status == CLOSED
        leaves = opens and "private" in self.settings["LEAVE_CLOSED"]
        dialog.status, dialog.hours_left = (CLOSED if leaves else WAITS), None
        if opens and not leaves and self.settings["WELCOME"]:
            self._welcomed.append(customer)

    def _lets_in(self, customer: int, text: str) -> bool:
        dialog = self.dialogs.get(customer)
        is_open = dialog is not None and dialog.status != CLOSED
        watched = dialog is not None and dialog.watched
        keywords = self.settings["PRIVATE_KEYWORDS"]
        return (
            self._accepts(customer)
            and (self.settings["MONITOR_PRIVATE"] or watched)
            and (is_open or not keywords or reads_as(keywords, text))
            and not holds(self.settings["RESTRICTED_KEYWORDS_FRONTEND"], text)
        )

    def _accepts(self, customer: int) -> bool:
        dialog, white = self.dialogs.get(customer), self.settings["WHITE_LIST"]
        watched = dialog is not None and dialog.watched
        return customer not in self.settings["IGNORE_CHATS"] and (not white or customer in white or watched)

    def _call(self, dialog: Dialog, name: str) -> None:
        if dialog.name != name:
            dialog.name = name
            dialog.title = dialog.title if dialog.named_by_team else name

    def team_writes(self, customer: int, parts: Sequence[tuple[int, str]], *, is_reply: bool) -> None:
        text = " ".join(words for _, words in parts)
        sent = not (
            customer in self.settings["IGNORE_CHATS"]
            or (self.settings["REPLY_ONLY"] and not is_reply)
            or holds(self.settings["RESTRICTED_KEYWORDS_BACKEND"], text)
        )
        for number, words in parts:
            self.arrives[number], self.says[number] = sent, words
            self._fresh.add(number)
            if sent:
                self._answers.append((customer, number))
        if sent:
            dialog, hours = self.dialogs[customer], self.settings["AUTOCLOSE"]
            dialog.status, dialog.hours_left = ANSWERED, None if hours == NEVER else hours

    def stays_here(self, number: int, text: str) -> None:
        self.arrives[number], self.says[number] = False, text

    def customer_edits(self, customer: int, number: int, text: str) -> None:
        accepted = customer in self.dialogs and self._accepts(customer)
        accepted &= not holds(self.settings["RESTRICTED_KEYWORDS_FRONTEND"], text)
        self._edit(number, text, accepted=accepted, to=None)

    def team_edits(self, customer: int, number: int, text: str) -> None:
        """What was sent stays sent, whatever a command is made of it."""
        accepted = not text.startswith("/") and customer not in self.settings["IGNORE_CHATS"]
        accepted &= not holds(self.settings["RESTRICTED_KEYWORDS_BACKEND"], text)
        self._edit(number, text, accepted=accepted, to=customer)

    def _edit(self, number: int, text: str, *, accepted: bool, to: int | None) -> None:
        if number in self._fresh:  # it has not been copied yet
            self.says[number] = text
        elif accepted:
            self._edited[number] = (to, text)

    def reacts(self, customer: int, place: tuple[int, int], emoji: str | None, before: Sequence[str]) -> None:
        if customer not in self.dialogs or not self._accepts(customer):
            return
        newest = self.reactions.get(place)
        if emoji is not None or newest in before:
            self.reactions[place] = emoji

    def commands(self, customer: int, name: str, *, by_boss: bool, addressed: bool) -> None:
        if name in self.settings["CUSTOM_COMMANDS"] and not addressed:
            return
        dialog, ignored = self.dialogs[customer], self.settings["IGNORE_CHATS"]
        if name == "close":
            dialog.close()
        elif name == "hold":
            dialog.hold()
        elif name == "ban" and by_boss:
            self._later.append(lambda: self._ban(customer))
        elif name == "unban" and by_boss:
            self._later.append(lambda: self.settings.update(IGNORE_CHATS=[one for one in ignored if one != customer]))

    def _ban(self, customer: int) -> None:
        self.settings["IGNORE_CHATS"] = [*self.settings["IGNORE_CHATS"], customer]
        self.dialogs[customer].close()

    def takes_back(self, number: int) -> None:
        if not self.arrives[number]:
            return
        self._answers = [(customer, one) for customer, one in self._answers if one != number]
        self.deleted.add(number)

    def opens(self, customer: int, name: str) -> None:
        """`/new`."""

        def open_it() -> None:
            if customer in self.settings["IGNORE_CHATS"]:
                return
            dialog = self.dialogs.setdefault(customer, Dialog(name, name))
            if dialog.status == CLOSED:
                dialog.hold()
            dialog.watched = True

        self._later.append(open_it)

    def topic_closed(self, customer: int) -> None:
        self.dialogs[customer].close()

    def topic_reopened(self, customer: int) -> None:
        if self.dialogs[customer].status == CLOSED:
            self.dialogs[customer].hold()

    def topic_renamed(self, customer: int, title: str) -> None:
        dialog = self.dialogs[customer]
        dialog.named_by_team, dialog.title = True, title.strip("🟪🟨⬛\ufe0f ") or dialog.title

    def hours_pass(self, hours: int) -> None:
        for dialog in self.dialogs.values():
            if dialog.hours_left is not None:
                dialog.hours_left -= hours
                if dialog.hours_left <= 0:
                    dialog.close()

    def end_round(self) -> None:
        """Everything was tried. An answer that did not arrive leaves the customer waiting."""
        for customer, number in self._answers:
            if customer in self.blocked:
                self.arrives[number] = False
                dialog = self.dialogs[customer]
                dialog.hours_left = None
                dialog.status = WAITS if dialog.status == ANSWERED else dialog.status
        self.welcomes.update(customer for customer in self._welcomed if customer not in self.blocked)
        self.says.update({number: text for number, (to, text) in self._edited.items() if to not in self.blocked})
        for do in self._later:
            do()
        for left in (self._answers, self._welcomed, self._fresh, self._edited, self._later):
            left.clear()  # type: ignore[attr-defined]


def reads_as(groups: Sequence[Sequence[str]], text: str) -> bool:
    """Commas mean or, a group and, a tilde not."""
    wanted = [[word for word in group if word[0] != "~"] for group in groups]
    unwanted = [[word[1:] for word in group if word[0] == "~"] for group in groups]
    return any(
        not holds(bad, text) and all(holds([word], text) for word in good)
        for good, bad in zip(wanted, unwanted, strict=True)
    )


def holds(words: Sequence[str], text: str) -> bool:
    return any(word.lower() in text.lower() for word in words)
