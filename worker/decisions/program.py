"""What another program does with the same bot, shown in the customer's topic. It never changes a status."""

from dataclasses import replace

from sessions.events import ChatKind, Edited, Incoming, Message, Pressed
from tenants.dialogs import Dialog
from tenants.ids import ChatId, MessageId
from tenants.intake import Disposition, Handled, Ignored, Queued
from tenants.outbox import Body, NewRow, cut
from worker.decisions.work import Work

LONGEST_LABEL = 64
"""UTF-16 units of a button's label in a line; the rest says nothing more."""


def program_wrote(incoming: Incoming, message: Message, work: Work) -> Disposition:
    if message.chat.kind is not ChatKind.PRIVATE or message.chat.id == work.desk.group_id:
        return Ignored("bot")
    source = (message.chat.id, message.id)
    trace = work.trace(*source)
    if trace.row is not None or _find_new(work, "mirror", source) is not None:
        return Ignored("seen_before")
    if trace.is_ours or trace.is_mapped:
        return Ignored("own_message")
    dialog = _find_open_dialog(message.chat.id, work)
    if isinstance(dialog, Ignored):
        return dialog
    work.rows.append(
        NewRow(
            lane=dialog.topic_lane,
            kind="mirror",
            body=_body(message),
            update_id=incoming.id,
            source=source,
            reply_to=message.reply_to,
            album=message.album,
        )
    )
    return Queued()


def _find_open_dialog(chat: ChatId, work: Work) -> Dialog | Ignored:
    if not work.desk.settings.INTERCEPT_EXTERNAL:
        return Ignored("intercept_off")
    dialog = work.dialogs.by_chat.get(chat)
    if dialog is None:
        return Ignored("no_dialog")
    if not dialog.is_open:
        return Ignored("closed")
    if not work.is_welcome(chat):
        return Ignored("not_on_white_list")
    return dialog


def program_edited(incoming: Incoming, edited: Edited, work: Work) -> Disposition:
    """The newest words count: what waits already is changed in its place."""
    message = edited.message
    if not message.outgoing or message.chat.kind is not ChatKind.PRIVATE:
        return Ignored("edit")
    if not work.desk.settings.INTERCEPT_EXTERNAL:
        return Ignored("intercept_off")
    source = (message.chat.id, message.id)
    dialog = work.dialogs.by_chat.get(message.chat.id)
    if dialog is None:
        return Ignored("no_dialog")
    if _is_merged(message, source, work):
        return Handled("merged")
    trace = work.trace(*source)
    is_shown = trace.is_mapped and dialog.topic_id is not None
    if trace.is_ours or not (is_shown or (trace.kind == "mirror" and trace.is_open)):
        return Ignored("not_mirrored")
    work.rows.append(
        NewRow(
            lane=dialog.topic_lane,
            kind="edit",
            body=_body(message),
            update_id=incoming.id,
            source=source,
            reply_to=message.id,
        )
    )
    return Queued()


def _is_merged(message: Message, source: tuple[ChatId, MessageId], work: Work) -> bool:
    """Into a row of this batch, or into one that waits in the queue."""
    new = _find_new(work, "edit", source)
    if new is None:
        new = _find_new(work, "mirror", source)
    if new is not None:
        work.rows[new] = replace(work.rows[new], body=_body(message))
        return True
    trace = work.trace(*source)
    row = trace.edit
    if row is None and trace.kind == "mirror" and trace.is_changeable:
        row = trace.row
    if row is None:
        return False
    work.rewritten[row] = _body(message)
    return True


def _find_new(work: Work, kind: str, source: tuple[ChatId, MessageId]) -> int | None:
    found = (at for at, row in enumerate(work.rows) if row.kind == kind and row.source == source)
    return next(found, None)


def _body(message: Message) -> Body:
    return Body(message.text, content=message.content, entities=message.entities, buttons=message.buttons)


def pressed(event: Pressed, work: Work) -> Disposition:
    if event.chat.kind is not ChatKind.PRIVATE:
        return Ignored("button")
    dialog = _find_open_dialog(event.chat.id, work)
    if isinstance(dialog, Ignored):
        return dialog
    label = cut(" ".join(event.label.split()), LONGEST_LABEL)
    line = f"▫️ {dialog.name} pressed “{label}”" if label else f"▫️ {dialog.name} pressed a button"
    source = (event.chat.id, event.message)
    work.rows.append(NewRow(dialog.topic_lane, "notice", Body(line), source=source, reply_to=event.message))
    return Handled("pressed")
