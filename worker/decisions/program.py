"""What another program does with the same bot, shown in the customer's topic. It never changes a status."""

from sessions.events import ChatKind, Edited, Incoming, Message, Pressed
from tenants.dialogs import Dialog
from tenants.identity import name_of
from tenants.ids import ChatId
from tenants.intake import Disposition, Handled, Ignored, Queued
from tenants.outbox import Body, NewRow, cut
from worker.decisions.edits import body_of, change, find_new
from worker.decisions.keeping import keep
from worker.decisions.work import Work

LONGEST_LABEL = 64
"""UTF-16 units of a button's label in a line; the rest says nothing more."""


def program_wrote(incoming: Incoming, message: Message, work: Work) -> Disposition:
    if message.chat.kind is not ChatKind.PRIVATE or message.chat.id == work.desk.group_id:
        return Ignored("bot")
    source = (message.chat.id, message.id)
    trace = work.trace(*source)
    if trace.row is not None or find_new(work, "mirror", source) is not None:
        return Ignored("seen_before")
    if trace.is_ours or trace.is_mapped:
        return Ignored("own_message")
    dialog = _find_open_dialog(message.chat.id, work)
    if isinstance(dialog, Ignored):
        return dialog
    body = body_of(message)
    keep(message, dialog, body, work)
    work.rows.append(
        NewRow(
            lane=dialog.topic_lane,
            kind="mirror",
            body=body,
            update_id=incoming.id,
            source=source,
            reply_to=message.reply_to,
            album=message.album,
            digest=message.digest,
        )
    )
    return Queued()


def _find_open_dialog(chat: ChatId, work: Work) -> Dialog | Ignored:
    if not work.desk.settings.INTERCEPT_EXTERNAL:
        return Ignored("intercept_off")
    if work.is_ignored(chat):
        return Ignored("ignored_chat")
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
    if not work.desk.settings.INTERCEPT_EXTERNAL:
        return Ignored("intercept_off")
    dialog = work.dialogs.by_chat.get(message.chat.id)
    if dialog is None:
        return Ignored("no_dialog")
    trace = work.trace(message.chat.id, message.id)
    is_new = find_new(work, "mirror", (message.chat.id, message.id)) is not None
    is_waiting = trace.kind == "mirror" and (trace.is_open or trace.is_changeable)
    if trace.is_ours or not (is_new or is_waiting or (trace.is_mapped and dialog.topic_id is not None)):
        return Ignored("not_mirrored")
    return change(incoming, message, dialog, dialog.topic_lane, work)


def pressed(event: Pressed, work: Work) -> Disposition:
    if event.chat.kind is not ChatKind.PRIVATE:
        return Ignored("button")
    dialog = _find_open_dialog(event.chat.id, work)
    if isinstance(dialog, Ignored):
        return dialog
    label = cut(" ".join(event.label.split()), LONGEST_LABEL)
    who = name_of(dialog, work.desk.settings)
    line = f"▫️ {who} pressed “{label}”" if label else f"▫️ {who} pressed a button"
    source = (event.chat.id, event.message)
    work.rows.append(NewRow(dialog.topic_lane, "notice", Body(line), source=source, reply_to=event.message))
    return Handled("pressed")
