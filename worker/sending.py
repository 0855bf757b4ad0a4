"""One call to Telegram for one run of rows, and what became of it. Nothing here touches the database."""

from collections.abc import Sequence
from dataclasses import dataclass

from sessions.errors import Gone, Rejected, SessionError
from sessions.port import MIRROR_MARK, Copy, Doubt, Edit, IdempotencyKey, Mirror, Session, Text
from tenants.ids import ChatId, MessageId
from tenants.outbox import Entity, Row, cut, utf16
from worker.decisions.command import Inquiry, Told
from worker.inquiries import inquire
from worker.line import Line

LONGEST_TEXT = 4000
"""UTF-16 units of a fallback; Telegram takes 4096 (Bot API: sendMessage)."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One message for each row; `parts` says where the row's text begins in a message that several share."""

    run: Sequence[Row]
    messages: Sequence[MessageId]
    parts: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    run: Sequence[Row]
    error: SessionError


@dataclass(frozen=True, slots=True)
class Dropped:
    """Decided at the last moment not to go out."""

    run: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Found:
    """What Telegram answered to a command's inquiry."""

    run: Sequence[Row]
    told: Told


Settled = Dropped | Found
Result = Sent | Refused | Dropped | Found
NOTHING_TO_EDIT = frozenset({"not_editable", "message_gone"})
"""Codes of refusals of an edit: the message was deleted in the topic, or is no copy of ours."""


def units_of(run: Sequence[Row]) -> int:
    """What a run takes of the group's budget: a joined text is one message (each copy counts: levlam, td#2592)."""
    if run[0].direction == "customer":
        return 0
    return 1 if run[0].joinable and run[0].album is None else len(run)


async def send_run(line: Line, run: Sequence[Row]) -> list[Result]:
    """What can't be copied goes out as a line of text instead: nothing is dropped in silence, but a mirror of what we
    sent ourselves.
    """
    own = [row for row in run if row.is_own]
    if own:
        others = [row for row in run if not row.is_own]
        return [Dropped(own), *(await send_run(line, others) if others else ())]
    session, group = line.session, line.group
    if len(run) > 1:
        return await _send_together(session, run, group)
    row = run[0]
    if row.kind == "lookup":
        return [await _inquire(line, row)]
    if row.kind == "edit":
        return [await _edit(session, row, group)]
    return [await _send_alone(session, row, group)]


async def _inquire(line: Line, row: Row) -> Result:
    try:
        told = await inquire(line.session, line.rights, Inquiry.load(row.body.text), line.group)
    except SessionError as error:
        return Refused((row,), error)
    return Found((row,), told)


async def _edit(session: Session, row: Row, group: ChatId | None) -> Result:
    if row.target is None or row.source is None:
        return Dropped((row,))
    edit = Edit(
        key=_key(row),
        to=_target(row, group),
        message=row.target,
        source=row.source,
        text=row.body.text,
        content=row.body.content,
        entities=row.body.entities,
        buttons=row.body.buttons,
    )
    try:
        return Sent((row,), await session.send(edit))
    except SessionError as error:
        if error.code in NOTHING_TO_EDIT:
            return Dropped((row,))
        return Refused((row,), error)


async def _send_together(session: Session, run: Sequence[Row], group: ChatId | None) -> list[Result]:
    """One text for all, or one call that copies them. Where that can't be done, each goes alone."""
    try:
        if run[0].joinable and run[0].album is None:
            text, entities, parts = join(run)
            (message,) = await session.send(_joined(run[0], group, text, entities))
            return [Sent(run, [message] * len(run), parts)]
        messages = await session.send(_copy_or_mirror(run, group))
        if len(messages) == len(run):
            return [Sent(run, messages)]
        # Telegram left out what it could not copy and does not say which: take back the others
        await session.delete(_target(run[0], group), messages)
    except SessionError as error:
        alone_helps = isinstance(error, Rejected) or (isinstance(error, Gone) and error.what == "source")
        if not alone_helps or error.code == "sent_before":
            return [Refused(run, error)]
    return await _send_one_by_one(session, run, group)


async def _send_one_by_one(session: Session, run: Sequence[Row], group: ChatId | None) -> list[Result]:
    results: list[Result] = []
    for number, row in enumerate(run):
        result = await _send_alone(session, row, group)
        if isinstance(result, Refused) and not isinstance(result.error, Rejected):
            return [*results, Refused(run[number:], result.error)]
        results.append(result)
    return results


async def _send_alone(session: Session, row: Row, group: ChatId | None) -> Result:
    run = (row,)
    try:
        if row.kind not in COPIED:
            return Sent(run, await session.send(_text(row, group)))
        try:
            return Sent(run, await session.send(_copy_or_mirror(run, group)))
        except (Rejected, Gone) as error:
            if error.code not in {"not_copyable", "source_deleted"}:
                raise
            return Sent(run, [await _say_instead(session, row, group, error)])
    except SessionError as error:
        return Refused(run, error)


def join(run: Sequence[Row]) -> tuple[str, tuple[Entity, ...], list[int]]:
    """The rows' texts under each other, their formatting moved along, and where each begins, in UTF-16 units."""
    parts: list[int] = []
    entities: list[Entity] = []
    at = 0
    for row in run:
        parts.append(at)
        entities.extend((kind, at + offset, length, language) for kind, offset, length, language in row.body.entities)
        at += utf16(row.body.text) + 1
    return "\n".join(row.body.text for row in run), tuple(entities), parts


COPIED = frozenset({"copy", "answer", "mirror"})
"""Kinds of rows that show a message of somebody else's."""


def _doubt(row: Row) -> Doubt | None:
    return None if row.doubt is None else Doubt(*row.doubt)


def _key(row: Row, way: str = "") -> IdempotencyKey:
    """Another one for each deliberate replay."""
    return IdempotencyKey(f"{row.id}:{row.generation}:{way}")


def _target(row: Row, group: ChatId | None) -> ChatId:
    target = row.customer if row.direction == "customer" else group
    if target is None:
        raise ValueError("a row without a place to go was claimed")
    return target


def _text(row: Row, group: ChatId | None) -> Text:
    return Text(
        key=_key(row),
        to=_target(row, group),
        topic=row.topic if row.direction == "topic" else None,
        text=row.body.text,
        markdown=row.body.markdown,
        reply_to=row.reply_to,
        doubt=_doubt(row),
    )


def _joined(first: Row, group: ChatId | None, text: str, entities: tuple[Entity, ...]) -> Text:
    return Text(
        key=_key(first, "joined"),
        to=_target(first, group),
        topic=first.topic,
        text=text,
        markdown=False,
        reply_to=None,
        entities=entities,
        doubt=_doubt(first),
    )


def _copy_or_mirror(run: Sequence[Row], group: ChatId | None) -> Copy | Mirror:
    first = run[0]
    sources = [row.source for row in run if row.source is not None]
    key = _key(first, "together" if len(run) > 1 else "")
    to, topic = _target(first, group), first.topic if first.direction == "topic" else None
    chat, ids = sources[0][0], tuple(message for _, message in sources)
    if first.kind != "mirror":
        return Copy(key, to, topic, chat, ids, first.reply_to, _doubt(first))
    body = first.body
    return Mirror(
        key,
        to,
        topic,
        chat,
        ids,
        first.reply_to,
        text=body.text,
        content=body.content,
        entities=body.entities,
        buttons=body.buttons,
        doubt=_doubt(first),
    )


async def _say_instead(session: Session, row: Row, group: ChatId | None, error: SessionError) -> MessageId:
    mark = MIRROR_MARK if row.kind == "mirror" else ""
    instead = Text(
        key=_key(row, "instead"),
        to=_target(row, group),
        topic=row.topic if row.direction == "topic" else None,
        text=mark + fallback_text(row.body.content, row.body.text, error.code),
        markdown=False,
        reply_to=row.reply_to,
        doubt=_doubt(row),
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
    return cut(f"{line}\n\n{text}", LONGEST_TEXT).strip()
