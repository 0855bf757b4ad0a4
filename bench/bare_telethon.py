"""What a user would write instead of parallel sessions: a Telethon client per bot, all in one process, no database.

It counts the messages that it is told, or also relays them into one topic per customer. Its argument says where
Telegram is; each line of standard input is an order, answered with "done": bots to connect, or a count to wait for.
"""

import asyncio
import json
import sys
from typing import Any

from telethon import TelegramClient, events
from telethon.crypto import AuthKey, rsa
from telethon.sessions import MemorySession
from telethon.tl.functions.messages import CreateForumTopicRequest, ForwardMessagesRequest
from telethon.tl.types import UpdateMessageID

AT_ONCE = 20


class Program:
    def __init__(self, about: dict[str, Any]) -> None:
        self._about = about
        self._clients: list[TelegramClient] = []
        self._topics: dict[tuple[int, int], int] = {}
        self._count = 0
        self._moved = asyncio.Event()
        rsa.add_key(about["public_key"], old=False)

    async def obey(self, order: dict[str, Any]) -> None:
        bots = order.get("bots", [])
        for start in range(0, len(bots), AT_ONCE):
            await asyncio.gather(*(self._connect(*bot) for bot in bots[start : start + AT_ONCE]))
        while self._count < order.get("until", 0):
            self._moved.clear()
            await self._moved.wait()

    async def _connect(self, bot: int, key: str, group: int) -> None:
        about, session = self._about, MemorySession()
        session.set_dc(about["dc"], about["host"], about["port"])
        session.auth_key = AuthKey(bytes.fromhex(key))
        client = TelegramClient(session, about["api_id"], about["api_hash"])

        async def count(event: Any) -> None:
            if event.is_private:
                self._count += 1
                self._moved.set()

        async def relay(event: Any) -> None:
            if event.is_private:
                await self._relay(client, bot, group, event)

        client.add_event_handler(relay if about["relays"] else count, events.NewMessage())
        await client.connect()
        self._clients.append(client)

    async def _relay(self, client: TelegramClient, bot: int, group: int, event: Any) -> None:
        to, place = await client.get_input_entity(group), (bot, event.chat_id)
        if place not in self._topics:
            name = (await event.get_chat()).first_name
            made = await client(CreateForumTopicRequest(peer=to, title=name))
            self._topics[place] = next(update.id for update in made.updates if isinstance(update, UpdateMessageID))
        topic = self._topics[place]
        if event.out:
            await client.send_message(to, "🤖 " + event.raw_text, reply_to=topic)
        else:
            source = await event.get_input_chat()
            await client(ForwardMessagesRequest(source, [event.id], to, drop_author=True, top_msg_id=topic))


async def main() -> None:
    program = Program(json.loads(sys.argv[1]))
    while line := await asyncio.to_thread(sys.stdin.readline):
        await program.obey(json.loads(line))
        sys.stdout.write("done\n")
        sys.stdout.flush()


asyncio.run(main())
