"""Three sessions with the same people around them: a customer, an operator, a group with topics."""

import contextlib
import itertools
import tempfile
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from sandbox.faults import Fault
from sandbox.mtproto.faults import Fault as MtprotoFault
from sandbox.server import Sandbox
from sessions.bot_api import BotApiSessions
from sessions.errors import Flaky, FloodWait, Gone, Rejected
from sessions.events import Batch, Chat, ChatKind, Cursor, Person, ReachChanged
from sessions.mtproto import AppIdentity, DataCentre, MtprotoSessions
from sessions.port import Copy, Edit, Session, SessionFactory, Text
from tenants.ids import ChatId, MessageId, TopicId, UserId
from tests.fakes import GROUP, FakeSession
from tests.safes import MemorySafe

RIGHTS = ["manage_topics", "delete_messages", "pin_messages"]
FLOOD = 37


class Rig(Protocol):
    session: Session
    group: ChatId
    customer: ChatId
    sends_once: bool
    """Whether a repeated sending is recognised."""

    async def begin(self) -> Cursor | None:
        """Receives what there is, and says from where to go on."""

    async def restart(self) -> None: ...
    async def receive_until_something(self, cursor: Cursor | None) -> Batch: ...
    async def customer_writes(self, words: str) -> MessageId: ...
    async def customer_sends_album(self, captions: Sequence[str]) -> list[MessageId]: ...
    async def operator_writes(self, words: str, topic: TopicId) -> None: ...
    async def operator_closes(self, topic: TopicId) -> None: ...
    async def customer_edits(self, message: MessageId, words: str) -> None: ...
    async def customer_reacts(self, message: MessageId, emoji: str | None) -> None: ...
    async def reaction_of_bot(self, message: MessageId) -> str | None:
        """In the customer's chat."""

    async def delete_topic(self, topic: TopicId) -> None: ...
    async def delete_source(self, message: MessageId) -> None: ...
    async def block(self) -> None: ...
    async def heard_by_customer(self) -> list[str]: ...
    async def in_topic(self, topic: TopicId) -> list[str]: ...
    async def replied_to(self, message: MessageId) -> MessageId | None: ...
    async def topic(self, topic: TopicId) -> tuple[str, bool]:
        """Its title, and whether it is open."""

    def break_next_text(self, how: str) -> None: ...
    def refuse_long_texts(self) -> None: ...
    def refuse_reactions(self) -> None: ...
    def lose(self, message: MessageId) -> None:
        """What the bot wrote in the group is not there any more."""


class InMemory:
    """The fake keeps no chats: what a copy shows is looked up in what was fed."""

    group, customer = GROUP, ChatId(77)
    sends_once = False

    def __init__(self) -> None:
        self.session: Any = FakeSession()
        self.session.people["77"] = Person(UserId(77), "Ann", None, is_bot=False)
        self._words: dict[int, str] = {}
        self._sources = itertools.count(1000)

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls) -> AsyncIterator["InMemory"]:
        yield cls()

    async def begin(self) -> Cursor | None:
        return None

    async def restart(self) -> None:
        """What it has received is not forgotten: nothing was acknowledged."""

    async def receive_until_something(self, cursor: Cursor | None) -> Batch:
        return await self.session.receive(cursor)

    async def customer_writes(self, words: str) -> MessageId:
        message = self.session.customer(words, id=MessageId(next(self._sources)))
        self._words[message.id] = words
        await self.session.feed(message)
        return message.id

    async def customer_sends_album(self, captions: Sequence[str]) -> list[MessageId]:
        return [await self.customer_writes(caption) for caption in captions]

    async def operator_writes(self, words: str, topic: TopicId) -> None:
        await self.session.feed(self.session.operator(words, topic))

    async def operator_closes(self, topic: TopicId) -> None:
        await self.session.feed(self.session.topic_event("closed", topic))

    async def customer_edits(self, message: MessageId, words: str) -> None:
        wrote = self.session.customer(self._words[message], id=message)
        await self.session.feed(self.session.edited(wrote, words), kind="edited_message")

    async def customer_reacts(self, message: MessageId, emoji: str | None) -> None:
        wrote = self.session.customer(self._words[message], id=message)
        await self.session.feed(self.session.reacted(wrote, emoji), kind="message_reaction")

    async def reaction_of_bot(self, message: MessageId) -> str | None:
        reactions = [call.outgoing for call in self.session.calls if call.method == "react"]
        return next((emoji for _, number, emoji in reversed(reactions) if number == message), None)

    async def delete_topic(self, topic: TopicId) -> None:
        self.session.faults["send"].append(Gone("topic", "topic_deleted", "The topic was deleted."))

    async def delete_source(self, message: MessageId) -> None:
        self.session.faults["send"].append(Gone("source", "source_deleted", "The message was deleted."))

    async def block(self) -> None:
        self.session.faults["send"].append(Gone("customer", "blocked", "The customer has blocked the bot."))
        person = Person(UserId(77), "Ann", None, is_bot=False)
        await self.session.feed(ReachChanged(Chat(self.customer, ChatKind.PRIVATE, "Ann"), person, reachable=False))

    async def heard_by_customer(self) -> list[str]:
        return [call.outgoing.text for call in self.session.sent(self.customer) if isinstance(call.outgoing, Text)]

    async def in_topic(self, topic: TopicId) -> list[str]:
        gone = {number for call in self.session.calls if call.method == "delete" for number in call.outgoing[1]}
        shown = []
        for call in self.session.sent(GROUP):
            if isinstance(call.outgoing, Edit):
                shown = [call.outgoing.text]
            elif call.outgoing.topic == topic and not gone.intersection(call.ids):
                shown += self._shown(call.outgoing)
        return shown

    def _shown(self, one: Any) -> list[str]:
        if not isinstance(one, Copy):
            return [one.text]
        captions = [caption.text for caption in one.captions]
        return captions or [self._words[number] for number in one.ids]

    async def replied_to(self, message: MessageId) -> MessageId | None:
        return next(call.outgoing.reply_to for call in self.session.sent(GROUP) if message in call.ids)

    async def topic(self, topic: TopicId) -> tuple[str, bool]:
        changes = [call.method for call in self.session.calls if call.method in {"close_topic", "reopen_topic"}]
        return self.session.topics[topic], not changes or changes[-1] == "reopen_topic"

    def break_next_text(self, how: str) -> None:
        if how == "lost_answer":
            self.session.carried_out_but_lost["send"] = 1
            return
        flood = FloodWait(FLOOD)
        trouble = Flaky("server_error", "Telegram has a problem of its own.", ambiguous=True)
        self.session.faults["send"].append(flood if how == "flood" else trouble)

    def refuse_long_texts(self) -> None:
        refusal = Rejected("too_long", "The text is longer than Telegram's 4096 characters.")
        self.session.faults["send"].append(refusal)

    def refuse_reactions(self) -> None:
        self.session.faults["react"].append(Rejected("reaction_refused", "Not this one."))

    def lose(self, message: MessageId) -> None:
        self.session.faults["send"].append(Rejected("message_gone", "The message was deleted."))


class _InSandbox:
    """The same World for both protocols."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.world = sandbox.world
        self.owner, self.ann = self.world.add_user("Olivia"), self.world.add_user("Ann")
        self.bot = self.world.add_bot("Shop", "shop_bot", owner=self.owner)
        self.chat = self.world.add_forum("Desk", self.owner)
        self.world.add_member(self.chat, self.bot, by=self.owner)
        self.world.promote(self.chat, self.bot, RIGHTS, by=self.owner)
        self.group, self.customer = ChatId(self.chat.id), ChatId(self.ann.id)
        self.sessions: SessionFactory
        self.session: Session

    async def begin(self) -> Cursor | None:
        """What happened before is over."""
        self.world.start(self.ann, self.bot)
        return (await self.receive_until_something(None)).cursor

    async def receive_until_something(self, cursor: Cursor | None) -> Batch:
        while True:
            batch = await self.session.receive(cursor)
            if batch.updates:
                return batch

    async def customer_writes(self, words: str) -> MessageId:
        return MessageId(self.world.send(self.ann, self.bot, words).id)

    async def customer_sends_album(self, captions: Sequence[str]) -> list[MessageId]:
        items = [{"photo": b"picture", "caption": caption} for caption in captions]
        return [MessageId(message.id) for message in self.world.send_album(self.ann, self.bot, items)]

    async def operator_writes(self, words: str, topic: TopicId) -> None:
        self.world.send(self.owner, self.chat, words, topic=topic)

    async def operator_closes(self, topic: TopicId) -> None:
        self.world.close_topic(self.owner, self.chat, topic)

    async def customer_edits(self, message: MessageId, words: str) -> None:
        self.world.edit(self.ann, self._private(message), words)

    async def customer_reacts(self, message: MessageId, emoji: str | None) -> None:
        self.world.react(self.ann, self._private(message), emoji)

    async def reaction_of_bot(self, message: MessageId) -> str | None:
        found = self._private(message)
        return next(iter(found.chat.reactions.get(found.id, {}).get(self.bot.id, ())), None)

    def _private(self, message: MessageId) -> Any:
        return self.world.message(self.world.private(self.ann, self.bot), message)

    async def delete_topic(self, topic: TopicId) -> None:
        self.world.delete_topic(self.owner, self.chat, topic)

    async def delete_source(self, message: MessageId) -> None:
        private = self.world.private(self.ann, self.bot)
        self.world.delete(self.ann, self.world.message(private, message))

    async def block(self) -> None:
        self.world.block(self.ann, self.bot)

    async def heard_by_customer(self) -> list[str]:
        history = self.world.history(self.world.private(self.ann, self.bot))
        return [message.text for message in history if message.sender is self.bot]

    async def in_topic(self, topic: TopicId) -> list[str]:
        history = self.world.history(self.chat, topic)
        return [message.text for message in history if message.sender is self.bot and not message.content.is_service]

    async def replied_to(self, message: MessageId) -> MessageId | None:
        return self.world.message(self.chat, message).reply_to

    async def topic(self, topic: TopicId) -> tuple[str, bool]:
        found = self.chat.topics[topic]
        return found.name, not found.closed

    def refuse_long_texts(self) -> None:
        """Telegram does."""

    def refuse_reactions(self) -> None:
        """Telegram does."""

    def lose(self, message: MessageId) -> None:
        self.world.delete(self.owner, self.world.message(self.chat, message))


class OverBotApi(_InSandbox):
    sends_once = False

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls) -> AsyncIterator["OverBotApi"]:
        async with Sandbox(latency=timedelta(milliseconds=5), flood_control=False) as sandbox:
            rig = cls(sandbox)
            rig.sessions = BotApiSessions(sandbox.url, poll_seconds=1)
            rig.session = rig.sessions.open(rig.bot.token)
            yield rig
            await rig.sessions.close()

    async def restart(self) -> None:
        self.session = self.sessions.open(self.bot.token)

    def break_next_text(self, how: str) -> None:
        flood = {"code": 429, "description": "Too Many Requests: retry after 37"}
        faults = {
            "flood": Fault(kind="error", method="sendMessage", parameters={"retry_after": FLOOD}, **flood),
            "server_error": Fault(kind="error", method="sendMessage", code=500),
            "lost_answer": Fault(kind="drop_answer", method="sendMessage"),
        }
        self.sandbox.faults.add(faults[how])


class OverMtproto(_InSandbox):
    sends_once = True
    safe: MemorySafe

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls) -> AsyncIterator["OverMtproto"]:
        async with mtproto_sandbox() as (sandbox, sessions):
            rig = cls(sandbox)
            rig.sessions, rig.safe = sessions, MemorySafe()
            rig.session = rig.sessions.open(rig.bot.token, None, rig.safe)
            yield rig
            await rig.session.close()

    async def begin(self) -> Cursor | None:
        """What happened before the first login is not asked for."""
        cursor = (await self.receive_until_something(None)).cursor
        self.world.start(self.ann, self.bot)
        return (await self.receive_until_something(cursor)).cursor

    async def restart(self) -> None:
        await self.session.close()
        self.session = self.sessions.open(self.bot.token, None, self.safe)

    def break_next_text(self, how: str) -> None:
        faults = {
            "flood": MtprotoFault(
                kind="error", method="messages.sendMessage", code=420, message=f"FLOOD_WAIT_{FLOOD}"
            ),
            "server_error": MtprotoFault(kind="error", method="messages.sendMessage", message="RPC_CALL_FAIL"),
            "lost_answer": MtprotoFault(kind="drop_answer", method="messages.sendMessage"),
        }
        assert self.sandbox.mtproto is not None
        self.sandbox.mtproto.faults.add(faults[how])


@contextlib.asynccontextmanager
async def mtproto_sandbox(latency: float = 0.005) -> AsyncIterator[tuple[Sandbox, MtprotoSessions]]:
    async with Sandbox(latency=timedelta(seconds=latency), flood_control=False, mtproto_port=0) as sandbox:
        yield sandbox, parallel_sessions(sandbox)


def parallel_sessions(sandbox: Sandbox, app: AppIdentity | None = None, **more: Any) -> MtprotoSessions:
    assert sandbox.mtproto is not None
    about = sandbox.mtproto.about()
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as key:
        key.write(about["public_key"])
        key.flush()
        centre = DataCentre.private(f"{about['host']}:{about['port']}", Path(key.name))
    return MtprotoSessions(app or AppIdentity(about["api_id"], about["api_hash"]), centre, **more)


RIGS = [InMemory, OverBotApi, OverMtproto]
