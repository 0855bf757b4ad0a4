"""Bots as strangers write them, with nothing changed but the API root."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import CommandStart
from aiogram.types import BufferedInputFile, CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message
from telegram import InlineKeyboardButton as PtbButton
from telegram import InlineKeyboardMarkup as PtbKeyboard
from telegram import Update
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, ContextTypes, MessageHandler, filters

from tests.integration.scene import Scene, open_scene


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with open_scene(latency=timedelta(milliseconds=5)) as opened:
        yield opened


@contextlib.asynccontextmanager
async def aiogram_bot(scene: Scene) -> AsyncIterator[None]:
    dispatcher = Dispatcher()
    keyboard = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Louder", callback_data="louder")]])

    @dispatcher.message(CommandStart(deep_link=True))
    async def start(message: Message) -> None:
        await message.answer(f"Welcome, <b>{message.from_user.first_name}</b>", parse_mode="HTML")

    @dispatcher.message(F.photo)
    async def photo(message: Message, bot: Bot) -> None:
        file = await bot.download(message.photo[-1])
        await message.reply_photo(BufferedInputFile(file.read()[::-1], "mirror.jpg"), caption=message.caption)

    @dispatcher.message(F.text)
    async def echo(message: Message) -> None:
        await message.answer(message.text, reply_markup=keyboard)

    @dispatcher.callback_query(F.data == "louder")
    async def louder(query: CallbackQuery) -> None:
        await query.message.edit_text(query.message.text.upper())
        await query.answer("Done")

    session = AiohttpSession(api=TelegramAPIServer.from_base(scene.sandbox.url))
    bot = Bot(scene.bot.token, session=session)
    polling = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False, polling_timeout=2))
    try:
        yield
    finally:
        await dispatcher.stop_polling()
        await polling


@contextlib.asynccontextmanager
async def telegram_bot(scene: Scene) -> AsyncIterator[None]:
    """python-telegram-bot."""
    context_type = ContextTypes.DEFAULT_TYPE
    keyboard = PtbKeyboard([[PtbButton("Louder", callback_data="louder")]])

    async def start(update: Update, _: context_type) -> None:
        await update.message.reply_html(f"Welcome, <b>{update.effective_user.first_name}</b>")

    async def photo(update: Update, _: context_type) -> None:
        file = await update.message.photo[-1].get_file()
        data = bytes(await file.download_as_bytearray())
        await update.message.reply_photo(data[::-1], caption=update.message.caption, do_quote=True)

    async def echo(update: Update, _: context_type) -> None:
        await update.message.reply_text(update.message.text, reply_markup=keyboard)

    async def louder(update: Update, _: context_type) -> None:
        query = update.callback_query
        await query.edit_message_text(query.message.text.upper())
        await query.answer("Done")

    builder = Application.builder().token(scene.bot.token)
    root = scene.sandbox.url
    application = builder.base_url(f"{root}/bot").base_file_url(f"{root}/file/bot").build()
    application.add_handlers(
        [
            CommandHandler("start", start),
            MessageHandler(filters.PHOTO, photo),
            MessageHandler(filters.TEXT, echo),
            CallbackQueryHandler(louder, pattern="^louder$"),
        ]
    )
    async with application:
        await application.start()
        await application.updater.start_polling(timeout=2)
        try:
            yield
        finally:
            await application.updater.stop()
            await application.stop()


@pytest.mark.parametrize("program", [aiogram_bot, telegram_bot])
async def test_an_echo_bot_with_a_button_and_photos(scene: Scene, program: Any) -> None:
    world, carl, bot, chat = scene.world, scene.carl, scene.bot, scene.dialog

    def answers() -> list[Any]:
        return [m for m in chat.messages.values() if m.sender is bot]

    async with program(scene):
        world.start(carl, bot, "ad_42")
        welcome = (await world.wait_for(answers, what="the welcome"))[-1]
        assert (welcome.text, welcome.content.entities[0].type) == ("Welcome, Carl", "bold")

        world.send(carl, bot, "good morning")
        echoed = (await world.wait_for(lambda: answers()[1:], what="the echo"))[-1]
        assert echoed.text == "good morning"

        callback = world.press(carl, echoed, 0, 0)
        await world.wait_for(lambda: callback.answer, what="the callback's answer")
        assert callback.answer["text"] == "Done"
        assert chat.messages[echoed.id].text == "GOOD MORNING"

        asked = world.send(carl, bot, photo=b"abc", caption="look")
        picture = (await world.wait_for(lambda: answers()[2:], what="the photo"))[-1]
        assert (picture.content.file.data, picture.text, picture.reply_to) == (b"cba", "look", asked.id)


@pytest.mark.parametrize("program", [aiogram_bot, telegram_bot])
async def test_a_polling_program_survives_a_bad_gateway(scene: Scene, program: Any) -> None:
    from sandbox.faults import Fault

    fault = scene.sandbox.faults.add(Fault(kind="error", code=502, html=True, method="getUpdates"))
    async with program(scene):
        scene.world.send(scene.carl, scene.bot, "still there?")
        await scene.world.wait_for(
            lambda: [m for m in scene.dialog.messages.values() if m.sender is scene.bot],
            timeout=20,
            what="the echo",
        )
    assert fault.happened == 1
