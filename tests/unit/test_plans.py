"""What plans include, the page and the words about them, and the arithmetic of a day's limit."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from setup_bot.screens.plans import describe
from tenants.config import Config, ConfigError
from tenants.ids import TenantId, new_id
from tenants.plan_facts import bigger, plan_facts
from tenants.plans import API_FROM, TERMS, Plan, with_updates_a_day
from tenants.plans_docs import plans_page
from tenants.usage.limits import UNLIMITED, Allotment, Gate, day_turns
from tenants.usage.telling import Counted

PAGE = Path(__file__).parents[2] / "docs" / "plans.md"
COMPLETE = {
    "DATABASE_URL": "postgresql://me@127.0.0.1:5432/desk",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "BACKLINE_KEYRING": "keyring.json",
}


def test_a_bigger_plan_includes_no_less():
    for smaller, larger in zip(list(TERMS.values()), list(TERMS.values())[1:], strict=False):
        assert larger.updates_a_day > smaller.updates_a_day
        assert larger.broadcasts(1) > smaller.broadcasts(1)
        assert larger.has_api >= smaller.has_api
        assert larger.audit_lives >= smaller.audit_lives
    assert list(TERMS) == list(Plan)


def test_the_plans_are_as_the_product_says():
    assert [terms.updates_a_day for terms in TERMS.values()] == [2_500, 100_000, 1_000_000]
    assert {terms.tolerated_days for terms in TERMS.values()} == {10}
    assert (TERMS[Plan.FREE].broadcasts(), TERMS[Plan.BUSINESS].broadcasts(3)) == (500, 100_000)
    assert [TERMS[Plan.PRO].broadcasts(units) for units in (1, 5, 6, 20)] == [5_000, 5_000, 6_000, 20_000]
    assert API_FROM is Plan.PRO


def test_the_page_is_fresh():
    assert PAGE.read_text() == plans_page(), "run `make docs`"


def test_the_page_names_every_limit():
    for plan in Plan:
        facts = plan_facts(plan)
        assert f"{facts.updates_a_day:,}".replace(",", " ") in plans_page()
        for name, limit in facts.limits.items():
            assert f"| `{name}` |" in plans_page()
            assert limit.describe() in plans_page()


def test_a_plan_says_which_settings_it_opens():
    assert plan_facts(Plan.FREE).opens == ()
    assert {"HIDE_INFO", "LEAVE_CLOSED", "WEBHOOKS", "WELCOME"} <= set(plan_facts(Plan.PRO).opens)
    assert [bigger(plan) for plan in Plan] == [Plan.PRO, Plan.BUSINESS, None]


@pytest.mark.parametrize("plan", Plan)
def test_a_plan_is_described_in_words(plan: Plan):
    shown, _ = describe(plan_facts(plan)).render()
    assert str(plan) in shown
    assert f"{TERMS[plan].updates_a_day:,}" in shown
    assert ("the API" in shown) == TERMS[plan].has_api


def test_a_deployment_has_limits_of_its_own():
    config = Config.from_env({**COMPLETE, "UPDATES_A_DAY": "free=7, pro=8"})
    assert [terms.updates_a_day for terms in config.terms.values()] == [7, 8, 1_000_000]
    assert with_updates_a_day({}) == TERMS == Config.from_env(COMPLETE).terms


@pytest.mark.parametrize("typed", ["7", "free=x", "gold=7", "free=0"])
def test_limits_that_are_none_are_refused(typed: str):
    with pytest.raises(ConfigError, match="UPDATES_A_DAY"):
        Config.from_env({**COMPLETE, "UPDATES_A_DAY": typed})


@pytest.mark.parametrize(
    ("used", "days_over", "room", "tolerated_used"),
    [
        (0, 0, None, 0),
        (10, 9, None, 9),
        (11, 9, None, 10),
        (0, 10, 10, 10),
        (9, 10, 1, 10),
        (10, 10, 0, 10),
        (12, 10, 0, 10),
        (12, 12, 0, 10),
    ],
)
def test_a_day_goes_over_while_fewer_days_than_are_tolerated_did(used, days_over, room, tolerated_used):
    allotment = Allotment(used, 10, days_over, tolerated=10)
    assert (allotment.room, allotment.tolerated_used) == (room, tolerated_used)


def test_nobody_counts_where_nothing_is_limited():
    assert UNLIMITED.room is None


def test_a_gate_closes_when_the_room_is_used_and_behind_whatever_waits():
    gate = Gate(Allotment(8, 10, 10, tolerated=10))
    gate.count()
    assert gate.is_open
    gate.count()
    assert not gate.is_open
    gate = Gate(Allotment(0, 10, 10, tolerated=10))
    gate.hold()
    assert (gate.is_open, gate.has_room) == (False, True)


@pytest.mark.parametrize(
    ("now", "turns"),
    [
        (datetime(2026, 11, 23, 23, 59, 59, tzinfo=UTC), datetime(2026, 11, 24, tzinfo=UTC)),
        (datetime(2026, 12, 31, 12, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        (datetime(2028, 2, 28, 1, tzinfo=UTC), datetime(2028, 2, 29, tzinfo=UTC)),
        (datetime(2026, 3, 1, 1, tzinfo=timezone(timedelta(hours=3))), datetime(2026, 3, 1, tzinfo=UTC)),
    ],
)
def test_a_day_turns_at_midnight_utc(now: datetime, turns: datetime):
    assert day_turns(now) == turns


@pytest.mark.parametrize(
    ("used", "handled", "days_over", "waits", "news"),
    [
        (7, 7, 0, (False, False), []),
        (8, 1, 0, (False, False), ["usage_near"]),
        (9, 1, 0, (False, False), []),
        (10, 1, 0, (False, False), ["usage_full"]),
        (30, 30, 0, (False, False), ["usage_full"]),
        (11, 1, 0, (False, False), []),
        (9, 9, 10, (False, False), ["usage_near"]),
        (10, 1, 10, (False, False), []),
        (10, 1, 10, (False, True), ["usage_waits"]),
        (0, 0, 10, (False, True), ["usage_waits"]),
        (0, 0, 10, (True, True), []),
        (3, 3, 10, (True, False), ["usage_flows"]),
    ],
)
def test_what_owners_are_told(used, handled, days_over, waits, news):
    """`waits`: whether something waited before, and after."""
    allotment = Allotment(0, 10, days_over, tolerated=10)
    now = datetime(2026, 11, 23, tzinfo=UTC)
    counted = Counted(TenantId(new_id()), allotment, handled, used, waited=waits[0], waits=waits[1], at=now)
    assert counted.news == news
