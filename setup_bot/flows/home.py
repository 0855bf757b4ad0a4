"""The list of connections: where everything begins and leads back to."""

from aiogram import Router
from aiogram.filters import Command, CommandStart
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message
from aiogram.utils.formatting import Text

from setup_bot.callbacks import Home
from setup_bot.screens import connections as screens
from setup_bot.services import Services
from setup_bot.talk import Talk
from setup_bot.texts import say


async def show_home(
    talk: Talk, services: Services, *, page: int = 0, notice: Text | None = None, replacing: int | None = None
) -> None:
    tenants = await services.connections.list_tenants(talk.person)
    await talk.show(screens.home(tenants, page, notice=notice), replacing=replacing)


async def started(_: Message, talk: Talk, services: Services, state: FSMContext) -> None:
    await state.clear()
    await show_home(talk, services)


async def cancelled(_: Message, talk: Talk, services: Services, state: FSMContext) -> None:
    asked = await state.get_state() is not None
    data = await state.get_data()
    await state.clear()
    notice = say("cancelled" if asked else "nothing_to_cancel")
    await show_home(talk, services, notice=notice, replacing=data.get("screen"))


async def pressed(_: CallbackQuery, callback_data: Home, talk: Talk, services: Services) -> None:
    await show_home(talk, services, page=callback_data.page)


def router() -> Router:
    made = Router(name="home")
    made.message.register(started, CommandStart())
    made.message.register(cancelled, Command("cancel"))
    made.callback_query.register(pressed, Home.filter())
    return made
