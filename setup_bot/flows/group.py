"""The group step: a one-tap link, the group that comes back, its verification and the owner's yes."""

from aiogram import Router
from aiogram.types import CallbackQuery
from aiogram.utils.formatting import Text

from connecting.groups import inspect_group
from connecting.verification import Report
from setup_bot.callbacks import Group, GroupStep, Use
from setup_bot.flows.lost import show_current
from setup_bot.screens import group as screens
from setup_bot.screens import mode as mode_screens
from setup_bot.screens.screen import Screen
from setup_bot.services import Services
from setup_bot.talk import Talk
from setup_bot.texts import words
from setup_bot.waiting import TO_BE_TRIED
from tenants.connections import Tenant
from tenants.groups import ProposedGroup
from tenants.ids import TenantId


async def show_link(
    talk: Talk, services: Services, tenant: Tenant, *, notice: Text | None = None, replacing: int | None = None
) -> None:
    """A new word each time; from now on the wizard waits for the group."""
    word = await services.connections.make_group_link(talk.person, tenant.id)
    shown = await talk.show(screens.link(tenant, word, notice=notice), replacing=replacing)
    await services.waiting.put(tenant.id, talk.person, shown)


async def stepped(_: CallbackQuery, callback_data: Group, talk: Talk, services: Services) -> None:
    tenant = await services.connections.get(talk.person, TenantId(callback_data.tenant))
    proposed = await services.connections.find_proposed_group(talk.person, tenant.id)
    step = callback_data.step
    if tenant.is_undecided:  # nothing would hear of the group
        await talk.show(mode_screens.ask(tenant))
    elif step is GroupStep.NEW_LINK or (proposed is None and step is GroupStep.SHOW):
        await show_link(talk, services, tenant)
    elif proposed is not None:
        await _show_verdict(talk, services, tenant, (await inspect(services, tenant, proposed))[0])
    elif await services.waiting.find(tenant.id) is None:
        await talk.show(screens.expired(tenant))
    else:
        await talk.toast(words("link.nothing"), alert=True)


async def used(callback: CallbackQuery, callback_data: Use, talk: Talk, services: Services) -> None:
    """Verified once more: between the question and the answer anything may have changed."""
    tenant = await services.connections.get(talk.person, TenantId(callback_data.tenant))
    proposed = await services.connections.find_proposed_group(talk.person, tenant.id)
    if proposed is None or proposed.chat != callback_data.chat or tenant.is_undecided:
        await show_current(callback, talk, services, tenant.id)
        return
    screen, report = await inspect(services, tenant, proposed)
    if report.problems:
        await _show_verdict(talk, services, tenant, screen)
        return
    tenant = await services.connections.attach_group(talk.person, proposed, title=report.title)
    housekept = await services.connections.is_housekept(talk.person, tenant.id)
    shown = await talk.show(screens.done(tenant, None if housekept else services.me.username))
    if await services.connections.has_relayed(talk.person, tenant.id):
        await services.waiting.drop(tenant.id)
    else:
        await services.waiting.put(tenant.id, talk.person, shown, TO_BE_TRIED)


async def _show_verdict(talk: Talk, services: Services, tenant: Tenant, screen: Screen) -> None:
    """From now on it is looked at again and again, so that what is mended ticks itself off."""
    shown = await talk.show(screen)
    await services.waiting.put(tenant.id, talk.person, shown, screen.digest())


async def inspect(services: Services, tenant: Tenant, proposed: ProposedGroup) -> tuple[Screen, Report]:
    report = await inspect_group(services.connections, services.sessions, tenant.owner_id, proposed)
    return screens.verdict(tenant, proposed.chat, report), report


def router() -> Router:
    made = Router(name="group")
    made.callback_query.register(stepped, Group.filter())
    made.callback_query.register(used, Use.filter())
    return made
