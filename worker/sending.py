"""One call to Telegram for one run of rows, and what became of it. Nothing here touches the database."""

from collections.abc import Sequence
from dataclasses import dataclass

from sessions.errors import Gone, Rejected, SessionError
from sessions.port import Copy, IdempotencyKey, Session, Text
from tenants.ids import ChatId, MessageId
from tenants.outbox import Row

LONGEST_TEXT = 4000
"""Characters of a fallback; Telegram takes 4096 UTF-16 units (Bot API: sendMessage)."""


@dataclass(frozen=True, slots=True)
class Sent:
    run: Sequence[Row]
    messages: Sequence[MessageId]


@dataclass(frozen=True, slots=True)
class Refused:
    run: Sequence[Row]
    error: SessionError


Result = Sent | Refused


async def send_run(session: Session, run: Sequence[Row], group: ChatId | None) -> Result:
    """What can't be copied goes out as a line of text instead: nothing is dropped in silence."""
    try:
        if run[0].source is None:
            return Sent(run, await session.send(_text(run[0], group)))
        try:
            return Sent(run, await session.send(_copy(run, group)))
        except (Rejected, Gone) as error:
            if error.code not in {"not_copyable", "source_deleted"}:
                raise
            return Sent(run, [await _say_instead(session, row, group, error) for row in run])
    except SessionError as error:
        return Refused(run, error)


def _target(row: Row, group: ChatId | None) -> ChatId:
    target = row.customer if row.direction == "customer" else group
    if target is None:
        raise ValueError("a row without a place to go was claimed")
    return target


def _text(row: Row, group: ChatId | None) -> Text:
    return Text(
        key=IdempotencyKey(f"{row.id}"),
        to=_target(row, group),
        topic=row.topic if row.direction == "topic" else None,
        text=row.body.text,
        markdown=row.body.markdown,
        reply_to=row.reply_to,
    )


def _copy(run: Sequence[Row], group: ChatId | None) -> Copy:
    first = run[0]
    sources = [row.source for row in run if row.source is not None]
    return Copy(
        key=IdempotencyKey(f"{first.id}"),
        to=_target(first, group),
        topic=first.topic if first.direction == "topic" else None,
        source=sources[0][0],
        ids=tuple(message for _, message in sources),
        reply_to=first.reply_to,
    )


async def _say_instead(session: Session, row: Row, group: ChatId | None, error: SessionError) -> MessageId:
    instead = Text(
        key=IdempotencyKey(f"{row.id}:instead"),
        to=_target(row, group),
        topic=row.topic if row.direction == "topic" else None,
        text=fallback_text(row.body.content, row.body.text, error.code),
        markdown=False,
        reply_to=row.reply_to,
    )
    return (await session.send(instead))[0]


def fallback_text(content: str, text: str, code: str) -> str:
    kind = content.replace("_", " ")
    if code == "source_deleted":
        line = (
            "🗑 deleted before it could be copied"
            if content == "text"
            else f"🗑 {kind}, deleted before it could be copied"
        )
    else:
        line = f"📎 {kind}: Telegram does not let bots copy this kind of message"
    return f"{line}\n\n{text}"[:LONGEST_TEXT].strip()
