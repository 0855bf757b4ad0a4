"""Where the session layer ends and the API begins: who calls, what is called, how a call is refused."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from telethon.tl import TLObject, TLRequest, functions

from sandbox.mtproto.keys import AuthKey


class RpcError(Exception):
    """Becomes rpc_error: `RpcError(420, "FLOOD_WAIT_30")`."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message


class Caller:
    """One encrypted session of one auth key on one socket."""

    def __init__(
        self,
        key: AuthKey,
        session_id: int,
        address: str,
        *,
        push: Callable[["Caller", TLObject], None],
        hang_up: Callable[[], None],
    ) -> None:
        self.key = key
        """`key.bot_id` is None until methods set it (auth.importBotAuthorization), and again after auth.logOut."""
        self.session_id = session_id
        self.address = address
        self.layer = key.api_layer
        self.api_id = 0
        self.wants_updates = False
        """Since its first call outside of invokeWithoutUpdates, until a newer session of the same socket."""
        self._push = push
        self._hang_up = hang_up

    def push(self, updates: TLObject) -> None:
        """An update for this session; dropped when the socket is gone or the session wants none."""
        self._push(self, updates)

    def hang_up(self) -> None:
        self._hang_up()


Method = Callable[[Caller, TLRequest], Awaitable[object]]
"""Its result is a TLObject, a bool, or a list: a Vector of objects, ints or longs."""


class Methods(Protocol):
    async def call(self, caller: Caller, request: TLRequest) -> object:
        """Refuses with RpcError; any other exception is logged and answered with 500 INTERNAL."""

    def opened(self, caller: Caller) -> None:
        """The session made its first call outside of invokeWithoutUpdates: perhaps before it logs in."""

    def closed(self, caller: Caller) -> None:
        """Once for each session that was opened: its socket is gone, or a newer session has taken it over."""


@dataclass(slots=True)
class Call:
    """A request without its wrappers."""

    request: TLRequest
    layer: int | None = None
    api_id: int | None = None
    without_updates: bool = False
    after: list[int] = field(default_factory=list)
    """Message ids of the calls that must have succeeded before."""


def unwrap(request: TLRequest) -> Call:
    call = Call(request)
    while True:
        match call.request:
            case functions.InvokeWithLayerRequest(layer=layer):
                call.layer = layer
            case functions.InitConnectionRequest(api_id=api_id):
                call.api_id = api_id
            case functions.InvokeWithoutUpdatesRequest():
                call.without_updates = True
            case functions.InvokeAfterMsgRequest(msg_id=msg_id):
                call.after.append(msg_id)
            case functions.InvokeAfterMsgsRequest(msg_ids=msg_ids):
                call.after.extend(msg_ids)
            case _:
                return call
        call.request = call.request.query


def name_of(request: TLRequest) -> str:
    """As in Telegram's documentation: `messages.sendMessage`, `help.getConfig`, `invokeWithTakeout`."""
    kind = type(request)
    space = kind.__module__.rpartition(".")[2]
    name = kind.__name__.removesuffix("Request")
    name = name[:1].lower() + name[1:]
    return name if space == "functions" else f"{space}.{name}"


def chat_of(request: TLRequest) -> str:
    """The chat that a request is about, as the Bot API numbers it; empty where it is about none."""
    for field_name in ("peer", "to_peer", "channel"):
        peer = getattr(request, field_name, None)
        if (channel := getattr(peer, "channel_id", None)) is not None:
            return str(-1_000_000_000_000 - channel)
        if (chat := getattr(peer, "chat_id", None)) is not None:
            return str(-chat)
        if (user := getattr(peer, "user_id", None)) is not None:
            return str(user)
    return ""
