"""A Telegram in memory that remembers who wrote what, and notes what nobody may ask of it."""

import contextlib
import itertools
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from time import monotonic

from sessions.errors import Flaky, FloodWait, Gone, SessionError
from sessions.events import Batch, Cursor, Event, Incoming, Message, Person
from sessions.port import Copy, IdempotencyKey, Outgoing, Text
from tenants.dialogs import strip_square
from tenants.ids import ChatId, TopicId, UserId
from tenants.outbox import utf16
from tests.fakes import GROUP, FakeSession

LONGEST_TEXT = 4096
MOST_COPIED = 10
IN_DOUBT = 8.0
"""Seconds, with a margin: a creation that nobody knows of for so long may be repeated."""
FIRST_BACKOFF = 0.5
PAUSE_OF_GROUP = 55.0
"""Seconds, with a margin, after the group refused the bot."""
_MARK = re.compile(r"#(\d+);")


@dataclass
class Time:
    """Real seconds and those that a test skips, and the number of the turn that runs."""

    skipped: float = 0.0
    turn: int = 0

    def now(self) -> float:
        return monotonic() + self.skipped


CALLER: ContextVar[tuple[int, int]] = ContextVar("caller", default=(0, 0))
"""The worker and the turn that a call comes from."""


@dataclass(frozen=True)
class Done:
    """A message that Telegram accepted."""

    outgoing: Outgoing
    ids: tuple[int, ...]


@dataclass
class Creation:
    name: str
    asked_at: float
    topic: TopicId | None = None
    update: int | None = None
    may_be_repeated: bool = False


@dataclass(frozen=True)
class Reply:
    """To a message that is `exact` on the other side, or to wherever `origin` arrived. `must`: or to nothing."""

    origin: int | None = None
    exact: int | None = None
    must: bool = True


@dataclass(frozen=True)
class Ban:
    """Nothing more may come there until then, from the worker that was told so."""

    place: object
    until: float
    worker: int
    turn: int


def words(number: int, filler: str) -> str:
    return f"#{number};{filler}"


@dataclass
class Telegram(FakeSession):
    """One bot's. What it was told once it has forgotten: updates that were acknowledged do not come again."""

    number: int = 0
    time: Time = field(default_factory=Time)
    batch: int = 100
    poison: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.bot = Person(UserId(5000), "Shop", "shop_bot", is_bot=True)
        self._message_ids = itertools.count(self.number * 1_000_000 + 1)
        self._group_ids = itertools.count(self.number * 1_000_000 + 500_001)
        self.customers: dict[int, str] = {}
        self.written: dict[tuple[int, int], Message] = {}
        self.replies: dict[int, Reply] = {}
        self.fed: list[Incoming] = []
        self.done: list[Done] = []
        self.creations: list[Creation] = []
        self.deleted_topics: set[int] = set()
        self.taken_back: set[int] = set()
        self.mute_creations = 0
        self.rejections = 0
        self.wrongs: list[str] = []
        self._bans: list[Ban] = []
        self._under_way: list[tuple[int, object]] = []

    async def write(self, message: Message, filler: str = "") -> Message:
        marked = replace(message, text=words(message.id, filler))
        if marked.joinable:
            marked = replace(marked, entities=(("bold", 0, 2, ""),))
        self.written[marked.chat.id, marked.id] = marked
        await self.feed(marked)
        return marked

    def no_more_faults(self) -> None:
        self.faults.clear()
        self.carried_out_but_lost.clear()
        self.left_out = self.mute_creations = 0

    async def feed(self, *events: Event, kind: str = "message") -> list[Incoming]:
        fed = await super().feed(*events, kind=kind)
        self.fed.extend(fed)
        return fed

    async def receive(self, cursor: Cursor | None) -> Batch:
        self.inbox = [update for update in self.inbox if update.id > int(cursor or 0)]
        batch = await super().receive(cursor)
        updates = batch.updates[: self.batch]
        return Batch(updates, updates[-1].cursor)

    async def create_topic(self, group: ChatId, name: str, key: IdempotencyKey, color: int | None = None) -> TopicId:
        creation = Creation(strip_square(name), self.time.now())
        try:
            return await super().create_topic(group, name, key)
        finally:
            await self._tell_of(creation, name)

    async def _tell_of(self, creation: Creation, name: str) -> None:
        """Bots see their own service messages."""
        known = {made.topic for made in self.creations}
        creation.topic = next((topic for topic in self.topics if topic not in known), None)
        if creation.topic is None:
            return
        self.creations.append(creation)
        if self.time.now() - creation.asked_at > IN_DOUBT:
            creation.may_be_repeated = True
        if self.mute_creations:
            self.mute_creations -= 1
            return
        (update,) = await self.feed(self.topic_event("created", creation.topic, actor=self.bot, name=name))
        creation.update = update.id

    def doubt(self, known_updates: set[int], known_topics: set[int]) -> None:
        """What nobody has heard of for too long may be made again."""
        for creation in self.creations:
            heard = creation.update in known_updates or creation.topic in known_topics
            if not heard and self.time.now() - creation.asked_at > IN_DOUBT:
                creation.may_be_repeated = True

    async def _carry_out(self, method: str, outgoing: object, ids: tuple[int, ...] = ()) -> None:
        place = None
        if isinstance(outgoing, (Copy, Text)):
            place = outgoing.topic if outgoing.to == GROUP else -outgoing.to
            self._look_at(outgoing, place)
            if outgoing.to == GROUP and outgoing.topic in self.deleted_topics:
                raise Gone("topic", "topic_deleted", "The topic was deleted.")
        elif method == "rename_topic" and outgoing[1] in self.deleted_topics:  # type: ignore[index]
            raise Gone("topic", "topic_deleted", "The topic was deleted.")
        try:
            with self._alone_in(place):
                await super()._carry_out(method, outgoing, ids)
        except SessionError as error:
            self._ban(place, error)
            self.rejections += 1
            raise
        if isinstance(outgoing, (Copy, Text)):
            self.done.append(Done(outgoing, ids))
        elif method == "delete":
            self.taken_back.update(outgoing[1])  # type: ignore[index]

    @contextlib.contextmanager
    def _alone_in(self, place: object) -> Iterator[None]:
        """A worker sends one after the other into a lane."""
        here = CALLER.get()[0], place
        if place is not None and here in self._under_way:
            self.wrongs.append(f"two at once into {place}")
        self._under_way.append(here)
        try:
            yield
        finally:
            self._under_way.remove(here)

    def _ban(self, place: object, error: SessionError) -> None:
        if place is None:
            return
        of_group = isinstance(place, int) and place > 0
        worker, _ = CALLER.get()
        if isinstance(error, FloodWait):
            where = "group" if of_group else place
            self._bans.append(Ban(where, self.time.now() + error.seconds, worker, self.time.turn))
        elif isinstance(error, Gone) and error.what == "group" and of_group:
            self._bans.append(Ban("group", self.time.now() + PAUSE_OF_GROUP, worker, self.time.turn))
        elif isinstance(error, Flaky):
            self._bans.append(Ban(place, self.time.now() + FIRST_BACKOFF, worker, self.time.turn))

    def _look_at(self, outgoing: Outgoing, place: object) -> None:
        worker, turn = CALLER.get()
        places = {place, "group" if outgoing.to == GROUP else None}
        for ban in self._bans:
            if ban.place in places and ban.worker == worker and ban.turn < turn and self.time.now() < ban.until:
                self.wrongs.append(f"too early: {outgoing}")
        if outgoing.to == GROUP and outgoing.topic not in {None, *self.topics}:
            self.wrongs.append(f"an unknown topic: {outgoing}")
        self.wrongs.extend(self._wrong_copy(outgoing) if isinstance(outgoing, Copy) else self._wrong_text(outgoing))

    def _wrong_copy(self, copy: Copy) -> Iterator[str]:
        messages = [self.written.get((copy.source, number)) for number in copy.ids]
        if None in messages:
            yield f"never written: {copy}"
            return
        if len(copy.ids) > MOST_COPIED or list(copy.ids) != sorted(set(copy.ids)):
            yield f"too many, or out of order: {copy}"
        albums = {message.album for message in messages if message}
        if len(albums) > 1:
            yield f"two albums: {copy}"
        if len(copy.ids) > 1 and albums == {None} and any(m.joinable or m.reply_to for m in messages if m):
            yield f"not to be copied together: {copy}"
        if (copy.source == GROUP) == (copy.to == GROUP):
            yield f"out of place: {copy}"

    def _wrong_text(self, said: Text) -> Iterator[str]:
        if utf16(said.text) > LONGEST_TEXT:
            yield f"too long: {utf16(said.text)} {said.text[:40]}"
        if not said.text.startswith("#"):
            return
        parts = self.parts_of(said)
        if said.text != "\n".join(part.text for part in parts) or not all(part.joinable for part in parts):
            yield f"badly joined: {said}"
        starts = [at for at, _ in offsets(parts)]
        if said.entities != tuple(("bold", at, 2, "") for at in starts):
            yield f"formatting moved: {said}"

    def parts_of(self, said: Text) -> list[Message]:
        """The customers' messages of which a text consists."""
        numbers = {int(mark) for mark in _MARK.findall(said.text)}
        order = [int(mark) for mark in _MARK.findall(said.text)]
        by_number = {number: message for (_, number), message in self.written.items() if number in numbers}
        return [by_number[number] for number in order]

    def contents(self, done: Done) -> list[tuple[Message, int]]:
        """What people wrote that is in it, and as which message."""
        outgoing = done.outgoing
        if isinstance(outgoing, Copy):
            pairs = zip(outgoing.ids, done.ids, strict=False)
            return [
                (self.written[outgoing.source, source], copy) for source, copy in pairs if copy not in self.taken_back
            ]
        return [(part, done.ids[0]) for part in self.parts_of(outgoing)]

    def arrivals(self) -> dict[int, list[tuple[Done, int]]]:
        """Of each message that someone wrote: where it turned up, and as which one."""
        found: dict[int, list[tuple[Done, int]]] = defaultdict(list)
        for done in self.done:
            for message, copy in self.contents(done):
                found[message.id].append((done, copy))
        return found

    def lost_topics(self) -> set[int]:
        """That no dialog has to know: deleted, or made again."""
        repeated = {creation.name for creation in self.creations if creation.may_be_repeated}
        return self.deleted_topics | {c.topic for c in self.creations if c.topic and c.name in repeated}

    def topics_of(self, customer: int) -> list[int]:
        """In which something of the customer's turned up, oldest first."""
        return list(
            dict.fromkeys(
                done.outgoing.topic
                for done in self.done
                if done.outgoing.to == GROUP
                for message, _ in self.contents(done)
                if message.chat.id == customer and done.outgoing.topic is not None
            )
        )


def offsets(parts: Sequence[Message]) -> list[tuple[int, Message]]:
    at, found = 0, []
    for part in parts:
        found.append((at, part))
        at += utf16(part.text) + 1
    return found


def at_offset(text: str, at: int) -> str:
    return text.encode("utf-16-le")[2 * at :].decode("utf-16-le")
