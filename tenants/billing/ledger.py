"""The ledger: from when on which plan counted, and why. It can be rebuilt from the facts at any time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tenants.billing.facts import Fact
from tenants.billing.standing import Reason, Standing, judge
from tenants.plans import Plan


@dataclass(frozen=True, slots=True)
class Entry:
    """It counts from `at` on until the next entry's `at`. `cause` is the id of the fact that made it so; None where
    time alone did.
    """

    at: datetime
    plan: Plan
    units: int
    reason: Reason
    cause: str | None = None


def rebuild(facts: Sequence[Fact], began_at: datetime, now: datetime, *, otherwise: Plan) -> list[Entry]:
    """All entries up to now. What was known counts: a fact that came late counts from when it was received."""
    entries = [Entry(began_at, otherwise, 1, Reason.NONE)]
    known: list[Fact] = []
    for fact in sorted(facts, key=lambda one: (one.received_at, one.id)):
        _pass_time(entries, known, fact.received_at, otherwise)
        known.append(fact)
        _note(entries, judge(known, fact.received_at, otherwise=otherwise), fact.received_at, fact.id)
    _pass_time(entries, known, now, otherwise)
    return entries


def _pass_time(entries: list[Entry], known: Sequence[Fact], to: datetime, otherwise: Plan) -> None:
    """What time alone changes, each at its own moment."""
    at = entries[-1].at
    while True:
        until = judge(known, at, otherwise=otherwise).until
        if until is None or until > to or until <= at:
            return
        at = until
        _note(entries, judge(known, at, otherwise=otherwise), at, None)


def _note(entries: list[Entry], standing: Standing, at: datetime, cause: str | None) -> None:
    last = entries[-1]
    if (standing.plan, standing.units, standing.reason) != (last.plan, last.units, last.reason):
        entries.append(Entry(at, standing.plan, standing.units, standing.reason, cause))
