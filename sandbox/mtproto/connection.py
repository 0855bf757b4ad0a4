"""One socket: its packets in, their keys, salts and clocks, its sessions, and its end."""

import asyncio
import logging
import struct
from contextlib import suppress

from telethon.tl import TLObject, types

from sandbox.mtproto.handshake import Handshake, HandshakeFailed
from sandbox.mtproto.keys import AuthKey
from sandbox.mtproto.messages import BadPacket, Message, Packet, decrypt, split
from sandbox.mtproto.session import Realm, Session
from sandbox.mtproto.transport import FLOOD, BadFrame, Transport, open_transport

_log = logging.getLogger(__name__)
NOT_FOUND = -404
_TOO_LOW, _TOO_HIGH, _NOT_BY_FOUR, _BAD_SALT, _BAD_CONTAINER = 16, 17, 18, 48, 64
"""core.telegram.org/mtproto/service_messages_about_messages"""
_OLDEST, _NEWEST = 300, 30
"""How many seconds a client's clock may be behind and ahead (core.telegram.org/mtproto/description)."""


class Connection:
    def __init__(self, realm: Realm, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = writer.get_extra_info("peername")[:2]
        self.address = f"{host}:{port}"
        self.transport: Transport | None = None
        self._realm = realm
        self._reader = reader
        self._writer = writer
        self._handshake = Handshake(realm.rsa, lambda: int(realm.now()), self._add_key)
        self._sessions: dict[tuple[int, int], Session] = {}
        self._end: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        try:
            self.transport = await open_transport(self._reader, self._writer)
            while not self._writer.is_closing():
                self._take(self.transport, await self.transport.read())
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except BadFrame:
            self.hang_up()
        except Exception:  # noqa: BLE001  # a broken sandbox must not be silent, nor kill other sockets
            _log.exception("a packet of %s broke its connection", self.address)
            self.hang_up()
        finally:
            await self._finish()

    def serves(self, key: AuthKey) -> bool:
        return any(session.caller.key is key for session in self._sessions.values())

    def write(self, packet: bytes) -> bool:
        if self.transport is None or self._writer.is_closing():
            return False
        self.transport.write(packet)
        return True

    def hang_up(self) -> None:
        self._writer.transport.abort()

    def hang_up_in(self, seconds: float) -> None:
        if self._end is not None:
            self._end.cancel()
        self._end = asyncio.get_running_loop().call_later(seconds, self.hang_up)

    async def _finish(self) -> None:
        if self._end is not None:
            self._end.cancel()
        for session in self._sessions.values():
            session.end()
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()

    def _refuse(self, transport: Transport, code: int) -> None:
        transport.refuse(code)
        self._writer.close()

    def _add_key(self, key: AuthKey) -> None:
        self._realm.keys[key.id] = key

    def _take(self, transport: Transport, packet: bytes) -> None:
        number = int.from_bytes(packet[:8], "little")
        key = self._realm.keys.get(number)
        try:
            if number == 0:
                self._shake_hands(packet)
            elif key is None:
                self._refuse(transport, NOT_FOUND)
            elif self._realm.faults.take("flood", key.bot_id):
                self._refuse(transport, FLOOD)
            else:
                self._hear(key, decrypt(key, packet))
        except (BadPacket, HandshakeFailed):
            self._refuse(transport, NOT_FOUND)

    def _shake_hands(self, packet: bytes) -> None:
        answer = self._handshake.answer(packet[20:])
        self.write(struct.pack("<qqi", 0, self._realm.ids.take(answer=True), len(answer)) + answer)

    def _hear(self, key: AuthKey, packet: Packet) -> None:
        message = packet.message
        session = self._sessions.get((key.id, packet.session_id))
        known = session is not None
        if session is None:
            session = Session(self._realm, key, packet.session_id, self)
        problem = self._problem(key, packet)
        if problem is not None:
            session.tell(problem)
            return
        if not known:
            self._begin(session, message)
        if session.has_received(message.id):
            session.tell(types.MsgsAck(msg_ids=[message.id]), answer=False)
            return
        self._open(session, message)

    def _begin(self, session: Session, message: Message) -> None:
        """The newest session of a socket has its updates: a packet of the one before the reconnect may come first."""
        for earlier in self._sessions.values():
            earlier.end()
        self._sessions[session.place] = session
        session.begin(message.id)

    def _open(self, session: Session, message: Message) -> None:
        try:
            messages = split(message)
        except (BadPacket, struct.error):
            session.tell(_bad(message, _BAD_CONTAINER))
            return
        for inner in messages:
            if inner is not message and session.has_received(inner.id):
                continue
            session.hear(inner)

    def _problem(self, key: AuthKey, packet: Packet) -> TLObject | None:
        message = packet.message
        late = self._realm.now() - (message.id >> 32)
        if message.id % 4:
            return _bad(message, _NOT_BY_FOUR)
        if late > _OLDEST:
            return _bad(message, _TOO_LOW)
        if late < -_NEWEST:
            return _bad(message, _TOO_HIGH)
        if packet.salt != key.salt:
            return types.BadServerSalt(
                bad_msg_id=message.id,
                bad_msg_seqno=message.seqno,
                error_code=_BAD_SALT,
                new_server_salt=key.salt,
            )
        return None


def _bad(message: Message, code: int) -> TLObject:
    return types.BadMsgNotification(bad_msg_id=message.id, bad_msg_seqno=message.seqno, error_code=code)
