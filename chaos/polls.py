"""Who polled which bot when: how long it took until a killed worker's bots were polled again, and whose polls met."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from chaos.conductor import Event
from chaos.evidence import Evidence, moment
from tenants.ids import TenantId
from tenants.leases import shard_of

WAKES = 1.5
"""Seconds after a pause in which calls go out that were allowed before it."""
A_TICK = 0.1
NEVER = 99.0


@dataclass
class Takeovers:
    """For each bot of a worker that was killed: seconds until another worker polled it."""

    seconds: list[float] = field(default_factory=list)
    never: list[str] = field(default_factory=list)
    kills: list[str] = field(default_factory=list)

    def part(self, of: float) -> float:
        """The seconds within which such a part of the bots was polled again."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * of))] if ordered else NEVER


def takeovers(evidence: Evidence, events: Sequence[Event]) -> Takeovers:
    found = Takeovers()
    for event in events:
        if event.kind != "worker killed":
            continue
        shards, passed = set(event.shards), []
        bots = [d.bot for tenant, d in evidence.desks.items() if shard_of(TenantId(UUID(tenant))) in shards]
        for bot in bots:
            seconds = _until_polled(evidence, bot, event)
            if seconds is None:
                found.never.append(f"bot {bot} of {event.worker}")
            else:
                passed.append(seconds)
        found.seconds += passed
        found.kills.append(f"{event.worker}: {len(bots)} bots, the last after {max(passed, default=NEVER):.1f} s")
    return found


def _until_polled(evidence: Evidence, bot: int, event: Event) -> float | None:
    polls = evidence.polls.get(bot, [])
    return next((p.at - event.began for p in polls if p.at > event.began and p.worker != event.worker), None)


@dataclass
class Conflicts:
    """The 409s that workers met: those under a valid lease are by whose poll they came."""

    number: int = 0
    by_the_woken: list[str] = field(default_factory=list)
    """The other one had been paused just before: its call was allowed before the pause."""
    unexplained: list[str] = field(default_factory=list)


def conflicts(evidence: Evidence, events: Sequence[Event]) -> Conflicts:
    found = Conflicts()
    for line in evidence.lines:
        if line.get("event") != "session.receive_failed" or line.get("code") != "conflict":
            continue
        found.number += 1
        if line.get("lease_held") is False:
            continue
        told, woken = _intruder(evidence, events, line)
        (found.by_the_woken if woken else found.unexplained).append(told)
    return found


def _intruder(evidence: Evidence, events: Sequence[Event], line: dict[str, Any]) -> tuple[str, bool]:
    """The last other worker that polled the same bot, and whether it had just woken up."""
    polls = evidence.polls.get(evidence.desks[line["tenant"]].bot, [])
    other = next((p for p in reversed(polls) if p.at <= moment(line) and p.worker != line["worker"]), None)
    if other is None:
        return f"{line['worker']}, by nobody else: {line}", False
    woken = any(
        event.kind == "worker paused"
        and event.worker == other.worker
        and event.ended - A_TICK <= other.at <= event.ended + WAKES
        for event in events
    )
    return f"{line['worker']}, by a poll of {other.worker} {moment(line) - other.at:.2f} s before: {line}", woken
