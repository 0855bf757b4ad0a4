"""Writes docs/plans.md from the plans and the settings: `python -m tenants.plans_docs > docs/plans.md`."""

import sys
from collections.abc import Iterable, Sequence

from tenants.plan_facts import PlanFacts, plan_facts
from tenants.plans import Plan
from tenants.settings.catalog import entries

_HEAD = """\
# Plans

This page is generated from `tenants/plans.py` and `tenants/settings/schema.py` (`make docs`).

Dialogs, operators and parallel mode are unlimited on every plan.
"""
_LIMIT = """
## The limit of updates

An update is what Telegram delivers for a bot: a message, an edit, a reaction, a pressed button, of customers and of
the team. What bots do in the team's group does not count, Backline's own doings there least of all. Days are UTC.

A day may go over its limit on as many days of a calendar month as the table says, and nothing changes on them.
When those are used up, a day ends at its limit: what customers do from then on is stored and handled later, in the
order in which it came, as soon as there is room. That is when the day turns, or at once on a bigger plan.
What the team writes never waits, and customers notice nothing.
What waited for seven days is kept for seven more among the dead letters, to be tried again.

The owner is told at 80 % and at 100 % of a day, when messages begin to wait, and when they are on their way.
`GET /v1/tenants/{id}/usage` shows the month.

The limit of a day is that of the best plan it had: neither an upgrade nor its end takes anything back.
A deployment may set limits of its own: `UPDATES_A_DAY="free=2500 pro=100000 business=1000000"`.
Where nobody pays, `DEFAULT_PLAN` is the plan of new connections, and `backline plan @BOT PLAN` changes it.
"""


def plans_page() -> str:
    facts = [plan_facts(plan) for plan in Plan]
    head = ("", *(one.plan.value for one in facts))
    return "\n".join([_HEAD, *_table(head, [*_terms(facts), *_settings(facts)]), _LIMIT.rstrip(), ""])


def _terms(facts: Sequence[PlanFacts]) -> Iterable[Sequence[str]]:
    yield "updates a day", *(_number(one.updates_a_day) for one in facts)
    yield "days of a month that may go over", *(str(one.tolerated_days) for one in facts)
    yield "broadcast messages a month", *map(_broadcasts, facts)
    yield "API", *("yes" if one.has_api else "no" for one in facts)
    yield "audit log", *(f"{one.audit_days} days" for one in facts)


def _settings(facts: Sequence[PlanFacts]) -> Iterable[Sequence[str]]:
    for name in entries():
        if any(name in one.limits for one in facts):
            yield f"`{name}`", *(one.limits[name].describe() if name in one.limits else "yes" for one in facts)


def _broadcasts(one: PlanFacts) -> str:
    if not one.broadcasts_a_unit:
        return _number(one.broadcasts_a_month)
    return f"{_number(one.broadcasts_a_unit)} for each unit, at least {_number(one.broadcasts_a_month)}"


def _number(count: int) -> str:
    return f"{count:,}".replace(",", " ")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
    for cells in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.stdout.write(plans_page())
