"""One encrypted session on one socket: what it is told, what it asks, and its calls that are under way."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from telethon.errors import TypeNotFoundError
from telethon.extensions import BinaryReader
from telethon.tl import TLObject, TLRequest, functions, types

from sandbox.mtproto.calls import Calls
from sandbox.mtproto.faults import Faults
from sandbox.mtproto.keys import AuthKey, RsaKey
from sandbox.mtproto.messages import (
    Message,
    MessageIds,
    encrypt,
    pack_error,
    pack_future_salts,
    pack_result,
    unpack,
)
from sandbox.mtproto.rpc import Call, Caller, Methods, unwrap

_REMEMBERED = 1000
_UNKNOWN, _RECEIVED = 1, 4
"""Of a message whose state is asked for (core.telegram.org/mtproto/service_messages_about_messages)."""


@dataclass(slots=True)
class Realm:
    """What all sockets share."""

    rsa: RsaKey
    ids: MessageIds
    calls: Calls
    methods: Methods
    faults: Faults
    now: Callable[[], float]
    keys: dict[int, AuthKey] = field(default_factory=dict)
    sessions: dict[tuple[int, int], "Session"] = field(default_factory=dict)
    """By key and session id: where each session was last heard of."""
    tasks: set[asyncio.Task[bool]] = field(default_factory=set)


class Line(Protocol):
    """The socket, as its sessions see it."""

    address: str

    def write(self, packet: bytes) -> bool: ...
    def hang_up(self) -> None: ...
    def hang_up_in(self, seconds: float) -> None: ...


class Session:
    def __init__(self, realm: Realm, key: AuthKey, session_id: int, line: Line) -> None:
        self.caller = Caller(key, session_id, line.address, push=self._push, hang_up=line.hang_up)
        self._realm = realm
        self._line = line
        self._content = 0
        self._ended = False
        self._received: dict[int, None] = {}
        self._calls: dict[int, asyncio.Task[bool]] = {}
        self._unwanted: set[int] = set()

    @property
    def place(self) -> tuple[int, int]:
        return self.caller.key.id, self.caller.session_id

    def begin(self, first_message_id: int) -> None:
        earlier = self._realm.sessions.get(self.place)
        if earlier is not None:
            earlier.end()
        self._realm.sessions[self.place] = self
        self.tell(
            types.NewSessionCreated(
                first_msg_id=first_message_id,
                unique_id=secrets.randbits(63),
                server_salt=self.caller.key.salt,
            ),
            answer=False,
            content=True,
        )

    def end(self) -> None:
        """No updates from now on; its calls still get their answers, as long as the socket lives."""
        self._ended = True
        if self._realm.sessions.get(self.place) is self:
            del self._realm.sessions[self.place]
        if self.caller.wants_updates:
            self.caller.wants_updates = False
            self._realm.methods.closed(self.caller)

    def tell(self, said: TLObject, *, answer: bool = True, content: bool = False) -> None:
        self._say(bytes(said), answer=answer, content=content)

    def has_received(self, message_id: int) -> bool:
        """Remembers it, too."""
        if message_id in self._received:
            return True
        _remember(self._received, message_id, None)
        return False

    def hear(self, message: Message) -> None:
        try:
            asked = BinaryReader(unpack(message).body).tgread_object()
        except TypeNotFoundError as error:
            self._refuse(message.id, f"INPUT_METHOD_INVALID_{error.invalid_constructor_id}")
        except Exception:  # noqa: BLE001  # Telethon's reader has no error of its own for noise
            self._refuse(message.id, "INPUT_FETCH_ERROR")
        else:
            self._serve(message.id, asked)

    def _serve(self, message_id: int, asked: Any) -> None:
        service = self._services.get(type(asked))
        if service is not None:
            service(self, message_id, asked)
            return
        call = unwrap(asked)
        if not isinstance(call.request, TLRequest):
            number = getattr(call.request, "CONSTRUCTOR_ID", 0)
            self._refuse(message_id, f"INPUT_METHOD_INVALID_{number}")
            return
        self._accept(call)
        task = asyncio.create_task(self._carry_out(message_id, call))
        _remember(self._calls, message_id, task)
        self._realm.tasks.add(task)
        task.add_done_callback(self._realm.tasks.discard)

    def _accept(self, call: Call) -> None:
        caller = self.caller
        if call.layer is not None:
            caller.layer = caller.key.api_layer = call.layer
        if call.api_id is not None:
            caller.api_id = call.api_id
        if not (call.without_updates or caller.wants_updates or self._ended):
            caller.wants_updates = True
            self._realm.methods.opened(caller)

    async def _carry_out(self, message_id: int, call: Call) -> bool:
        before = [task for task in map(self._calls.get, call.after) if task is not None]
        if before and not all(await asyncio.gather(*before)):
            self._answer(message_id, pack_error(message_id, 400, "MSG_WAIT_FAILED"))
            return False
        return await self._realm.calls.serve(
            self.caller, message_id, call.request, lambda answer: self._answer(message_id, answer)
        )

    def _answer(self, message_id: int, answer: bytes) -> bool:
        if message_id in self._unwanted:
            self._unwanted.discard(message_id)
            return False
        return self._say(answer, answer=True, content=True)

    def _refuse(self, message_id: int, text: str) -> None:
        self._say(pack_error(message_id, 400, text), answer=True, content=True)

    def _say(self, body: bytes, *, answer: bool, content: bool) -> bool:
        seqno = self._content * 2 + content
        self._content += content
        message = Message(self._realm.ids.take(answer=answer), seqno, body)
        return self._line.write(encrypt(self.caller.key, self.caller.session_id, message))

    def _push(self, caller: Caller, updates: TLObject) -> None:
        if not caller.wants_updates or caller.key.revoked:
            return
        if self._realm.faults.take("lose_update", caller.key.bot_id) is None:
            self.tell(updates, answer=False, content=True)

    def _ignore(self, message_id: int, asked: Any) -> None:
        """Acknowledgements, and what only HTTP needs."""

    def _ping(self, message_id: int, asked: Any) -> None:
        self.tell(types.Pong(msg_id=message_id, ping_id=asked.ping_id))

    def _ping_delay_disconnect(self, message_id: int, asked: Any) -> None:
        self._ping(message_id, asked)
        self._line.hang_up_in(asked.disconnect_delay)

    def _state(self, message_id: int, asked: Any) -> None:
        states = bytes(_RECEIVED if number in self._received else _UNKNOWN for number in asked.msg_ids)
        self.tell(types.MsgsStateInfo(req_msg_id=message_id, info=states))

    def _future_salts(self, message_id: int, _: Any) -> None:
        salts = pack_future_salts(message_id, int(self._realm.now()), [self.caller.key.salt])
        self._say(salts, answer=True, content=False)

    def _drop_answer(self, message_id: int, asked: Any) -> None:
        task = self._calls.get(asked.req_msg_id)
        if task is None or task.done():
            outcome = types.RpcAnswerUnknown()
        else:
            self._unwanted.add(asked.req_msg_id)
            outcome = types.RpcAnswerDroppedRunning()
        self._answer(message_id, pack_result(message_id, asked, outcome))

    def _destroy_session(self, _: int, asked: Any) -> None:
        other = self._realm.sessions.get((self.caller.key.id, asked.session_id))
        if other is None or other is self:
            self.tell(types.DestroySessionNone(session_id=asked.session_id))
        else:
            other.end()
            self.tell(types.DestroySessionOk(session_id=asked.session_id))

    def _destroy_auth_key(self, _: int, __: Any) -> None:
        self._realm.keys.pop(self.caller.key.id, None)
        self.tell(types.DestroyAuthKeyOk())

    _services: ClassVar[dict[type[TLObject], Callable[["Session", int, Any], None]]] = {
        types.MsgsAck: _ignore,
        types.MsgsStateInfo: _ignore,
        types.MsgsAllInfo: _ignore,
        types.HttpWait: _ignore,
        types.MsgsStateReq: _state,
        types.MsgResendReq: _state,
        functions.PingRequest: _ping,
        functions.PingDelayDisconnectRequest: _ping_delay_disconnect,
        functions.GetFutureSaltsRequest: _future_salts,
        functions.RpcDropAnswerRequest: _drop_answer,
        functions.DestroySessionRequest: _destroy_session,
        functions.DestroyAuthKeyRequest: _destroy_auth_key,
    }


def _remember(memory: dict[int, Any], message_id: int, value: Any) -> None:
    memory[message_id] = value
    if len(memory) > _REMEMBERED:
        del memory[next(iter(memory))]
