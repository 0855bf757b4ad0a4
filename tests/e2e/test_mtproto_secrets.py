"""Token, auth key and access hashes of a parallel session: whatever goes wrong, nothing says them."""

import asyncio
import gc
import logging
import traceback
import warnings
from base64 import b64encode
from collections.abc import AsyncIterator

import pytest
from telethon.tl import types

from sandbox.mtproto.methods.peers import access_hash, channel_number
from sessions.errors import SessionError
from sessions.events import Other
from sessions.mtproto.home import Login
from sessions.port import Kept
from tests.e2e.mtproto_trouble import LOGIN, add_fault, new_key, receive_all, reopen, send_from, text
from tests.e2e.rigs import OverMtproto


class Watch:
    """Whatever was said anywhere, and what must not be in it."""

    def __init__(self, rig: OverMtproto, caplog: pytest.LogCaptureFixture) -> None:
        self.rig = rig
        self.said: list[str] = []
        self._caplog = caplog
        self._keys: set[bytes] = set()

    def note(self, *things: object) -> None:
        for thing in things:
            self.said += [repr(thing), str(thing)]
            if isinstance(thing, BaseException):
                self.said += traceback.format_exception(thing)

    def note_key(self) -> None:
        if self.rig.safe.login is not None:
            self._keys |= {self.rig.safe.login, Login.load(self.rig.safe.login).key}

    def secrets(self) -> set[str]:
        bot, ann = self.rig.bot, self.rig.ann
        hashes = {access_hash(bot, number) for number in (ann.id, channel_number(self.rig.chat), self.rig.owner.id)}
        made = {str(number) for number in hashes} | {str(abs(number)) for number in hashes}
        made |= {bot.token, bot.token.partition(":")[2]}
        for key in self._keys:
            made |= {key.hex(), key[:16].hex(), repr(key)[2:40], b64encode(key).decode()[:40]}
        return made

    def check(self) -> None:
        self.note_key()
        for record in self._caplog.records:
            self.said += [record.getMessage(), repr(record.args), repr(record.__dict__), record.exc_text or ""]
            if record.exc_info and record.exc_info[1] is not None:
                self.said += traceback.format_exception(record.exc_info[1])
        everything = "\n".join(self.said)
        found = [secret for secret in self.secrets() if secret in everything]
        assert not found, f"{len(found)} secrets were said"
        assert everything


@pytest.fixture
async def watch(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Watch]:
    caplog.set_level(logging.DEBUG)
    for name in ("telethon", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        async with OverMtproto.open() as rig:
            watched = Watch(rig, caplog)
            yield watched
        gc.collect()  # what nobody retrieved is told now
        await asyncio.get_running_loop().run_in_executor(None, gc.collect)
        watched.note(*(warning.message for warning in warned))
        watched.note("the end")
        watched.check()


async def failure(watch: Watch, words: str = "words") -> SessionError:
    with pytest.raises(SessionError) as caught:
        await send_from(watch.rig, words)
    watch.note(caught.value, watch.rig.session)
    watch.note_key()
    return caught.value


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (400, "ACCESS_TOKEN_INVALID"),
        (400, "API_ID_INVALID"),
        (420, "FLOOD_WAIT_3600"),
        (500, "SOMETHING_NEW"),
        (303, "USER_MIGRATE_4"),
        (401, "AUTH_KEY_UNREGISTERED"),
    ],
)
async def test_a_login_that_is_refused(watch: Watch, code: int, message: str) -> None:
    add_fault(watch.rig, "error", method=LOGIN, code=code, message=message)
    await failure(watch)


async def test_a_login_whose_connection_breaks(watch: Watch) -> None:
    add_fault(watch.rig, "drop_request", method=LOGIN)
    await failure(watch)
    await send_from(watch.rig, "words") if await watch.rig.begin() else None


async def test_a_connection_that_is_cut(watch: Watch) -> None:
    cursor = await watch.rig.begin()
    add_fault(watch.rig, "drop_answer", method="messages.sendMessage")
    await failure(watch)
    add_fault(watch.rig, "forget_keys", bot=watch.rig.bot.id)
    watch.note(await receive_all(watch.rig, cursor, 1))


async def test_a_limit_that_is_reached(watch: Watch) -> None:
    await watch.rig.begin()
    await watch.rig.session.close()
    reopen(watch.rig, call_seconds=0.1)
    await watch.rig.session.identify()
    add_fault(watch.rig, "delay", method="messages.sendMessage", seconds=60)
    await failure(watch)


async def test_an_update_that_can_not_be_read(watch: Watch) -> None:
    rig = watch.rig
    cursor = await rig.begin()
    assert rig.sandbox.mtproto is not None
    stream = rig.sandbox.mtproto.api.stream
    user = types.User(id=rig.ann.id, access_hash=access_hash(rig.bot, rig.ann.id), first_name="Ann")
    empty = types.UpdateNewMessage(message=types.MessageEmpty(77, None), pts=0, pts_count=0)
    pressed = types.UpdateBotCallbackQuery(
        query_id=1, user_id=1, peer=types.PeerUser(1), msg_id=1, chat_instance=1, data=b"x"
    )
    for caller in stream.sessions_of(rig.bot):
        caller.push(types.Updates(updates=[empty, pressed], users=[user], chats=[], date=rig.world.now(), seq=0))
    batch = await rig.receive_until_something(cursor)
    watch.note(batch, *batch.updates)
    events = [update.event for update in batch.updates]
    assert [event.reason for event in events if isinstance(event, Other)] == ["unreadable", "unreadable"]
    await rig.customer_writes("and on")
    watch.note(await receive_all(rig, batch.cursor, 1))


async def test_a_crash_in_the_midst_of_receiving(watch: Watch) -> None:
    rig = watch.rig
    await rig.begin()
    login = rig.safe.login

    async def broken(_: object) -> dict[int, int]:
        raise RuntimeError("the database")

    await rig.session.close()
    rig.safe.find_hashes = broken  # type: ignore[assignment]
    session = reopen(rig)
    with pytest.raises(RuntimeError) as crashed:
        await session.send(text(rig, "words"))
    watch.note(crashed.value, session)
    await session.close()
    assert rig.safe.login == login


async def test_what_is_kept_and_what_is_made_of_it(watch: Watch) -> None:
    rig = watch.rig
    batch = await rig.session.receive(None)
    topic = await rig.session.create_topic(rig.group, "Ann", new_key())
    await rig.operator_writes("hello", topic)
    batch = await rig.receive_until_something(batch.cursor)
    assert rig.safe.login is not None
    login = Login.load(rig.safe.login)
    watch.note(batch, login, login.centre, Kept(rig.safe.login), rig.session, rig.sessions)
    assert batch.hashes
