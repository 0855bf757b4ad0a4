"""AUTO_INFO in a topic that takes the place of one that was deleted, or left behind in another group."""

from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.dialogs import Wanted, load_books
from tenants.intake import open_desk
from tenants.outbox import NewRow, enqueue
from worker.card import card
from worker.errands import ErrandResult
from worker.line import Line


async def introduce_again(unit: UnitOfWork, line: Line, made: ErrandResult, keyring: Keyring) -> None:
    """Behind what waits for the topic already. Raises `LeaseLost`."""
    desk = await open_desk(unit, line.tenant, line.lease)
    if made.topic is None or not desk.settings.AUTO_INFO:
        return
    books = await load_books(unit, [Wanted(line.tenant, topics={made.topic})], desk.now)
    for dialog in books[line.tenant].by_topic.values():
        row = NewRow(dialog.topic_lane, "notice", card(dialog, desk, None).body())
        await enqueue(unit, line.tenant, [row], keyring)
