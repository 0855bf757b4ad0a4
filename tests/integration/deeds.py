"""What may happen to a desk, as values that hypothesis draws and shrinks."""

import asyncio
from dataclasses import dataclass, replace
from typing import Protocol

from hypothesis import strategies as st

from sessions.errors import Flaky, FloodWait, Gone, Rejected, SessionError
from sessions.events import Message
from sessions.port import Copy
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
class Burst:
    """A customer writes many plain texts at once."""

    shop: int
    customer: int
    fillers: tuple[str, ...]

    async def do(self, fleet: Fleet) -> None:
        for filler in self.fillers:
            await Write(self.shop, self.customer, "plain", filler).do(fleet)


@dataclass(frozen=True)
class Answer:
    """An operator writes where something of a customer's arrived: plainly, as a reply, or as one that quotes."""

    shop: int
    way: str
    pick: int = 0
    filler: str = ""

    async def do(self, fleet: Fleet) -> None:
        shop = fleet.shops[self.shop]
        telegram = shop.telegram
        topics = [telegram.topics_of(70 + customer)[-1:] for customer in range(len(NAMES))]
        there = [topic[0] for topic in topics if topic and topic[0] not in telegram.deleted_topics]
        if not there:
            return
        message = telegram.operator("", there[self.pick % len(there)])
        if self.way in {"reply", "quote"}:
            message = await self._as_reply(shop, message)
        await telegram.write(message, self.filler)

    async def _as_reply(self, shop: Shop, message: Message) -> Message:
        telegram = shop.telegram
        here = [d for d in telegram.done if (d.outgoing.to, d.outgoing.topic) == (GROUP, message.topic_id)]
        calls = [done for done in here if telegram.contents(done)]
        if self.way == "quote":
            calls = [done for done in calls if not isinstance(done.outgoing, Copy)] or calls
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
class InTheMiddle:
    """Something is written, and the turn that stores it comes to grief."""

    write: Write
    dies_at: str | None
    breaks_at: str | None

    async def do(self, fleet: Fleet) -> None:
        await self.write.do(fleet)
        worker = fleet.live().index(fleet.holder[self.write.shop])
        await fleet.turn(worker, dies_at=self.dies_at, breaks_at=self.breaks_at)


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


SHOP_CUSTOMERS = st.integers(0, len(NAMES) - 1)
PICKS = st.integers(0, 12)
FILLED = st.lists(st.sampled_from(FILLERS), min_size=4, max_size=12).map(tuple)


def mixed(*strategies: st.SearchStrategy[Deed]) -> st.SearchStrategy[Deed]:
    """One of them, each as often as it is named: `one_of` would weigh them another way."""
    return st.sampled_from(strategies).flatmap(lambda strategy: strategy)


def begun(
    first: st.SearchStrategy[Deed], then: st.SearchStrategy[Deed], *, most: int
) -> st.SearchStrategy[list[Deed]]:
    """A few messages first, so that there is something to talk about."""
    firsts, rest = st.lists(first, min_size=2, max_size=6), st.lists(then, min_size=most // 2, max_size=most)
    return st.tuples(firsts, rest).map(lambda drawn: [*drawn[0], Turns(0, 3), *drawn[1]])


def deeds(shops: int) -> st.SearchStrategy[list[Deed]]:
    shop, worker = st.integers(0, shops - 1), st.integers(0, 2)
    ways = st.sampled_from(["plain", "plain", "plain", "media", "media", "reply", "album", "late"])
    write = st.builds(Write, shop, SHOP_CUSTOMERS, ways, st.sampled_from(FILLERS), PICKS)
    methods = st.sampled_from(["send", "send", "send", "create_topic", "rename_topic"])
    strange = [
        st.builds(Poison, shop, st.booleans()),
        st.builds(LeaveOut, shop),
        st.builds(DeleteTopic, shop, SHOP_CUSTOMERS),
        st.builds(Hold, shop),
        st.builds(Hold, shop),
        st.builds(LetGo, shop),
        st.builds(Turns, worker, st.just(1), st.sampled_from(IN_A_TURN), st.none()),
        st.builds(Turns, worker, st.just(1), st.none(), st.sampled_from(IN_A_TURN)),
        st.builds(InTheMiddle, write, st.none(), st.sampled_from(IN_A_TURN)),
        st.builds(InTheMiddle, write, st.none(), st.just(IN_A_TURN[-1])),
        st.builds(InTheMiddle, write, st.sampled_from(IN_A_TURN), st.none()),
        st.builds(Kill, shop),
        st.builds(Lose, shop),
        st.builds(Batches, shop, st.sampled_from([1, 2, 100])),
    ]
    often = [
        *[write] * 6,
        *[st.builds(Burst, shop, SHOP_CUSTOMERS, FILLED)] * 2,
        *[st.builds(Answer, shop, st.sampled_from(["plain", "reply", "quote"]), PICKS)] * 5,
        *[st.builds(Turns, worker, st.integers(1, 4))] * 10,
        *[st.builds(Skip, st.sampled_from([1.0, 12.0, 70.0, 400.0]))] * 2,
        *[st.builds(Fail, shop, methods, st.sampled_from(sorted(FAULTS)))] * 2,
        *[st.builds(LoseAnswer, shop, methods, st.booleans())] * 2,
    ]
    return begun(write, mixed(*often, *strange), most=40)


def backlogs() -> st.SearchStrategy[list[Deed]]:
    """Much to say, little budget, and answers that quote."""
    shop = st.just(0)
    customer = st.integers(0, 1)
    ways = st.sampled_from(["media", "media", "album", "late", "reply"])
    burst = st.builds(Burst, shop, customer, FILLED)
    then = mixed(
        *[burst] * 2,
        st.builds(Write, shop, customer, ways, st.sampled_from(FILLERS), PICKS),
        *[st.builds(Answer, shop, st.sampled_from(["reply", "quote", "quote"]), PICKS)] * 3,
        *[st.just(Turns(0, 3))] * 3,
        *[st.just(Skip(70))] * 2,
        st.builds(Fail, shop, st.just("send"), st.sampled_from(["rejected", "flaky", "short flood"])),
    )
    return begun(burst, then, most=24)
