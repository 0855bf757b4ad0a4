"""A new connection: a token comes in, is deleted from the chat at once, checked with Telegram and kept encrypted."""

from aiogram import Router
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message
from aiogram.utils.formatting import Text

from connecting.bots import OWN_TOKEN, AlreadyYours
from setup_bot.callbacks import New
from setup_bot.flows.asking import Asking
from setup_bot.flows.card import show_card
from setup_bot.flows.group import show_link
from setup_bot.flows.mode import ask_mode
from setup_bot.screens import connections as screens
from setup_bot.screens.mode import webhook_in_the_way
from setup_bot.services import Services
from setup_bot.talk import Talk
from setup_bot.texts import say, sentence
from tenants.connections import Tenant
from tenants.errors import DomainError, Invalid
from tenants.ids import UserId
from tenants.parallel import Mode
from tenants.tokens import find_token

MASKED = "[token]"
"""What the transport makes of the bot's own token wherever Telegram sends it."""


def holds_token(message: Message) -> bool:
    """A token is taken for one wherever it is sent, so that it never stays in a chat or ends in a setting."""
    typed = _read(message)
    try:
        find_token(typed)
    except Invalid:
        return MASKED in typed
    return True


def _read(message: Message) -> str:
    return message.text or message.caption or ""


async def asked(_: CallbackQuery, talk: Talk, services: Services, state: FSMContext) -> None:
    await _ask(talk, services, state)


async def _ask(
    talk: Talk, services: Services, state: FSMContext, *, problem: Text | None = None, replacing: int | None = None
) -> None:
    maker = services.me.username if services.me.makes_bots else None
    shown = await talk.show(screens.ask_token(problem, maker=maker), replacing=replacing)
    await state.set_state(Asking.token)
    await state.set_data({"screen": shown})


async def token_typed(message: Message, talk: Talk, services: Services, state: FSMContext) -> None:
    """Also anything else that is typed where a token is expected."""
    removed = await talk.remove_typed()
    last_screen = (await state.get_data()).get("screen")
    await state.clear()
    try:
        tenant = await _connect(services, talk.person, _read(message))
    except AlreadyYours as yours:
        await _show_mine(talk, services, yours.tenant, _read(message), last_screen)
    except DomainError as error:
        await _ask(talk, services, state, problem=Text(sentence(error.text)), replacing=last_screen)
    else:
        await _go_on(talk, services, tenant, last_screen)
    if not removed and not await talk.remove_typed():
        await talk.say(say("token.left"))


async def _show_mine(talk: Talk, services: Services, tenant: Tenant, typed: str, last_screen: int | None) -> None:
    """A connection whose token was revoked takes the one that Telegram has just accepted."""
    name = "token.mine_already"
    if tenant.state == "revoked":
        tenant = await services.bots.reconnect(talk.person, tenant.id, typed)
        name = "token.replaced"
    notice = say(name, bot=tenant.bot_username)
    await show_card(talk, services, tenant.id, notice=notice, replacing=last_screen)


async def _go_on(talk: Talk, services: Services, tenant: Tenant, last_screen: int | None) -> None:
    webhook = await services.bots.find_webhook(talk.person, tenant.id)
    if services.connections.offers_parallel:
        await ask_mode(talk, tenant, webhook, replacing=last_screen)
    else:
        await show_link(talk, services, tenant, replacing=last_screen)
        if webhook is not None:
            await talk.say(webhook_in_the_way(tenant, webhook, offered=False))


async def _connect(services: Services, owner: UserId, typed: str) -> Tenant:
    if MASKED in typed:
        raise Invalid(OWN_TOKEN)
    mode = None if services.connections.offers_parallel else Mode.POLLING
    return await services.bots.connect(owner, typed, mode=mode)


def router() -> Router:
    made = Router(name="connect")
    made.callback_query.register(asked, New.filter())
    made.message.register(token_typed, holds_token)
    made.message.register(token_typed, Asking.token, lambda message: message.text is not None)
    return made
