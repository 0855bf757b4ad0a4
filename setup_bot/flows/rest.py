"""Whatever no flow wants: one line of help for words, the current state for buttons."""

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from sessions.bot_api.updates import CONTENT
from setup_bot.flows.asking import Asking
from setup_bot.flows.lost import not_found
from setup_bot.services import Services
from setup_bot.talk import Talk
from setup_bot.texts import say


def has_content(message: Message) -> bool:
    """Not a service message, which nobody wrote."""
    return any(getattr(message, kind, None) is not None for kind in CONTENT)


async def text_expected(_: Message, talk: Talk) -> None:
    await talk.say(say("text_expected"))


async def not_understood(_: Message, talk: Talk) -> None:
    await talk.say(say("help"))


async def unknown_button(callback: CallbackQuery, talk: Talk, services: Services) -> None:
    await not_found(callback, talk, services)


def router() -> Router:
    made = Router(name="rest")
    made.message.register(text_expected, Asking(), ~F.text, has_content)
    made.message.register(not_understood, has_content)
    made.callback_query.register(unknown_button)
    return made
