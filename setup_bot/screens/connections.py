"""The list of connections, the step that asks for a token, a connection's card and its end."""

import secrets
import string
from collections.abc import Sequence
from urllib.parse import quote

from aiogram.types import InlineKeyboardButton
from aiogram.utils.formatting import Code, Text

from setup_bot.callbacks import (
    Card,
    Delete,
    Fetch,
    Group,
    GroupStep,
    Home,
    Key,
    KeyStep,
    ModeStep,
    New,
    People,
    PeopleStep,
    Plans,
    Reconnect,
    Run,
    Runs,
    Sections,
    Speak,
    Sure,
)
from setup_bot.screens.group import housekeeper_button
from setup_bot.screens.screen import Screen, button, lines, link_button, screen
from setup_bot.screens.usage import today
from setup_bot.texts import plain, say, sentence, spoken, words
from tenants.connections import Tenant
from tenants.ids import UserId
from tenants.parallel import Mode
from tenants.usage.reading import Usage

_LETTERS = string.ascii_lowercase + string.digits
PAGE = 20
"""Connections on one page of the list."""


def home(tenants: Sequence[Tenant], page: int = 0, *, notice: Text | None = None) -> Screen:
    page = min(max(page, 0), max(0, (len(tenants) - 1) // PAGE))
    shown = tenants[page * PAGE : (page + 1) * PAGE]
    rows = [[connection_button(tenant)] for tenant in shown]
    turns = []
    if page > 0:
        turns.append(button("home.earlier", Home(page=page - 1)))
    if (page + 1) * PAGE < len(tenants):
        turns.append(button("home.later", Home(page=page + 1)))
    if turns:
        rows.append(turns)
    rows.append([button("home.new", New())])
    rows.append([button("home.language", Speak(), language=spoken().native)])
    return screen(say("home.title"), say("home.some" if tenants else "home.none"), rows=rows, notice=notice)


def connection_button(tenant: Tenant) -> InlineKeyboardButton:
    sign = say(f"sign.{tenant.state}")
    values = {"sign": sign, "name": plain(tenant.bot_name), "bot": tenant.bot_username}
    return button("home.connection", Card(tenant=tenant.id), **values)


def ask_token(problem: Text | None = None, *, maker: str | None = None) -> Screen:
    """`maker` is the setup bot's username where it may make bots for people."""
    rows = [[button("cancel", Home())]]
    made = None
    if maker is not None:
        link = new_bot_link(maker, suggest_username(), words("token.suggested_name"))
        rows.insert(0, [link_button("token.create", link)])
        made = say("token.or_create")
    notice = None if problem is None else Text("⚠️ ", problem)
    return screen(say("token.title"), made, say("token.how"), rows=rows, notice=notice)


def new_bot_link(manager: str, username: str, name: str) -> str:
    """Telegram asks back with these, lets the person change them, and makes the bot (Bot API 9.6)."""
    return f"https://t.me/newbot/{manager}/{username}?name={quote(name)}"


def suggest_username() -> str:
    """Free in all likelihood, and ends as usernames of bots must. The person may change it."""
    return f"desk_{''.join(secrets.choice(_LETTERS) for _ in range(8))}_bot"


def not_fetched(bot: UserId, problem: str | None = None) -> Screen:
    rows = [[button("token.fetch", Fetch(bot=bot))], [button("cancel", Home())]]
    notice = None if problem is None else Text("⚠️ ", problem)
    return screen(say("token.not_fetched_title"), say("token.not_fetched"), rows=rows, notice=notice)


def ask_new_token(tenant: Tenant, problem: Text | None = None) -> Screen:
    bot = tenant.bot_username
    rows = [[button("cancel", Card(tenant=tenant.id))]]
    notice = None if problem is None else Text("⚠️ ", problem)
    return screen(say("token.new_title", bot=bot), say("token.new_how", bot=bot), rows=rows, notice=notice)


def card(
    tenant: Tenant,
    person: UserId,
    problem: str | None,
    *,
    usage: Usage | None = None,
    notice: Text | None = None,
    helper: str | None = None,
    sells: bool = False,
    others: int = 0,
) -> Screen:
    """As `person` sees it: a co-administrator may leave where the owner may delete. `helper` is the setup bot's
    username where it does not keep house in the group. `others` are the co-administrators.
    """
    bot = tenant.bot_username
    group = plain(tenant.group_title or "…") if tenant.group_id else say("card.no_group")
    facts = lines(
        say("card.state", state=say("state.undecided" if tenant.is_undecided else f"state.{tenant.state}")),
        say("card.bot", bot=bot),
        say("card.group", group=group),
        say(_mode_fact(tenant)),
        say("card.plan", plan=tenant.plan),
        say("card.managed_by", count=others + 1),
        *(() if usage is None else today(usage)),
        say("card.id", id=Code(tenant.id)),
    )
    trouble = None if problem is None else Text("⚠️ ", sentence(problem))
    return screen(
        Text(plain(tenant.bot_name)),
        facts,
        trouble,
        rows=_card_rows(tenant, person, helper, sells=sells),
        notice=notice,
    )


def _mode_fact(tenant: Tenant) -> str:
    if tenant.is_undecided:
        return "card.undecided"
    if tenant.mode is Mode.POLLING:
        return "card.polling"
    return "card.parallel" if tenant.state in {"setup", "running"} else "card.parallel_ended"


def _card_rows(
    tenant: Tenant, person: UserId, helper: str | None, *, sells: bool
) -> list[list[InlineKeyboardButton]]:
    key = tenant.id
    if tenant.is_undecided:
        return [[button("card.choose", Runs(tenant=key, step=ModeStep.ASK))], *_last_rows(tenant, person)]
    rows = [[button("card.settings", Sections(tenant=key))]]
    if tenant.state == "running" or (tenant.state == "setup" and tenant.mode is Mode.PARALLEL):
        rows.append([button("card.stop", Run(tenant=key, running=False))])
    if tenant.state == "stopped" and tenant.group_id:
        rows.append([button("card.start", Run(tenant=key, running=True))])
    if tenant.state != "revoked":
        name = "card.change_group" if tenant.group_id else "card.connect_group"
        rows.append([button(name, Group(tenant=key, step=GroupStep.SHOW))])
        rows.append([mode_button(tenant)])
        if helper is not None:
            rows.append([housekeeper_button(helper)])
    rows.append(_people_and_keys(tenant))
    rows.append([button("card.new_token", Reconnect(tenant=key))])
    if sells:
        rows.append([button("plans.open", Plans(tenant=key))])
    return [*rows, *_last_rows(tenant, person)]


def _people_and_keys(tenant: Tenant) -> list[InlineKeyboardButton]:
    return [
        button("card.people", People(tenant=tenant.id, step=PeopleStep.SHOW)),
        button("card.key", Key(tenant=tenant.id, step=KeyStep.SHOW)),
    ]


def mode_button(tenant: Tenant) -> InlineKeyboardButton:
    if tenant.mode is Mode.PARALLEL:
        return button("card.run_alone", Runs(tenant=tenant.id, step=ModeStep.ALONE))
    return button("card.run_beside", Runs(tenant=tenant.id, step=ModeStep.OFFER))


def _last_rows(tenant: Tenant, person: UserId) -> list[list[InlineKeyboardButton]]:
    key = tenant.id
    if tenant.owner_id == person:
        end = button("card.delete", Delete(tenant=key, version=tenant.version, sure=Sure.NO))
    else:
        end = button("people.leave", People(tenant=key, step=PeopleStep.LEAVE))
    return [[end], [button("card.all", Home())]]


def delete(tenant: Tenant, asked: Sure, *, is_paid: bool) -> Screen:
    """Asked twice; the button that goes on is never where the last one was."""
    bot = tenant.bot_username
    keep = [button("delete.keep", Card(tenant=tenant.id))]
    if asked is Sure.NO:
        go_on = [button("delete.go_on", Delete(tenant=tenant.id, version=tenant.version, sure=Sure.ONCE))]
        paid = say("delete.paid") if is_paid else None
        return screen(say("delete.title", bot=bot), say("delete.what", bot=bot), paid, rows=[keep, go_on])
    for_ever = [button("delete.for_ever", Delete(tenant=tenant.id, version=tenant.version, sure=Sure.TWICE))]
    return screen(say("delete.sure_title", bot=bot), say("delete.sure", bot=bot), rows=[for_ever, keep])
