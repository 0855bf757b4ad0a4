"""What follows from a refusal: the one place where the five errors of a session become waiting, burying, telling."""

from collections.abc import Sequence
from datetime import timedelta

import structlog

from sessions.errors import Flaky, FloodWait, Gone, Rejected, Revoked, SessionError
from tenants import dialogs, intake, outbox, topics
from tenants.backoff import backoff
from tenants.db import UnitOfWork
from tenants.ids import ChatId
from tenants.outbox import Body, Delivered, NewRow, Row
from worker.line import Line
from worker.sending import Refused, Sent

GROUP_GONE_PAUSE = timedelta(minutes=1)
LONGEST_BACKOFF = 300.0
NOW = timedelta(0)

log = structlog.get_logger()


async def record_sent(unit: UnitOfWork, line: Line, sent: Sequence[Sent], group: ChatId | None) -> None:
    """Telegram answers an album with one id per piece that it could copy, in order."""
    delivered = [
        Delivered(row.id, message)
        for result in sent
        for row, message in zip(result.run, result.messages, strict=False)
    ]
    if delivered:
        await outbox.record_delivered(unit, line.tenant, line.lease, delivered, group=group)
    for result in sent:
        missing = result.run[len(result.messages) :]
        if missing:
            await _give_up(
                unit, line, missing, Rejected("album_piece", "Telegram could not copy a piece of the album.")
            )


async def record_refused(unit: UnitOfWork, line: Line, refused: Refused, group: ChatId | None) -> None:
    run, error = refused.run, refused.error
    first = run[0]
    log.info("message.refused", tenant=str(line.tenant), row=str(first.id), code=error.code, attempts=first.attempts)
    if isinstance(error, FloodWait):
        await _wait_for_flood(unit, line, run, error, group)
    elif isinstance(error, Flaky):
        delay = timedelta(seconds=backoff(first.attempts, longest=LONGEST_BACKOFF))
        await _snooze(unit, line, run, delay=delay, error=error, counted=True)
    elif isinstance(error, Revoked):
        await _snooze(unit, line, run, delay=NOW, error=error, counted=False)
    elif isinstance(error, Gone):
        await _gone(unit, line, run, error, group)
    else:
        await _give_up(unit, line, run, error)


async def _snooze(
    unit: UnitOfWork, line: Line, run: Sequence[Row], *, delay: timedelta, error: SessionError, counted: bool
) -> None:
    await outbox.snooze(unit, line.tenant, line.lease, run, delay=delay, error=error.code, counted=counted)


async def _wait_for_flood(
    unit: UnitOfWork, line: Line, run: Sequence[Row], error: FloodWait, group: ChatId | None
) -> None:
    """A flood wait of the group holds up the group; one of a private chat only that customer's lane."""
    delay = timedelta(seconds=error.seconds)
    if run[0].direction == "customer" or group is None:
        await _snooze(unit, line, run, delay=delay, error=error, counted=False)
        return
    await outbox.pause_group(unit, line.tenant, group, delay)
    await _snooze(unit, line, run, delay=NOW, error=error, counted=False)


async def _gone(unit: UnitOfWork, line: Line, run: Sequence[Row], error: Gone, group: ChatId | None) -> None:
    first = run[0]
    if first.direction == "customer":
        await _give_up(unit, line, run, error)
    elif error.what == "topic" and first.dialog is not None and first.topic is not None:
        await topics.forget_topic(unit, line.tenant, first.dialog, first.topic)
        await _snooze(unit, line, run, delay=NOW, error=error, counted=False)
    else:
        if group is not None:
            await outbox.pause_group(unit, line.tenant, group, GROUP_GONE_PAUSE)
        await intake.note_group_problem(unit, line.tenant, error.text)
        await _snooze(unit, line, run, delay=NOW, error=error, counted=False)


async def _give_up(unit: UnitOfWork, line: Line, run: Sequence[Row], error: SessionError) -> None:
    """Buries the rows and tells the operator in the topic, as a reply to what could not be delivered."""
    await outbox.bury(unit, line.tenant, line.lease, run, error=error.code)
    first = run[0]
    if first.dialog is None or first.kind == "notice":
        return
    unreachable = isinstance(error, Gone) and first.direction == "customer"
    state = await dialogs.note_failure(
        unit, line.tenant, first.dialog, unreachable=unreachable, answer=first.kind == "answer"
    )
    if first.kind != "answer" and state.was_unreachable:
        return
    reply_to = first.source[1] if first.kind == "answer" and first.source else None
    notice = NewRow(state.topic_lane, "notice", Body(_words(first, error)), reply_to=reply_to)
    await outbox.enqueue(unit, line.tenant, [notice], line.keyring)


def _words(row: Row, error: SessionError) -> str:
    what = {"answer": "Not delivered", "welcome": "WELCOME was not sent", "copy": "A message could not be shown here"}
    remedy = ""
    if error.code == "blocked":
        remedy = " Your answers reach them again once they unblock it."
    elif row.kind == "welcome" and error.code == "bad_formatting":
        remedy = " Mend WELCOME in the setup bot."
    return f"⚠️ {what.get(row.kind, 'Not delivered')}: {error.text}{remedy}"
