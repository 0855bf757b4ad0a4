"""Bots that people make with the setup bot in one tap (Bot API 9.6: managed bots): connected as soon as they exist.

The person owns it. The setup bot may fetch its token, and is told when that changes (Bot API: ManagedBotUpdated).
"""

from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramAPIError
from aiogram.fsm.context import FSMContext
from aiogram.methods import GetManagedBotToken
from aiogram.types import CallbackQuery, ManagedBotUpdated, Message

from connecting.bots import AlreadyYours
from setup_bot.callbacks import Fetch
from setup_bot.flows.card import show_card
from setup_bot.flows.group import show_link
from setup_bot.flows.lost import not_found
from setup_bot.screens import connections as screens
from setup_bot.services import Services
from setup_bot.talk import Talk
from setup_bot.texts import say, sentence
from tenants.errors import DomainError
from tenants.ids import UserId
from tenants.parallel import Mode


async def created(message: Message, bot: Bot, talk: Talk, services: Services, state: FSMContext) -> None:
    """Telegram's own service message: nobody can write it."""
    if message.managed_bot_created is None:
        return
    made = UserId(message.managed_bot_created.bot_user.id)
    last_screen = (await state.get_data()).get("screen")
    await state.clear()
    await services.waiting.note_maker(made, talk.person)
    await _connect(bot, talk, services, made, last_screen)


async def asked_again(
    callback: CallbackQuery, callback_data: Fetch, bot: Bot, talk: Talk, services: Services
) -> None:
    """The bot was made, but Telegram did not answer when its token was fetched. Nobody fetches another's."""
    made = UserId(callback_data.bot)
    if await services.waiting.find_maker(made) != talk.person:
        await not_found(callback, talk, services)
        return
    await _connect(bot, talk, services, made, None)


async def changed(event: ManagedBotUpdated, bot: Bot, services: Services) -> None:
    """A connection whose bot has a new token goes on with it. What is not connected is left alone."""
    made = UserId(event.bot_user.id)
    await services.bots.renew_managed(made, lambda: _fetch(bot, made))


async def _connect(bot: Bot, talk: Talk, services: Services, made: UserId, last_screen: int | None) -> None:
    """Nobody else runs a bot that has just been made, so it is not asked about."""
    try:
        token = await _fetch(bot, made)
        tenant = await services.bots.connect(talk.person, token, mode=Mode.POLLING)
    except AlreadyYours as yours:
        await show_card(talk, services, yours.tenant.id, replacing=last_screen)
    except TelegramAPIError:
        await talk.show(screens.not_fetched(made), replacing=last_screen)
    except DomainError as error:
        await talk.show(screens.not_fetched(made, sentence(error.text)), replacing=last_screen)
    else:
        notice = say("token.created", bot=tenant.bot_username)
        await show_link(talk, services, tenant, notice=notice, replacing=last_screen)


async def _fetch(bot: Bot, made: UserId) -> str:
    return await bot(GetManagedBotToken(user_id=made))


def router() -> Router:
    made = Router(name="managed")
    made.message.register(created, F.managed_bot_created)
    made.managed_bot.register(changed)
    made.callback_query.register(asked_again, Fetch.filter())
    return made
