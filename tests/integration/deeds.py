"""What may happen to a desk, as values that hypothesis draws and shrinks."""

import asyncio
from dataclasses import dataclass, replace
from typing import Protocol

from hypothesis import strategies as st

from sessions.errors import Flaky, FloodWait, Gone, Rejected, SessionError
from sessions.port import Copy, Message
from tests.fakes import GROUP
from tests.integration.model import Reply, Telegram, offsets
from tests.integration.under_fire import Fleet, Shop

NAMES = ("Ann", "Bob", "Ann", "Zoë 🙂")
FILLERS = ("", "a", "🙂🙂", "two words", "x" * 1500, "🙂" * 1200, "y" * 4000)
FAULTS = {
    "flaky": lambda: Flaky("network", "The network is away.", ambiguous=False),
    "ambiguous": lambda: Flaky("timeout", "Telegram did not answer.", ambiguous=True),
    "short flood": lambda: FloodWait(2),
    "long flood": lambda: FloodWait(40),
    "rejected": lambda: Rejected("refused", "Telegram refused: nonsense"),
    "source": lambda: Gone("source", "source_deleted", "The message was deleted."),
    "not copyable": lambda: Rejected("not_copyable", "Telegram does not let bots copy this message."),
    "blocked": lambda: Gone("customer", "blocked", "The customer has blocked the bot."),
    "group": lambda: Gone("group", "kicked", "The bot was removed from the group."),
}
IN_A_TURN = ("turn.opened", "turn.recorded", "turn.stored", "turn.claimed", "turn.committed")


class Deed(Protocol):
    async def do(self, fleet: Fleet) -> None: ...


class Unknown:
    """An event of a kind that no code knows."""


@dataclass(frozen=True)
class Write:
    """A customer writes; `way` is plain, media, reply, album or late (one more part of the last album)."""

    shop: int
    customer: int
    way: str
    filler: str = ""
    pick: int = 0

    async def do(self, fleet: Fleet) -> None:
        telegram = fleet.shops[self.shop].telegram
        name = NAMES[self.customer]
        telegram.customers[70 + self.customer] = name
        if self.way in {"album", "late"}:
            await self._write_album(telegram, name)
            return
        target = await self._target(fleet.shops[self.shop]) if self.way == "reply" else None
        message = telegram.customer(
            "",
            user=70 + self.customer,
            name=name,
            content="photo" if self.way == "media" else "text",
            joinable=self.way == "plain" or (self.way == "reply" and target is None),
            reply_to=target[0] if target else None,
        )
        if target:
            telegram.replies[message.id] = target[1]
        await telegram.write(message, self.filler)

    async def _write_album(self, telegram: Telegram, name: str) -> None:
        mine = [m for m in telegram.written.values() if m.chat.id == 70 + self.customer and m.album]
        late = self.way == "late" and mine
        album = mine[-1].album if late else f"album {len(telegram.written)}"
        for _ in range(1 if late else 2 + self.pick % 11):
            part = telegram.customer("", user=70 + self.customer, name=name, content="photo", album=album)
            await telegram.write(part)

    async def _target(self, shop: Shop) -> tuple[int, Reply] | None:
        """Something that the customer sees: of their own, or an answer."""
        telegram, chat = shop.telegram, 70 + self.customer
        own = [(m.id, Reply(origin=m.id)) for m in telegram.written.values() if m.chat.id == chat]
        mapped = {row.message_id for row in await shop.rows("SELECT message_id FROM message_map")}
        answers = [
            (copy, Reply(exact=message.id, must=copy in mapped))
            for done in telegram.done
            if done.outgoing.to == chat
            for message, copy in telegram.contents(done)
        ]
        found = own + answers
        return found[self.pick % len(found)] if found else None


@dataclass(frozen=True)
class Answer:
    """An operator writes where something of the customer's arrived: plainly, or as a reply with or without a quote."""

    shop: int
    customer: int
    way: str
    pick: int = 0
    filler: str = ""

    async def do(self, fleet: Fleet) -> None:
        shop = fleet.shops[self.shop]
        telegram = shop.telegram
        topics = [t for t in telegram.topics_of(70 + self.customer) if t not in telegram.deleted_topics]
        if not topics:
            return
        message = telegram.operator("", topics[-1])
        if self.way in {"reply", "quote"}:
            message = await self._as_reply(shop, message)
        await telegram.write(message, self.filler)

    async def _as_reply(self, shop: Shop, message: Message) -> Message:
        telegram = shop.telegram
        calls = [d for d in telegram.done if d.outgoing.to == GROUP and d.outgoing.topic == message.topic_id]
        calls = [done for done in calls if telegram.contents(done)]
        done = calls[-1 - self.pick % len(calls)]
        if isinstance(done.outgoing, Copy):
            held = telegram.contents(done)
            meant, target = held[self.pick % len(held)]
            at = None
        else:
            parts, target = offsets(telegram.parts_of(done.outgoing)), done.ids[0]
            at, meant = parts[self.pick % len(parts)]
            if self.way == "reply":
                at, meant = None, parts[-1][1]
        mapped = {row.topic_message_id for row in await shop.rows("SELECT topic_message_id FROM message_map")}
        telegram.replies[message.id] = Reply(exact=meant.id, must=target in mapped)
        return replace(message, reply_to=target, reply_at=at)


@dataclass(frozen=True)
class Poison:
    """An update that no code can process: it fails in Python, or in the database."""

    shop: int
    in_database: bool

    async def do(self, fleet: Fleet) -> None:
        telegram = fleet.shops[self.shop].telegram
        event = telegram.customer("nobody", user=99, name="No\x00body") if self.in_database else Unknown()
        (update,) = await telegram.feed(event)  # type: ignore[arg-type]
        telegram.poison.add(update.id)


@dataclass(frozen=True)
class Fail:
    """The next call of this kind fails."""

    shop: int
    method: str
    fault: str

    async def do(self, fleet: Fleet) -> None:
        error: SessionError = FAULTS[self.fault]()
        fleet.shops[self.shop].telegram.faults[self.method].append(error)


@dataclass(frozen=True)
class LoseAnswer:
    """The next call of this kind is carried out, and its answer gets lost; `mute`: so does the service message."""

    shop: int
    method: str
    mute: bool

    async def do(self, fleet: Fleet) -> None:
        shop = fleet.shops[self.shop]
        shop.telegram.carried_out_but_lost[self.method] += 1
        shop.shaken |= self.method == "send"
        if self.mute and self.method == "create_topic":
            shop.telegram.mute_creations += 1


@dataclass(frozen=True)
class LeaveOut:
    """Telegram leaves some of the next album out."""

    shop: int

    async def do(self, fleet: Fleet) -> None:
        fleet.shops[self.shop].telegram.left_out = 1


@dataclass(frozen=True)
class DeleteTopic:
    shop: int
    customer: int

    async def do(self, fleet: Fleet) -> None:
        telegram = fleet.shops[self.shop].telegram
        telegram.deleted_topics.update(telegram.topics_of(70 + self.customer)[-1:])


@dataclass(frozen=True)
class Hold:
    """Calls hang from now on, until they are let go."""

    shop: int

    async def do(self, fleet: Fleet) -> None:
        telegram = fleet.shops[self.shop].telegram
        telegram.hold = telegram.hold or asyncio.Event()


@dataclass(frozen=True)
class LetGo:
    shop: int

    async def do(self, fleet: Fleet) -> None:
        fleet.shops[self.shop].release()


@dataclass(frozen=True)
class Turns:
    """`dies_at`: the process dies there. `breaks_at`: the connection to the database does."""

    worker: int
    times: int = 1
    dies_at: str | None = None
    breaks_at: str | None = None

    async def do(self, fleet: Fleet) -> None:
        for _ in range(self.times):
            await fleet.turn(self.worker, dies_at=self.dies_at, breaks_at=self.breaks_at)


@dataclass(frozen=True)
class Kill:
    """The process of a shop's holder dies between two turns."""

    shop: int

    async def do(self, fleet: Fleet) -> None:
        await fleet.kill(fleet.holder[self.shop])


@dataclass(frozen=True)
class Lose:
    shop: int

    async def do(self, fleet: Fleet) -> None:
        await fleet.lose(fleet.shops[self.shop])


@dataclass(frozen=True)
class Skip:
    seconds: float

    async def do(self, fleet: Fleet) -> None:
        await fleet.skip(self.seconds)


@dataclass(frozen=True)
class Batches:
    """Telegram hands out so many updates at once."""

    shop: int
    size: int

    async def do(self, fleet: Fleet) -> None:
        fleet.shops[self.shop].telegram.batch = self.size


def deeds(shops: int) -> st.SearchStrategy[list[Deed]]:
    shop, customer, pick = st.integers(0, shops - 1), st.integers(0, len(NAMES) - 1), st.integers(0, 12)
    ways = st.sampled_from(["plain", "plain", "plain", "media", "media", "reply", "album", "late"])
    write = st.builds(Write, shop, customer, ways, st.sampled_from(FILLERS), pick)
    answer = st.builds(Answer, shop, customer, st.sampled_from(["plain", "reply", "quote"]), pick)
    methods = st.sampled_from(["send", "send", "send", "create_topic", "rename_topic"])
    fail = st.builds(Fail, shop, methods, st.sampled_from(sorted(FAULTS)))
    lose_answer = st.builds(LoseAnswer, shop, methods, st.booleans())
    turns = st.builds(Turns, st.integers(0, 3), st.integers(1, 3))
    rare = st.one_of(
        st.builds(Poison, shop, st.booleans()),
        st.builds(LeaveOut, shop),
        st.builds(DeleteTopic, shop, customer),
        st.builds(Hold, shop),
        st.builds(LetGo, shop),
        st.builds(Turns, st.integers(0, 3), st.just(1), st.sampled_from(IN_A_TURN), st.none()),
        st.builds(Turns, st.integers(0, 3), st.just(1), st.none(), st.sampled_from(IN_A_TURN)),
        st.builds(Kill, shop),
        st.builds(Lose, shop),
        st.builds(Skip, st.sampled_from([1.0, 12.0, 400.0])),
        st.builds(Batches, shop, st.sampled_from([1, 2, 100])),
    )
    each = st.one_of(write, write, write, answer, fail, lose_answer, turns, turns, turns, turns, rare, rare)
    return st.lists(each, min_size=10, max_size=45)
