"""Whoever presses gets their API key to one connection, or the secret that signs its webhooks: shown once."""

from aiogram import Router
from aiogram.types import CallbackQuery
from aiogram.utils.formatting import Text

from setup_bot.callbacks import Key, KeyStep
from setup_bot.screens import key as screens
from setup_bot.services import Services
from setup_bot.talk import Talk
from setup_bot.texts import say
from tenants.access.keys import Listed
from tenants.connections import Tenant
from tenants.ids import TenantId, UserId
from tenants.plans import API_FROM

LABEL = "setup bot"


async def stepped(_: CallbackQuery, callback_data: Key, talk: Talk, services: Services) -> None:
    tenant = await services.connections.get(talk.person, TenantId(callback_data.tenant))
    step = callback_data.step
    if step is KeyStep.SHOW or not tenant.plan.includes(API_FROM):
        await _show(talk, services, tenant)
    elif step is KeyStep.RENEW:
        key = await services.keys.renew(talk.person, tenant.id, LABEL)
        await talk.show(screens.shown_once(tenant, key))
    elif step is KeyStep.SECRET:
        secret = await services.webhooks.renew_secret(talk.person, tenant.id)
        await talk.show(screens.secret_once(tenant, secret))
    else:
        key_now = await _find(services, talk.person, tenant)
        if key_now is not None:
            await services.keys.revoke(talk.person, key_now.id)
        await _show(talk, services, tenant, notice=say("key.revoked"))


async def _show(talk: Talk, services: Services, tenant: Tenant, *, notice: Text | None = None) -> None:
    await talk.show(screens.overview(tenant, await _find(services, talk.person, tenant), notice=notice))


async def _find(services: Services, person: UserId, tenant: Tenant) -> Listed | None:
    found = await services.keys.list_keys(person, tenant.id)
    return found[0] if found else None


def router() -> Router:
    made = Router(name="key")
    made.callback_query.register(stepped, Key.filter())
    return made
