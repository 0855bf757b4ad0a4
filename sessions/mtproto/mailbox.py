"""What comes in, complete and in order: gaps are asked for before anything newer is handed out.

Telethon's MessageBox keeps the books (core.telegram.org/api/updates); here it is driven, and a difference that is
too long for Telegram is healed by reading the messages' ids one after the other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from telethon._updates import ChannelState, EntityCache, GapError, MessageBox, PrematureEndReason, SessionState
from telethon._updates.messagebox import ENTRY_ACCOUNT, PtsInfo
from telethon._updates.session import Entity, EntityType
from telethon.tl import TLRequest, types
from telethon.tl.functions.channels import GetMessagesRequest as GetChannelMessages
from telethon.tl.functions.messages import GetMessagesRequest
from telethon.tl.functions.updates import GetStateRequest
from telethon.tl.types.updates import ChannelDifferenceTooLong, DifferenceTooLong

from sessions.errors import Flaky, Gone, Rejected
from sessions.events import Cursor
from sessions.mtproto.wire import SILENCE

PRIVATE = 0
"""The box of all private chats and small groups of a bot: one sequence of message ids. Others are channels' ids."""
READ_AT_ONCE = 100
BEGIN_SECONDS = 20.0
"""For which whoever needs the books waits for them to be opened."""
MOST_EMPTY_PAGES = 3
"""So many pages without a message end a box whose newest id nobody told; shorter holes are deleted messages."""
CHANNELS_AT_ONCE = 3
"""Channels that one probe asks, in turns: the state that Telegram tells does not cover them."""
MOST_ENTITIES = 500
"""Access hashes that a session keeps in memory; the others are in the database."""

_WITHOUT_PEOPLE = (types.UpdateShortMessage, types.UpdateShortChatMessage)
"""Who wrote is not said: the difference does (core.telegram.org/api/updates)."""

Call = Callable[[TLRequest], Awaitable[Any]]


@dataclass(slots=True)
class State:
    """Where the updates stand. `tops` are the newest message ids that were handed out, by box."""

    pts: int = 0
    qts: int = 0
    date: int = 0
    seq: int = 0
    channels: dict[int, int] = field(default_factory=dict)
    tops: dict[int, int] = field(default_factory=dict)

    def dump(self) -> Cursor:
        channels = [[number, pts] for number, pts in self.channels.items()]
        tops = [[number, top] for number, top in self.tops.items()]
        return Cursor(orjson.dumps([self.pts, self.qts, self.date, self.seq, channels, tops]).decode())

    @classmethod
    def load(cls, cursor: Cursor) -> "State":
        pts, qts, date, seq, channels, tops = orjson.loads(cursor)
        return cls(pts, qts, date, seq, dict(channels), dict(tops))


@dataclass(slots=True)
class Mail:
    """Updates in order. `people` and `chats` by their ids: what Telegram sent along."""

    updates: list[Any] = field(default_factory=list, repr=False)
    people: dict[int, Any] = field(default_factory=dict, repr=False)
    chats: dict[int, Any] = field(default_factory=dict, repr=False)

    def add(self, updates: Iterable[Any], users: Iterable[Any], chats: Iterable[Any]) -> None:
        self.updates.extend(updates)
        self.people.update((user.id, user) for user in users)
        self.chats.update((chat.id, chat) for chat in chats)


class _Box(MessageBox):  # type: ignore[misc]  # Telethon has no types
    """Without its trace, which is put together even where nobody reads it."""

    __slots__ = ()

    def _trace(self, *_: object) -> None: ...


class Mailbox:
    def __init__(self) -> None:
        self.hashes = EntityCache(self_bot=True)
        self.tops: dict[int, int] = {}
        self._box = _Box(SILENCE)
        self._healing: dict[int, int] = {}
        """Boxes of which messages may be missing, and the id after which."""
        self._ends: dict[int, int] = {}
        """And the newest id, where Telegram told it."""
        self._probed: dict[int, None] = {}
        """Channels, the one that was asked longest ago first."""
        self._mail = Mail()
        self._begun = asyncio.Event()

    async def until_begun(self) -> None:
        """Until it is known where the boxes stand. Raises `Flaky` where nobody receives."""
        try:
            async with asyncio.timeout(BEGIN_SECONDS):
                await self._begun.wait()
        except TimeoutError:
            words = "The session has not begun to receive yet."
            raise Flaky("not_begun", words, ambiguous=False) from None

    @property
    def is_empty(self) -> bool:
        return bool(self._box.is_empty())

    def note_hash(self, number: int, access_hash: int, *, is_channel: bool) -> None:
        kind = EntityType.CHANNEL if is_channel else EntityType.USER
        self.hashes.put(Entity(kind, number, access_hash))

    def load(self, state: State) -> None:
        """Goes on where the state says; what happened since is a gap."""
        session = SessionState(0, 0, True, state.pts, state.qts, state.date, state.seq, None)
        self._box.load(session, [ChannelState(number, pts) for number, pts in state.channels.items()])
        self.tops = dict(state.tops)
        self._begun.set()

    def save(self) -> State:
        account, channels = self._box.session_state()
        date = int(account["date"].timestamp())
        return State(account["pts"], account["qts"], date, account["seq"], channels, dict(self.tops))

    async def begin(self, call: Call, tops: Mapping[int, int], channels: Mapping[int, int]) -> None:
        """From now on, of the channels since their pts; and what came after the messages `tops`, which somebody else
        has seen.
        """
        self._box.set_state(await call(GetStateRequest()))
        for channel, pts in channels.items():
            self._box.try_set_channel_state(channel, pts)
        self.tops = dict(tops)
        self._healing = dict(tops)
        self._begun.set()

    async def ask_pts(self, call: Call, channel: int) -> int | None:
        """Where a channel stands now. None where the bot may not read."""
        try:
            return int((await self.read(call, channel, [1])).pts)
        except (Gone, Rejected):
            return None

    def suspect(self) -> None:
        """Something may be missing: after a new connection, or when Telegram counts further than we do."""
        for entry in tuple(self._box.map):
            self._box.try_begin_get_diff(entry, "suspected")

    async def probe(self, call: Call, queue: "asyncio.Queue[Any]") -> None:
        """Asks where Telegram stands. Raises what a dead login raises; finds lost updates."""
        self._take_all(queue, self._mail)
        now = await call(GetStateRequest())
        self._take_all(queue, self._mail)
        if now.pts > self.save().pts:
            self._box.try_begin_get_diff(ENTRY_ACCOUNT, "probed")
        channels = [entry for entry in self._box.map if isinstance(entry, int)]
        self._probed = {entry: None for entry in self._probed if entry in channels} | dict.fromkeys(
            entry for entry in channels if entry not in self._probed
        )
        for channel in tuple(self._probed)[:CHANNELS_AT_ONCE]:
            del self._probed[channel]
            self._probed[channel] = None
            self._box.try_begin_get_diff(channel, "probed")

    async def collect(self, call: Call, queue: "asyncio.Queue[Any]", seconds: float) -> Mail:
        """The next updates, or none after that time. Raises what `call` raises; nothing is lost then."""
        mail = self._mail
        until = asyncio.get_running_loop().time() + seconds
        while not mail.updates or self._box.getting_diff_for or self._healing:
            if await self._fill_gaps(call, mail):
                continue
            await self._heal(call, mail)
            if mail.updates or not await self._next(queue, mail, until):
                break
        self._mail = Mail()
        self._trim()
        return self._in_order(mail)

    async def _fill_gaps(self, call: Call, mail: Mail) -> bool:
        """Asks for one difference. Whether there was one to ask for."""
        request = self._box.get_difference()
        if request is not None:
            answer = await call(request)
            if isinstance(answer, DifferenceTooLong):
                self._healing.setdefault(PRIVATE, self.tops.get(PRIVATE, 0))
            mail.add(*self._box.apply_difference(answer, self.hashes))
            mail.updates += _passed_over(answer, lambda place: not isinstance(place, int))
            return True
        request = self._box.get_channel_difference(self.hashes)
        if request is None:
            return False
        channel = request.channel.channel_id
        try:
            answer = await call(request)
        except (Gone, Rejected) as error:
            if isinstance(error, Rejected):  # it may have to be counted anew: the next update says from where
                self._healing.setdefault(channel, self.tops.get(channel, 0))
            self._box.end_channel_difference(request, PrematureEndReason.BANNED, self.hashes)
            return True
        if isinstance(answer, ChannelDifferenceTooLong):
            self._healing.setdefault(channel, self.tops.get(channel, 0))
            self._ends[channel] = answer.dialog.top_message
        mail.add(*self._box.apply_channel_difference(request, answer, self.hashes))
        mail.updates += _passed_over(answer, lambda place: place == channel)
        return True

    async def _heal(self, call: Call, mail: Mail) -> None:
        for box, after in tuple(self._healing.items()):
            try:
                if after:
                    await self._read_after(call, box, mail)
            except (Gone, Rejected):
                pass  # nobody may read there any more
            del self._healing[box]
            self._ends.pop(box, None)

    async def _read_after(self, call: Call, box: int, mail: Mail) -> None:
        """Page by page: what breaks in between goes on where it was."""
        empty = 0
        while empty < MOST_EMPTY_PAGES:
            after = self._healing[box]
            end = self._ends.get(box)
            if end is not None and after >= end:
                return
            found = await self.read(call, box, range(after + 1, after + 1 + READ_AT_ONCE))
            messages = [message for message in found.messages if not isinstance(message, types.MessageEmpty)]
            empty = 0 if messages or end is not None else empty + 1
            mail.add([_as_new(message, box) for message in messages], found.users, found.chats)
            if box != PRIVATE:
                self._box.try_set_channel_state(box, found.pts)
            self._healing[box] = after + READ_AT_ONCE

    async def read(self, call: Call, box: int, ids: Iterable[int]) -> Any:
        """Messages by id: bots may not read a history, but they may read this (messages.getMessages)."""
        wanted = [types.InputMessageID(number) for number in ids]
        if box == PRIVATE:
            found = await call(GetMessagesRequest(wanted))
        else:
            entity = self.hashes.get(box)
            channel = types.InputChannel(box, entity.hash if entity else 0)
            found = await call(GetChannelMessages(channel, wanted))
        self.hashes.extend(found.users, found.chats)
        return found

    async def _next(self, queue: "asyncio.Queue[Any]", mail: Mail, until: float) -> bool:
        """Waits for what is pushed, or for the time of a gap to be up. Whether there is time left."""
        now = asyncio.get_running_loop().time
        left = min(until, self._box.check_deadlines()) - now()
        if queue.empty():
            try:
                async with asyncio.timeout(max(left, 0)):
                    self._take(await queue.get(), mail)
            except TimeoutError:
                return now() < until
        self._take_all(queue, mail)
        return now() < until

    def _take_all(self, queue: "asyncio.Queue[Any]", mail: Mail) -> None:
        while not queue.empty():
            self._take(queue.get_nowait(), mail)

    def _take(self, pushed: Any, mail: Mail) -> None:
        if pushed is None:
            raise Flaky("network", "The connection to Telegram broke.", ambiguous=False)
        if isinstance(pushed, _WITHOUT_PEOPLE):
            self._box.try_begin_get_diff(ENTRY_ACCOUNT, "told in short")
            return
        fresh: list[Any] = []
        try:
            users, chats = self._box.process_updates(pushed, self.hashes, fresh)
        except GapError:
            return
        self.hashes.extend(users, chats)
        mail.add(fresh, users, chats)

    def _trim(self) -> None:
        if len(self.hashes) > MOST_ENTITIES:
            self.hashes.retain(lambda number: number in self._box.map)

    def _in_order(self, mail: Mail) -> Mail:
        """A difference brings new messages apart from everything else; within a box their ids are the order. What
        was read by id may have been told as well.
        """
        mail.updates = _once(mail.updates)
        boxes: dict[int, list[int]] = {}
        for place, update in enumerate(mail.updates):
            if (box := _box_of(update)) is not None:
                boxes.setdefault(box, []).append(place)
        for box, places in boxes.items():
            ordered = sorted((mail.updates[place] for place in places), key=lambda update: update.message.id)
            for place, update in zip(places, ordered, strict=True):
                mail.updates[place] = update
            self.tops[box] = max(self.tops.get(box, 0), ordered[-1].message.id)
        return mail


def _passed_over(difference: Any, concerns: Callable[[object], bool]) -> list[Any]:
    """Edits, deletions and blocks of a difference: MessageBox takes them for known, as it counts them already."""
    counted = ((update, PtsInfo.from_update(update)) for update in getattr(difference, "other_updates", ()))
    return [update for update, info in counted if info is not None and concerns(info.entry)]


def _once(updates: list[Any]) -> list[Any]:
    """Of an empty list of updates MessageBox makes one update: the list's wrapping."""
    found: dict[object, Any] = {}
    for update in updates:
        if isinstance(update, types.Updates):
            continue
        box = _box_of(update)
        found.setdefault(id(update) if box is None else (box, update.message.id), update)
    return list(found.values())


def _as_new(message: Any, box: int) -> Any:
    kind = types.UpdateNewMessage if box == PRIVATE else types.UpdateNewChannelMessage
    return kind(message=message, pts=0, pts_count=0)


def _box_of(update: Any) -> int | None:
    """None for what is no new message."""
    if isinstance(update, types.UpdateNewMessage):
        return PRIVATE
    if isinstance(update, types.UpdateNewChannelMessage):
        return getattr(update.message.peer_id, "channel_id", None)
    return None


def epoch(moment: datetime | None) -> int:
    return 0 if moment is None else int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp())
