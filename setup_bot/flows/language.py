"""Whoever writes chooses the language that they are spoken to in."""

from aiogram import Router
from aiogram.filters import Command
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message

from setup_bot.callbacks import Speak
from setup_bot.flows.home import show_home
from setup_bot.screens import language as screens
from setup_bot.services import Services
from setup_bot.talk import Talk
from setup_bot.texts import say, speaking


async def asked(_: Message, talk: Talk, state: FSMContext) -> None:
    await state.clear()
    await talk.show(screens.languages())


async def pressed(_: CallbackQuery, callback_data: Speak, talk: Talk, services: Services) -> None:
    chosen = callback_data.language
    if chosen is None:
        await talk.show(screens.languages())
        return
    await services.hearers.choose(talk.person, chosen)
    with speaking(chosen):
        await show_home(talk, services, notice=say("language.changed"))


def router() -> Router:
    made = Router(name="language")
    made.message.register(asked, Command("language"))
    made.callback_query.register(pressed, Speak.filter())
    return made
