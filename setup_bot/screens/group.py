"""The group step: the one-tap link, what became of it, and the end of the wizard."""

from aiogram.types import InlineKeyboardButton
from aiogram.utils.formatting import Text

from connecting.links import group_link
from connecting.verification import Finding, Report
from setup_bot.callbacks import Card, Group, GroupStep, Sections, Use
from setup_bot.screens.screen import Screen, button, lines, link_button, screen
from setup_bot.texts import plain, say, sentence
from tenants.connections import Tenant
from tenants.ids import ChatId


def link(tenant: Tenant, word: str, *, notice: Text | None = None) -> Screen:
    bot = tenant.bot_username
    rows = [
        [link_button("link.add", group_link(bot, word), bot=bot)],
        [button("link.check", Group(tenant=tenant.id, step=GroupStep.CHECK))],
        [button("link.new", Group(tenant=tenant.id, step=GroupStep.NEW_LINK))],
        [button("link.later", Card(tenant=tenant.id))],
    ]
    return screen(say("link.title", bot=bot), say("link.how", bot=bot), rows=rows, notice=notice)


def expired(tenant: Tenant) -> Screen:
    bot = tenant.bot_username
    rows = [
        [button("link.new", Group(tenant=tenant.id, step=GroupStep.NEW_LINK))],
        [button("link.later", Card(tenant=tenant.id))],
    ]
    return screen(say("link.title", bot=bot), say("link.expired", bot=bot), rows=rows)


def verdict(tenant: Tenant, chat: ChatId, report: Report) -> Screen:
    bot = tenant.bot_username
    title = say("group.found", title=plain(report.title)) if report.title else say("group.unsuited")
    findings = [_say(found, bot) for found in (*report.problems, *report.warnings)]
    ticked = lines(*(Text("✅ ", say(found.name, bot=bot)) for found in report.done)) if report.done else None
    another = [button("group.another", Group(tenant=tenant.id, step=GroupStep.NEW_LINK))]
    back = [button("back", Card(tenant=tenant.id))]
    if report.problems:
        again = [button("group.again", Group(tenant=tenant.id, step=GroupStep.CHECK))]
        unsuited = say("group.unsuited") if report.title else None
        missing = [Text("◻️ ", finding) for finding in findings]
        live = None if report.is_silent else say("group.live")
        return screen(title, unsuited, ticked, *missing, live, rows=[again, another, back])
    use = [button("group.use", Use(tenant=tenant.id, chat=chat))]
    return screen(title, ticked, *findings, say("group.confirm", bot=bot), rows=[use, another, back])


def _say(found: Finding, bot: str) -> Text:
    return say(found.name, bot=bot, **{name: sentence(value) for name, value in found.values.items()})


def works(tenant: Tenant) -> Screen:
    rows = [
        [button("card.settings", Sections(tenant=tenant.id))],
        [button("done.manage", Card(tenant=tenant.id))],
    ]
    title = plain(tenant.group_title or "…")
    return screen(say("done.works_title"), say("done.works", bot=tenant.bot_username, title=title), rows=rows)


def housekeeper_button(setup_bot: str) -> InlineKeyboardButton:
    """Telegram adds the setup bot to a group of the person's choice, with the one right that it needs there."""
    return link_button("done.housekeeper", f"https://t.me/{setup_bot}?startgroup=house&admin=manage_topics")


def done(tenant: Tenant, setup_bot: str | None) -> Screen:
    """`setup_bot` is its username where it does not keep house in the group so far."""
    bot = tenant.bot_username
    rows = [
        [link_button("done.write", f"https://t.me/{bot}", bot=bot)],
        *([] if setup_bot is None else [[housekeeper_button(setup_bot)]]),
        [button("card.settings", Sections(tenant=tenant.id))],
        [button("done.manage", Card(tenant=tenant.id))],
    ]
    how = say("done.how", bot=bot, title=plain(tenant.group_title or "…"))
    why = None if setup_bot is None else say("done.why_housekeeper", bot=bot)
    return screen(say("done.title"), how, why, rows=rows)
