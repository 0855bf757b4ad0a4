"""Buttons that lead nowhere any more, and buttons that were never there."""

from aiogram.types import CallbackQuery, InaccessibleMessage

from setup_bot.flows.card import show_card
from setup_bot.flows.home import show_home
from setup_bot.services import Services
from setup_bot.talk import Talk
from setup_bot.texts import words
from tenants.errors import NotFound
from tenants.ids import TenantId


def was_offered(callback: CallbackQuery) -> bool:
    """Whether the message really carries this button: a client can send any data for any message."""
    message = callback.message
    if message is None or isinstance(message, InaccessibleMessage) or message.reply_markup is None:
        return False
    return any(
        button.callback_data == callback.data for row in message.reply_markup.inline_keyboard for button in row
    )


async def not_found(callback: CallbackQuery, talk: Talk, services: Services) -> None:
    """What was there when the button was made is gone; who made the data up learns nothing."""
    if not was_offered(callback):
        await talk.toast(words("not_yours"), alert=True)
        return
    await show_current(callback, talk, services, None)


async def show_current(_: CallbackQuery, talk: Talk, services: Services, tenant: TenantId | None) -> None:
    """Says that the button is old, and shows what is true now in its place."""
    await talk.toast(words("old_button"), alert=True)
    if tenant is None:
        await show_home(talk, services)
        return
    try:
        await show_card(talk, services, tenant)
    except NotFound:
        await show_home(talk, services)
