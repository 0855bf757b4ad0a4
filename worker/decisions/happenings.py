"""What decisions lead to, as events for webhooks: read off the dialogs and the rows, so that none can forget one."""

from dataclasses import dataclass

from tenants.dialogs import Dialog, Status
from tenants.ids import DialogId, MessageId
from tenants.settings.webhooks import EventName
from tenants.webhooks.happenings import Happening, Told
from worker.decisions.work import Work

_MESSAGES: dict[str, EventName] = {
    "copy": "message_received",
    "forward": "message_received",
    "line": "message_received",
    "mirror": "message_intercepted",
}


@dataclass(frozen=True, slots=True)
class Before:
    """How things stood: the new dialogs, the status of each, and how many rows there were."""

    fresh: frozenset[DialogId]
    statuses: dict[DialogId, Status]
    rows: int


def look(work: Work) -> Before | None:
    """None where nobody wants to be told."""
    if not work.desk.settings.WEBHOOKS:
        return None
    statuses = {dialog.id: dialog.status for dialog in work.dialogs.by_chat.values()}
    return Before(frozenset(dialog.id for dialog in work.dialogs.fresh()), statuses, len(work.rows))


def note_events(work: Work, before: Before | None) -> None:
    """What has happened since then."""
    if before is None:
        return
    fresh = {dialog.id for dialog in work.dialogs.fresh()}
    for dialog in work.dialogs.by_chat.values():
        if dialog.id in fresh - before.fresh:
            _note(work, "dialog_created", dialog)
        else:
            _note_status(work, dialog, before.statuses.get(dialog.id, dialog.status))
    by_lane = {dialog.topic_lane: dialog for dialog in work.dialogs.by_chat.values()}
    for row in work.rows[before.rows :]:
        if row.kind in _MESSAGES and row.source is not None and row.lane in by_lane:
            work.events.append(_happening(work, _MESSAGES[row.kind], by_lane[row.lane], row.source[1]))


def _note_status(work: Work, dialog: Dialog, was: Status) -> None:
    was_open = was is not Status.CLOSED
    if was_open != dialog.is_open:
        _note(work, "dialog_reopened" if dialog.is_open else "dialog_closed", dialog)


def _note(work: Work, event: EventName, dialog: Dialog) -> None:
    work.events.append(_happening(work, event, dialog))


def _happening(work: Work, event: EventName, dialog: Dialog, message: MessageId | None = None) -> Happening:
    return Happening(event, work.desk.now, dialog.id, dialog.kind, dialog.chat_id, message)


def told_by(*works: Work) -> list[Told]:
    return [Told(work.desk.tenant, work.desk.settings, event) for work in works for event in work.events]
