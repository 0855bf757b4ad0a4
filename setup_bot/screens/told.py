"""What owners are told without asking: a message of its own, from which the connection is one press away."""

from collections.abc import Callable, Mapping
from typing import Any

from aiogram.utils.formatting import Text

from setup_bot.callbacks import Group, GroupStep, Plans, Reconnect
from setup_bot.screens.connections import connection_button, mode_button
from setup_bot.screens.plans import describe
from setup_bot.screens.screen import Screen, button, lines
from setup_bot.texts import day, number, plain, say, sentence
from tenants import owner_notices
from tenants.connections import Tenant
from tenants.plan_facts import bigger, plan_facts


def _revoked(tenant: Tenant, _: Mapping[str, Any]) -> Text:
    return say("told.revoked", bot=tenant.bot_username)


def _conflict(tenant: Tenant, params: Mapping[str, Any]) -> Text:
    return say("told.conflict", bot=tenant.bot_username, problem=sentence(params["problem"]))


def _group_trouble(tenant: Tenant, params: Mapping[str, Any]) -> Text:
    return say(
        "told.group_trouble", bot=tenant.bot_username, group=_group(tenant), problem=sentence(params["problem"])
    )


def _group_mended(tenant: Tenant, _: Mapping[str, Any]) -> Text:
    return say("told.group_mended", bot=tenant.bot_username, group=_group(tenant))


def _group_state(tenant: Tenant, params: Mapping[str, Any]) -> Text:
    bot, group = tenant.bot_username, _group(tenant)
    found = [Text("• ", say(f"trouble_of_group.{name}", bot=bot)) for name in params["troubles"]]
    return lines(say("told.group_state", bot=bot, group=group), *found)


def _group_fine(tenant: Tenant, _: Mapping[str, Any]) -> Text:
    return say("told.group_fine", bot=tenant.bot_username, group=_group(tenant))


def _deaf(tenant: Tenant, params: Mapping[str, Any]) -> Text:
    return say("told.deaf", bot=tenant.bot_username, chat=plain(params["chat"]))


def _behind(tenant: Tenant, params: Mapping[str, Any]) -> Text:
    return say("told.behind", bot=tenant.bot_username, group=_group(tenant), count=int(params["minutes"]))


def _housekeeper(tenant: Tenant, _: Mapping[str, Any]) -> Text:
    return say("told.housekeeper", bot=tenant.bot_username, group=_group(tenant))


def _housekeeper_gone(tenant: Tenant, _: Mapping[str, Any]) -> Text:
    return say("told.housekeeper_gone", bot=tenant.bot_username, group=_group(tenant))


def _administrator_joined(tenant: Tenant, params: Mapping[str, Any]) -> Text:
    return say("told.administrator_joined", bot=tenant.bot_username, name=plain(params["name"]))


def _transferred(tenant: Tenant, _: Mapping[str, Any]) -> Text:
    return say("told.transferred", bot=tenant.bot_username)


def _plan_paid(tenant: Tenant, params: Mapping[str, Any]) -> Text:
    return say("told.plan_paid", bot=tenant.bot_username, plan=params["plan"])


def _payment_failed(tenant: Tenant, params: Mapping[str, Any]) -> Text:
    return say("told.payment_failed", bot=tenant.bot_username, plan=params["plan"], until=day(params["until"]))


def _plan_unpaid(tenant: Tenant, params: Mapping[str, Any]) -> Text:
    return say("told.plan_unpaid", bot=tenant.bot_username, plan=params["plan"])


def _plan_ended(tenant: Tenant, params: Mapping[str, Any]) -> Text:
    return say("told.plan_ended", bot=tenant.bot_username, plan=params["plan"])


def _usage_near(tenant: Tenant, params: Mapping[str, Any]) -> Text:
    used, allowed = number(params["used"]), number(params["allowed"])
    return say("told.usage_near", bot=tenant.bot_username, used=used, allowed=allowed, next=_what_is_next(params))


def _usage_full(tenant: Tenant, params: Mapping[str, Any]) -> Text:
    allowed = number(params["allowed"])
    return say("told.usage_full", bot=tenant.bot_username, allowed=allowed, next=_what_is_next(params))


def _usage_waits(tenant: Tenant, params: Mapping[str, Any]) -> Text:
    allowed, tolerated = number(params["allowed"]), str(params["tolerated"])
    shown = say("told.usage_waits", bot=tenant.bot_username, allowed=allowed, tolerated=tolerated)
    plan = bigger(tenant.plan)
    if plan is None:
        return shown
    return Text(shown, "\n\n", say("told.usage_bigger"), "\n\n", describe(plan_facts(plan)))


def _usage_flows(tenant: Tenant, _: Mapping[str, Any]) -> Text:
    return say("told.usage_flows", bot=tenant.bot_username)


def _usage_expired(tenant: Tenant, params: Mapping[str, Any]) -> Text:
    return say("told.usage_expired", bot=tenant.bot_username, count=params["number"])


def _what_is_next(params: Mapping[str, Any]) -> Text:
    over, tolerated = params["days_over"], params["tolerated"]
    if over < tolerated:
        return say("told.usage_tolerated", over=str(over), tolerated=str(tolerated))
    return say("told.usage_will_wait", tolerated=str(tolerated))


def _group(tenant: Tenant) -> str:
    return plain(tenant.group_title or "…")


KINDS: Mapping[str, Callable[[Tenant, Mapping[str, Any]], Text]] = {
    owner_notices.REVOKED: _revoked,
    owner_notices.CONFLICT: _conflict,
    owner_notices.GROUP_TROUBLE: _group_trouble,
    owner_notices.GROUP_MENDED: _group_mended,
    owner_notices.GROUP_STATE: _group_state,
    owner_notices.GROUP_FINE: _group_fine,
    owner_notices.DEAF: _deaf,
    owner_notices.BEHIND: _behind,
    owner_notices.HOUSEKEEPER: _housekeeper,
    owner_notices.HOUSEKEEPER_GONE: _housekeeper_gone,
    owner_notices.ADMINISTRATOR_JOINED: _administrator_joined,
    owner_notices.TRANSFERRED: _transferred,
    owner_notices.PLAN_PAID: _plan_paid,
    owner_notices.PAYMENT_FAILED: _payment_failed,
    owner_notices.PLAN_UNPAID: _plan_unpaid,
    owner_notices.PLAN_ENDED: _plan_ended,
    owner_notices.USAGE_NEAR: _usage_near,
    owner_notices.USAGE_FULL: _usage_full,
    owner_notices.USAGE_WAITS: _usage_waits,
    owner_notices.USAGE_FLOWS: _usage_flows,
    owner_notices.USAGE_EXPIRED: _usage_expired,
}


ABOUT_PLANS = {
    owner_notices.PAYMENT_FAILED,
    owner_notices.PLAN_UNPAID,
    owner_notices.PLAN_ENDED,
    owner_notices.USAGE_NEAR,
    owner_notices.USAGE_FULL,
    owner_notices.USAGE_WAITS,
    owner_notices.USAGE_EXPIRED,
}


def screen(tenant: Tenant, kind: str, params: Mapping[str, Any]) -> Screen:
    rows = [(connection_button(tenant),)]
    if kind == owner_notices.CONFLICT:
        rows.insert(0, (mode_button(tenant),))
    if kind == owner_notices.REVOKED:
        rows.insert(0, (button("card.new_token", Reconnect(tenant=tenant.id)),))
    if kind in ABOUT_PLANS:
        rows.insert(0, (button("plans.open", Plans(tenant=tenant.id)),))
    if kind in {owner_notices.GROUP_STATE, owner_notices.GROUP_TROUBLE}:
        rows.insert(0, (button("told.mend_group", Group(tenant=tenant.id, step=GroupStep.NEW_LINK)),))
    return Screen(KINDS[kind](tenant, params), tuple(rows))
