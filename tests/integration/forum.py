"""One group with topics that two bots share, in memory: what people see there, and what bots may not ask."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sessions.errors import Gone, Rejected
from sessions.events import Event, Message, Person
from sessions.port import Copy, Edit, IdempotencyKey, Membership, Text
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.ids import ChatId, TopicId, UserId
from tests.factories import make_running, make_tenant
from tests.fakes import GROUP, with_digest
from tests.integration.model import Telegram, Time
from tests.integration.under_fire import Shop

FIRST_IN_GROUP = 50_000_000
BOSS, TRAINEE = 9, 8
"""Operators: the one may do everything, the other may ban nobody."""


@dataclass
class Topic:
    id: TopicId
    maker: int
    name: str
    is_open: bool = True
    is_deleted: bool = False


@dataclass
class Forum:
    """What all see alike. `ids` number its messages, whoever writes."""

    clients: list["Client"] = field(default_factory=list)
    topics: dict[int, Topic] = field(default_factory=dict)
    ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(FIRST_IN_GROUP))

    def alive(self) -> list[Topic]:
        return [topic for topic in self.topics.values() if not topic.is_deleted]

    def delete(self, topic: Topic) -> None:
        topic.is_deleted = True
        self.clients[topic.maker].deleted_topics.add(topic.id)


@dataclass
class Client(Telegram):
    """One bot's session. `now` is what each message says at the moment, by chat and id; `shown` the same of the bot's
    own. Updates of a round come together, in `round`.
    """

    forum: Forum = field(default_factory=Forum)
    now: dict[tuple[int, int], str] = field(default_factory=dict)
    shown: dict[tuple[int, int], str] = field(default_factory=dict)
    topic_of: dict[int, int] = field(default_factory=dict)
    blocked: set[int] = field(default_factory=set)
    mine: dict[tuple[int, int], str | None] = field(default_factory=dict)
    """The bot's own reactions."""
    round: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._group_ids = self.forum.ids
        self.members = {
            BOSS: Membership("creator", frozenset()),
            TRAINEE: Membership("member", frozenset()),
        }

    def note(self, message: Message) -> Message:
        """Somebody wrote it: in this round, its bot is told."""
        whole = with_digest(message)
        self.written[whole.chat.id, whole.id] = whole
        self.now[whole.chat.id, whole.id] = whole.text
        self.round.append(whole)
        return whole

    async def end_round(self) -> None:
        events, self.round = self.round, []
        if events:
            await self.feed(*events)

    async def create_topic(self, group: ChatId, name: str, key: IdempotencyKey, color: int | None = None) -> TopicId:
        topic = await super().create_topic(group, name, key, color)
        self.forum.topics[topic] = Topic(topic, self.number, name)
        for other in self.forum.clients:
            if other is not self:
                await other.feed(self.topic_event("created", topic, actor=self.bot, name=name))
        return topic

    async def rename_topic(self, group: ChatId, topic: TopicId, name: str) -> None:
        await super().rename_topic(group, topic, name)
        self.forum.topics[topic].name = name

    async def close_topic(self, group: ChatId, topic: TopicId) -> None:
        await super().close_topic(group, topic)
        self._turn(topic, is_open=False)

    async def reopen_topic(self, group: ChatId, topic: TopicId) -> None:
        await super().reopen_topic(group, topic)
        self._turn(topic, is_open=True)

    def _turn(self, topic: TopicId, *, is_open: bool) -> None:
        if self.forum.topics[topic].is_open is is_open:
            self.wrongs.append(f"topic {topic} was so before")
        self.forum.topics[topic].is_open = is_open

    async def _carry_out(self, method: str, outgoing: object, ids: tuple[int, ...] = ()) -> None:
        self._refuse(method, outgoing)
        await super()._carry_out(method, outgoing, ids)
        if isinstance(outgoing, Copy):
            for source, copy in zip(outgoing.ids, ids, strict=True):
                self._show(outgoing, copy, self.now[outgoing.source, source])
        elif isinstance(outgoing, Text):
            self._show(outgoing, ids[0], outgoing.text)
        elif isinstance(outgoing, Edit):
            self.shown[outgoing.to, outgoing.message] = outgoing.text
        elif method == "react":
            chat, message, emoji = outgoing  # type: ignore[misc]
            self.mine[chat, message] = emoji

    def _show(self, outgoing: Copy | Text, copy: int, text: str) -> None:
        self.shown[outgoing.to, copy] = text
        if outgoing.to == GROUP and outgoing.topic is not None:
            self.topic_of[copy] = outgoing.topic

    def _refuse(self, method: str, outgoing: object) -> None:
        """As Telegram would."""
        if isinstance(outgoing, (Copy, Text, Edit)) and outgoing.to in self.blocked:
            raise Gone("customer", "blocked", "The customer has blocked the bot.")
        if method in {"rename_topic", "close_topic", "reopen_topic"}:
            topic = outgoing[1]  # type: ignore[index]
            if topic not in self.topics:
                self.wrongs.append(f"{method} of another one's topic {topic}")
            if topic in self.deleted_topics:
                raise Gone("topic", "topic_deleted", "The topic was deleted.")
        message = self._changed_message(method, outgoing)
        if message in self.taken_back or self.topic_of.get(message, 0) in self.deleted_topics:
            raise Rejected("message_gone", "The message was deleted.")

    def _changed_message(self, method: str, outgoing: object) -> int:
        if isinstance(outgoing, Edit):
            return outgoing.message
        return outgoing[1] if method == "react" else 0  # type: ignore[index,no-any-return]


async def open_group(
    database: Database, keyring: Keyring, time: Time, *, first_bot: int, names: Sequence[str]
) -> tuple[Forum, list[Shop]]:
    """Two tenants of one owner in one group, each in a shard of its own."""
    forum, shops, bot = Forum(), list[Shop](), first_bot
    people = {
        str(70 + number): Person(UserId(70 + number), name, None, is_bot=False) for number, name in enumerate(names)
    }
    while len(shops) < 2:
        tenant = await make_tenant(database, keyring, owner=UserId(first_bot), bot=bot)
        bot += 1
        if tenant.shard in {shop.tenant.shard for shop in shops}:
            continue
        await make_running(database, tenant, group=GROUP)
        client = Client(number=len(shops), time=time, forum=forum, people=dict(people))
        client.bot = replace(client.bot, id=tenant.bot_id, username=tenant.bot_username)
        forum.clients.append(client)
        shops.append(Shop(tenant, client, database, 1000))
    return forum, shops
