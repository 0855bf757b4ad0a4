"""The bot's MTProto session: the product's own login and wire, with every update noted and no refusal translated."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Literal

from telethon.errors import RPCError
from telethon.tl import TLRequest, types
from telethon.tl.functions.auth import LogOutRequest
from telethon.tl.functions.channels import GetChannelsRequest
from telethon.tl.functions.updates import GetStateRequest
from telethon.tl.functions.users import GetUsersRequest
from telethon.utils import get_peer_id

from live_check.bot_api import LONGEST_WAIT, Pause, Refused
from live_check.check import Undecided
from sessions.mtproto import AppIdentity, DataCentre
from sessions.mtproto.home import Login
from sessions.mtproto.login import Door
from sessions.mtproto.reader import CHANNELS
from sessions.mtproto.refusals import error_name
from sessions.mtproto.wire import Wire
from sessions.port import Kept


@dataclass(frozen=True, slots=True)
class Seen:
    """An update, as far as the checks look. `chat` is the Bot API's id, None where Telegram does not say; `at` is
    this machine's monotonic clock; `pts` counts the chat's updates.
    """

    what: Literal["new", "edited", "deleted", "callback"]
    chat: int | None
    id: int
    at: float
    outgoing: bool = False
    text: str = ""
    album: int | None = None
    pts: int = 0


class _Safe:
    """In memory: the login is as old as the run."""

    def __init__(self) -> None:
        self.login: bytes | None = None
        self._wait = 0.0

    async def load(self) -> Kept:
        return Kept(self.login, self._wait)

    async def save_login(self, login: bytes | None) -> None:
        self.login = login

    async def postpone_login(self, seconds: float) -> None:
        self._wait = seconds

    async def find_hashes(self, peers: Sequence[int]) -> Mapping[int, int]:  # noqa: ARG002  # the port's signature
        return {}


class _OpenWire(Wire):
    """Says refusals as Telegram does."""

    def _read_answer(self, answer: "asyncio.Future[Any]") -> Any:
        error = answer.exception() if answer.done() and not answer.cancelled() else None
        if isinstance(error, RPCError):
            wait = float(getattr(error, "seconds", 0) or 0)
            raise Refused(abs(int(error.code or 0)), error_name(error), wait)
        return super()._read_answer(answer)


class Observer:
    """`leave` ends the connection and keeps the login, `log_out` ends both."""

    def __init__(self, app: AppIdentity, centre: DataCentre, token: str, pause: Pause) -> None:
        self.seen: list[Seen] = []
        self._app = app
        self._pause = pause
        self._safe = _Safe()
        self._door = Door(app, centre, token, None, self._safe)
        self._wire: _OpenWire | None = None
        self._noting: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._hashes: dict[int, int] = {}

    @property
    def is_open(self) -> bool:
        return self._wire is not None and self._wire.is_open

    async def enter(self) -> None:
        """With the login it has, else with the token. Raises the port's errors."""
        await self.leave()
        if self._safe.login is None:
            first = await self._door.enter()
            await first.close()
        kept = (await self._safe.load()).login
        if kept is None:
            raise Undecided("Telegram did not take the login")
        login = Login.load(kept)
        self._wire = _OpenWire(self._app, login.centre, login.key, None)
        await self._wire.open()
        self._noting = asyncio.create_task(self._note(self._wire.updates))
        await self.call(GetStateRequest())

    async def leave(self) -> None:
        if self._noting is not None:
            self._noting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._noting
        if self._wire is not None:
            await self._wire.close()
        self._noting = self._wire = None

    async def log_out(self) -> None:
        if self._safe.login is None:
            return
        try:
            if not self.is_open:
                await self.enter()
            await self.call(LogOutRequest())
            await self._safe.save_login(None)
        finally:
            await self.leave()

    async def call(self, request: TLRequest, *, patient: bool = True) -> Any:
        """Raises `Refused` and the port's errors."""
        if self._wire is None:
            raise Undecided("the session is not connected")
        while True:
            try:
                return await self._wire.call(request)
            except Refused as refused:
                if not patient or not 0 < refused.wait <= LONGEST_WAIT:
                    raise
                await self._pause(refused.wait)

    async def wait_for(self, met: Callable[[Seen], bool], seconds: float) -> Seen | None:
        """The first that is so, of all that came since the session began; None after that time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    self._news.clear()
                    found = next((seen for seen in self.seen if met(seen)), None)
                    if found is not None:
                        return found
                    await self._news.wait()
        return None

    async def person(self, number: int) -> Any:
        """As an InputPeer."""
        if number not in self._hashes:
            found = (await self.call(GetUsersRequest([types.InputUser(number, 0)])))[0]
            if not isinstance(found, types.User) or not found.access_hash:
                raise Undecided("Telegram does not tell the bot the customer's access hash")
            self._hashes[number] = found.access_hash
        return types.InputPeerUser(number, self._hashes[number])

    async def group(self, chat: int) -> Any:
        """As an InputPeer, which requests take as a channel, too."""
        number = CHANNELS - chat
        if number not in self._hashes:
            found = (await self.call(GetChannelsRequest([types.InputChannel(number, 0)]))).chats
            if not found or not getattr(found[0], "access_hash", None):
                raise Undecided("Telegram does not tell the bot the group's access hash")
            self._hashes[number] = found[0].access_hash
        return types.InputPeerChannel(number, self._hashes[number])

    async def channel(self, chat: int) -> Any:
        peer = await self.group(chat)
        return types.InputChannel(peer.channel_id, peer.access_hash)

    async def _note(self, queue: "asyncio.Queue[Any]") -> None:
        while (arrived := await queue.get()) is not None:
            if getattr(arrived, "_self_outgoing", False):
                continue  # what our own call led to
            at = monotonic()
            for entity in (*getattr(arrived, "users", ()), *getattr(arrived, "chats", ())):
                if getattr(entity, "access_hash", None) and not getattr(entity, "min", None):
                    self._hashes[entity.id] = entity.access_hash
            self.seen.extend(seen for update in _single(arrived) for seen in read_update(update, at))
            self._news.set()


def _single(arrived: Any) -> Sequence[Any]:
    if isinstance(arrived, (types.Updates, types.UpdatesCombined)):
        return list(arrived.updates)
    return [arrived.update] if isinstance(arrived, types.UpdateShort) else [arrived]


_NEW = (types.UpdateNewMessage, types.UpdateNewChannelMessage)
_EDITED = (types.UpdateEditMessage, types.UpdateEditChannelMessage)


def read_update(update: Any, at: float) -> Iterator[Seen]:
    match update:
        case types.UpdateShortMessage():
            where = {"chat": update.user_id, "id": update.id, "text": update.message, "pts": update.pts}
            yield Seen("new", at=at, outgoing=bool(update.out), **where)
        case types.UpdateDeleteMessages():
            yield from (Seen("deleted", None, number, at, pts=update.pts) for number in update.messages)
        case types.UpdateDeleteChannelMessages():
            chat = CHANNELS - update.channel_id
            yield from (Seen("deleted", chat, number, at, pts=update.pts) for number in update.messages)
        case types.UpdateBotCallbackQuery():
            yield Seen("callback", get_peer_id(update.peer), update.msg_id, at, text=(update.data or b"").decode())
        case _ if isinstance(update, _NEW + _EDITED) and not isinstance(update.message, types.MessageEmpty):
            yield _read_message(update, at)


def _read_message(update: Any, at: float) -> Seen:
    message = update.message
    return Seen(
        "new" if isinstance(update, _NEW) else "edited",
        get_peer_id(message.peer_id),
        message.id,
        at,
        outgoing=bool(message.out),
        text=getattr(message, "message", ""),
        album=getattr(message, "grouped_id", None),
        pts=update.pts,
    )
