"""A tenant's own program as there are many: an aiogram bot with a menu. It knows nothing of Backline.

    BOT_TOKEN=... API_ROOT=http://127.0.0.1:8081 UPDATES_FILE=seen.jsonl BOT_MODE=polling python menu_bot.py

BOT_MODE=webhook listens on BOT_PORT of this machine (0: any free one) with BOT_SECRET. Each update that it receives
is a line of JSON in UPDATES_FILE, as it came. It prints "ready" once it is reachable, and ends on SIGTERM.
"""

import asyncio
import base64
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from aiogram import Bot, Dispatcher, F, Router
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import Command, CommandStart
from aiogram.methods import GetUpdates
from aiogram.types import BufferedInputFile, CallbackQuery, InlineKeyboardMarkup, InputMediaPhoto, Message
from aiogram.utils.keyboard import InlineKeyboardBuilder
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import web

GREETING = "Welcome to the tea shop, {name}!"
SCREENS = {
    "menu": ("What would you like to know?", ("prices", "hours", "call")),
    "prices": ("Tea 2 €, coffee 3 €.", ("hours", "menu")),
    "hours": ("We are open from 9 to 18.", ("prices", "menu")),
    "call": ("We will call you.", ("menu",)),
}
BUTTONS = {"prices": "Prices", "hours": "Opening hours", "call": "Call me", "menu": "Back"}
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
PATH = "/telegram"

router = Router()
echoes: dict[int, Message] = {}
"""By chat: the latest "You wrote"."""


def keyboard(screen: str) -> InlineKeyboardMarkup:
    builder = InlineKeyboardBuilder()
    for name in SCREENS[screen][1]:
        builder.button(text=BUTTONS[name], callback_data=name)
    return builder.adjust(1).as_markup()


@router.message(CommandStart())
async def greet(message: Message) -> None:
    assert message.from_user is not None
    await message.answer(GREETING.format(name=message.from_user.first_name), reply_markup=keyboard("menu"))


@router.callback_query(F.data.in_(SCREENS))
async def turn_to(query: CallbackQuery) -> None:
    assert query.data is not None
    assert isinstance(query.message, Message)
    await query.answer(BUTTONS[query.data])
    await query.message.edit_text(SCREENS[query.data][0], reply_markup=keyboard(query.data))


@router.message(Command("late"))
async def edit_late(message: Message) -> None:
    """Changes what it said long ago."""
    echo = echoes.get(message.chat.id)
    if echo is None:
        await message.answer("There is nothing to change.")
    else:
        await echo.edit_text(f"{echo.text} (That was a while ago.)")


@router.message(F.text == "album")
async def send_album(message: Message) -> None:
    photos = [BufferedInputFile(PIXEL, name) for name in ("one.png", "two.png")]
    await message.answer_media_group([InputMediaPhoto(media=photo, caption=photo.filename) for photo in photos])


@router.message(F.text)
async def echo_text(message: Message) -> None:
    echoes[message.chat.id] = await message.answer(f"You wrote: {message.text}")


class Diary:
    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, update: Any) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps(update) + "\n")


class Session(AiohttpSession):
    """Keeps the answers to getUpdates before they become objects."""

    def __init__(self, diary: Diary, api_root: str) -> None:
        super().__init__(api=TelegramAPIServer.from_base(api_root))
        self._diary = diary

    def check_response(self, bot: Bot, method: Any, status_code: int, content: str) -> Any:
        checked = super().check_response(bot, method, status_code, content)
        if isinstance(method, GetUpdates):
            for update in json.loads(content)["result"]:
                self._diary.note(update)
        return checked


def say_ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


async def poll(bot: Bot, dispatcher: Dispatcher) -> None:
    await bot.delete_webhook()
    dispatcher.startup.register(say_ready)
    await dispatcher.start_polling(bot)


async def listen(bot: Bot, dispatcher: Dispatcher, diary: Diary, port: int, secret: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)

    @web.middleware
    async def keep(request: web.Request, handler: Any) -> Any:
        update = await request.json()
        response = await handler(request)
        if response.status == 200:
            diary.note(update)
        return response

    app = web.Application(middlewares=[keep])
    SimpleRequestHandler(dispatcher, bot, secret_token=secret).register(app, PATH)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await bot.set_webhook(f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}", secret_token=secret)
    say_ready()
    await stop.wait()
    await runner.cleanup()


async def main() -> None:
    diary = Diary(Path(os.environ["UPDATES_FILE"]))
    bot = Bot(os.environ["BOT_TOKEN"], session=Session(diary, os.environ["API_ROOT"]))
    dispatcher = Dispatcher()
    dispatcher.include_router(router)
    async with bot:
        if os.environ["BOT_MODE"] == "webhook":
            await listen(bot, dispatcher, diary, int(os.environ["BOT_PORT"]), os.environ["BOT_SECRET"])
        else:
            await poll(bot, dispatcher)


if __name__ == "__main__":
    asyncio.run(main())
