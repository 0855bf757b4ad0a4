"""The pay page's words and HTML. What is drawn is escaped; nothing on it runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from tenants.billing.accounts import Account
from tenants.billing.desk import MOST_UNITS, Wish
from tenants.billing.port import Prices
from tenants.billing.prices import describe_price, total
from tenants.billing.standing import Reason
from tenants.ids import UserId
from tenants.plan_facts import PlanFacts, plan_facts
from tenants.plans import Plan, TermsByPlan
from tenants.settings.catalog import entries


@dataclass(frozen=True, slots=True)
class Offered:
    name: Plan
    price: str
    lines: Sequence[str]
    chosen: bool


@cache
def _environment() -> Environment:
    return Environment(loader=PackageLoader("api.pay", "."), autoescape=True, undefined=StrictUndefined)


def _draw(name: str, **values: Any) -> str:
    return _environment().get_template(name).render(**values)


def draw_plans(
    account: Account,
    person: UserId,
    prices: Prices,
    here: str,
    terms: TermsByPlan,
    *,
    problem: str | None = None,
    done: str | None = None,
) -> str:
    pays = account.subscription is not None
    mine = account.payer in {None, person}
    return _draw(
        "plans.html",
        title=f"Plan of @{account.tenant.bot_username}",
        here=here,
        problem=problem,
        done=done,
        now=describe(account),
        portal=account.customer is not None and mine,
        plans=[_offer(plan, prices, account, terms) for plan in prices] if mine or not pays else [],
        units=max(account.units, 1) if Plan.PRO in prices else None,
        most_units=MOST_UNITS,
        currencies=sorted({currency for amounts in prices.values() for currency in amounts}),
        go_on="Change the plan" if pays else "Go on to payment",
        note=(
            "Somebody else pays for this connection: only they can change or end it."
            if pays and not mine
            else "You see what changes before anything is paid."
            if pays
            else "The payment is handled by Stripe. It repeats every month until you end it."
        ),
    )


def _offer(plan: Plan, prices: Prices, account: Account, terms: TermsByPlan) -> Offered:
    price = " / ".join(describe_price(amount, currency) for currency, amount in sorted(prices[plan].items()))
    unit = " a month for each unit" if plan is Plan.PRO else " a month"
    others = [one for one in prices if one is not account.tenant.plan]
    chosen = plan is account.tenant.plan or (account.tenant.plan not in prices and others[:1] == [plan])
    return Offered(plan, price + unit, _included(plan_facts(plan, terms)), chosen)


def _included(facts: PlanFacts) -> Sequence[str]:
    broadcasts = f"{facts.broadcasts_a_month:,} broadcast messages a month"
    if facts.broadcasts_a_unit:
        broadcasts = (
            f"{facts.broadcasts_a_unit:,} broadcast messages a month for each unit, "
            f"at least {facts.broadcasts_a_month:,}"
        )
    included = [f"{facts.updates_a_day:,} updates a day", broadcasts, f"The audit log of {facts.audit_days} days"]
    if facts.has_api:
        included.append("The API")
    if facts.opens:
        titles = [entries()[name].setting.title for name in facts.opens]
        included.append(f"What smaller plans limit: {', '.join(titles)}")
    return included


def describe(account: Account) -> str:
    """One sentence about what counts now, and until when."""
    plan = account.tenant.plan
    until = None if account.paid_until is None else f"{account.paid_until:%-d %B %Y}"
    match account.reason:
        case Reason.PAID if account.ends_at is not None:
            return f"You are on the {plan} plan. It ends on {account.ends_at:%-d %B %Y}."
        case Reason.PAID:
            return f"You are on the {plan} plan, paid until {until}."
        case Reason.GRACE:
            return f"The last payment has failed. The {plan} plan counts for a week: mend the payment before."
        case Reason.UNPAID:
            return f"The last payment has failed, so you are on the {plan} plan. Nothing is deleted."
        case Reason.GRANTED:
            return f"You have the {plan} plan without paying."
        case _:
            return f"You are on the {plan} plan."


def draw_question(account: Account, prices: Prices, here: str, wish: Wish) -> str:
    price = describe_price(total(prices, wish.plan, wish.units, wish.currency), wish.currency)
    units = f" with {wish.units} units" if wish.plan is Plan.PRO and wish.units > 1 else ""
    return _draw(
        "sure.html",
        title=f"Change the plan of @{account.tenant.bot_username}?",
        here=here,
        wish=wish,
        what=(
            f"From now on: the {wish.plan} plan{units}, {price} a month. What is left of this month is counted, and "
            "the difference is charged to your card at once."
        ),
    )


def draw_closed(problem: str) -> str:
    return _draw("closed.html", title="This page can't be shown", problem=problem)


@cache
def style() -> str:
    source = _environment().loader
    if source is None:
        raise RuntimeError("the page has no folder")
    return source.get_source(_environment(), "style.css")[0]
