"""What a user would write instead: aiogram as its guide shows it, one topic per customer, no database.

Reads lines `token group_id` from standard input, then polls all of these bots in one process.
Told to wait, it waits and tries again.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramRetryAfter
from aiogram.types import Message

T = TypeVar("T")


async def obediently(call: Callable[[], Awaitable[T]]) -> T:
    while True:
        try:
            return await call()
        except TelegramRetryAfter as told:
            await asyncio.sleep(told.retry_after)


async def main(api_root: str) -> None:
    session = AiohttpSession(api=TelegramAPIServer.from_base(api_root), limit=0)
    groups: dict[int, int] = {}
    bots = []
    for line in sys.stdin.read().splitlines():
        token, group = line.split()
        bots.append(Bot(token, session=session))
        groups[bots[-1].id] = int(group)
    topics: dict[tuple[int, int], int] = {}
    dispatcher = Dispatcher()

    @dispatcher.message()
    async def copy(message: Message, bot: Bot) -> None:
        if message.chat.type != "private":
            return
        group, key = groups[bot.id], (bot.id, message.chat.id)
        if key not in topics:
            topic = await obediently(lambda: bot.create_forum_topic(group, message.chat.full_name))
            topics[key] = topic.message_thread_id
        await obediently(lambda: message.copy_to(group, message_thread_id=topics[key]))

    await dispatcher.start_polling(*bots, handle_signals=False, close_bot_session=False)


asyncio.run(main(sys.argv[1]))
