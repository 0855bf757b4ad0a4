"""What customers, operators, owners and time may do to two desks in one group, as values that hypothesis draws."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Protocol

from hypothesis import strategies as st
from sqlalchemy import text as sql

from sessions.events import Chat, ChatKind, Edited, Message, Person, ReachChanged, Reacted
from tenants.connections import Connections
from tenants.dialog_events import close_due
from tenants.ids import ChatId, TopicId, UserId
from tenants.plans import Plan
from tenants.settings.service import SettingsService
from tests.fakes import GROUP, with_digest
from tests.integration.expectation import Desk
from tests.integration.forum import BOSS, TRAINEE, Client, Forum, Topic
from tests.integration.under_fire import Fleet, Shop

NAMES = ("Ann", "Bob", "Zoë 🙂")
OTHER_NAMES = ("Anna", "Ann", "Боб")
TEXTS = (
    *("hello", "HELP me", "the price?", "wholesale price", "a casino", "we guarantee", "/start ad42"),
    *("thanks", "Price", "", "help, casino"),
)
TITLES = ("VIP", "🟨 Lead", "⬛️", "Ann")
TEAMS_OWN = 77
"""A topic that the team made for itself."""
_PASS = sql("UPDATE dialogs SET close_at = close_at - CAST(:gone AS interval) WHERE tenant_id = :tenant")


@dataclass
class Said:
    """What somebody wrote: of a customer's in `shop`, or of an operator's in a topic."""

    message: Message
    shop: int
    customer: int

    @property
    def by_team(self) -> bool:
        return self.message.chat.id == GROUP


@dataclass
class Play:
    fleet: Fleet
    forum: Forum
    desks: list[Desk]
    names: dict[int, str] = field(default_factory=lambda: {70 + n: name for n, name in enumerate(NAMES)})
    said: list[Said] = field(default_factory=list)
    reactions: dict[tuple[int, int, int], str | None] = field(default_factory=dict)
    quiet: bool = True

    @property
    def shops(self) -> list[Shop]:
        return self.fleet.shops

    def client(self, shop: int) -> Client:
        return self.forum.clients[shop]

    async def rest(self) -> None:
        """Whatever happened is handled, and the model hears that nothing is under way any more."""
        if self.quiet:
            return
        for client in self.forum.clients:
            await client.end_round()
        await self.fleet.come_to_rest()
        for desk in self.desks:
            desk.end_round()
        self.quiet = True

    def hear(self, *events: Any, shop: int | None = None) -> None:
        """In the group all bots hear it."""
        self.quiet = False
        for client in self.forum.clients if shop is None else [self.client(shop)]:
            client.round.extend(events)

    def write(self, message: Message, shop: int, customer: int) -> None:
        self.quiet = False
        said = message
        for client in self.forum.clients if message.chat.id == GROUP else [self.client(shop)]:
            said = client.note(message)
        self.said.append(Said(said, shop, customer))

    def change(self, said: Said, text: str) -> None:
        said.message = with_digest(replace(said.message, text=text))
        for client in self.forum.clients if said.by_team else [self.client(said.shop)]:
            client.now[said.message.chat.id, said.message.id] = text
        self.hear(Edited(said.message), shop=None if said.by_team else said.shop)

    async def customers_topics(self) -> list[tuple[Topic, int]]:
        """Each with its customer."""
        found = []
        for shop in self.shops:
            for row in await shop.rows("SELECT topic_id, chat_id FROM dialogs WHERE topic_id IS NOT NULL"):
                topic = self.forum.topics[row.topic_id]
                if not topic.is_deleted:
                    found.append((topic, row.chat_id))
        return sorted(found, key=lambda each: each[0].id)

    def copies(self, said: Said) -> list[tuple[int, int]]:
        """Where the other side sees it."""
        arrived = self.client(said.shop).arrivals().get(said.message.id, [])
        return [(done.outgoing.to, copy) for done, copy in arrived]


class Action(Protocol):
    async def do(self, play: Play) -> None: ...


@dataclass(frozen=True)
class Rest:
    async def do(self, play: Play) -> None:
        await play.rest()


@dataclass(frozen=True)
class Write:
    """`parts`: one is a text or a photo, more are an album, with its words at `at`."""

    shop: int
    customer: int
    text: str
    parts: int = 1
    at: int = 0

    async def do(self, play: Play) -> None:
        client, name = play.client(self.shop), play.names[self.customer]
        if self.customer in client.blocked:
            await Block(self.shop, self.customer, blocks=False).do(play)
        written = []
        for caption in captions(self.text, self.parts, self.at):
            message = client.customer(caption, user=self.customer, name=name, **content(self, caption))
            play.write(message, self.shop, self.customer)
            written.append((message.id, caption))
        play.desks[self.shop].customer_writes(self.customer, name, written)


def captions(text: str, parts: int, at: int) -> list[str]:
    return [text if number == at % parts else "" for number in range(parts)]


def content(deed: "Write | Answer", caption: str) -> dict[str, Any]:
    is_text = deed.parts == 1 and caption
    return {"content": "text" if is_text else "photo", "album": f"album {id(deed)}" if deed.parts > 1 else None}


@dataclass(frozen=True)
class EditOwn:
    pick: int
    text: str

    async def do(self, play: Play) -> None:
        mine = [said for said in play.said if not said.by_team]
        if not mine:
            return
        said = mine[self.pick % len(mine)]
        play.change(said, self.text or "…")
        play.desks[said.shop].customer_edits(said.customer, said.message.id, self.text or "…")


@dataclass(frozen=True)
class Block:
    shop: int
    customer: int
    blocks: bool = True

    async def do(self, play: Play) -> None:
        client, desk = play.client(self.shop), play.desks[self.shop]
        if (self.customer in client.blocked) is self.blocks:
            return
        for blocked in (client.blocked, desk.blocked):
            blocked.symmetric_difference_update({self.customer})
        name = play.names[self.customer]
        person = Person(UserId(self.customer), name, None, is_bot=False)
        chat = Chat(ChatId(self.customer), ChatKind.PRIVATE, name)
        play.hear(ReachChanged(chat, person, reachable=not self.blocks), shop=self.shop)


@dataclass(frozen=True)
class Rename:
    """A customer's own name."""

    customer: int
    name: str

    async def do(self, play: Play) -> None:
        play.names[self.customer] = self.name
        for client in play.forum.clients:
            key = str(self.customer)
            client.people[key] = replace(client.people[key], name=self.name)


@dataclass(frozen=True)
class React:
    """To something that has a counterpart: on the side where it was written, or on the other one."""

    pick: int
    here: bool
    emoji: str | None

    async def do(self, play: Play) -> None:
        await play.rest()
        seen = [(said, copies[0]) for said in play.said if (copies := play.copies(said))]
        alive = {topic.id for topic, _ in await play.customers_topics()}
        seen = [pair for pair in seen if self._is_there(play, *pair, alive)]
        if not seen:
            return
        said, copy = seen[self.pick % len(seen)]
        chat, number = (said.message.chat.id, said.message.id) if self.here else copy
        before = play.reactions.get((said.shop, chat, number))
        if before == self.emoji:
            return
        play.reactions[said.shop, chat, number] = self.emoji
        was = () if before is None else (before,)
        who = Person(UserId(BOSS if chat == GROUP else said.customer), "Somebody", None, is_bot=False)
        place = Chat(ChatId(chat), ChatKind.SUPERGROUP if chat == GROUP else ChatKind.PRIVATE, "")
        play.hear(Reacted(place, who, number, self.emoji, was), shop=None if chat == GROUP else said.shop)  # type: ignore[arg-type]
        play.desks[said.shop].reacts(said.customer, (chat, number), self.emoji, was)

    def _is_there(self, play: Play, said: Said, copy: tuple[int, int], alive: set[int]) -> bool:
        topic = said.message.topic_id if said.by_team else play.client(said.shop).topic_of.get(copy[1])
        return topic in alive and said.message.id not in play.desks[said.shop].deleted


@dataclass(frozen=True)
class Answer:
    """An operator writes in a topic: plainly, as a reply, an album or a comment."""

    pick: int
    way: str
    text: str
    who: int | None = BOSS
    parts: int = 1
    at: int = 0

    async def do(self, play: Play) -> None:
        places = await play.customers_topics()
        if not places or self.pick == TEAMS_OWN:
            play.write(play.client(0).operator("among us", TEAMS_OWN), 0, 0)
            return
        topic, customer = places[self.pick % len(places)]
        written, desk = [], play.desks[topic.maker]
        target = max(
            (one for one, there in play.client(topic.maker).topic_of.items() if there == topic.id), default=None
        )
        for caption in captions(f"/ {self.text}" if self.way == "comment" else self.text, self.parts, self.at):
            message = play.client(topic.maker).operator(caption, topic.id, **content(self, caption), **by(self.who))
            message = replace(message, reply_to=target if self.way == "reply" else None)  # type: ignore[arg-type]
            play.write(message, topic.maker, customer)
            written.append((message.id, caption))
        if self.way == "comment" or self.text.startswith("/"):
            for number, caption in written:
                desk.stays_here(number, caption)
        else:
            desk.team_writes(customer, written, is_reply=self.way == "reply" and target is not None)


def by(who: int | None) -> dict[str, Any]:
    """None is an anonymous administrator."""
    return {
        "sender": Person(UserId(who or 1087968824), f"Olga {who}", None, is_bot=who is None),
        "anonymous": who is None,
    }


@dataclass(frozen=True)
class EditAnswer:
    pick: int
    text: str

    async def do(self, play: Play) -> None:
        alive = {topic.id for topic, _ in await play.customers_topics()}
        there = [said for said in play.said if said.message.topic_id in alive]
        if not there:
            return
        said = there[self.pick % len(there)]
        play.change(said, self.text or "…")
        play.desks[said.shop].team_edits(said.customer, said.message.id, self.text or "…")


@dataclass(frozen=True)
class Command:
    """In a dialog's topic; `to` is the bot that it is addressed to: nobody, the topic's own, or the other one."""

    pick: int
    name: str
    to: str = "nobody"
    who: int | None = BOSS

    async def do(self, play: Play) -> None:
        places = await play.customers_topics()
        if not places:
            return
        topic, customer = places[self.pick % len(places)]
        own, other = play.shops[topic.maker].tenant, play.shops[1 - topic.maker].tenant
        address = {"nobody": "", "own": f"@{own.bot_username}", "other": f"@{other.bot_username}"}[self.to]
        name, _, rest = self.name.partition(" ")
        message = play.client(topic.maker).operator(f"/{name}{address} {rest}".strip(), topic.id, **by(self.who))
        play.write(message, topic.maker, customer)
        desk = play.desks[topic.maker]
        desk.stays_here(message.id, message.text)
        if self.to != "other":
            desk.commands(customer, name, by_boss=self.who == BOSS, addressed=self.to == "own")
        if name in {"ban", "unban"}:
            await play.rest()


@dataclass(frozen=True)
class TakeBack:
    """`/del`."""

    pick: int

    async def do(self, play: Play) -> None:
        alive = {topic.id for topic, _ in await play.customers_topics()}
        there = [said for said in play.said if said.message.topic_id in alive]
        if not there:
            return
        said = there[self.pick % len(there)]
        message = play.client(said.shop).operator("/del", said.message.topic_id)
        play.write(replace(message, reply_to=said.message.id), said.shop, said.customer)
        play.desks[said.shop].stays_here(message.id, "/del")
        play.desks[said.shop].takes_back(said.message.id)


@dataclass(frozen=True)
class Turn:
    """An operator does something with the topic itself."""

    pick: int
    what: str
    title: str = ""

    async def do(self, play: Play) -> None:
        places = await play.customers_topics()
        if not places:
            return
        topic, customer = places[self.pick % len(places)]
        desk, client = play.desks[topic.maker], play.client(topic.maker)
        if self.what == "deleted":
            play.forum.delete(topic)
        elif self.what == "renamed":
            topic.name = self.title
            desk.topic_renamed(customer, self.title)
            play.hear(client.topic_event("renamed", topic.id, name=self.title))
        elif topic.is_open is (self.what == "closed"):
            topic.is_open = not topic.is_open
            (desk.topic_closed if self.what == "closed" else desk.topic_reopened)(customer)
            play.hear(client.topic_event(self.what, topic.id))


@dataclass(frozen=True)
class New:
    """`/new` in General; `shop` is None for all bots there."""

    customer: int
    shop: int | None

    async def do(self, play: Play) -> None:
        which = "" if self.shop is None else f"i{play.shops[self.shop].tenant.bot_username} "
        play.write(play.client(0).operator(f"/new {which}*{self.customer}", None), 0, 0)
        for number, desk in enumerate(play.desks):
            if self.shop in {None, number}:
                desk.opens(self.customer, play.names[self.customer])
        await play.rest()


@dataclass(frozen=True)
class General:
    text: str

    async def do(self, play: Play) -> None:
        play.write(play.client(0).operator(self.text, None), 0, 0)


@dataclass(frozen=True)
class Set:
    shop: int
    setting: str
    value: Any

    async def do(self, play: Play) -> None:
        await play.rest()
        shop = play.shops[self.shop]
        service = SettingsService(Connections(shop.database, play.fleet._keyring, plan=Plan.BUSINESS))
        await service.change(shop.tenant.owner_id, shop.tenant.id, {self.setting: self.value})
        play.desks[self.shop].settings[self.setting] = self.value


@dataclass(frozen=True)
class Hours:
    """Time passes for whoever was answered."""

    number: int

    async def do(self, play: Play) -> None:
        await play.rest()
        for number, (shop, desk) in enumerate(zip(play.shops, play.desks, strict=True)):
            tenant = shop.tenant.id
            async with shop.database.tenant(tenant) as unit:
                await unit.execute(_PASS, {"gone": timedelta(hours=self.number), "tenant": tenant})
                await close_due(unit, tenant)
            desk.hours_pass(self.number)
            play.fleet.holder[number].places[number].seat.sender.wake()
        play.quiet = False


SETTINGS: dict[str, list[Any]] = {
    "WELCOME": ["", "Welcome, {title}\\!"],
    "AUTOCLOSE": [1, 48, 1_000_000],
    "PRIVATE_KEYWORDS": [[], [["help"], ["price", "~wholesale"]]],
    "WHITE_LIST": [[], [70], [71, 72]],
    "IGNORE_CHATS": [[777000], [70]],
    "MONITOR_PRIVATE": [True, False],
    "LEAVE_CLOSED": [[], ["private"]],
    "REPLY_ONLY": [True, False],
    "RESTRICTED_KEYWORDS_FRONTEND": [[], ["casino"]],
    "RESTRICTED_KEYWORDS_BACKEND": [[], ["guarantee"]],
    "CUSTOM_COMMANDS": [[], ["close"]],
    "AUTO_INFO": [True, False],
    "CLAIM": [0, 12],
    "ICON_COLOR": ["", "rose"],
}
COMMANDS = (
    *("close", "close", "hold", "ban", "unban"),
    *("info", "note likes tea", "assign me", "assign off", "why", "help", "nonsense", "find ann"),
)


def _settings() -> Iterator[st.SearchStrategy[Action]]:
    for name, values in SETTINGS.items():
        yield st.builds(Set, st.integers(0, 1), st.just(name), st.sampled_from(values))


def actions() -> st.SearchStrategy[list[Action]]:
    """A few messages first, so that there is something to talk about."""
    shop, customer, pick = st.integers(0, 1), st.integers(70, 72), st.integers(0, 12)
    text, parts, who = (
        st.sampled_from(TEXTS),
        st.sampled_from([1, 1, 1, 1, 3]),
        st.sampled_from([BOSS, BOSS, TRAINEE, None]),
    )
    write = st.builds(Write, shop, customer, text, parts, st.integers(0, 2))
    answer = st.builds(
        Answer, pick, st.sampled_from(["plain", "plain", "reply", "comment"]), text, who, parts, st.integers(0, 2)
    )
    some = [
        *[write] * 6,
        *[answer] * 5,
        *[st.just(Rest())] * 5,
        *[
            st.builds(
                Command, pick, st.sampled_from(COMMANDS), st.sampled_from(["nobody", "nobody", "own", "other"]), who
            )
        ]
        * 4,
        *[st.builds(Turn, pick, st.sampled_from(["closed", "reopened", "deleted"]))] * 2,
        *[st.one_of(*_settings())] * 4,
        *[st.builds(EditOwn, pick, text), st.builds(EditAnswer, pick, text)] * 2,
        st.builds(Turn, pick, st.just("renamed"), st.sampled_from(TITLES)),
        st.builds(Block, shop, customer, st.booleans()),
        st.builds(Rename, customer, st.sampled_from(OTHER_NAMES)),
        st.builds(React, pick, st.booleans(), st.sampled_from(["👍", "❤", None])),
        st.builds(TakeBack, pick),
        st.builds(New, customer, st.sampled_from([None, 0, 1])),
        st.builds(General, st.sampled_from(["hello all", "/stats", "/close", "/help"])),
        st.builds(Hours, st.sampled_from([1, 47, 49])),
        st.just(Answer(TEAMS_OWN, "plain", "")),
    ]
    then = st.sampled_from(some).flatmap(lambda strategy: strategy)
    firsts, rest = st.lists(write, min_size=1, max_size=4), st.lists(then, min_size=5, max_size=25)
    return st.tuples(firsts, rest).map(lambda drawn: [*drawn[0], Rest(), *drawn[1], Rest()])


__all__ = ["Action", "Play", "TopicId", "actions"]
