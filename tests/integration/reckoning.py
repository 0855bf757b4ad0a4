"""Two desks in one group at rest, beside what the model says: every difference in words."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sessions.port import Text
from tests.integration.expectation import CLOSED, Desk
from tests.integration.forum import Client
from tests.integration.judgement import order, places
from tests.integration.play import Play
from tests.integration.under_fire import Shop

SQUARES = {"user_answered": "🟪", "support_answered": "🟨", "closed": "⬛️"}


async def reckon(play: Play, shop: Shop, desk: Desk) -> list[str]:
    client = play.client(shop.telegram.number)
    counted = await shop.rows("SELECT update_id, disposition FROM dispositions")
    dialogs = await shop.rows("SELECT chat_id, status, topic_id, topic_name FROM dialogs")
    found = [
        *client.wrongs,
        *_unaccounted(client, {row.update_id: row.disposition for row in counted}),
        *_dialogs(client, dialogs, desk),
        *_topics(client, dialogs),
        *_deliveries(play, client, desk),
        *_welcomes(client, desk),
        *_reactions(play, client, desk),
        *order(client),
        *places(client),
    ]
    return [f"shop {client.number}: {wrong}" for wrong in found]


def _unaccounted(client: Client, dispositions: dict[int, str | None]) -> Iterator[str]:
    """received = the sum of the dispositions, and nothing waits or failed."""
    fed = {update.id for update in client.fed}
    if fed != dispositions.keys():
        yield f"received, but not stored: {sorted(fed ^ dispositions.keys())}"
    for update, disposition in dispositions.items():
        if disposition in {None, "waiting", "failed"}:
            yield f"update {update} is {disposition}"


def _dialogs(client: Client, rows: list[Any], desk: Desk) -> Iterator[str]:
    """One for each customer, with the status and the name that it should have, in the topic's title, too."""
    found = {row.chat_id: row for row in rows}
    if len(rows) != len(found) or found.keys() != desk.dialogs.keys():
        yield f"dialogs of {[row.chat_id for row in rows]}, not of {list(desk.dialogs)}"
    for customer, should in desk.dialogs.items():
        if (row := found.get(customer)) is None:
            continue
        if (SQUARES[row.status], row.topic_name) != (should.status, should.title):
            yield f"{customer} is {row.status} {row.topic_name}, not {should}"
        topic = client.forum.topics.get(row.topic_id)
        if topic is None or topic.is_deleted:
            continue
        if topic.name != f"{should.status} {should.title}" or topic.is_open is (should.status == CLOSED):
            yield f"{topic} does not show {should}"


def _topics(client: Client, rows: list[Any]) -> Iterator[str]:
    """Each has one dialog, and each dialog at most one."""
    made = [topic.id for topic in client.forum.alive() if topic.maker == client.number]
    used = [row.topic_id for row in rows if row.topic_id not in {None, *client.deleted_topics}]
    if sorted(made) != sorted(used):
        yield f"topics {made} of dialogs {used}"


def _deliveries(play: Play, client: Client, desk: Desk) -> Iterator[str]:
    """Once, with the words that it says now, or not at all."""
    for said in play.said:
        number = said.message.id
        expected = said.shop == client.number and desk.arrives.get(number, False) and number not in desk.deleted
        arrived = client.arrivals().get(number, [])
        if len(arrived) != expected:
            yield f"“{said.message.text}” ({number}) arrived {len(arrived)} times, not {int(expected)}"
            continue
        for done, copy in arrived:
            lost = (
                client.topic_of.get(copy) in client.deleted_topics or said.message.topic_id in client.deleted_topics
            )
            shown = client.shown[done.outgoing.to, copy]
            if shown != desk.says[number] and not lost:
                yield f"“{desk.says[number]}” ({number}) reads “{shown}”"


def _welcomes(client: Client, desk: Desk) -> Iterator[str]:
    texts = [done.outgoing for done in client.done if isinstance(done.outgoing, Text) and done.outgoing.markdown]
    sent = Counter(text.to for text in texts)
    if sent != desk.welcomes:
        yield f"welcomes: {dict(sent)}, not {dict(desk.welcomes)}"


def _reactions(play: Play, client: Client, desk: Desk) -> Iterator[str]:
    """The bot's own are those of the people on the other side."""
    pairs: dict[tuple[int, int], tuple[int, int]] = {}
    for said in play.said:
        if said.shop == client.number and said.message.id not in desk.deleted:
            for copy in play.copies(said)[:1]:
                own = (said.message.chat.id, said.message.id)
                pairs[own], pairs[copy] = copy, own
    lost = client.deleted_topics
    for place, emoji in desk.reactions.items():
        counterpart = pairs.get(place)
        if counterpart is None or {client.topic_of.get(place[1]), client.topic_of.get(counterpart[1])} & lost:
            continue
        if client.mine.get(counterpart) != emoji:
            yield f"{place} has {emoji}, its counterpart {client.mine.get(counterpart)}"
