"""Alone or beside the owner's own program: asked before anything receives, changed from the card."""

import asyncio
import contextlib

from aiogram import Router
from aiogram.types import CallbackQuery

from sessions.port import Webhook
from setup_bot.callbacks import ModeStep, Runs
from setup_bot.flows.card import show_card
from setup_bot.flows.group import show_link
from setup_bot.flows.lost import show_current
from setup_bot.screens import mode as screens
from setup_bot.services import Services
from setup_bot.talk import Talk
from setup_bot.texts import say, words
from tenants.connections import Tenant
from tenants.errors import Conflict, Invalid
from tenants.ids import TenantId
from tenants.parallel import Mode

PATIENCE_SECONDS = 10.0
LOOK_EVERY = 0.2


async def ask_mode(talk: Talk, tenant: Tenant, webhook: Webhook | None, *, replacing: int | None = None) -> None:
    """A webhook says by itself that there is a program."""
    screen = screens.ask(tenant) if webhook is None else screens.offer(tenant, webhook)
    await talk.show(screen, replacing=replacing)


async def stepped(callback: CallbackQuery, callback_data: Runs, talk: Talk, services: Services) -> None:
    """The question's answers count while it is open: later, only who has read the consequences changes the mode."""
    tenant = await services.connections.get(talk.person, TenantId(callback_data.tenant))
    match callback_data.step:
        case ModeStep.ASK if not tenant.is_undecided:
            await show_current(callback, talk, services, tenant.id)
        case ModeStep.ASK:
            await talk.show(screens.ask(tenant))
        case ModeStep.OFFER if not services.connections.offers_parallel:
            await talk.tell(words("mode.not_offered"))
        case ModeStep.OFFER:
            await talk.show(screens.offer(tenant))
        case ModeStep.ONLY_US if tenant.is_undecided or tenant.mode is Mode.POLLING:
            await _poll(talk, services, tenant)
        case ModeStep.ONLY_US | ModeStep.ALONE:
            await talk.show(screens.alone(tenant))
        case ModeStep.BESIDE:
            await _set(talk, services, tenant, Mode.PARALLEL)
        case ModeStep.POLL:
            await _poll(talk, services, tenant)


async def _poll(talk: Talk, services: Services, tenant: Tenant) -> None:
    """With a webhook in the way nothing would come."""
    webhook = await services.bots.find_webhook(talk.person, tenant.id)
    if webhook is not None:
        offered = services.connections.offers_parallel
        await talk.tell(screens.webhook_in_the_way(tenant, webhook, offered=offered).render()[0])
        return
    await _set(talk, services, tenant, Mode.POLLING)


async def _set(talk: Talk, services: Services, tenant: Tenant, mode: Mode) -> None:
    try:
        changed = await services.connections.set_mode(talk.person, tenant.id, mode)
    except (Conflict, Invalid) as refused:
        await talk.tell(refused.text)
        await show_card(talk, services, tenant.id)
        return
    if changed.group_id is None:
        await _until_listening(talk, services, changed)
        await show_link(talk, services, changed)
        return
    await talk.toast(words("mode.now_beside" if mode is Mode.PARALLEL else "mode.now_alone"))
    notice = None if changed.version == tenant.version else say("mode.changed")
    await show_card(talk, services, tenant.id, notice=notice)


async def _until_listening(talk: Talk, services: Services, tenant: Tenant) -> None:
    """A session beside another program hears nothing of what came before it, and the group's link is used at once."""
    if tenant.mode is not Mode.PARALLEL:
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await services.connections.is_listening(talk.person, tenant.id):  # noqa: ASYNC110  # it is a row
                await asyncio.sleep(LOOK_EVERY)


def router() -> Router:
    made = Router(name="mode")
    made.callback_query.register(stepped, Runs.filter())
    return made
