"""A new token for a connection that there is: everything else is kept."""

from uuid import UUID

from aiogram import F, Router
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message
from aiogram.utils.formatting import Text

from setup_bot.callbacks import Reconnect
from setup_bot.flows.asking import Asking
from setup_bot.flows.card import show_card
from setup_bot.screens import connections as screens
from setup_bot.services import Services
from setup_bot.talk import Talk
from setup_bot.texts import say, sentence
from tenants.connections import Tenant
from tenants.errors import DomainError
from tenants.ids import TenantId


async def asked(
    _: CallbackQuery, callback_data: Reconnect, talk: Talk, services: Services, state: FSMContext
) -> None:
    tenant = await services.connections.get(talk.person, TenantId(callback_data.tenant))
    await _ask(talk, state, tenant)


async def _ask(
    talk: Talk, state: FSMContext, tenant: Tenant, *, problem: Text | None = None, replacing: int | None = None
) -> None:
    shown = await talk.show(screens.ask_new_token(tenant, problem), replacing=replacing)
    await state.set_state(Asking.new_token)
    await state.set_data({"screen": shown, "tenant": tenant.id.hex})


async def token_typed(message: Message, talk: Talk, services: Services, state: FSMContext) -> None:
    """The message goes whatever it holds: it may be a token that was typed wrong."""
    removed = await talk.remove_typed()
    data = await state.get_data()
    last_screen = data.get("screen")
    await state.clear()
    tenant = await services.connections.get(talk.person, TenantId(UUID(hex=data["tenant"])))
    try:
        changed = await services.bots.reconnect(talk.person, tenant.id, message.text or "")
    except DomainError as error:
        await _ask(talk, state, tenant, problem=Text(sentence(error.text)), replacing=last_screen)
    else:
        notice = say("token.replaced", bot=changed.bot_username)
        await show_card(talk, services, tenant.id, notice=notice, replacing=last_screen)
    if not removed and not await talk.remove_typed():
        await talk.say(say("token.left"))


def router() -> Router:
    made = Router(name="reconnect")
    made.callback_query.register(asked, Reconnect.filter())
    made.message.register(token_typed, Asking.new_token, F.text)
    return made
