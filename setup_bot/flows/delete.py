"""The end of a connection: asked twice, then erased with everything that is stored for it."""

from aiogram import Router
from aiogram.types import CallbackQuery

from setup_bot.callbacks import Delete, Sure
from setup_bot.flows.home import show_home
from setup_bot.flows.lost import show_current
from setup_bot.screens import connections as screens
from setup_bot.services import Services
from setup_bot.talk import Talk
from setup_bot.texts import say
from tenants.ids import TenantId


async def pressed(callback: CallbackQuery, callback_data: Delete, talk: Talk, services: Services) -> None:
    tenant = await services.connections.get(talk.person, TenantId(callback_data.tenant))
    if tenant.version != callback_data.version or tenant.owner_id != talk.person:
        await show_current(callback, talk, services, tenant.id)
    elif callback_data.sure is not Sure.TWICE:
        account = await services.shop.accounts.read(talk.person, tenant.id)
        await talk.show(screens.delete(tenant, callback_data.sure, is_paid=account.subscription is not None))
    else:
        await services.waiting.drop(tenant.id)
        await services.connections.erase(talk.person, tenant.id)
        await show_home(talk, services, notice=say("delete.done", bot=tenant.bot_username))


def router() -> Router:
    made = Router(name="delete")
    made.callback_query.register(pressed, Delete.filter())
    return made
