"""What a reaction means: the bot reacts in the same way to the counterpart on the other side.

A bot has one reaction to a message: of several people's the newest is shown. One that is taken away takes the bot's
away only where it is the one that is shown.
"""

from dataclasses import replace
from datetime import timedelta
from hashlib import blake2b

from sessions.events import Incoming, Reacted
from tenants.dialogs import Dialog
from tenants.ids import ChatId, LaneId, MessageId
from tenants.intake import Disposition, Handled, Ignored, Queued
from tenants.outbox import Body, NewBody, NewRow
from worker.decisions.edits import find_new
from worker.decisions.work import Work

REACT_EVERY = timedelta(seconds=10)
"""Whoever can't decide costs one call in so long."""


def reacted(incoming: Incoming, event: Reacted, work: Work) -> Disposition:
    place = _place(event, work)
    if place is None or not work.is_welcome(place[0].chat_id):
        return Ignored("no_dialog" if place is None else "not_on_white_list")
    if (reason := _why_not(event, work)) is not None:
        return Ignored(reason)
    lane, source = place[1], (event.chat.id, event.message)
    trace, digest = work.trace(*source), _digest(event.emoji)
    if _merge(source, event.emoji, digest, work):
        return Handled("merged")
    now = work.desk.now
    work.rows.append(
        NewRow(
            lane=lane,
            kind="reaction",
            body=Body(event.emoji or ""),
            update_id=incoming.id,
            source=source,
            reply_to=event.message,
            digest=digest,
            later=True,
            not_before=now if trace.reacted_at is None else max(now, trace.reacted_at + REACT_EVERY),
        )
    )
    return Queued()


def _why_not(event: Reacted, work: Work) -> str | None:
    source = (event.chat.id, event.message)
    trace, newest = work.trace(*source), _newest(source, work)
    reason = None
    if event.person is not None and event.person.is_bot:
        reason = "bot"
    elif not (trace.is_mapped or trace.is_open):
        reason = "not_relayed"
    elif newest == _digest(event.emoji):
        reason = "unchanged"
    elif event.emoji is None and newest is not None and newest not in map(_digest, event.before):
        reason = "another_reaction"
    return reason


def _place(event: Reacted, work: Work) -> tuple[Dialog, LaneId] | None:
    """Telegram does not say in which topic it was."""
    if event.chat.id == work.desk.group_id:
        dialog = work.dialogs.by_message.get(event.message)
        return None if dialog is None else (dialog, dialog.customer_lane)
    dialog = work.dialogs.by_chat.get(event.chat.id)
    return None if dialog is None else (dialog, dialog.topic_lane)


def _newest(source: tuple[ChatId, MessageId], work: Work) -> str | None:
    """Of the reactions that are shown or queued; None where nobody knows of one."""
    new = find_new(work, "reaction", source)
    if new is not None:
        return work.rows[new].digest
    trace = work.trace(*source)
    rewritten = None if trace.reaction is None else work.rewritten.get(trace.reaction)
    return trace.reacted if rewritten is None else rewritten.digest


def _merge(source: tuple[ChatId, MessageId], emoji: str | None, digest: str, work: Work) -> bool:
    """Into one that waits."""
    body, new, waiting = Body(emoji or ""), find_new(work, "reaction", source), work.trace(*source).reaction
    if new is not None:
        work.rows[new] = replace(work.rows[new], body=body, digest=digest)
    elif waiting is not None:
        work.rewritten[waiting] = NewBody(body, digest)
    return new is not None or waiting is not None


def _digest(emoji: str | None) -> str:
    return blake2b((emoji or "").encode(), digest_size=8).hexdigest()
