"""What no well-behaved client sends, and what only other clients do: packets made by hand."""

import asyncio
import os
import struct
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from logging import getLogger
from typing import Any

import pytest
from telethon import errors
from telethon.crypto import AES, rsa
from telethon.crypto import AuthKey as ClientKey
from telethon.network import (
    Connection,
    ConnectionTcpAbridged,
)
from telethon.network.authenticator import do_authentication
from telethon.network.mtprotoplainsender import MTProtoPlainSender
from telethon.network.mtprotostate import MTProtoState
from telethon.tl import TLObject, functions, types

from sandbox.mtproto.faults import Fault
from sandbox.mtproto.keys import key_id
from tests.integration.mtproto_stage import BOT, WAIT, Stage, open_stage


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with open_stage() as opened:
        yield opened


_LOGGERS = defaultdict(getLogger)


class RawSocket:
    """Telethon's cryptography without its manners: whatever is to be said, in whatever session."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.session = MTProtoState(None, _LOGGERS)

    def begin(self, stage: Stage) -> int:
        """A session of the only key of the server."""
        [key] = stage.server.keys.values()
        self.session = MTProtoState(ClientKey(key.key), _LOGGERS)
        self.session.salt = key.salt
        return int(self.session.id)

    async def say(self, body: bytes, *, message_id: int | None = None) -> int:
        number = message_id or self.session._get_new_msg_id()
        await self.connection.send(
            self.session.encrypt_message_data(struct.pack("<qii", number, 1, len(body)) + body)
        )
        return number

    async def hear(self) -> TLObject:
        async with asyncio.timeout(WAIT):
            return self.session.decrypt_message_data(await self.connection.recv()).obj


@asynccontextmanager
async def raw_socket(stage: Stage) -> AsyncIterator[RawSocket]:
    connection = ConnectionTcpAbridged(stage.server.host, stage.server.port, 2, loggers=_LOGGERS)
    await connection.connect()
    yield RawSocket(connection)
    await connection.disconnect()


async def test_two_handshakes_on_one_socket(stage: Stage) -> None:
    async with raw_socket(stage) as socket:
        plain = MTProtoPlainSender(socket.connection, loggers=_LOGGERS)
        while len(stage.server.keys) < 2:
            with suppress(errors.SecurityError):  # a key with a leading zero
                await do_authentication(plain)


async def test_the_padding_of_other_clients(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rsa, "encrypt", rsa_pad)
    await test_two_handshakes_on_one_socket(stage)


def rsa_pad(fingerprint: int, data: bytes) -> bytes:
    """RSA_PAD of core.telegram.org/mtproto/auth_key, as GramJS and mtcute do it."""
    key, _ = rsa._server_keys[fingerprint]
    while True:
        padded = data + os.urandom(192 - len(data))
        temporary = os.urandom(32)
        both = padded[::-1] + sha256(temporary + padded).digest()
        encrypted = AES.encrypt_ige(both, temporary, bytes(32))
        masked = bytes(a ^ b for a, b in zip(temporary, sha256(encrypted).digest(), strict=True))
        number = int.from_bytes(masked + encrypted, "big")
        if number < key.n:
            return pow(number, key.e, key.n).to_bytes(256, "big")


@pytest.mark.parametrize("request_", [functions.ReqDHParamsRequest(1, 2, b"3", b"5", 7, bytes(256)), Exception])
async def test_a_handshake_out_of_order_is_refused(stage: Stage, request_: Any) -> None:
    body = b"noise..." if request_ is Exception else bytes(request_)
    async with raw_socket(stage) as socket:
        await socket.connection.send(struct.pack("<qqi", 0, 4, len(body)) + body)
        assert await socket.connection.recv() == struct.pack("<i", -404)


async def test_the_salt_comes_first_and_then_the_session(stage: Stage) -> None:
    stage.server.seed_key(os.urandom(256), BOT)
    async with raw_socket(stage) as socket:
        socket.begin(stage)
        socket.session.salt, salt = 0, socket.session.salt
        ping = bytes(functions.PingRequest(ping_id=7))
        refused = await socket.say(ping)
        heard = await socket.hear()
        assert (type(heard), heard.bad_msg_id, heard.new_server_salt) == (types.BadServerSalt, refused, salt)
        assert stage.server._realm.sessions == {}
        socket.session.salt = salt
        accepted = await socket.say(ping)
        heard = await socket.hear()
        assert (type(heard), heard.first_msg_id) == (types.NewSessionCreated, accepted)
        assert await socket.hear() == types.Pong(msg_id=accepted, ping_id=7)


async def test_message_ids_and_containers_that_are_wrong(stage: Stage) -> None:
    stage.server.seed_key(os.urandom(256), BOT)
    ping = bytes(functions.PingRequest(ping_id=7))
    now = int(time.time()) << 32
    async with raw_socket(stage) as socket:
        socket.begin(stage)
        for number, code in ((now + 2, 18), (now - (310 << 32), 16), (now + (40 << 32), 17)):
            await socket.say(ping, message_id=number)
            assert (await socket.hear()).error_code == code
        number = await socket.say(ping)
        assert isinstance(await socket.hear(), types.NewSessionCreated)
        assert isinstance(await socket.hear(), types.Pong)
        await socket.say(ping, message_id=number)
        assert (await socket.hear()).msg_ids == [number]
        await socket.say(struct.pack("<Iiqii", 0x73F1F8DC, 1, number + 4, 1, 100))
        assert (await socket.hear()).error_code == 64
        await socket.say(bytes(types.MsgsStateReq(msg_ids=[number, 4])))
        assert (await socket.hear()).info == "\x04\x01"
        await socket.say(bytes(types.HttpWait(max_delay=0, wait_after=0, max_wait=0)))
        await socket.say(bytes(functions.DestroyAuthKeyRequest()))
        assert isinstance(await socket.hear(), types.DestroyAuthKeyOk)
        await socket.say(ping)
        assert await socket.connection.recv() == struct.pack("<i", -404)


async def test_a_packet_of_the_session_before_the_reconnect_comes_first(stage: Stage) -> None:
    """Telethon's queue survives its connection."""
    stage.server.seed_key(os.urandom(256), BOT)
    async with raw_socket(stage) as socket:
        old = socket.begin(stage)
        await socket.say(bytes(functions.updates.GetStateRequest()))
        await stage.until(lambda: stage.methods.callers)
        [stale] = stage.methods.callers
        new = socket.begin(stage)
        await socket.say(bytes(functions.updates.GetStateRequest()))
        await stage.until(lambda: stage.methods.gone)
        assert [caller.session_id for caller in stage.methods.gone] == [old]
        assert [caller.session_id for caller in stage.methods.callers] == [new]
        assert not stale.wants_updates


async def test_an_answer_that_is_not_wanted_any_more(stage: Stage) -> None:
    stage.server.seed_key(os.urandom(256), BOT)
    stage.faults.add(Fault(kind="delay", method="help.getInviteText", seconds=0.05))
    async with raw_socket(stage) as socket:
        socket.begin(stage)
        number = await socket.say(bytes(functions.help.GetInviteTextRequest()))
        dropping = await socket.say(bytes(functions.RpcDropAnswerRequest(req_msg_id=number)))
        assert isinstance(await socket.hear(), types.NewSessionCreated)
        outcome = await socket.hear()
        assert outcome.req_msg_id == dropping
        assert outcome.body.startswith(bytes(types.RpcAnswerDroppedRunning()))
        await stage.until(lambda: stage.journal.count("help.getInviteText", carried_out=True, answered=False))


async def test_noise_ends_its_socket_and_no_other(stage: Stage) -> None:
    client = await stage.bot()
    for noise in (b"GET / HTTP/1.1\r\n\r\n" + bytes(64), b"\xef\x00", b"\xee" * 8, bytes(8), b"\xef\x01\0\0\0\0"):
        reader, writer = await asyncio.open_connection(stage.server.host, stage.server.port)
        writer.write(noise)
        writer.write_eof()
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    await client(functions.updates.GetStateRequest())


def test_the_id_of_a_key_is_the_client_s() -> None:
    key = os.urandom(256)
    assert key_id(key) == ClientKey(key).key_id
