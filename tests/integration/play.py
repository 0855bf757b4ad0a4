"""Two desks in one group, the people around them, and what they have done so far."""

from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from sessions.events import Edited, Message, Person
from tenants.ids import UserId
from tests.fakes import GROUP, with_digest
from tests.integration.expectation import Desk
from tests.integration.forum import Client, Forum, Topic
from tests.integration.under_fire import Fleet, Shop

NAMES = ("Ann", "Bob", "Zoë 🙂")


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

    def next_album(self, parts: int) -> str | None:
        return f"album {len(self.said)}" if parts > 1 else None

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


def captions(text: str, parts: int, at: int) -> list[str]:
    return [text if number == at % parts else "" for number in range(parts)]


def content(caption: str, album: str | None) -> dict[str, Any]:
    return {"content": "text" if caption and album is None else "photo", "album": album}


def by(who: int | None) -> dict[str, Any]:
    """None is an anonymous administrator."""
    return {
        "sender": Person(UserId(who or 1087968824), f"Olga {who}", None, is_bot=who is None),
        "anonymous": who is None,
    }
