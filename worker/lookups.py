"""What `/new` leads to once Telegram has said who that is: a dialog that the team opened, an answer in General."""

from datetime import datetime

from sqlalchemy import text

from sessions.port import Person
from tenants import outbox
from tenants.audit import Act, Action, record
from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.dialogs import Dialog, Wanted, load_books, save_books
from tenants.ids import ChatId, TenantId
from tenants.outbox import Body, NewRow
from worker.acts import asker
from worker.line import Line
from worker.sending import Found

_NOW = text("SELECT now()")


async def record_found(unit: UnitOfWork, line: Line, found: Found, keyring: Keyring) -> None:
    """Once: recording it again after a lost commit opens nothing. Raises `LeaseLost`."""
    (row,) = found.run
    if not await outbox.finish(unit, line.tenant, line.lease, row):
        return
    rows: list[NewRow] = []
    words = found.words
    if found.person is not None and found.person.is_bot:
        words = "That is a bot: bots can't write to each other."
    elif found.person is not None:
        dialog, is_news = await _open(unit, line.tenant, found.person)
        words = f"Opened: {found.person.name}." if is_news else f"There is a dialog with {dialog.name} already."
        if is_news:
            await record(unit, line.tenant, Act(Action.DIALOG_OPENED, asker(row), str(dialog.id)))
            rows.append(NewRow(dialog.topic_lane, "notice", Body(_opened(found.person))))
    asked_in = None if row.source is None else row.source[1]
    rows.append(NewRow(row.lane, "notice", Body(words), reply_to=asked_in))
    await outbox.enqueue(unit, line.tenant, rows, keyring)


async def _open(unit: UnitOfWork, tenant: TenantId, person: Person) -> tuple[Dialog, bool]:
    """The dialog, and whether it was not open before."""
    now: datetime = (await unit.execute(_NOW)).scalar_one()
    chat = ChatId(person.id)
    book = (await load_books(unit, [Wanted(tenant, chats={chat})], now))[tenant]
    dialog = book.by_chat.get(chat)
    is_news = dialog is None or not dialog.is_open
    if dialog is None:
        dialog = book.open(chat, person.name, person.username)
    elif is_news:
        dialog.hold()
    dialog.opened_by_team = True
    await save_books(unit, [book])
    return dialog, is_news


def _opened(person: Person) -> str:
    username = f", @{person.username}" if person.username else ""
    return (
        f"Opened by /new: {person.name}{username}, id {person.id}. "
        "The topic shows what they and the bot write from now on."
    )
