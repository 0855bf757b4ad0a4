"""What an edited message means: its counterpart is edited, too, and only where people see a difference."""

from dataclasses import replace
from datetime import timedelta

from sessions.digests import shows_other_media
from sessions.events import Edited, Incoming, Message
from tenants.dialogs import Dialog
from tenants.ids import ChatId, LaneId, MessageId
from tenants.intake import Disposition, Handled, Ignored, Queued
from tenants.outbox import PLAIN_LOOK, Body, NewBody, NewRow, Trace
from worker.decisions.command import read_command
from worker.decisions.keeping import keep
from worker.decisions.work import Work

EDIT_EVERY = timedelta(seconds=15)
"""A message that is edited again and again is changed as often on the other side: each edit counts in the group's
minute (levlam, td#2592).
"""
SNAPSHOT_EVERY = timedelta(minutes=1)
"""So often a place that is shared live is shown anew: its copy can't move (telegram.md §5.5)."""

SHOWING = ("copy", "answer", "mirror")
"""Kinds of rows that show the message on the other side."""
STAYS_SENT = (
    "The customer still has your message as it was: it had been sent before you made a note or a command of it. "
    "To take it back, reply /del to it."
)
NEVER_SENT = "This was not sent to the customer, and a change does not send it: write it as a new message."


def customer_edited(incoming: Incoming, edited: Edited, work: Work) -> Disposition:
    """It changes no status and opens nothing."""
    message = edited.message
    dialog = work.dialogs.by_chat.get(message.chat.id)
    if dialog is None:
        return Ignored("no_dialog")
    if not work.is_welcome(message.chat.id):
        return Ignored("not_on_white_list")
    return change(incoming, message, dialog, dialog.topic_lane, work)


def team_edited(incoming: Incoming, edited: Edited, work: Work) -> Disposition:
    """A command is obeyed once, as it was typed first; what was sent stays sent, what was not stays here."""
    message = edited.message
    if message.topic_id is None:
        return Ignored("general")
    dialog = work.dialogs.by_topic.get(message.topic_id)
    if dialog is None:
        return Ignored("not_a_dialog")
    typed, was_sent = read_command(message.text), _was_sent(message, work)
    if typed is None and was_sent:
        return change(incoming, message, dialog, dialog.customer_lane, work)
    if typed is None:
        return _tell(NEVER_SENT, "edited_into_text", message, dialog, work)
    if was_sent:
        return _tell(STAYS_SENT, "edited_into_command", message, dialog, work)
    return Handled("comment") if typed.is_comment else Ignored("edited_command")


def _was_sent(message: Message, work: Work) -> bool:
    source = (message.chat.id, message.id)
    trace = work.trace(*source)
    return trace.is_mapped or trace.kind == "answer" or find_new(work, "answer", source) is not None


def _tell(words: str, what: str, message: Message, dialog: Dialog, work: Work) -> Disposition:
    work.rows.append(NewRow(dialog.topic_lane, "notice", Body(words), reply_to=message.id))
    return Handled(what)


def change(incoming: Incoming, message: Message, dialog: Dialog, lane: LaneId, work: Work) -> Disposition:
    """The newest content counts: what waits already is changed in its place, and what is shown is edited."""
    source = (message.chat.id, message.id)
    trace = work.trace(*source)
    shown = newest_digest(work, source, trace)
    if shown and shown == message.digest:
        return Ignored("unchanged")
    own = body_of(message)
    if merge(work, message, source, own, edit_body(message, trace)):
        keep(message, dialog, own, work, is_edit=True)
        return Handled("merged")
    if not (trace.is_open or (trace.is_mapped and dialog.topic_id is not None)):
        return Ignored("not_relayed")
    keep(message, dialog, own, work, is_edit=True)
    every = SNAPSHOT_EVERY if message.content == "location" else EDIT_EVERY
    now = work.desk.now
    work.rows.append(
        NewRow(
            lane=lane,
            kind="edit",
            body=edit_body(message, trace),
            update_id=incoming.id,
            source=source,
            reply_to=message.id,
            digest=message.digest,
            later=True,
            not_before=now if trace.edited_at is None else max(now, trace.edited_at + every),
        )
    )
    return Queued()


def newest_digest(work: Work, source: tuple[ChatId, MessageId], trace: Trace) -> str:
    """Of what is shown or queued; empty where nothing is known."""
    for kind in ("edit", *SHOWING):
        new = find_new(work, kind, source)
        if new is not None:
            return work.rows[new].digest
    row = trace.edit or trace.row
    rewritten = None if row is None else work.rewritten.get(row)
    return trace.digest if rewritten is None else rewritten.digest


def merge(work: Work, message: Message, source: tuple[ChatId, MessageId], own: Body, edit: Body) -> bool:
    """Into a row of this batch, or into one that waits in the queue: `own` where that shows the message, `edit` where
    it changes it.
    """
    for kind in ("edit", *SHOWING):
        new = find_new(work, kind, source)
        if new is not None:
            row = work.rows[new]
            joinable = row.joinable and message.joinable
            body = edit if kind == "edit" else own
            work.rows[new] = replace(row, body=body, digest=message.digest, joinable=joinable)
            return True
    trace = work.trace(*source)
    if trace.edit is not None:
        work.rewritten[trace.edit] = NewBody(edit, message.digest)
        return True
    if trace.row is not None and trace.is_changeable and trace.kind in SHOWING:
        joinable = trace.kind == "copy" and message.joinable
        work.rewritten[trace.row] = NewBody(own, message.digest, joinable)
        return True
    return False


def find_new(work: Work, kind: str, source: tuple[ChatId, MessageId]) -> int | None:
    """A row of this batch."""
    found = (at for at, row in enumerate(work.rows) if row.kind == kind and row.source == source)
    return next(found, None)


def body_of(message: Message) -> Body:
    look = message.look if message.look.anew else PLAIN_LOOK
    return Body(
        message.text,
        content=message.content,
        entities=message.entities,
        buttons=message.buttons,
        quote=message.quote,
        look=look,
    )


def edit_body(message: Message, trace: Trace) -> Body:
    """Names its media only where that is another one than the one that is shown."""
    is_new = shows_other_media(trace.shown, message.digest)
    look = replace(message.look, media=message.look.media if is_new else "", is_mirror=message.outgoing)
    return replace(body_of(message), look=look)
