"""A command is carried out once Telegram has answered its inquiry: the second half of `worker.decisions.team`."""

from tenants import audit, outbox
from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.dialogs import Wanted, load_books, save_books
from tenants.ids import ChatId, MessageId
from tenants.intake import open_desk
from tenants.webhooks.happenings import tell
from worker.commands import COMMANDS
from worker.decisions.command import Call, Inquiry, Told
from worker.decisions.happenings import look, note_events, told_by
from worker.decisions.work import Work
from worker.effects import follow_up
from worker.line import Line
from worker.manual import RIGHTS
from worker.sending import Found


async def record_found(unit: UnitOfWork, line: Line, found: Found, keyring: Keyring, brand_link: str) -> None:
    """Once: recording it again after a lost commit does nothing. Raises `LeaseLost`."""
    (row,) = found.run
    if not await outbox.finish(unit, line.tenant, line.lease, row):
        return
    inquiry, told = Inquiry.load(row.body.text), found.told
    desk = await open_desk(unit, line.tenant, line.lease)
    chats = set() if row.customer is None else {row.customer}
    if told.person is not None:
        chats.add(ChatId(told.person.id))
    book = (await load_books(unit, [Wanted(line.tenant, chats=chats)], desk.now))[line.tenant]
    work = Work(desk, book, brand_link)
    dialog = None if row.customer is None else book.by_chat.get(row.customer)
    lane = row.lane if dialog is None else dialog.topic_lane
    message = MessageId(0) if row.source is None else row.source[1]
    call = Call(inquiry.command, inquiry.rest, inquiry.by, dialog, lane, work, message, inquiry.reply_to, told)
    before = look(work)
    _obey(call, inquiry, told)
    note_events(work, before)
    await follow_up(unit, work, keyring)
    await audit.record(unit, line.tenant, *work.acts)
    await tell(unit, told_by(work))
    await save_books(unit, [book])
    await outbox.enqueue(unit, line.tenant, work.rows, keyring)


def _obey(call: Call, inquiry: Inquiry, told: Told) -> None:
    command = COMMANDS.get(inquiry.command)
    if command is None:
        return
    if told.refusal:
        call.say(told.refusal)
    elif command.right is not None and (told.by is None or not told.by.may(command.right)):
        call.say(f"/{command.name} needs the right to {RIGHTS[command.right]} in this group.")
    elif command.act is not None:
        command.act(call)
    else:
        call.work.calls.append(call)
