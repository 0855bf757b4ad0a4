"""Walks the catalogue: what must hold for every setting holds for the next one, too."""

from itertools import product
from typing import Any

import pytest

from tenants.errors import Invalid, NotFound, PlanRequired
from tenants.plans import Plan
from tenants.settings.catalog import Entry, effective, entries, find_entry, get_entry
from tenants.settings.field import Max, NeverOff
from tenants.settings.kinds import OFF
from tenants.settings.schema import GREETING, Settings

EVERY = pytest.mark.parametrize("entry", entries().values(), ids=entries().keys())
LIMITED = [
    pytest.param(entry, plan, id=f"{name}-{plan}")
    for (name, entry), plan in product(entries().items(), Plan)
    if entry.setting.limit(plan) is not None
]
FORBIDDEN: dict[str, Any] = {
    "WELCOME": "",
    "AUTOCLOSE": 49,
    "LEAVE_CLOSED": ["group"],
    "HIDE_INFO": ["name"],
    "AUDIT_DAYS": 400,
    "WEBHOOKS": {"https://example.com/hook": ["dialog_closed"]},
    "ARCHIVE": 1,
}
"""For each setting that a plan limits, a value that the free plan refuses."""


def _example(entry: Entry) -> Any:
    return entry.setting.kind.parse(entry.setting.example)


@EVERY
def test_every_setting_is_named_in_capitals_and_described(entry):
    assert entry.name == entry.name.upper()
    assert entry.description.endswith(".")
    assert entry.setting.title
    assert entry.setting.section == entry.setting.section.lower()
    assert entry.setting.kind.hint.endswith(".")


@EVERY
def test_every_default_is_valid_and_allowed_on_every_plan(entry):
    for plan in Plan:
        assert entry.check(entry.default, plan) == entry.default
        assert entry.clamp(entry.default, plan) == entry.default


@EVERY
def test_every_example_is_valid_and_not_the_default_and_allowed_wherever_the_setting_is(entry):
    value = _example(entry)
    assert value != entry.default
    for plan in Plan:
        if not entry.setting.is_closed(plan):
            assert entry.check(value, plan) == value


@EVERY
@pytest.mark.parametrize("which", ["example", "default"])
def test_every_value_is_shown_the_way_it_is_typed(entry, which):
    value = _example(entry) if which == "example" else entry.default
    assert entry.setting.kind.parse(entry.setting.kind.show(value)) == value


@EVERY
@pytest.mark.parametrize("nonsense", [None, 1.5, {"a": 1}, [[[]]], [None], object()])
def test_every_setting_refuses_a_value_of_another_type_in_a_sentence_with_its_name(entry, nonsense):
    with pytest.raises(Invalid) as refused:
        entry.check(nonsense, Plan.BUSINESS)
    assert refused.value.field == entry.name
    assert refused.value.text.startswith(f"{entry.name}: ")
    assert refused.value.text.endswith(".")


@EVERY
def test_every_off_is_typed_off(entry):
    if entry.setting.kind.show(entry.default) == OFF:
        assert entry.setting.kind.parse("off") == entry.default


@EVERY
def test_every_setting_is_found_by_its_name_in_any_case(entry):
    assert find_entry(entry.name.lower()) is get_entry(entry.name)


@EVERY
def test_every_limit_loosens_from_plan_to_plan(entry):
    if entry.name in FORBIDDEN:
        allowed = [limit is None or limit.allows(FORBIDDEN[entry.name]) for limit in map(entry.setting.limit, Plan)]
        assert allowed == sorted(allowed)
        assert allowed[-1]


@pytest.mark.parametrize(("entry", "plan"), LIMITED)
def test_every_limit_refuses_with_the_plan_that_allows_more(entry, plan):
    with pytest.raises(PlanRequired) as refused:
        entry.check(FORBIDDEN[entry.name], plan)
    opened_by = Plan(refused.value.params["plan"])
    assert opened_by.includes(plan)
    assert opened_by is not plan
    assert entry.name in refused.value.text
    assert entry.check(FORBIDDEN[entry.name], opened_by) == FORBIDDEN[entry.name]


@pytest.mark.parametrize(("entry", "plan"), LIMITED)
def test_every_clamped_value_is_allowed(entry, plan):
    clamped = entry.clamp(FORBIDDEN[entry.name], plan)
    if entry.setting.is_frozen(plan):
        assert clamped == FORBIDDEN[entry.name]
    else:
        assert entry.check(clamped, plan) == clamped


@EVERY
def test_a_stored_value_counts_until_its_plan_forbids_it_and_again_after_an_upgrade(entry):
    stored = {entry.name: FORBIDDEN.get(entry.name, _example(entry))}
    assert getattr(effective(stored, Plan.BUSINESS), entry.name) == stored[entry.name]
    assert getattr(effective(stored, Plan.FREE), entry.name) == entry.clamp(stored[entry.name], Plan.FREE)


@EVERY
def test_a_stored_value_that_is_no_longer_valid_counts_as_unset(entry):
    assert getattr(effective({entry.name: {"of": "yore"}}, Plan.BUSINESS), entry.name) == entry.default


def test_without_anything_stored_the_defaults_count():
    assert effective({}, Plan.BUSINESS) == Settings()


def test_a_stored_setting_that_is_gone_from_the_schema_stops_nobody():
    assert effective({"RETIRED": 1}, Plan.FREE) == Settings()


def test_an_unknown_setting_is_not_found():
    assert find_entry("NOPE") is None
    with pytest.raises(NotFound):
        get_entry("NOPE")


@pytest.mark.parametrize("hours", [True, 0, -1, 1_000_001, "24", 24.0])
def test_autoclose_takes_whole_hours_from_one_to_never(hours):
    with pytest.raises(Invalid):
        get_entry("AUTOCLOSE").check(hours, Plan.BUSINESS)


def test_the_free_plan_closes_after_two_days_at_most():
    assert effective({"AUTOCLOSE": 1_000_000}, Plan.FREE).AUTOCLOSE == 48
    assert effective({"AUTOCLOSE": 3}, Plan.FREE).AUTOCLOSE == 3


def test_the_free_plan_always_greets():
    assert effective({"WELCOME": ""}, Plan.FREE).WELCOME == GREETING
    assert effective({"WELCOME": ""}, Plan.PRO).WELCOME == ""


def test_a_welcome_of_spaces_is_off_and_so_not_for_the_free_plan():
    assert get_entry("WELCOME").check(" \n", Plan.PRO) == ""
    with pytest.raises(PlanRequired):
        get_entry("WELCOME").check(" \n", Plan.FREE)


@pytest.mark.parametrize(
    ("name", "value"),
    [("WELCOME", "a\0b"), ("PRIVATE_KEYWORDS", [["a\0"]]), ("WELCOME", "\ud800"), ("WHITE_LIST", [10**400])],
)
def test_what_the_database_could_not_store_is_refused(name, value):
    with pytest.raises(Invalid):
        get_entry(name).check(value, Plan.BUSINESS)


@pytest.mark.parametrize("groups", [[[]], [[""]], [["~"]], [["a", " ~ "]]])
def test_an_empty_keyword_is_refused(groups):
    with pytest.raises(Invalid):
        get_entry("PRIVATE_KEYWORDS").check(groups, Plan.BUSINESS)


def test_a_plan_includes_itself_and_the_lesser_ones():
    included = [[plan.includes(other) for other in Plan] for plan in Plan]
    assert included == [[True, False, False], [True, True, False], [True, True, True]]


@pytest.mark.parametrize(
    ("limit", "good", "bad", "nearest"), [(Max(48), 48, 49, 48), (NeverOff("Hi"), "Hello", "", "Hi")]
)
def test_a_limit_leaves_what_it_allows_and_brings_the_rest_to_the_nearest(limit, good, bad, nearest):
    assert limit.allows(good)
    assert limit.clamp(good) == good
    assert not limit.allows(bad)
    assert limit.clamp(bad) == nearest
