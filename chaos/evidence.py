"""What is left behind when everything has stopped: rows, messages in the World, the journal, the workers' logs."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chaos.fleet import Fleet, name_of
from chaos.house import House
from chaos.telegram import Desk, Telegram

SENDS = ("sendMessage", "copyMessage", "copyMessages")
OUTBOX = """
SELECT o.tenant_id::text AS tenant, o.id::text, o.kind, o.state, o.update_id, o.source_chat_id, o.source_message_id,
    o.attempts, o.result_message_id, l.direction, d.chat_id AS customer
FROM outbox o JOIN lanes l ON l.id = o.lane_id LEFT JOIN dialogs d ON d.id = l.dialog_id
"""
DISPOSITIONS = (
    "SELECT kind, coalesce(disposition, 'unaccounted') AS disposition, count(*) FROM dispositions GROUP BY 1, 2"
)


@dataclass(frozen=True)
class Call:
    """A call that Telegram carried out."""

    number: int
    at: float
    method: str
    answered: bool
    fault: str
    worker: str


@dataclass(frozen=True)
class Poll:
    """A getUpdates, from when it came in."""

    at: float
    worker: str


@dataclass
class Evidence:
    desks: dict[str, Desk]
    """By tenant."""
    dispositions: Counter[tuple[str, str]] = field(default_factory=Counter)
    rows: Sequence[Any] = ()
    texts: dict[str, dict[str, list[tuple[int, str]]]] = field(default_factory=dict)
    topics: dict[int, list[str]] = field(default_factory=dict)
    """Names by group."""
    undelivered: int = 0
    calls: dict[tuple[int, str], list[Call]] = field(default_factory=dict)
    """Sends that were carried out, by bot and chat, in their order."""
    polls: dict[int, list[Poll]] = field(default_factory=dict)
    """By bot, in their order."""
    carried_out: Counter[str] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    lines: list[dict[str, Any]] = field(default_factory=list)
    """Of the workers' logs that mean something."""
    garbled: int = 0


async def gather(house: House, telegram: Telegram, fleet: Fleet, desks: dict[str, Desk]) -> Evidence:
    found = Evidence(desks)
    for row in await house.rows(DISPOSITIONS):
        found.dispositions[row["kind"], row["disposition"]] = row["count"]
    found.rows = await house.rows(OUTBOX)
    found.texts = await telegram.texts()
    state = await telegram.state()
    found.topics = {group["id"]: [topic["name"] for topic in group["topics"][1:]] for group in state["groups"]}
    found.undelivered = sum(bot["pending_updates"] for bot in state["bots"])
    await _read_journal(found, telegram)
    for worker in fleet.everybody:
        _read_log(found, worker.name, worker.log.read_text(errors="replace"))
    return found


async def _read_journal(found: Evidence, telegram: Telegram) -> None:
    calls: dict[tuple[int, str], list[Call]] = defaultdict(list)
    for method in SENDS:
        journal = await telegram.journal(method)
        found.carried_out[method] = journal["counts"]["carried_out"]
        found.unanswered[method] = journal["counts"]["unanswered"]
        for call in journal["calls"]:
            if call["fault"]:
                found.faults[f"{method} {call['fault']}"] += 1
            if call["carried_out"]:
                worker = name_of(call["caller"])
                seen = Call(call["number"], _seconds(call["at"]), method, call["answered"], call["fault"], worker)
                calls[call["bot_id"], call["chat"]].append(seen)
    found.calls = {where: sorted(those, key=lambda call: call.number) for where, those in calls.items()}
    for call in (await telegram.journal("getUpdates"))["calls"]:
        found.polls.setdefault(call["bot_id"], []).append(Poll(_seconds(call["at"]), name_of(call["caller"])))


def _read_log(found: Evidence, worker: str, text: str) -> None:
    """The last line of a killed worker may be half a line."""
    for line in text.splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            found.garbled += 1
            continue
        found.lines.append({"worker": worker, **said})


def moment(line: dict[str, Any]) -> float:
    """When a line was logged, in seconds of the epoch."""
    return _seconds(line["timestamp"])


def _seconds(written: str) -> float:
    return datetime.fromisoformat(written).timestamp()
