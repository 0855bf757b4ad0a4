"""The group step: the one-tap link, what became of it, and the end of the wizard."""

from aiogram.utils.formatting import Text

from connecting.links import group_link
from connecting.verification import Finding, Report
from setup_bot.callbacks import Card, Group, GroupStep, Sections, Use
from setup_bot.screens.screen import Screen, button, link_button, screen
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
    another = [button("group.another", Group(tenant=tenant.id, step=GroupStep.NEW_LINK))]
    back = [button("back", Card(tenant=tenant.id))]
    if report.problems:
        again = [button("group.again", Group(tenant=tenant.id, step=GroupStep.CHECK))]
        unsuited = say("group.unsuited") if report.title else None
        return screen(title, unsuited, *findings, rows=[again, another, back])
    use = [button("group.use", Use(tenant=tenant.id, chat=chat))]
    return screen(title, say("group.confirm", bot=bot), *findings, rows=[use, another, back])


def _say(found: Finding, bot: str) -> Text:
    return say(found.name, bot=bot, **{name: sentence(value) for name, value in found.values.items()})


def done(tenant: Tenant) -> Screen:
    bot = tenant.bot_username
    rows = [
        [link_button("done.write", f"https://t.me/{bot}", bot=bot)],
        [button("card.settings", Sections(tenant=tenant.id))],
        [button("done.manage", Card(tenant=tenant.id))],
    ]
    return screen(say("done.title"), say("done.how", bot=bot, title=plain(tenant.group_title or "…")), rows=rows)
