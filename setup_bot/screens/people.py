"""Who manages a connection: the list, one co-administrator, the invitation and its answer."""

from collections.abc import Sequence

from aiogram.utils.formatting import Text

from setup_bot.callbacks import Card, Home, Join, People, PeopleStep, Person, PersonStep
from setup_bot.screens.screen import Screen, button, link_button, screen
from setup_bot.texts import plain, say
from tenants.access.administrators import Administrator
from tenants.connections import Tenant
from tenants.ids import UserId


def everybody(
    tenant: Tenant, person: UserId, others: Sequence[Administrator], *, notice: Text | None = None
) -> Screen:
    """For the owner with a button for each, for a co-administrator with the way out."""
    bot, owns = tenant.bot_username, tenant.owner_id == person
    rows = []
    if owns:
        for one in others:
            data = Person(tenant=tenant.id, user=one.user, version=tenant.version, step=PersonStep.SHOW)
            rows.append([button("people.one", data, name=plain(one.name))])
        rows.append([button("people.invite", People(tenant=tenant.id, step=PeopleStep.INVITE))])
    else:
        rows.append([button("people.leave", People(tenant=tenant.id, step=PeopleStep.LEAVE))])
    rows.append([button("back", Card(tenant=tenant.id))])
    if owns:
        told = say("people.none") if not others else say("people.count", count=len(others))
    else:
        told = say("people.names", names=", ".join(plain(one.name) for one in others))
    return screen(say("people.title", bot=bot), told, say("people.how"), rows=rows, notice=notice)


def invitation(tenant: Tenant, link: str) -> Screen:
    share = f"https://t.me/share/url?url={link}"
    rows = [
        [link_button("people.send", share)],
        [button("back", People(tenant=tenant.id, step=PeopleStep.SHOW))],
    ]
    return screen(say("people.invite_title"), say("people.invite_how", bot=tenant.bot_username, link=link), rows=rows)


def invited(tenant: Tenant, word: str) -> Screen:
    rows = [[button("people.accept", Join(word=word))], [button("people.decline", Home())]]
    return screen(say("people.invited_title", bot=tenant.bot_username), say("people.invited_how"), rows=rows)


def one(tenant: Tenant, who: Administrator) -> Screen:
    def step(name: PersonStep) -> Person:
        return Person(tenant=tenant.id, user=who.user, version=tenant.version, step=name)

    rows = [
        [button("people.remove", step(PersonStep.REMOVE))],
        [button("people.transfer", step(PersonStep.TRANSFER))],
        [button("back", People(tenant=tenant.id, step=PeopleStep.SHOW))],
    ]
    return screen(
        say("people.one_title", name=plain(who.name)), say("people.one_how", bot=tenant.bot_username), rows=rows
    )


def transfer(tenant: Tenant, who: Administrator) -> Screen:
    sure = Person(tenant=tenant.id, user=who.user, version=tenant.version, step=PersonStep.TRANSFERRED)
    rows = [
        [button("people.keep", People(tenant=tenant.id, step=PeopleStep.SHOW))],
        [button("people.transfer_sure", sure)],
    ]
    values = {"bot": tenant.bot_username, "name": plain(who.name)}
    return screen(say("people.transfer_title", **values), say("people.transfer_how", **values), rows=rows)


def leave(tenant: Tenant) -> Screen:
    bot = tenant.bot_username
    rows = [
        [button("people.stay", Card(tenant=tenant.id))],
        [button("people.leave_sure", People(tenant=tenant.id, step=PeopleStep.LEFT))],
    ]
    return screen(say("people.leave_title", bot=bot), say("people.leave_how", bot=bot), rows=rows)
