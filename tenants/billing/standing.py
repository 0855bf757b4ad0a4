"""What follows from facts: the plan that counts at a moment, and why. The same facts in any order say the same."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby

from tenants.billing.facts import Fact, Kind, Provider, Status
from tenants.plans import Plan

GRACE = timedelta(days=7)
"""How long a plan counts after its payment has failed (product: notices meanwhile, then free)."""


RENEWAL_SLACK = timedelta(hours=1)
"""How late the news of a renewal may be where nobody tells that there was none (Telegram Stars)."""


class Reason(StrEnum):
    NONE = "none"
    """Nobody ever paid or granted anything: the plan of whoever has no subscription."""
    GRANTED = "granted"
    PAID = "paid"
    GRACE = "grace"
    """The payment has failed, and the plan still counts."""
    UNPAID = "unpaid"
    """The grace is over."""
    ENDED = "ended"
    """The subscription was cancelled, and its paid time is over."""


@dataclass(frozen=True, slots=True)
class Standing:
    """`until`: when time alone will change it."""

    plan: Plan
    units: int
    reason: Reason
    subscription: str | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """As the newest fact about it tells. `failed_at`: since when its payment has been failing."""

    newest: Fact
    began_at: datetime
    failed_at: datetime | None

    @property
    def id(self) -> str:
        return self.newest.subscription or ""


def read_subscriptions(facts: Iterable[Fact]) -> list[Subscription]:
    """The oldest first."""
    found: dict[str, list[Fact]] = {}
    for fact in facts:
        if fact.subscription is not None:
            found.setdefault(fact.subscription, []).append(fact)
    read = [one for one in map(_read, found.values()) if one is not None]
    return sorted(read, key=lambda one: (one.began_at, one.id))


def _read(facts: Sequence[Fact]) -> Subscription | None:
    """None while nothing but payments is known of it."""
    told = in_order(f for f in facts if f.kind is Kind.SUBSCRIPTION)
    if not told:
        return None
    failed_at = None
    for fact in told:
        if fact.status is not Status.PAST_DUE:
            failed_at = None
        elif failed_at is None:
            failed_at = min(fact.at, fact.received_at)
    return Subscription(told[-1], min(fact.at for fact in told), failed_at)


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """As they happened, however they came. A provider's clock has whole seconds: what happened within one of them
    follows from the state that each says it changed.
    """
    ordered: list[Fact] = []
    for _, tied in groupby(sorted(facts, key=_order), key=lambda fact: (fact.at, fact.rank)):
        left, state = list(tied), ordered[-1].after if ordered else None
        while left:
            chain = _follow(left, state) or [_begin(left)]
            ordered += chain
            left = [fact for fact in left if fact not in chain]
            state = chain[-1].after
    return ordered


def _follow(left: Sequence[Fact], state: str | None) -> list[Fact]:
    """The longest chain of changes that goes on from a state."""
    longest: list[Fact] = []
    for fact in {one.after: one for one in left if one.before == state}.values():
        chain = [fact, *_follow([one for one in left if one is not fact], fact.after)]
        if len(chain) > len(longest):
            longest = chain
    return longest


def _begin(left: Sequence[Fact]) -> Fact:
    begins = [fact for fact in left if all(fact.before != other.after for other in left if other is not fact)]
    return (begins or left)[0]


def _order(fact: Fact) -> tuple[datetime, int, str]:
    return fact.at, fact.rank, fact.id


def judge(facts: Sequence[Fact], now: datetime, *, otherwise: Plan) -> Standing:
    """`otherwise` is the plan of whoever has no subscription. Of several the highest plan counts, then the oldest."""
    best = _grant(facts, otherwise)
    for one in read_subscriptions(facts):
        standing = _stand(one, now, otherwise)
        if standing is not None and _beats(standing, best):
            best = standing
    return best


def _beats(one: Standing, other: Standing) -> bool:
    """What counts beats what does not; of those, the higher plan; of what has ended, the last says why."""
    plans = list(Plan)
    live, other_live = one.reason in _LIVE, other.reason in _LIVE
    if live != other_live:
        return live and plans.index(one.plan) >= plans.index(other.plan)
    if live:
        return plans.index(one.plan) > plans.index(other.plan)
    return True


_LIVE = {Reason.PAID, Reason.GRACE, Reason.GRANTED}


def _grant(facts: Iterable[Fact], otherwise: Plan) -> Standing:
    grants = sorted((f for f in facts if f.kind is Kind.GRANTED), key=_order)
    if not grants or grants[-1].plan is None:
        return Standing(otherwise, 1, Reason.NONE)
    return Standing(grants[-1].plan, grants[-1].units, Reason.GRANTED)


def _stand(one: Subscription, now: datetime, otherwise: Plan) -> Standing | None:
    """None for one that never was paid, or is for nothing of ours."""
    fact = one.newest
    if fact.plan is None or fact.status is Status.INCOMPLETE:
        return None
    if fact.status is Status.ENDED or (fact.ends_at is not None and now >= fact.ends_at):
        return Standing(otherwise, 1, Reason.ENDED, one.id)
    failed_at = one.failed_at or _unrenewed(fact)
    if failed_at is None or now < failed_at:
        return Standing(fact.plan, fact.units, Reason.PAID, one.id, until=fact.ends_at or failed_at)
    over = failed_at + GRACE
    if now >= over:
        return Standing(otherwise, 1, Reason.UNPAID, one.id)
    return Standing(fact.plan, fact.units, Reason.GRACE, one.id, until=min(over, fact.ends_at or over))


def _unrenewed(fact: Fact) -> datetime | None:
    """When a subscription that only ever tells of its payments counts as failing, if none comes."""
    if fact.provider is not Provider.STARS or fact.paid_until is None or fact.ends_at is not None:
        return None
    return fact.paid_until + RENEWAL_SLACK
