"""What has to be true of a desk that has come to rest, whatever happened on the way."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sessions.events import Message
from sessions.port import Copy, Text
from tests.fakes import GROUP
from tests.integration.model import Telegram, at_offset
from tests.integration.under_fire import Shop

MOST_IN_A_RUN = 100


@dataclass
class Records:
    """What the database says at the end."""

    dispositions: dict[int, str | None]
    rows: list[Any]
    mapped: dict[int, Any]

    @classmethod
    async def read(cls, shop: Shop) -> "Records":
        counted = await shop.rows("SELECT update_id, disposition FROM dispositions")
        rows = await shop.rows("SELECT * FROM outbox ORDER BY lane_id, lane_seq")
        mapped = await shop.rows("SELECT * FROM message_map")
        return cls({row.update_id: row.disposition for row in counted}, rows, {row.message_id: row for row in mapped})

    def row_of(self) -> dict[int, Any]:
        return {row.source_message_id: row for row in self.rows if row.kind in {"copy", "answer"}}


async def judge(shop: Shop) -> list[str]:
    records = await Records.read(shop)
    telegram = shop.telegram
    return [
        *telegram.wrongs,
        *_unaccounted(telegram, records),
        *_deliveries(shop, records),
        *order(telegram),
        *places(telegram),
        *_topics(telegram),
        *_our_own_words(telegram, records),
        *_mapping(telegram, records),
        *_replies(telegram, records),
    ]


def _unaccounted(telegram: Telegram, records: Records) -> Iterator[str]:
    """received = the sum of the dispositions, and nothing waits any more."""
    fed = {update.id for update in telegram.fed}
    if fed != records.dispositions.keys():
        yield f"received, but not stored: {sorted(fed ^ records.dispositions.keys())}"
    for update, disposition in records.dispositions.items():
        if disposition in {None, "waiting"}:
            yield f"{update} is {disposition}"
        if (disposition == "failed") != (update in telegram.poison):
            yield f"{update} should not be {disposition}"
    if Counter(records.dispositions.values())["buried"] > telegram.rejections * MOST_IN_A_RUN:
        yield "buried without a reason"


def _deliveries(shop: Shop, records: Records) -> Iterator[str]:
    """At least once; more than once only where a row has so many attempts, and something went wrong."""
    arrivals, rows = shop.telegram.arrivals(), records.row_of()
    for update in shop.telegram.fed:
        message = update.event
        if not isinstance(message, Message):
            continue
        disposition, copies = records.dispositions.get(update.id), len(arrivals[message.id])
        row = rows.get(message.id)
        if disposition not in {"relayed", "buried", "failed"} and message.chat.id != GROUP:
            yield f"{message.text[:20]} of a customer is {disposition}"
        if disposition == "ignored" and message.topic_id not in shop.telegram.lost_topics():
            yield f"the answer {message.text[:20]} is ignored"
        if disposition == "relayed" and not copies:
            yield f"{message.text[:20]} never arrived"
        if copies > (0 if row is None else row.attempts) or (copies > 1 and not shop.shaken):
            yield f"{message.text[:20]} arrived {copies} times, attempts: {row and row.attempts}"


def order(telegram: Telegram) -> Iterator[str]:
    """Of first arrivals, in each lane."""
    lanes: dict[tuple[int, bool], list[int]] = defaultdict(list)
    for done in telegram.done:
        for message, _ in telegram.contents(done):
            to_group = done.outgoing.to == GROUP
            lane = lanes[message.chat.id if to_group else done.outgoing.to, to_group]
            if message.id not in lane:
                lane.append(message.id)
    for (chat, to_group), lane in lanes.items():
        if lane != sorted(lane):
            yield f"out of order {'from' if to_group else 'to'} {chat}: {lane}"


def places(telegram: Telegram) -> Iterator[str]:
    """A topic holds one customer's messages; what is answered in it goes to that customer."""
    owners: dict[int, set[int]] = defaultdict(set)
    for done in telegram.done:
        for message, _ in telegram.contents(done):
            if done.outgoing.to == GROUP:
                owners[done.outgoing.topic or 0].add(message.chat.id)
            elif message.topic_id is not None:
                owners[message.topic_id].add(done.outgoing.to)
    for topic, customers in owners.items():
        if len(customers) > 1:
            yield f"topic {topic} is shared: {customers}"


def _topics(telegram: Telegram) -> Iterator[str]:
    """One for each dialog, but where Telegram itself left it in the dark for too long."""
    names = Counter(telegram.customers.values())
    made: Counter[str] = Counter()
    allowed: Counter[str] = Counter(names)
    for creation in telegram.creations:
        if creation.topic not in telegram.deleted_topics:
            made[creation.name] += 1
            allowed[creation.name] += creation.may_be_repeated
    for name, number in made.items():
        if number > allowed[name]:
            yield f"{number} topics for {names[name]} called {name}"


def _our_own_words(telegram: Telegram, records: Records) -> Iterator[str]:
    """The WELCOME once for each dialog, notices as often as their rows say."""
    sent: Counter[object] = Counter()
    for done in telegram.done:
        if isinstance(done.outgoing, Text) and not telegram.contents(done):
            sent[done.outgoing.to if done.outgoing.to != GROUP else GROUP] += 1
    own = [row for row in records.rows if row.kind not in {"copy", "answer"}]
    if sum(sent.values()) > sum(row.attempts for row in own):
        yield f"our own words, too often: {sent}"
    welcomes = sum(row.kind == "welcome" for row in own)
    if welcomes != len({m.chat.id for m in telegram.written.values() if m.chat.id != GROUP}):
        yield f"{welcomes} welcomes"


def _mapping(telegram: Telegram, records: Records) -> Iterator[str]:
    """What was relayed is mapped, to a message that holds it, and to the place in it where it begins."""
    by_id = {copy: done for done in telegram.done for copy in done.ids}
    for row in records.rows:
        if row.kind != "copy" or row.state != "delivered":
            continue
        found = records.mapped.get(row.source_message_id)
        if found is None:
            yield f"not mapped: {row.source_message_id}"
            continue
        text = telegram.written[row.source_chat_id, row.source_message_id].text
        outgoing = by_id[found.topic_message_id].outgoing
        if isinstance(outgoing, Copy):
            here = row.source_message_id in outgoing.ids and found.part_at == 0
        elif outgoing.text.startswith("#"):
            here = at_offset(outgoing.text, found.part_at).startswith(text)
        else:
            here = found.part_at == 0
        if not here:
            yield f"mapped wrong: {text[:20]} at {found.part_at} of {outgoing}"


def _replies(telegram: Telegram, records: Records) -> Iterator[str]:
    """A reply is one to the same message on the other side."""
    arrivals = telegram.arrivals()
    recorded = {row.source_message_id for row in records.rows if row.state == "delivered"}
    for done in telegram.done:
        for message, _ in telegram.contents(done):
            reply = telegram.replies.get(message.id)
            if reply is None:
                continue
            meant = {reply.exact} if reply.origin is None else {copy for _, copy in arrivals[reply.origin]}
            must = reply.must and (reply.origin is None or reply.origin in recorded)
            target = done.outgoing.reply_to
            if target not in meant and (must or target is not None):
                yield f"{message.text[:20]} replies to {target}, not to {meant}"
