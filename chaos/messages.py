"""What stands in the World, by conversation: every line that was written, and which messages a row remembers."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from chaos.evidence import Evidence
from chaos.telegram import Customer, Desk, Voice

LINE = re.compile(r"^(c\d+[ab]) ([qa])(\d+)$")
CARRYING = ("copy", "forward", "line", "answer")


@dataclass(frozen=True)
class Message:
    """One message of a bot's. `recorded`: it is some row's result; the others are extra copies."""

    id: int
    topic: str
    lines: list[tuple[str, str, int]]
    recorded: bool
    text: str


@dataclass
class Stream:
    """One customer's questions in the group, or the answers in their chat, as they stand there."""

    tenant: str
    desk: Desk
    customer: Customer
    voice: Voice
    messages: list[tuple[Message, list[int]]] = field(default_factory=list)
    attempts: dict[int, int] = field(default_factory=dict)
    """Of each text's row."""
    rows: Counter[int] = field(default_factory=Counter)

    @property
    def numbers(self) -> list[int]:
        return [number for _, numbers in self.messages for number in numbers]

    @property
    def lost(self) -> list[int]:
        return sorted(set(range(1, len(self.voice.said) + 1)) - set(self.numbers))

    @property
    def first_seen(self) -> list[int]:
        return list(dict.fromkeys(self.numbers))

    @property
    def extra(self) -> dict[int, int]:
        return {number: count - 1 for number, count in Counter(self.numbers).items() if count > 1}

    def late_repeats(self) -> list[int]:
        """Texts that stand again behind a later text whose delivery a row remembers."""
        late, newest = [], 0
        for message, numbers in self.messages:
            late += [number for number in numbers if number < newest]
            if message.recorded:
                newest = max(newest, *numbers)
        return late

    def __str__(self) -> str:
        where = f"tenant {self.tenant}, bot {self.desk.bot}, group {self.desk.group}"
        return f"{self.voice.key} {self.voice.letter} ({where})"


def places(evidence: Evidence) -> Iterator[tuple[int, str, list[Message]]]:
    """Bot, chat as calls name it, and the bot's messages there in their order."""
    recorded = {
        (row["tenant"], row["customer"] if row["direction"] == "customer" else None, row["result_message_id"])
        for row in evidence.rows
        if row["result_message_id"] is not None
    }
    for tenant, desk in evidence.desks.items():
        chats = [(str(desk.group), str(desk.group), None)]
        chats += [(f"{desk.bot}:{person.id}", str(person.id), person.id) for person in desk.customers]
        for name, chat, person in chats:
            found = [
                Message(number, topic, _lines(text), (tenant, person, number) in recorded, text)
                for topic, told in evidence.texts.get(name, {}).items()
                for number, text in told
            ]
            yield desk.bot, chat, sorted(found, key=lambda message: message.id)


def _lines(text: str) -> list[tuple[str, str, int]]:
    found = [LINE.match(line) for line in text.split("\n")]
    return [(match[1], match[2], int(match[3])) for match in found if match]


def streams(evidence: Evidence) -> list[Stream]:
    rows = _rows_by_source(evidence)
    found: dict[tuple[int, str, str], Stream] = {}
    for tenant, desk in evidence.desks.items():
        for customer in desk.customers:
            for voice, chat in ((customer.asks, desk.group), (customer.answers, customer.id)):
                stream = found[desk.bot, str(chat), voice.key + voice.letter] = Stream(tenant, desk, customer, voice)
                for number, source in enumerate(voice.said, 1):
                    those = rows.get((tenant, voice.source, source), [])
                    stream.rows[number] = len(those)
                    stream.attempts[number] = max(those, default=0)
    for bot, chat, messages in places(evidence):
        for message in messages:
            by_stream: dict[str, list[int]] = defaultdict(list)
            for key, letter, number in message.lines:
                by_stream[key + letter].append(number)
            for who, numbers in by_stream.items():
                if (bot, chat, who) in found:
                    found[bot, chat, who].messages.append((message, numbers))
    return list(found.values())


def strays(evidence: Evidence) -> list[str]:
    """Lines in a chat where they do not belong."""
    homes = {
        (desk.bot, str(chat), voice.key + voice.letter)
        for desk in evidence.desks.values()
        for person in desk.customers
        for voice, chat in ((person.asks, desk.group), (person.answers, person.id))
    }
    return [
        f"{message.text!r} in chat {chat} of bot {bot}"
        for bot, chat, messages in places(evidence)
        for message in messages
        if any((bot, chat, key + letter) not in homes for key, letter, _ in message.lines)
    ]


def _rows_by_source(evidence: Evidence) -> dict[tuple[str, int, int], list[int]]:
    found: dict[tuple[str, int, int], list[int]] = defaultdict(list)
    for row in evidence.rows:
        if row["kind"] in CARRYING and row["source_message_id"] is not None:
            found[row["tenant"], row["source_chat_id"], row["source_message_id"]].append(row["attempts"])
    return found
