"""What goes into the archive of what a batch says: the words that a row holds, where ARCHIVE is on."""

from sessions.events import Message
from tenants.archive import Direction, Kept
from tenants.dialogs import Dialog
from tenants.ids import ChatId, MessageId
from tenants.outbox import Body
from worker.decisions.work import Work


def keep(message: Message, dialog: Dialog, body: Body, work: Work, *, is_edit: bool = False) -> None:
    """`body` is what the other side is shown. A place that moves has no words: it is kept where it began."""
    if not work.desk.settings.ARCHIVE or (is_edit and message.content == "location"):
        return
    direction, author = _whose(message, work), None
    if direction is Direction.TEAM and message.sender is not None and not message.anonymous:
        author = message.sender.id
    work.keeping.versions.append(Kept(dialog.id, direction, (message.chat.id, message.id), body, author, is_edit))


def _whose(message: Message, work: Work) -> Direction:
    if message.outgoing:
        return Direction.PROGRAM
    return Direction.TEAM if message.chat.id == work.desk.group_id else Direction.CUSTOMER


def take_back(chat: ChatId, message: MessageId, work: Work) -> None:
    """An answer that is deleted for the customer stays, marked."""
    if work.desk.settings.ARCHIVE:
        work.keeping.taken_back.append((chat, message))
