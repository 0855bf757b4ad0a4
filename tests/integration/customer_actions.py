"""What customers do, as values that hypothesis draws."""

from dataclasses import dataclass, replace

from sessions.events import Chat, ChatKind, Person, ReachChanged, Reacted
from tenants.ids import ChatId, UserId
from tests.fakes import GROUP
from tests.integration.forum import BOSS
from tests.integration.play import Play, Said, captions, content


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
        written, album = [], play.next_album(self.parts)
        for caption in captions(self.text, self.parts, self.at):
            message = client.customer(caption, user=self.customer, name=name, **content(caption, album))
            play.write(message, self.shop, self.customer)
            written.append((message.id, caption))
        play.desks[self.shop].customer_writes(self.customer, name, written)


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
