"""Faults of the MTProto face as data: what goes wrong with which call, push, socket or key."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

CallKind = Literal["error", "drop_answer", "drop_request", "delay"]
PacketKind = Literal["flood", "lose_update"]
SocketKind = Literal["cut", "revoke", "forget_keys"]
_AT_ONCE = ("cut", "revoke", "forget_keys")


@dataclass(slots=True, kw_only=True, eq=False)
class Fault:
    """Happens to the next `times` calls that match; `times=None` is until it is cleared.

    error: answer with rpc_error, without carrying the call out;
    drop_answer: carry it out, then cut the socket; drop_request: cut it without carrying it out;
    delay: carry it out so many seconds later.

    The others know neither method nor chat:
    flood: the next `times` encrypted packets get transport error -429 and the end of their socket;
    lose_update: the next `times` pushes are not sent, each to one session.
    And these happen when they are added, once:
    cut: all sockets of the bot are cut; revoke: its keys are known, but every call is a 401 SESSION_REVOKED;
    forget_keys: its sockets are cut and its keys unknown, which is transport error -404 for whoever comes with one.
    """

    kind: CallKind | PacketKind | SocketKind
    method: str = "*"
    """As in Telegram's documentation, in any case: `messages.sendMessage`."""
    bot: int | None = None
    """Its id; calls before login have none."""
    chat: int | None = None
    """The request's peer as the Bot API numbers it."""
    times: int | None = 1
    code: int = 500
    message: str = "INTERNAL"
    seconds: float = 0.0
    happened: int = 0


class Faults:
    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._strike: Callable[[Fault], None] | None = None

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._waiting)

    def obey(self, strike: Callable[[Fault], None]) -> None:
        """Who carries out what happens at once."""
        self._strike = strike

    def add(self, fault: Fault) -> Fault:
        if fault.kind not in _AT_ONCE:
            self._waiting.append(fault)
        elif self._strike is not None:
            fault.happened += 1
            self._strike(fault)
        return fault

    def clear(self) -> None:
        self._waiting.clear()

    def take_call(self, method: str, bot_id: int | None, chat: str) -> Fault | None:
        """The oldest fault for such a call, used up once."""
        for fault in self._waiting:
            if (
                fault.kind in {"error", "drop_answer", "drop_request", "delay"}
                and fault.method.lower() in {"*", method.lower()}
                and fault.bot in {None, bot_id}
                and (fault.chat is None or str(fault.chat) == chat)
            ):
                return self._use(fault)
        return None

    def take(self, kind: PacketKind, bot_id: int | None) -> Fault | None:
        for fault in self._waiting:
            if fault.kind == kind and fault.bot in {None, bot_id}:
                return self._use(fault)
        return None

    def _use(self, fault: Fault) -> Fault:
        fault.happened += 1
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._waiting.remove(fault)
        return fault
