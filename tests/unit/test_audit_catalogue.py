"""The catalogue of administrative acts: what it does not declare can't be written, and its page is fresh."""

import re
from pathlib import Path

import pytest

from tenants.audit import SYSTEM, Act, Action
from tenants.audit.acts import PARAMS
from tenants.audit.docs import audit_page
from tenants.plans import AUDIT_LIVES, Plan
from tenants.settings.acts import setting_acts
from tenants.settings.catalog import Entry, entries, find_entry, get_entry

ROOT = Path(__file__).parents[2]
EVERY = pytest.mark.parametrize("action", Action)


@EVERY
def test_every_act_has_a_name_and_a_sentence_of_its_own(action: Action):
    assert re.fullmatch(r"[a-z_]+\.[a-z_]+", action)
    assert action.sentence.endswith(".")
    assert [other for other in Action if other.sentence == action.sentence] == [action]


@EVERY
def test_every_act_is_written_somewhere(action: Action):
    code = "\n".join(
        path.read_text()
        for place in ("tenants", "worker", "setup_bot", "api")
        for path in (ROOT / place).rglob("*.py")
        if path.name != "acts.py" or path.parent.name != "audit"
    )
    assert f"Action.{action.name}" in code


def test_every_value_is_some_acts():
    assert frozenset().union(*(action.params for action in Action)) == PARAMS.keys()


def test_an_unknown_act_or_value_cannot_be_written():
    with pytest.raises(ValueError, match=r"tenant\.eaten"):
        Action("tenant.eaten")
    with pytest.raises(ValueError, match=r"tenant\.started has no text"):
        Act(Action.STARTED, SYSTEM, params={"text": "hello"})


def test_the_values_of_an_act_are_in_no_repr():
    assert "old words" not in repr(Act(Action.SETTING_RESET, SYSTEM, "WELCOME", {"old": "old words"}))


def test_the_page_is_fresh():
    assert (ROOT / "docs" / "audit.md").read_text() == audit_page(), "run `make docs`"


@EVERY
def test_every_act_has_one_row_with_its_sentence(action: Action):
    rows = [row for row in audit_page().splitlines() if row.startswith(f"| `{action}` |")]
    assert len(rows) == 1
    assert action.sentence in rows[0]


def test_every_row_has_as_many_cells_as_the_head():
    rows = [row for row in audit_page().splitlines() if row.startswith("|")]
    assert {row.replace("\\|", "").count("|") for row in rows} == {5}


def test_the_page_says_how_long_each_plan_keeps_it():
    assert all(f"- {plan}: {kept.days} days" in audit_page() for plan, kept in AUDIT_LIVES.items())


def test_a_plan_keeps_it_at_least_as_long_as_a_lesser_one():
    assert list(AUDIT_LIVES) == list(Plan)
    assert sorted(AUDIT_LIVES.values()) == list(AUDIT_LIVES.values())


@pytest.mark.parametrize(
    ("old", "new", "acts"),
    [
        ({}, {"AUTOCLOSE": 7}, [("settings.changed", "AUTOCLOSE", {"old": None, "new": 7})]),
        ({"AUTOCLOSE": 7}, {"AUTOCLOSE": 8}, [("settings.changed", "AUTOCLOSE", {"old": 7, "new": 8})]),
        ({"AUTOCLOSE": 7}, {}, [("settings.reset", "AUTOCLOSE", {"old": 7})]),
        ({"WELCOME": "Hi"}, {"WELCOME": ""}, [("settings.changed", "WELCOME", {"old": "Hi", "new": ""})]),
        ({"AUTOCLOSE": 7}, {"AUTOCLOSE": 7}, []),
        ({}, {"A_SECRET_OF_TOMORROW": "x"}, [("settings.changed", "A_SECRET_OF_TOMORROW", {})]),
    ],
)
def test_a_change_of_settings_is_told_name_by_name(old, new, acts):
    assert [(act.action, act.subject, act.params) for act in setting_acts(SYSTEM, old, new)] == acts


@pytest.mark.parametrize("entry", entries().values(), ids=lambda entry: entry.name)
def test_every_setting_of_today_is_told_with_its_value(entry: Entry):
    value = entry.setting.kind.parse(entry.setting.example)
    (act,) = setting_acts(SYSTEM, {}, {entry.name: value})
    audited = entry.setting.kind.is_audited
    assert act.params == ({"old": None, "new": value} if audited else {})
    assert audited or entry.name == "WEBHOOKS"


def test_the_retention_is_never_shorter_than_the_least_plans():
    assert find_entry("AUDIT_DAYS") is get_entry("AUDIT_DAYS")
    with pytest.raises(Exception, match="is 0, or 30 or more"):
        get_entry("AUDIT_DAYS").check(29, Plan.BUSINESS)
