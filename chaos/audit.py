"""What must be true afterwards, each with its figure and, where it is not true, with what was found."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from chaos.conductor import Conductor
from chaos.evidence import Evidence
from chaos.fleet import Fleet
from chaos.house import LEASE_SECONDS
from chaos.ledger import Ledger
from chaos.messages import Stream, strays, streams
from chaos.polls import conflicts, takeovers

DISCONNECTED = (
    "connection is closed",
    "connection was closed",
    "terminating connection",
    "the database system is",
    "Connection refused",
)
LOOK = 2
"""Seconds that a takeover may take on top of the lease."""
SHOWN = 12


@dataclass
class Finding:
    """`fine` is None where a figure is only told."""

    name: str
    value: str
    fine: bool | None = None
    proof: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        verdict = "" if self.fine is None else "ok" if self.fine else "FAIL"
        return f"{self.name:<58}  {self.value:>28}  {verdict}".rstrip()

    def told(self) -> dict[str, Any]:
        return asdict(self)


def none(name: str, found: Sequence[object]) -> Finding:
    """There must be none."""
    return Finding(name, str(len(found)), not found, [str(item) for item in found])


def audit(evidence: Evidence, written: int, conductor: Conductor, fleet: Fleet) -> list[Finding]:
    found = streams(evidence)
    return [
        *_conservation(evidence, written, found),
        *_delivery(evidence, found),
        *_duplicates(evidence, found, Ledger(evidence, conductor.events)),
        *_topics(evidence),
        *_leases(evidence, conductor),
        *_processes(evidence, conductor, fleet),
    ]


def _conservation(evidence: Evidence, written: int, found: Sequence[Stream]) -> list[Finding]:
    counts: Counter[str] = Counter()
    for (_, disposition), count in evidence.dispositions.items():
        counts[disposition] += count
    kinds = [f"{kind} {name} {count}" for (kind, name), count in sorted(evidence.dispositions.items())]
    wrong = [f"{stream} {n}: {rows} rows" for stream in found for n, rows in stream.rows.items() if rows != 1]
    told = counts["handled"] + counts["ignored"]
    return [
        Finding("messages written by customers and operators", str(written)),
        Finding("relayed", str(counts["relayed"]), counts["relayed"] == written),
        *(
            Finding(name, str(counts[name]), counts[name] == 0, kinds if counts[name] else [])
            for name in ("waiting", "failed", "buried", "unaccounted")
        ),
        Finding("updates still with Telegram", str(evidence.undelivered), evidence.undelivered == 0),
        Finding("handled or ignored (joins, service messages)", str(told)),
        Finding(
            "received = relayed + handled + ignored", f"{counts.total()}", counts.total() == written + told, kinds
        ),
        none("written messages without exactly one row", wrong),
    ]


def _delivery(evidence: Evidence, found: Sequence[Stream]) -> list[Finding]:
    lost = [f"{stream} {number}" for stream in found for number in stream.lost]
    twisted = [f"{s}: {s.first_seen}" for s in found if s.first_seen != sorted(s.first_seen)]
    late = [f"{s} {number}: {s.numbers}" for s in found for number in s.late_repeats()]
    joined = sum(len(numbers) > 1 for s in found for _, numbers in s.messages)
    return [
        none("lost", lost),
        none("conversations out of order", twisted),
        none("repeats behind a later text that was recorded", late),
        none("texts in a chat of somebody else", strays(evidence)),
        Finding("messages that several texts share", str(joined)),
    ]


def _duplicates(evidence: Evidence, found: Sequence[Stream], ledger: Ledger) -> list[Finding]:
    extra = sum(sum(stream.extra.values()) for stream in found)
    unattempted = [
        f"{stream} {number}: {count + 1} copies, {stream.attempts[number]} attempts"
        for stream in found
        for number, count in stream.extra.items()
        if stream.attempts[number] < count + 1
    ]
    again = sum(row["attempts"] - 1 for row in evidence.rows if row["attempts"] > 1)
    return [
        Finding("extra copies of texts", str(extra)),
        none("extra copies without an attempt of their own", unattempted),
        Finding("attempts beyond each row's first", str(again), again >= extra),
        Finding("calls that sent something", str(ledger.sent)),
        Finding("= messages in the World", str(ledger.standing), ledger.balanced, ledger.differences),
        Finding("- messages that rows remember", str(ledger.recorded)),
        Finding("= extra messages", str(len(ledger.extras)), ledger.sent - ledger.recorded == len(ledger.extras)),
        Finding("  of them: the answer was cut off by a fault", str(len(ledger.unanswered))),
        Finding("  of them: the caller was gone before the answer", str(len(ledger.deserted))),
        Finding("  of them: answered to a worker killed, paused or leaseless", str(len(ledger.interrupted))),
        none("  of them: answered, and not recorded for no known reason", ledger.unexplained),
        none("messages without an answer that a row remembers", ledger.recorded_unanswered),
        Finding(
            "journal: carried out and not answered",
            str(evidence.unanswered.total()),
            evidence.unanswered.total() == len(ledger.unanswered) + len(ledger.deserted),
        ),
    ]


def _topics(evidence: Evidence) -> list[Finding]:
    wrong, spoken = [], 0
    for desk in evidence.desks.values():
        counts = Counter(name.split()[-1] for name in evidence.topics[desk.group])
        for customer in desk.customers:
            expected = bool(customer.asks.said)
            spoken += expected
            if counts[customer.name] != expected:
                wrong.append(f"{customer.name} in group {desk.group}: {counts[customer.name]} topics")
    return [
        Finding("customers who wrote", str(spoken)),
        none("customers without exactly one topic", wrong),
    ]


def _leases(evidence: Evidence, conductor: Conductor) -> list[Finding]:
    met = conflicts(evidence, conductor.events)
    took = takeovers(evidence, conductor.events)
    limit = LEASE_SECONDS + LOOK
    p50, p99 = took.part(0.5), took.part(0.99)
    return [
        Finding("409 in all", str(met.number)),
        Finding("409 under a valid lease, by a worker that just woke up", str(len(met.by_the_woken))),
        none("409 under a valid lease, by anybody else", met.unexplained),
        Finding("bots of killed workers that were polled again", str(len(took.seconds)), bool(took.seconds)),
        none("bots of killed workers that nobody polled again", took.never),
        Finding("takeover, from the kill to the next poll, p50", f"{p50:.1f} s", p50 <= limit),
        Finding(f"takeover p99 (at most {limit} s)", f"{p99:.1f} s", p99 <= limit, took.kills),
    ]


def _processes(evidence: Evidence, conductor: Conductor, fleet: Fleet) -> list[Finding]:
    crashed = [line for line in evidence.lines if line.get("event") == "session.crashed"]
    alone = [line for line in crashed if not any(words in line.get("exception", "") for words in DISCONNECTED)]
    return [
        none("deeds that there was no time for", conductor.missing),
        none("workers that ended by themselves", fleet.deaths),
        none("workers that were asked to end and did not end well", fleet.bad_goodbyes),
        Finding("sessions that a lost connection to PostgreSQL broke", str(len(crashed) - len(alone))),
        none("sessions that crashed for another reason", alone),
        Finding("half lines in logs of killed workers", str(evidence.garbled)),
    ]
