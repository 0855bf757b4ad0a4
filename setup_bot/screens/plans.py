"""What a plan includes, what a connection pays, and the way to another plan."""

from aiogram.types import InlineKeyboardButton
from aiogram.utils.formatting import Text

from setup_bot.callbacks import Buy, Card, Plans, Renew
from setup_bot.screens.screen import Screen, button, lines, link_button, screen
from setup_bot.shop import Offer
from setup_bot.texts import day, say
from setup_bot.texts import settings as texts
from tenants.billing.accounts import Account
from tenants.billing.facts import Provider
from tenants.billing.standing import Reason
from tenants.connections import Tenant
from tenants.ids import TenantId, UserId
from tenants.plan_facts import PlanFacts, plan_facts
from tenants.plans import Plan, TermsByPlan
from tenants.settings.catalog import entries


def describe(facts: PlanFacts, price: str | None = None) -> Text:
    """A line for each thing; of settings those that the smaller plan lacks."""
    included = [
        say("plan.title", plan=facts.plan),
        say("plan.updates", count=facts.updates_a_day),
        say("plan.broadcasts", count=facts.broadcasts_a_month),
        say("plan.audit", count=facts.audit_days),
    ]
    if facts.has_api:
        included.append(say("plan.api"))
    if facts.opens:
        titles = [texts.title(entries()[name]) for name in facts.opens]
        included.append(say("plan.settings", names=", ".join(titles)))
    if price is not None:
        included.append(say("plan.price", price=price))
    return lines(*included)


def plan(
    account: Account,
    offer: Offer,
    person: UserId,
    *,
    page: str | None,
    terms: TermsByPlan,
    notice: Text | None = None,
) -> Screen:
    """`page` is the pay page's address, where it is offered."""
    tenant = account.tenant
    plans = list(Plan)
    more = [one for one in plans[plans.index(tenant.plan) + 1 :] if one in offer.prices]
    described = [describe(plan_facts(one, terms), offer.price(one)) for one in more]
    is_payer = account.payer in {None, person}
    rows: list[list[InlineKeyboardButton]] = []
    if offer.way == "web" and page is not None and (is_payer or account.subscription is None):
        rows.append([link_button("plans.page" if account.subscription is None else "plans.page_again", page)])
    if offer.way == "stars":
        rows += [[_buy(tenant.id, one, offer)] for one in more if is_payer or account.subscription is None]
    if account.provider is Provider.STARS and account.subscription is not None and is_payer:
        ends = account.ends_at is not None
        rows.append([button("plans.go_on" if ends else "plans.end", Renew(tenant=tenant.id, renews=ends))])
    rows.append([button("back", Card(tenant=tenant.id))])
    note = None if is_payer or account.subscription is None else say("plans.other_payer")
    return screen(
        say("plans.title", bot=tenant.bot_username), _standing(account), note, *described, rows=rows, notice=notice
    )


def _standing(account: Account) -> Text:
    plan_now = account.tenant.plan
    if account.reason is Reason.PAID and account.ends_at is not None:
        return say("plans.ends", plan=plan_now, until=day(account.ends_at))
    if account.reason is Reason.PAID and account.paid_until is not None:
        return say("plans.paid", plan=plan_now, until=day(account.paid_until))
    if account.reason is Reason.GRACE:
        return say("plans.grace", plan=plan_now)
    if account.reason is Reason.UNPAID:
        return say("plans.unpaid", plan=plan_now)
    return say("plans.granted" if account.reason is Reason.GRANTED else "plans.now", plan=plan_now)


def _buy(tenant: TenantId, wanted: Plan, offer: Offer) -> InlineKeyboardButton:
    return button("plans.buy", Buy(tenant=tenant, plan=wanted), plan=wanted, price=offer.price(wanted) or "")


def invoice(tenant: Tenant, wanted: Plan, offer: Offer, link: str) -> Screen:
    price = offer.price(wanted) or ""
    rows = [
        [link_button("stars.pay", link, price=price)],
        [button("back", Plans(tenant=tenant.id))],
    ]
    what = say("stars.what", bot=tenant.bot_username, plan=wanted, price=price)
    return screen(say("stars.title", plan=wanted), what, rows=rows)


def plans_button(tenant: TenantId) -> InlineKeyboardButton:
    return button("plans.open", Plans(tenant=tenant))
