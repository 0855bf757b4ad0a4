"""What operators do, as values that hypothesis draws."""

from dataclasses import dataclass, replace

from tests.integration.forum import BOSS
from tests.integration.play import Play, by, captions, content

TEAMS_OWN = 77
"""A topic that the team made for itself."""


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
        album = play.next_album(self.parts)
        target = max(
            (one for one, there in play.client(topic.maker).topic_of.items() if there == topic.id), default=None
        )
        for caption in captions(f"/ {self.text}" if self.way == "comment" else self.text, self.parts, self.at):
            values = by(self.who) | content(caption, album)
            message = play.client(topic.maker).operator(caption, topic.id, **values)
            message = replace(message, reply_to=target if self.way == "reply" else None)  # type: ignore[arg-type]
            play.write(message, topic.maker, customer)
            written.append((message.id, caption))
        if self.way == "comment" or self.text.startswith("/"):
            for number, caption in written:
                desk.stays_here(number, caption)
        else:
            desk.team_writes(customer, written, is_reply=self.way == "reply" and target is not None)


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
