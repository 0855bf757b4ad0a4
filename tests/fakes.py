"""A session in memory: what the port promises, with faults on request."""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from time import time

from sessions.digests import digest_of
from sessions.errors import Flaky, Rejected, Revoked, SessionError
from sessions.events import (
    Batch,
    Buttons,
    Chat,
    ChatKind,
    Cursor,
    Edited,
    Event,
    Incoming,
    Message,
    Person,
    Pressed,
    Reacted,
    TopicEvent,
)
from sessions.kept import is_dumped, load_event
from sessions.port import (
    BotIdentity,
    Copy,
    Edit,
    GroupState,
    IdempotencyKey,
    Membership,
    Mirror,
    Outgoing,
    Text,
    Webhook,
)
from tenants.ids import ChatId, MessageId, TopicId, UpdateId, UserId

GROUP = ChatId(-1001234567890)
BOT = Person(UserId(5000), "Shop", "shop_bot", is_bot=True)


@dataclass
class Call:
    method: str
    outgoing: Outgoing | tuple[object, ...]
    ids: tuple[int, ...] = ()


@dataclass
class FakeSession:
    """Updates are fed in, calls are kept. `faults[method]` holds errors for the next calls of that method."""

    calls: list[Call] = field(default_factory=list)
    faults: dict[str, list[SessionError]] = field(default_factory=lambda: defaultdict(list))
    topics: dict[TopicId, str] = field(default_factory=dict)
    inbox: list[Incoming] = field(default_factory=list)
    carried_out_but_lost: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """So many of the next calls of a method are carried out, and their answers get lost."""
    left_out: int = 0
    """So many messages of the next album can't be copied."""
    hold: asyncio.Event | None = None
    """While it is set to an event that is not, calls hang."""

    people: dict[str, Person] = field(default_factory=dict)
    """Whom it can find, by what is asked: `@ann`, `77`."""
    members: dict[int, Membership] = field(default_factory=dict)
    """What people may do in the group; everybody else manages topics there."""
    is_parallel: bool = False
    """It sees what other programs send, and finds what it sent itself where it is in doubt."""
    hashes: dict[int, int] = field(default_factory=dict)
    """Come along with the next updates."""
    closed: bool = False

    def __post_init__(self) -> None:
        self._accepted: dict[IdempotencyKey, list[MessageId]] = {}
        self._update_ids = itertools.count(1000)
        self._message_ids = itertools.count(1)
        self._group_ids = itertools.count(100)
        self._changed = asyncio.Condition()

    async def feed(self, *events: Event, kind: str = "message") -> list[Incoming]:
        numbered = [(UpdateId(next(self._update_ids)), event) for event in events]
        fed = [Incoming(number, kind, event, Cursor(str(number)), str(number).encode()) for number, event in numbered]
        async with self._changed:
            self.inbox.extend(fed)
            self._changed.notify_all()
        return fed

    def customer(self, text: str, *, user: int = 77, name: str = "Ann", **more: object) -> Message:
        values: dict[str, object] = {
            "chat": Chat(ChatId(user), ChatKind.PRIVATE, name),
            "id": MessageId(next(self._message_ids)),
            "sender": Person(UserId(user), name, None, is_bot=False),
            "anonymous": False,
            "content": "text",
            "text": text,
            "topic_id": None,
            "reply_to": None,
            "album": None,
            "date": int(time()),
        }
        return with_digest(Message(**{**values, **more}))  # type: ignore[arg-type]

    def operator(self, text: str, topic: int | None, **more: object) -> Message:
        group = Chat(GROUP, ChatKind.SUPERGROUP, "Desk")
        sender = Person(UserId(9), "Olga", None, is_bot=False)
        values = {"chat": group, "id": MessageId(next(self._group_ids)), "sender": sender, "topic_id": topic}
        return self.customer(text, **{**values, **more})

    def program(self, text: str, *, user: int = 77, buttons: Buttons = (), **more: object) -> Message:
        """What another program sends to a customer as the bot."""
        values = {"sender": BOT, "outgoing": True, "buttons": buttons, **more}
        return self.customer(text, user=user, **values)

    def edited(self, message: Message, text: str, **more: object) -> Edited:
        return Edited(with_digest(replace(message, text=text, **more)))  # type: ignore[arg-type]

    def reacted(self, message: Message, emoji: str | None, before: tuple[str, ...] = ()) -> Reacted:
        """By whoever wrote it: a person has a reaction to anything."""
        return Reacted(message.chat, Person(UserId(9), "Olga", None, is_bot=False), message.id, emoji, before)

    def pressed(self, message: Message, label: str) -> Pressed:
        person = Person(UserId(message.chat.id), message.chat.title, None, is_bot=False)
        return Pressed(message.chat, person, message.id, label)

    def topic_event(
        self, what: str, topic: int, *, actor: Person | None = None, name: str | None = None
    ) -> TopicEvent:
        group = Chat(GROUP, ChatKind.SUPERGROUP, "Desk")
        person = actor or Person(UserId(9), "Olga", None, is_bot=False)
        return TopicEvent(group, TopicId(topic), what, person, name)  # type: ignore[arg-type]

    async def until(self, met: object, seconds: float = 25.0) -> None:
        """Waits until `met()` is true; it is asked again after each call."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(met)  # type: ignore[arg-type]

    def sent(self, to: int | None = None) -> list[Call]:
        sends = [call for call in self.calls if call.method == "send"]
        return [call for call in sends if to is None or call.outgoing.to == to]  # type: ignore[union-attr]

    async def _carry_out(self, method: str, outgoing: object, ids: tuple[int, ...] = ()) -> None:
        if self.hold is not None:
            await self.hold.wait()
        async with self._changed:
            if self.faults[method]:
                self.calls.append(Call(f"{method}!", outgoing))  # type: ignore[arg-type]
                self._changed.notify_all()
                raise self.faults[method].pop(0)
            self.calls.append(Call(method, outgoing, ids))  # type: ignore[arg-type]
            self._changed.notify_all()

    def _answer(self, method: str) -> None:
        if self.carried_out_but_lost[method]:
            self.carried_out_but_lost[method] -= 1
            raise Flaky("timeout", "Telegram did not answer.", ambiguous=True)

    async def receive(self, cursor: Cursor | None) -> Batch:
        after = UpdateId(int(cursor)) if cursor else UpdateId(0)
        async with self._changed:
            await self._changed.wait_for(lambda: any(update.id > after for update in self.inbox))
            fresh = tuple(update for update in self.inbox if update.id > after)
        hashes, self.hashes = self.hashes, {}
        return Batch(fresh, Cursor(str(fresh[-1].id)), hashes)

    async def close(self) -> None:
        self.closed = True

    async def find_person(self, who: str) -> Person:
        await self._carry_out("find_person", (who,))
        if who not in self.people:
            raise Rejected("unknown_person", "Telegram knows nobody of that name.")
        return self.people[who]

    def read(self, raw: bytes) -> Incoming:
        if is_dumped(raw):
            return load_event(raw)
        return next(update for update in self.inbox if update.raw == raw)

    async def send(self, outgoing: Outgoing) -> Sequence[MessageId]:
        if isinstance(outgoing, Edit):
            await self._carry_out("send", outgoing, (outgoing.message,))
            self._answer("send")
            return [outgoing.message]
        if self.is_parallel and outgoing.doubt is not None and outgoing.key in self._accepted:
            return self._accepted[outgoing.key]
        size = len(outgoing.ids) if isinstance(outgoing, (Copy, Mirror)) else 1
        if size > 1:
            size, self.left_out = size - self.left_out, 0
        numbers = self._group_ids if outgoing.to == GROUP else self._message_ids
        ids = tuple(next(numbers) for _ in range(size))
        await self._carry_out("send", outgoing, ids)
        self._accepted[outgoing.key] = [MessageId(number) for number in ids]
        self._answer("send")
        return [MessageId(number) for number in ids]

    async def delete(self, chat: ChatId, messages: Sequence[MessageId]) -> None:
        await self._carry_out("delete", (chat, tuple(messages)))
        self._answer("delete")

    async def react(self, chat: ChatId, message: MessageId, emoji: str | None) -> None:
        await self._carry_out("react", (chat, message, emoji))
        self._answer("react")

    async def create_topic(self, group: ChatId, name: str, key: IdempotencyKey, color: int | None = None) -> TopicId:
        await self._carry_out("create_topic", (group, name))
        topic = TopicId(next(self._group_ids))
        self.topics[topic] = name
        self._answer("create_topic")
        return topic

    async def rename_topic(self, group: ChatId, topic: TopicId, name: str) -> None:
        await self._carry_out("rename_topic", (group, topic, name))
        self.topics[topic] = name
        self._answer("rename_topic")

    async def close_topic(self, group: ChatId, topic: TopicId) -> None:
        await self._carry_out("close_topic", (group, topic))

    async def reopen_topic(self, group: ChatId, topic: TopicId) -> None:
        await self._carry_out("reopen_topic", (group, topic))

    async def identify(self) -> BotIdentity:
        return BotIdentity(BOT.id, BOT.name, BOT.username or "", can_join_groups=True)

    async def find_webhook(self) -> Webhook | None:
        return None

    async def group(self, chat: ChatId) -> GroupState:
        return GroupState("Desk", ChatKind.SUPERGROUP, is_forum=True, username=None)

    async def membership(self, chat: ChatId, user: UserId) -> Membership:
        await self._carry_out("membership", (chat, user))
        return self.members.get(user, Membership("administrator", frozenset({"can_manage_topics"})))

    async def publish_commands(self, commands: Sequence[tuple[str, str]]) -> None:
        await self._carry_out("publish_commands", tuple(commands))


def with_digest(message: Message) -> Message:
    shown = digest_of(
        text=message.text,
        content=message.content,
        entities=message.entities,
        buttons=message.buttons,
        media=message.look,
    )
    return replace(message, digest=shown)


def texts(calls: list[Call]) -> list[str]:
    return [call.outgoing.text for call in calls if isinstance(call.outgoing, Text)]


@dataclass
class FakeSessions:
    """Every token is accepted that is not `revoked`: its bot is named after the number before the colon."""

    revoked: set[str] = field(default_factory=set)
    closed: bool = False

    def open(self, token: str, guard: object = None, safe: object = None) -> FakeSession:
        return _SessionOfToken(token=token, is_revoked=token in self.revoked)

    async def close(self) -> None:
        self.closed = True


@dataclass
class _SessionOfToken(FakeSession):
    token: str = ""
    is_revoked: bool = False

    async def identify(self) -> BotIdentity:
        if self.is_revoked:
            raise Revoked
        number = int(self.token.partition(":")[0])
        return BotIdentity(UserId(number), f"Shop {number}", f"shop{number}_bot", can_join_groups=True)
