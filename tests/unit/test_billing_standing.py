"""What follows from a provider's facts: whatever their order, however often they are told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenants.billing.facts import Fact, Kind, Provider, Status
from tenants.billing.ledger import rebuild
from tenants.billing.standing import GRACE, Reason, in_order, judge
from tenants.ids import TenantId
from tenants.plans import Plan

T0 = datetime(2030, 1, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TENANT = TenantId(UUID(int=1))


def fact(number: int, status: Status, *, day: float = 0, plan: Plan = Plan.PRO, **values: Any) -> Fact:
    at = T0 + day * DAY
    one = Fact(
        f"evt_{number}", Provider.STRIPE, Kind.SUBSCRIPTION, at, at, TENANT, "sub_1", None, number, status, plan
    )
    return replace(one, **values)


def grant(number: int, plan: Plan | None, *, day: float = 0) -> Fact:
    at = T0 + day * DAY
    return Fact(f"grant_{number}", Provider.OPERATOR, Kind.GRANTED, at, at, tenant=TENANT, plan=plan)


FIRST_SIX = [
    fact(1, Status.INCOMPLETE),
    fact(2, Status.ACTIVE),
    Fact("evt_3", Provider.STRIPE, Kind.PAID, T0, T0, tenant=TENANT, subscription="sub_1"),
    fact(4, Status.ACTIVE, day=30, units=3),
    fact(5, Status.PAST_DUE, day=60, units=3),
    Fact("evt_6", Provider.STRIPE, Kind.PAYMENT_FAILED, T0 + 60 * DAY, T0, tenant=TENANT, subscription="sub_1"),
]


def test_every_order_of_the_first_six_each_told_twice_says_the_same() -> None:
    now = T0 + 61 * DAY
    wanted = judge(FIRST_SIX, now, otherwise=Plan.FREE)
    assert (wanted.plan, wanted.units, wanted.reason) == (Plan.PRO, 3, Reason.GRACE)
    assert wanted.until == T0 + 60 * DAY + GRACE
    for order in permutations(FIRST_SIX):
        assert judge([*order, *reversed(order)], now, otherwise=Plan.FREE) == wanted


def test_what_happened_within_a_second_follows_from_what_each_says_it_changed() -> None:
    """All of one second and one rank, as Stripe's `updated` events are."""
    steps = [(Status.ACTIVE, 1), (Status.ACTIVE, 3), (Status.PAST_DUE, 3), (Status.ACTIVE, 3), (Status.ACTIVE, 2)]
    told, before = [], None
    for number, (status, units) in enumerate(steps):
        one = fact(9 - number, status, rank=2, units=units, before=before)
        told.append(one)
        before = one.after
    for order in permutations(told):
        ordered = in_order(order)
        assert ordered[0] == told[0]
        assert ordered[-1] == told[-1]
        assert judge(order, T0 + DAY, otherwise=Plan.FREE).units == 2


@pytest.mark.parametrize(
    ("facts", "day", "plan", "reason"),
    [
        ([], 0, Plan.FREE, Reason.NONE),
        ([fact(1, Status.INCOMPLETE)], 0, Plan.FREE, Reason.NONE),
        ([fact(1, Status.ACTIVE)], 400, Plan.PRO, Reason.PAID),
        ([fact(1, Status.ACTIVE), fact(2, Status.PAST_DUE, day=30)], 36.9, Plan.PRO, Reason.GRACE),
        ([fact(1, Status.ACTIVE), fact(2, Status.PAST_DUE, day=30)], 37, Plan.FREE, Reason.UNPAID),
        (
            [fact(1, Status.ACTIVE), fact(2, Status.PAST_DUE, day=30), fact(3, Status.PAST_DUE, day=35)],
            37,
            Plan.FREE,
            Reason.UNPAID,
        ),
        (
            [fact(1, Status.ACTIVE), fact(2, Status.PAST_DUE, day=30), fact(3, Status.ACTIVE, day=39)],
            40,
            Plan.PRO,
            Reason.PAID,
        ),
        ([fact(1, Status.ACTIVE, ends_at=T0 + 30 * DAY)], 29, Plan.PRO, Reason.PAID),
        ([fact(1, Status.ACTIVE, ends_at=T0 + 30 * DAY)], 30, Plan.FREE, Reason.ENDED),
        ([fact(1, Status.ACTIVE), fact(2, Status.ENDED, day=3)], 4, Plan.FREE, Reason.ENDED),
        ([grant(1, Plan.BUSINESS)], 1, Plan.BUSINESS, Reason.GRANTED),
        ([grant(1, Plan.BUSINESS), grant(2, None, day=1)], 2, Plan.FREE, Reason.NONE),
        ([grant(1, Plan.BUSINESS), fact(1, Status.ACTIVE)], 1, Plan.BUSINESS, Reason.GRANTED),
        ([grant(1, Plan.PRO), fact(1, Status.ACTIVE, plan=Plan.BUSINESS)], 1, Plan.BUSINESS, Reason.PAID),
    ],
)
def test_a_plan_follows_from_what_was_told(facts: list[Fact], day: float, plan: Plan, reason: Reason) -> None:
    found = judge(facts, T0 + day * DAY, otherwise=Plan.FREE)
    assert (found.plan, found.reason) == (plan, reason)


def test_of_two_subscriptions_the_higher_counts_and_the_lower_when_it_ends() -> None:
    two = [fact(1, Status.ACTIVE), fact(2, Status.ACTIVE, subscription="sub_2", plan=Plan.BUSINESS, day=1)]
    assert judge(two, T0 + 2 * DAY, otherwise=Plan.FREE).plan is Plan.BUSINESS
    over = [*two, fact(3, Status.ENDED, subscription="sub_2", plan=Plan.BUSINESS, day=3)]
    assert judge(over, T0 + 4 * DAY, otherwise=Plan.FREE).plan is Plan.PRO


def test_the_ledger_tells_each_day() -> None:
    facts = [
        fact(1, Status.ACTIVE),
        fact(2, Status.PAST_DUE, day=30),
        fact(3, Status.ACTIVE, day=40),
        fact(4, Status.ACTIVE, day=41, ends_at=T0 + 60 * DAY),
    ]
    entries = rebuild(facts, T0 - DAY, T0 + 100 * DAY, otherwise=Plan.FREE)
    assert [((entry.at - T0) / DAY, entry.plan, entry.reason, entry.cause) for entry in entries] == [
        (-1, Plan.FREE, Reason.NONE, None),
        (0, Plan.PRO, Reason.PAID, "evt_1"),
        (30, Plan.PRO, Reason.GRACE, "evt_2"),
        (37, Plan.FREE, Reason.UNPAID, None),
        (40, Plan.PRO, Reason.PAID, "evt_3"),
        (60, Plan.FREE, Reason.ENDED, None),
    ]


STATUSES = st.sampled_from(Status)
TOLD = st.tuples(STATUSES, st.integers(0, 90), st.integers(0, 5), st.sampled_from(["a", "b"]))
HISTORY = st.lists(TOLD, max_size=6)


@settings(max_examples=150)
@given(history=HISTORY, data=st.data())
def test_what_is_known_is_all_that_counts(history: list[tuple[Status, int, int, str]], data: st.DataObject) -> None:
    """Told in another order, late, or twice: the standing is the same, and the ledger ends in it."""
    facts = [
        fact(number, status, day=day, subscription=name, received_at=T0 + (day + late) * DAY)
        for number, (status, day, late, name) in enumerate(history)
    ]
    now = T0 + 120 * DAY
    wanted = judge(facts, now, otherwise=Plan.FREE)
    shuffled = data.draw(st.permutations(facts * 2))
    assert judge(shuffled, now, otherwise=Plan.FREE) == wanted
    entries = rebuild(facts, T0, now, otherwise=Plan.FREE)
    assert (entries[-1].plan, entries[-1].units, entries[-1].reason) == (wanted.plan, wanted.units, wanted.reason)
    assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)
    then = T0 + 60 * DAY
    before = rebuild([one for one in facts if one.received_at <= then], T0, then, otherwise=Plan.FREE)
    assert entries[: len(before)] == before, "the ledger only grows"
