"""The session layer of the MTProto face, as unmodified clients see it."""

import asyncio
import gzip
import os
import struct
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from telethon import errors
from telethon.network import (
    Connection,
    ConnectionTcpAbridged,
    ConnectionTcpFull,
    ConnectionTcpIntermediate,
    ConnectionTcpObfuscated,
)
from telethon.network.connection.connection import ObfuscatedConnection
from telethon.network.connection.tcpintermediate import RandomizedIntermediatePacketCodec
from telethon.network.connection.tcpobfuscated import ObfuscatedIO
from telethon.tl import TLObject, TLRequest, functions, types

from sandbox.mtproto.faults import Fault
from tests.integration.mtproto_stage import BOT, Stage, hello, open_stage


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with open_stage() as opened:
        yield opened


async def test_a_client_shakes_hands_logs_in_and_out(stage: Stage) -> None:
    client = stage.client()
    await client.connect()
    config = await client(functions.help.GetConfigRequest())
    assert [(x.id, x.ip_address, x.port) for x in config.dc_options] == [(2, stage.server.host, stage.server.port)]
    assert not await client.is_user_authorized()
    await client.sign_in(bot_token=f"{BOT}:AAA")
    assert await client.is_user_authorized()
    [caller] = stage.methods.callers
    key = caller.key
    assert (key.bot_id, key.api_layer, caller.layer, caller.api_id) == (BOT, 229, 229, 1)
    assert stage.server.keys[key.id] is key
    await client.log_out()
    assert key.bot_id is None


class ObfuscatedPadded(ObfuscatedConnection):
    obfuscated_io = ObfuscatedIO
    packet_codec = RandomizedIntermediatePacketCodec


class PaddedCodec(RandomizedIntermediatePacketCodec):
    tag = RandomizedIntermediatePacketCodec.obfuscate_tag


class ConnectionTcpPadded(Connection):
    packet_codec = PaddedCodec


@pytest.mark.parametrize(
    ("connection", "kind"),
    [
        (ConnectionTcpFull, "full"),
        (ConnectionTcpAbridged, "abridged"),
        (ConnectionTcpIntermediate, "intermediate"),
        (ConnectionTcpObfuscated, "obfuscated abridged"),
        (ConnectionTcpPadded, "padded"),
        (ObfuscatedPadded, "obfuscated padded"),
    ],
)
async def test_every_framing(stage: Stage, connection: type[Connection], kind: str) -> None:
    client = await stage.bot(connection)
    [socket] = stage.server._connections
    assert socket.transport is not None
    assert socket.transport.kind == kind
    text = await client(functions.help.GetInviteTextRequest())
    assert len(text.message) == 5000


async def test_the_clock_of_a_client_is_behind() -> None:
    async with open_stage(lambda: datetime.now(UTC) + timedelta(seconds=1000)) as stage:
        client = await stage.bot()
        assert client._sender._state.time_offset == pytest.approx(1000, abs=2)


async def test_the_clock_of_the_server_leaps() -> None:
    ahead = timedelta(0)
    async with open_stage(lambda: datetime.now(UTC) + ahead) as stage:
        client = await stage.bot()
        ahead = timedelta(seconds=1000)
        await client(functions.help.GetNearestDcRequest())
        assert client._sender._state.time_offset == pytest.approx(1000, abs=2)


async def test_long_answers_are_compressed(stage: Stage) -> None:
    client = await stage.bot()
    seen: list[int] = []
    decrypt = client._sender._state.decrypt_message_data

    def watch(body: bytes) -> Any:
        seen.append(len(body))
        return decrypt(body)

    client._sender._state.decrypt_message_data = watch
    answer = await client(functions.help.GetInviteTextRequest())
    assert len(answer.message) == 5000
    assert max(seen) < 500


async def test_results_that_are_no_objects(stage: Stage) -> None:
    client = await stage.bot()
    assert await client(functions.photos.DeletePhotosRequest(id=[])) == [1 << 40, 2]
    assert await client(functions.contacts.GetContactIDsRequest(hash=0)) == [1, 2, 3]
    action = types.SendMessageTypingAction()
    assert await client(functions.messages.SetTypingRequest(peer=types.InputPeerSelf(), action=action)) is True


@pytest.mark.parametrize("broken", [functions.help.GetSupportRequest, functions.help.GetSupportNameRequest])
async def test_an_exception_becomes_500(stage: Stage, broken: type[TLRequest]) -> None:
    client = await stage.bot()
    with pytest.raises(errors.ServerError, match="INTERNAL"):
        await client._sender.send(broken())
    await client(functions.updates.GetStateRequest())


class Raw(TLRequest):
    """A request of so many bytes, for one message among others of a container."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def _bytes(self) -> bytes:
        return self.body


async def test_an_item_that_cannot_be_read_does_not_hide_the_others(stage: Stage) -> None:
    client = await stage.bot()
    unknown = Raw(struct.pack("<II", 0x01020304, 5))
    noise = Raw(struct.pack("<I", functions.messages.SendMessageRequest.CONSTRUCTOR_ID))
    squeezed = Raw(
        struct.pack("<I", 0x3072CFA1)
        + TLObject.serialize_bytes(gzip.compress(bytes(functions.updates.GetStateRequest())))
    )
    futures = client._sender.send([unknown, noise, squeezed, functions.updates.GetStateRequest()])
    answers = await asyncio.gather(*futures, return_exceptions=True)
    assert f"INPUT_METHOD_INVALID_{0x01020304}" in str(answers[0])
    assert isinstance(answers[1], errors.InputFetchErrorError)
    assert [type(x) for x in answers[2:]] == [types.updates.State] * 2


async def test_calls_that_wait_for_each_other(stage: Stage) -> None:
    client = await stage.bot()
    stage.faults.add(Fault(kind="delay", method="help.getInviteText", seconds=0.05))
    await asyncio.gather(
        *client._sender.send(
            [functions.help.GetInviteTextRequest(), functions.updates.GetStateRequest()], ordered=True
        )
    )
    assert [call.method for call in stage.journal.calls][-2:] == ["help.getInviteText", "updates.getState"]
    first, second = client._sender.send(
        [functions.help.GetSupportRequest(), functions.updates.GetStateRequest()], ordered=True
    )
    with pytest.raises(errors.ServerError):
        await first
    with pytest.raises(errors.MsgWaitFailedError):
        await second


async def test_services_of_the_session_layer(stage: Stage) -> None:
    client = await stage.bot()
    send = client._sender.send
    assert (await send(functions.PingRequest(ping_id=7))).ping_id == 7
    salts = await send(functions.GetFutureSaltsRequest(num=3))
    [key] = stage.server.keys.values()
    assert [salt.salt for salt in salts.salts] == [key.salt]
    assert isinstance(await send(functions.DestroySessionRequest(session_id=1)), types.DestroySessionNone)
    assert isinstance(await send(functions.RpcDropAnswerRequest(req_msg_id=4)), types.RpcAnswerUnknown)
    send(functions.PingDelayDisconnectRequest(ping_id=8, disconnect_delay=0))
    await stage.until(lambda: stage.methods.gone)


async def test_another_session_of_the_key_is_destroyed(stage: Stage) -> None:
    first = await stage.bot()
    second = stage.client(first.session.auth_key.key)
    await second.connect()
    await stage.until(lambda: len(stage.methods.callers) == 2)
    answer = await second._sender.send(functions.DestroySessionRequest(session_id=first._sender._state.id))
    assert isinstance(answer, types.DestroySessionOk)
    assert [caller.session_id for caller in stage.methods.gone] == [first._sender._state.id]


async def test_a_push_reaches_the_client(stage: Stage) -> None:
    client = await stage.bot()
    heard = stage.listen(client)
    [caller] = stage.methods.callers
    caller.push(hello())
    await stage.until(lambda: heard)
    await client.disconnect()
    await stage.until(lambda: stage.methods.gone)
    assert stage.methods.callers == []
    caller.push(hello())


async def test_a_session_without_updates_is_not_opened(stage: Stage) -> None:
    key = os.urandom(256)
    stage.server.seed_key(key, BOT)
    client = stage.client(key)
    client._no_updates = True
    await client.connect()
    await client._sender.send(functions.InvokeWithoutUpdatesRequest(functions.updates.GetStateRequest()))
    assert stage.methods.callers == []


async def test_after_a_reconnect_updates_go_to_the_new_session_alone(stage: Stage) -> None:
    client = await stage.bot()
    heard = stage.listen(client)
    before = client._sender._state.id
    stage.faults.add(Fault(kind="cut", bot=BOT))
    await stage.until(lambda: stage.methods.gone)
    await client(functions.updates.GetStateRequest())
    [caller] = stage.methods.callers
    assert before != caller.session_id == client._sender._state.id
    caller.push(hello())
    await stage.until(lambda: heard)
    assert len(heard) == 1


_KURIGRAM = """
import asyncio, sys
from pyrogram import Client, raw
from pyrogram.connection import Connection
from pyrogram.crypto import rsa
port, fingerprint, n, e = map(int, sys.argv[1:])
rsa.server_public_keys = {fingerprint: rsa.PublicKey(n, e)}

class Here(Connection):
    def __init__(self, **options):
        super().__init__(**(options | {"server_address": "127.0.0.1", "port": port}))

async def main():
    client = Client("k", api_id=1, api_hash="hash", in_memory=True, no_updates=True, connection_factory=Here)
    assert not await client.connect()
    config = await client.invoke(raw.functions.help.GetConfig())
    print(config.this_dc, config.dc_options[0].port)
    await client.disconnect()

asyncio.run(main())
"""


async def test_kurigram_shakes_hands(stage: Stage) -> None:
    key = stage.server._realm.rsa
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _KURIGRAM,
        *map(str, (stage.server.port, key.fingerprint, key.n, key.e)),
        stdout=subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        said, _ = await program.communicate()
    assert said.decode().split() == ["2", str(stage.server.port)]
    assert len(stage.server.keys) == 1
