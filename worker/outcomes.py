"""What each update of a batch comes to: it is decided, it waits for the plan's limit, or it is set aside."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

import structlog

from sessions.events import ChatKind, Incoming, Message
from sessions.kept import dump_event
from tenants.dead_letters import mark_late
from tenants.ids import LaneId
from tenants.intake import Disposition, Failed, Held, Outcome
from tenants.outbox import Body, NewRow
from worker.decisions.dispatch import APOLOGY, dispatch
from worker.decisions.holding import may_wait, whereabouts
from worker.decisions.work import Work

APOLOGIZE_EVERY = timedelta(minutes=10)
FREE = {"own_service", "own_message", "topic_adopted", "bot"}
"""Reasons of what bots did in the group, ourselves first of all: no plan pays for it."""

log = structlog.get_logger()


def unhandled(updates: Iterable[Incoming], work: Work) -> list[Incoming]:
    """Those that were not handled before, each once; of what waited, only what still does."""
    known, held = work.desk.known, work.desk.held
    found = {
        update.id: update
        for update in updates
        if (update.id not in known if update.waited_since is None else update.id in held)
    }
    return list(found.values())


def decide(updates: Sequence[Incoming], work: Work) -> list[Outcome]:
    """Raises whatever a decision raises. What waited and finds no room goes on waiting: it has no outcome."""
    for update in updates:
        work.albums.note(update)
    announced: set[LaneId] = set()
    outcomes = []
    for update in updates:
        if update.waited_since is not None and not work.gate.has_room:
            continue
        if update.waited_since is None and not work.gate.is_open and may_wait(update, work):
            work.gate.hold()
            body = dump_event(update.id, update.kind, update.event)
            outcomes.append(Outcome(update.id, update.kind, Held(), body, whereabouts(update)))
            continue
        disposition = _decide(update, work, announced)
        if disposition.reason not in FREE:
            work.gate.count()
        outcomes.append(Outcome(update.id, update.kind, disposition))
    return outcomes


def _decide(update: Incoming, work: Work, announced: set[LaneId]) -> Disposition:
    """`announced` are the lanes that were told that what follows is late."""
    before = len(work.rows)
    disposition = dispatch(update, work)
    if update.waited_since is not None:
        work.rows[before:] = mark_late(work.rows[before:], update.waited_since, announced)
    return disposition


def set_aside(updates: Sequence[Incoming], work: Work, reason: str) -> list[Outcome]:
    work.gate.counted += len(updates)
    return [_set_aside(update, reason, work) for update in updates]


def _set_aside(incoming: Incoming, reason: str, work: Work) -> Outcome:
    """Keeps the update, encrypted, and tells the customer in one harmless sentence, not too often."""
    log.error("update.set_aside", tenant=str(work.desk.tenant), update=incoming.id, reason=reason)
    event = incoming.event
    silent = work.desk.settings.SILENT_MODE
    is_customers = isinstance(event, Message) and event.chat.kind is ChatKind.PRIVATE and not event.outgoing
    if isinstance(event, Message) and is_customers and not silent:
        dialog = work.dialogs.by_chat.get(event.chat.id)
        lately = dialog and dialog.apologized_at and work.desk.now - dialog.apologized_at < APOLOGIZE_EVERY
        if dialog and not lately and not work.is_ignored(event.chat.id):
            dialog.apologized_at = work.desk.now
            work.rows.append(NewRow(dialog.customer_lane, "text", Body(APOLOGY)))
    return Outcome(incoming.id, incoming.kind, Failed(reason), incoming.raw, whereabouts(incoming))
