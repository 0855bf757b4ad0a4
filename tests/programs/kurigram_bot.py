"""A bot on another MTProto client than ours: it echoes. It knows nothing of Backline, and of Telethon neither.

    python kurigram_bot.py '{"host": …, "port": …, "dc": 2, "public_key": …, "api_id": …, "api_hash": …, "token": …}'

It prints "ready" once it listens, or the name of what Telegram refuses, and ends on SIGTERM.
"""

import asyncio
import hashlib
import json
import signal
import struct
import sys
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pyrogram import Client, enums, filters
from pyrogram.connection.connection import Connection
from pyrogram.crypto import rsa
from pyrogram.errors import RPCError
from pyrogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message, ReplyParameters


def _bytes(value: int) -> bytes:
    """A string of the type language (core.telegram.org/mtproto/serialize): RSA keys are known by the hash of two."""
    raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
    head = bytes([len(raw)]) if len(raw) < 254 else b"\xfe" + len(raw).to_bytes(3, "little")
    return head + raw + bytes(-(len(head) + len(raw)) % 4)


def trust(pem: str) -> None:
    key = load_pem_public_key(pem.encode())
    assert isinstance(key, RSAPublicKey)
    numbers = key.public_numbers()
    digest = hashlib.sha1(_bytes(numbers.n) + _bytes(numbers.e)).digest()  # noqa: S324  # the protocol's
    (fingerprint,) = struct.unpack("<q", digest[-8:])
    rsa.server_public_keys[fingerprint] = rsa.PublicKey(numbers.n, numbers.e)


def connection_to(host: str, port: int) -> type[Connection]:
    class Local(Connection):
        def __init__(self, *args: Any, **values: Any) -> None:
            super().__init__(*args, **values)
            self.server_address, self.port = host, port

    return Local


async def greet(_: Client, message: Message) -> None:
    buttons = InlineKeyboardMarkup([[InlineKeyboardButton("Open", callback_data="open")]])
    await message.reply("Hello, *you*!", reply_markup=buttons)


async def echo(client: Client, message: Message) -> None:
    """Words come back with their formatting, as a reply; what is no text is copied."""
    match message.text:
        case "edit":
            sent = await message.reply("one")
            await sent.edit_text("two")
        case "delete":
            sent = await message.reply("gone soon")
            await sent.delete()
            await message.reply("deleted")
        case str(words):
            answered = ReplyParameters(message_id=message.id)
            await client.send_message(message.chat.id, words, entities=message.entities, reply_parameters=answered)
        case _:
            await message.copy(message.chat.id)


async def shown(client: Client, message: Message) -> None:
    await client.send_message(message.chat.id, f"{message.text}, again", message_thread_id=message.message_thread_id)


async def pressed(_: Client, query: CallbackQuery) -> None:
    await query.answer("Opened")
    await query.edit_message_text("It is open.")


async def edited(_: Client, message: Message) -> None:
    await message.reply(f"now {message.text}")


def listen(client: Client) -> None:
    client.on_message(filters.private & filters.command("start"))(greet)
    client.on_message(filters.private & ~filters.me & ~filters.command("start"))(echo)
    client.on_message(filters.group & filters.text & ~filters.me)(shown)
    client.on_callback_query()(pressed)
    client.on_edited_message(filters.private & ~filters.me)(edited)


async def main(about: dict[str, Any]) -> None:
    trust(about["public_key"])
    client = Client(
        "kurigram",
        api_id=about["api_id"],
        api_hash=about["api_hash"],
        bot_token=about["token"],
        in_memory=True,
        parse_mode=enums.ParseMode.DISABLED,
        connection_factory=connection_to(about["host"], about["port"]),
    )
    listen(client)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    try:
        await client.start()
    except RPCError as refused:
        sys.stdout.write(f"{refused.ID}\n")
        return
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await ended.wait()
    await client.stop(block=False)


asyncio.run(main(json.loads(sys.argv[1])))
