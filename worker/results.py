"""What follows from a refusal: the one place where the five errors of a session become waiting, burying, telling."""

from collections.abc import Sequence
from datetime import timedelta

from sessions.errors import Flaky, FloodWait, Gone, Revoked, SessionError
from tenants import archive, dialog_events, intake, outbox, topics
from tenants.backoff import backoff
from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.groups import follow_group
from tenants.ids import ChatId, TenantId
from tenants.outbox import Body, Delivered, NewRow, Row
from tenants.webhooks.happenings import tell_answered
from worker import metrics
from worker.hearing import tell_deaf
from worker.line import Line
from worker.obeying import record_found
from worker.sending import Deaf, Dropped, Refused, Sent, Settled, Taken

GROUP_GONE_PAUSE = timedelta(minutes=1)
LONGEST_BACKOFF = 300.0
NOW = timedelta(0)
DELETED = "🗑 Deleted for the customer."


async def record_sent(unit: UnitOfWork, sent: Sequence[tuple[Line, Sequence[Sent]]]) -> set[TenantId]:
    """The tenants whose results could not be stored, because their lease does not hold any more."""
    delivered = []
    for line, results in sent:
        for result in results:
            parts = result.parts or [0] * len(result.run)
            for row, message, part_at in zip(result.run, result.messages, parts, strict=True):
                delivered.append(Delivered(line.tenant, row.id, message, part_at))
    holders = [(line.tenant, line.lease, line.group) for line, _ in sent]
    lost = await outbox.record_delivered(unit, holders, delivered)
    edits = [row.id for _, results in sent for result in results for row in result.run if row.kind == "edit"]
    if edits:
        await outbox.note_changed(unit, edits)
    answers = [row.id for _, results in sent for result in results for row in result.run if row.kind == "answer"]
    if answers:
        await tell_answered(unit, answers)
    return lost


async def record_settled(unit: UnitOfWork, line: Line, settled: Settled, keyring: Keyring, brand_link: str) -> None:
    if isinstance(settled, Dropped):
        error = (None, None) if settled.error is None else (settled.error.code, settled.error.text)
        await outbox.drop(unit, line.tenant, line.lease, settled.run, error=error)
        own = [row.source for row in settled.run if row.is_own and row.source is not None]
        if own:
            await archive.forget_mirrored(unit, line.tenant, own)
    elif isinstance(settled, Taken):
        await _record_taken(unit, line, settled.run[0], keyring)
    elif isinstance(settled, Deaf):
        await outbox.finish(unit, line.tenant, line.lease, settled.run[0])
        await tell_deaf(unit, line.tenant, settled.chat, settled.title)
    else:
        await record_found(unit, line, settled, keyring, brand_link)


async def _record_taken(unit: UnitOfWork, line: Line, row: Row, keyring: Keyring) -> None:
    """Says so in the topic, once."""
    if not await outbox.finish(unit, line.tenant, line.lease, row) or row.dialog is None:
        return
    lane = await dialog_events.get_topic_lane(unit, line.tenant, row.dialog)
    reply_to = row.source[1] if row.source else None
    await outbox.enqueue(unit, line.tenant, [NewRow(lane, "notice", Body(DELETED), reply_to=reply_to)], keyring)


async def record_refused(unit: UnitOfWork, line: Line, refused: Refused, keyring: Keyring) -> None:
    run, error = refused.run, refused.error
    first = run[0]
    if isinstance(error, FloodWait):
        await _wait_for_flood(unit, line, run, error)
    elif isinstance(error, Flaky):
        delay = timedelta(seconds=backoff(first.attempts, longest=LONGEST_BACKOFF))
        await _snooze(unit, line, run, delay=delay, error=error, counted=True)
    elif isinstance(error, Revoked):
        await _snooze(unit, line, run, delay=NOW, error=error, counted=False)
    elif isinstance(error, Gone):
        await _gone(unit, line, run, error, keyring)
    else:
        await _give_up(unit, line, run, error, keyring)


async def _snooze(
    unit: UnitOfWork, line: Line, run: Sequence[Row], *, delay: timedelta, error: SessionError, counted: bool
) -> None:
    await outbox.snooze(
        unit, line.tenant, line.lease, run, delay=delay, error=(error.code, error.text), counted=counted
    )


async def _wait_for_flood(unit: UnitOfWork, line: Line, run: Sequence[Row], error: FloodWait) -> None:
    """A flood wait of the group holds up the group; one of a private chat only that customer's lane."""
    delay = timedelta(seconds=error.seconds)
    if run[0].direction == "customer" or line.group is None:
        await _snooze(unit, line, run, delay=delay, error=error, counted=False)
        return
    await outbox.pause_group(unit, line.tenant, line.group, delay)
    await _snooze(unit, line, run, delay=NOW, error=error, counted=False)


async def _gone(unit: UnitOfWork, line: Line, run: Sequence[Row], error: Gone, keyring: Keyring) -> None:
    first = run[0]
    if first.direction == "customer":
        if error.moved_to is not None and first.dialog is not None:
            await dialog_events.follow_chat(unit, line.tenant, first.dialog, ChatId(error.moved_to))
            await _snooze(unit, line, run, delay=NOW, error=error, counted=False)
        else:
            await _give_up(unit, line, run, error, keyring)
        return
    if error.what == "topic" and first.dialog is not None and first.topic is not None:
        await topics.forget_topic(unit, line.tenant, first.dialog, first.topic)
    elif error.moved_to is not None and line.group is not None:
        await follow_group(unit, line.tenant, line.group, ChatId(error.moved_to))
    elif line.group is not None:
        await outbox.pause_group(unit, line.tenant, line.group, GROUP_GONE_PAUSE)
        await intake.note_group_problem(unit, line.tenant, error.text)
    await _snooze(unit, line, run, delay=NOW, error=error, counted=False)


async def _give_up(unit: UnitOfWork, line: Line, run: Sequence[Row], error: SessionError, keyring: Keyring) -> None:
    """Buries the rows and tells the operator in the topic, as a reply to what could not be delivered."""
    metrics.BURIED.labels(error.code).inc(len(run))
    if not await outbox.bury(unit, line.tenant, line.lease, run, error=(error.code, error.text)):
        return
    first = run[0]
    if first.dialog is None or first.kind == "notice":
        return
    unreachable = isinstance(error, Gone) and first.direction == "customer"
    state = await dialog_events.note_failure(
        unit, line.tenant, first.dialog, unreachable=unreachable, answer=first.kind == "answer"
    )
    if first.kind != "answer" and state.was_unreachable:
        return
    is_teams = first.kind in {"answer", *outbox.CHANGES} and first.direction == "customer"
    reply_to = first.source[1] if is_teams and first.source else None
    words = Body(_words(first, error))
    notice = NewRow(state.topic_lane, "notice", words, update_id=first.update_id, reply_to=reply_to)
    await outbox.enqueue(unit, line.tenant, [notice], keyring)


def _words(row: Row, error: SessionError) -> str:
    what = {
        "answer": "Not delivered",
        "welcome": "WELCOME was not sent",
        "copy": "A message could not be shown here",
        "forward": "A message could not be shown here",
        "line": "A message could not be shown here",
        "mirror": "A message of your program could not be shown here",
        "edit": "A change could not be shown here",
        "deletion": "Not deleted for the customer",
    }
    if row.kind == "edit" and row.direction == "customer":
        return f"⚠️ The customer does not have your change: {error.text}"
    remedy = ""
    if error.code == "blocked":
        remedy = " Your answers reach them again once they unblock it."
    elif row.kind == "welcome" and error.code == "bad_formatting":
        remedy = " Mend WELCOME in the setup bot."
    return f"⚠️ {what.get(row.kind, 'Not delivered')}: {error.text}{remedy}"
