"""All flows in one dispatcher, and the two gates before them: private chats only, every button answered."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import Bot, Dispatcher
from aiogram.enums import ChatType
from aiogram.fsm.context import FSMContext
from aiogram.fsm.storage.base import BaseStorage
from aiogram.types import CallbackQuery, Message, TelegramObject

from setup_bot.callbacks import Group, Use
from setup_bot.flows import (
    card,
    connect,
    delete,
    group,
    home,
    key,
    language,
    managed,
    mode,
    people,
    plan,
    reconnect,
    rest,
    settings,
)
from setup_bot.flows.lost import not_found
from setup_bot.services import Services
from setup_bot.talk import Talk
from tenants.errors import NotFound
from tenants.ids import UserId

_OF_THE_GROUP = (f"{Group.__prefix__}:", f"{Use.__prefix__}:")
"""Buttons below which the group that is looked at goes on to be looked at."""
Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]


async def on_message(handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
    """In groups the setup bot is silent, and it talks to no other bots."""
    if not isinstance(event, Message) or event.chat.type != ChatType.PRIVATE:
        return None
    if event.from_user is None or event.from_user.is_bot:
        return None
    bot: Bot = data["bot"]
    data["talk"] = Talk(bot, UserId(event.from_user.id), typed=event)
    return await handler(event, data)


async def on_callback(handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
    """A press ends whatever was asked before it."""
    if not isinstance(event, CallbackQuery):
        return None
    bot: Bot = data["bot"]
    services: Services = data["services"]
    state: FSMContext = data["state"]
    talk = Talk(bot, UserId(event.from_user.id), callback=event)
    if event.message is None or event.message.chat.type != ChatType.PRIVATE:
        await talk.toast()
        return None
    await state.clear()
    if not (event.data or "").startswith(_OF_THE_GROUP):
        await services.waiting.leave(talk.person, event.message.message_id)
    data["talk"] = talk
    try:
        result = await handler(event, data)
    except NotFound:
        await not_found(event, talk, services)
        result = None
    await talk.toast()
    return result


def make_dispatcher(services: Services, storage: BaseStorage) -> Dispatcher:
    dispatcher = Dispatcher(storage=storage, name="setup_bot", services=services)
    dispatcher.message.outer_middleware(on_message)
    dispatcher.callback_query.outer_middleware(on_callback)
    dispatcher.include_routers(
        plan.router(),
        people.router(),
        home.router(),
        language.router(),
        reconnect.router(),
        connect.router(),
        managed.router(),
        card.router(),
        group.router(),
        mode.router(),
        settings.router(),
        key.router(),
        delete.router(),
        rest.router(),
    )
    return dispatcher
