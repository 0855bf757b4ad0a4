"""What a plan includes, as facts: whoever shows it has the words."""

from collections.abc import Mapping
from dataclasses import dataclass

from tenants.plans import TERMS, Plan, TermsByPlan
from tenants.settings.catalog import entries
from tenants.settings.field import Limit
from tenants.settings.schema import Settings


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """`limits` are the settings of which the plan does not allow all, `opens` those of which it allows more than the
    plan before.
    """

    plan: Plan
    updates_a_day: int
    tolerated_days: int
    broadcasts_a_month: int
    broadcasts_a_unit: int
    has_api: bool
    audit_days: int
    limits: Mapping[str, Limit]
    opens: tuple[str, ...]


def plan_facts(plan: Plan, terms: TermsByPlan = TERMS, model: type[Settings] = Settings) -> PlanFacts:
    own, before = terms[plan], _limits(_before(plan), model)
    limits = _limits(plan, model)
    return PlanFacts(
        plan=plan,
        updates_a_day=own.updates_a_day,
        tolerated_days=own.tolerated_days,
        broadcasts_a_month=own.broadcasts_a_month,
        broadcasts_a_unit=own.broadcasts_a_unit,
        has_api=own.has_api,
        audit_days=own.audit_lives.days,
        limits=limits,
        opens=tuple(name for name in before if limits.get(name) != before[name]),
    )


def bigger(plan: Plan) -> Plan | None:
    plans = list(Plan)
    above = plans[plans.index(plan) + 1 :]
    return above[0] if above else None


def _before(plan: Plan) -> Plan | None:
    plans = list(Plan)
    below = plans[: plans.index(plan)]
    return below[-1] if below else None


def _limits(plan: Plan | None, model: type[Settings]) -> Mapping[str, Limit]:
    if plan is None:
        return {}
    found = {name: entry.setting.limit(plan) for name, entry in entries(model).items()}
    return {name: limit for name, limit in found.items() if limit is not None}
