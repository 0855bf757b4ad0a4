"""Faults of the MTProto face as data, and how Telethon takes them."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from telethon import TelegramClient, errors
from telethon.tl import functions, types

from sandbox.mtproto.faults import Fault
from tests.integration.mtproto_stage import BOT, WAIT, Stage, hello, open_stage


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with open_stage() as opened:
        yield opened


async def lost(client: TelegramClient) -> None:
    """A dead socket ends the client, which may tell why."""
    async with asyncio.timeout(WAIT):
        await client.disconnected


async def test_an_unknown_key(stage: Stage) -> None:
    client = stage.client(os.urandom(256))
    with pytest.raises(errors.AuthKeyNotFound):
        await client.connect()


async def test_a_new_salt(stage: Stage) -> None:
    client = await stage.bot()
    stage.server.rotate_salts()
    await client(functions.updates.GetStateRequest())
    [key] = stage.server.keys.values()
    assert client._sender._state.salt == key.salt


async def test_an_error_by_method_bot_and_chat(stage: Stage) -> None:
    client = await stage.bot()
    shop = stage.faults.add(
        Fault(kind="error", method="Messages.SetTyping", bot=BOT, chat=7, code=420, message="FLOOD_WAIT_30")
    )
    action = types.SendMessageTypingAction()
    for peer in (types.InputPeerChannel(7, 0), types.InputPeerUser(8, 0)):
        assert await client._sender.send(functions.messages.SetTypingRequest(peer=peer, action=action))
    assert shop.happened == 0
    request = functions.messages.SetTypingRequest(peer=types.InputPeerUser(7, 0), action=action)
    with pytest.raises(errors.FloodWaitError) as caught:
        await client._sender.send(request)
    assert caught.value.seconds == 30
    assert await client._sender.send(request)
    assert [(call.chat, call.code) for call in list(stage.journal.calls)[-2:]] == [("7", 420), ("7", 200)]


async def test_a_login_is_refused_by_the_bot_in_its_token(stage: Stage) -> None:
    stage.faults.add(Fault(kind="error", bot=BOT, code=420, message="FLOOD_WAIT_1500"))
    client = stage.client()
    await client.connect()
    with pytest.raises(errors.FloodWaitError):
        await client.sign_in(bot_token=f"{BOT}:AAA")


@pytest.mark.parametrize(("kind", "times"), [("drop_answer", 2), ("drop_request", 1)])
async def test_a_call_whose_socket_is_cut_is_sent_again(stage: Stage, kind: Any, times: int) -> None:
    client = await stage.bot()
    stage.faults.add(Fault(kind=kind, method="help.getInviteText"))
    await client(functions.help.GetInviteTextRequest())
    assert stage.methods.called.count(functions.help.GetInviteTextRequest) == times
    assert stage.journal.count("help.getInviteText", carried_out=True, answered=False) == times - 1
    assert stage.journal.count("help.getInviteText", fault=kind) == 1


async def test_a_delay(stage: Stage) -> None:
    client = await stage.bot()
    stage.faults.add(Fault(kind="delay", method="help.getInviteText", seconds=0.05))
    slow = client._sender.send(functions.help.GetInviteTextRequest())
    await client(functions.updates.GetStateRequest())
    assert not slow.done()
    await slow


async def test_closing_waits_for_no_call() -> None:
    async with open_stage() as stage, asyncio.timeout(WAIT):
        client = await stage.bot()
        stage.faults.add(Fault(kind="delay", method="help.getInviteText", seconds=3600))
        client._sender.send(functions.help.GetInviteTextRequest())
        await client(functions.updates.GetStateRequest())
        await client.disconnect()
        await stage.server.close()
        assert stage.journal.count("help.getInviteText", carried_out=False, answered=False) == 1


async def test_latency(stage: Stage) -> None:
    client = await stage.bot()
    stage.server.calls.latency = timedelta(milliseconds=60)
    began = time.monotonic()
    await client(functions.updates.GetStateRequest())
    assert time.monotonic() - began >= 0.06


async def test_a_lost_update(stage: Stage) -> None:
    client = await stage.bot()
    heard = stage.listen(client)
    lost_one = stage.faults.add(Fault(kind="lose_update", bot=BOT))
    [caller] = stage.methods.callers
    caller.push(hello())
    caller.push(hello())
    await stage.until(lambda: heard)
    await client(functions.updates.GetStateRequest())
    assert (len(heard), lost_one.happened) == (1, 1)


async def test_a_revoked_bot(stage: Stage) -> None:
    client = await stage.bot()
    heard = stage.listen(client)
    stage.faults.add(Fault(kind="revoke", bot=BOT))
    [caller] = stage.methods.callers
    caller.push(hello())
    with pytest.raises(errors.SessionRevokedError):
        await client(functions.updates.GetStateRequest())
    assert heard == []


async def test_forgotten_keys(stage: Stage) -> None:
    client = await stage.bot()
    stage.faults.add(Fault(kind="forget_keys", bot=BOT))
    with pytest.raises(errors.AuthKeyNotFound):
        await lost(client)
    assert not stage.server.keys


async def test_a_flood_of_the_transport(stage: Stage) -> None:
    client = await stage.bot()
    stage.faults.add(Fault(kind="flood", bot=BOT))
    call = client._sender.send(functions.updates.GetStateRequest())
    with pytest.raises(errors.InvalidBufferError) as caught:
        await lost(client)
    assert caught.value.code == 429
    with pytest.raises(errors.InvalidBufferError):
        await call
