"""One call to Telegram for one run of rows, and what became of it. Nothing here touches the database."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sessions.errors import Gone, Rejected, SessionError
from sessions.port import MIRROR_MARK, Caption, Copy, Doubt, IdempotencyKey, Mirror, Session, Text
from tenants.ids import ChatId, MessageId, TopicId
from tenants.outbox import Entity, Row, cut
from worker.decisions.command import Inquiry, Told
from worker.hearing import DEAF_LINE, is_deaf, read_question
from worker.inquiries import inquire
from worker.line import Line
from worker.voices import is_forwarded, join, name_line, named_text, needs_line

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
    """Decided at the last moment not to go out: because of what Telegram answered, if there is an `error`."""

    run: Sequence[Row]
    error: SessionError | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What was sent is taken back."""

    run: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Deaf:
    """In the group of that title the bot hears next to nothing."""

    run: Sequence[Row]
    chat: ChatId
    title: str


@dataclass(frozen=True, slots=True)
class Found:
    """What Telegram answered to a command's inquiry."""

    run: Sequence[Row]
    told: Told


Settled = Dropped | Taken | Found | Deaf
Result = Sent | Refused | Settled


def units_of(run: Sequence[Row]) -> int:
    """What a run takes of the group's budget: a joined text is one message (each copy counts: levlam, td#2592)."""
    if run[0].direction == "customer":
        return 0
    return 1 if run[0].joinable and run[0].album is None and len(run) > 1 else len(run) + needs_line(run[0])


async def send_run(line: Line, run: Sequence[Row]) -> list[Result]:
    """What can't be copied goes out as a line of text instead: nothing is dropped in silence, but a mirror of what we
    sent ourselves.
    """
    own = [row for row in run if row.is_own]
    if own:
        others = [row for row in run if not row.is_own]
        return [Dropped(own), *(await send_run(line, others) if others else ())]
    session, group = line.session, line.group
    if len(run) > 1 and run[0].album is None and not run[0].joinable and any(row.body.look.anew for row in run):
        return await _send_one_by_one(session, run, group)
    if len(run) > 1:
        return await _send_together(session, run, group)
    row = run[0]
    if row.kind == "lookup":
        question = read_question(row.body.text)
        return [await (_inquire(line, row) if question is None else _ask_hearing(line, row, *question))]
    return [await _send_alone(session, row, group)]


async def _inquire(line: Line, row: Row) -> Result:
    try:
        told = await inquire(line.session, line.rights, Inquiry.load(row.body.text), line.group)
    except SessionError as error:
        return Refused((row,), error)
    return Found((row,), told)


async def _ask_hearing(line: Line, row: Row, chat: ChatId, title: str) -> Result:
    """Where the bot is deaf the group's topic begins with a line that says so."""
    try:
        if not await is_deaf(line.session, line.rights, chat):
            return Dropped((row,))
        if row.topic is not None:
            await line.session.send(replace(_text(row, line.group), text=DEAF_LINE))
    except (Rejected, Gone) as error:
        if isinstance(error, Gone) and error.what == "topic":
            return Refused((row,), error)
        return Dropped((row,))
    except SessionError as error:
        return Refused((row,), error)
    return Deaf((row,), chat, title)


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
        await session.delete(target_of(run[0], group), messages)
    except SessionError as error:
        alone_helps = isinstance(error, Rejected) or (isinstance(error, Gone) and error.what == "source")
        if not alone_helps or error.code == "sent_before":
            return [Refused(run, error)]
    return await _send_one_by_one(session, run, group)


async def _send_one_by_one(session: Session, run: Sequence[Row], group: ChatId | None) -> list[Result]:
    results: list[Result] = []
    for number, row in enumerate(run):
        goes_on = row.goes_on or (number > 0 and row.author == run[number - 1].author)
        result = await _send_alone(session, replace(row, goes_on=goes_on), group)
        if isinstance(result, Refused) and not isinstance(result.error, Rejected):
            return [*results, Refused(run[number:], result.error)]
        results.append(result)
    return results


async def _send_alone(session: Session, row: Row, group: ChatId | None) -> Result:
    run = (row,)
    try:
        said = named_text(row)
        if said is not None:
            return Sent(run, await session.send(replace(_text(row, group), text=said[0], entities=said[1])))
        if needs_line(row):
            await _say_name(session, row, group)
        if row.kind not in COPIED or _is_said(row):
            return Sent(run, await session.send(_text(row, group)))
        try:
            return Sent(run, await session.send(_copy_or_mirror(run, group)))
        except (Rejected, Gone) as error:
            if error.code not in {"not_copyable", "source_deleted"} or row.kind == "answer":
                raise
            return Sent(run, [await _show_otherwise(session, row, group, error)])
    except SessionError as error:
        return Refused(run, error)


async def _say_name(session: Session, row: Row, group: ChatId | None) -> None:
    """One line before what can't carry it. Said again where the message itself has to wait."""
    text, entities = name_line(row)
    await session.send(replace(_text(row, group), key=key_of(row, "name"), text=text, entities=entities))


async def _show_otherwise(session: Session, row: Row, group: ChatId | None, error: SessionError) -> MessageId:
    """What may not be forwarded may be copied: then it says first where it is from."""
    if (row.kind == "forward" or is_forwarded(row)) and error.code == "not_copyable" and row.source is not None:
        if is_forwarded(row):
            await _say_name(session, row, group)
        copy = replace(_copy((row,), group), key=key_of(row, "copied"), keep_origin=False)
        try:
            (message,) = await session.send(copy)
        except Rejected:
            return await _say_instead(session, row, group, error)
        return message
    return await _say_instead(session, row, group, error)


COPIED = frozenset({"copy", "forward", "answer", "mirror"})
"""Kinds of rows that show a message of somebody else's."""


def _is_said(row: Row) -> bool:
    """Not copied: an operator's dice would fall anew, and of a veiled text only the words count."""
    if row.kind == "answer":
        return row.body.content == "dice"
    return row.kind != "mirror" and row.body.look.anew and row.body.content == "text"


def doubt_of(row: Row) -> Doubt | None:
    return None if row.doubt is None else Doubt(*row.doubt)


def key_of(row: Row, way: str = "") -> IdempotencyKey:
    """Another one for each deliberate replay."""
    return IdempotencyKey(f"{row.id}:{row.generation}:{way}")


def target_of(row: Row, group: ChatId | None) -> ChatId:
    target = row.customer if row.direction == "customer" else group
    if target is None:
        raise ValueError("a row without a place to go was claimed")
    return target


def _thread(row: Row) -> TopicId | None:
    """The topic of the team's group, or of the customer's."""
    return {"topic": row.topic, "customer": row.thread}.get(row.direction)


def _text(row: Row, group: ChatId | None) -> Text:
    return Text(
        key=key_of(row),
        to=target_of(row, group),
        topic=_thread(row),
        text=row.body.text,
        markdown=row.body.markdown,
        reply_to=row.reply_to,
        entities=row.body.entities,
        doubt=doubt_of(row),
        preview=row.body.look.anew and row.body.look.preview,
        quote=row.body.quote,
    )


def _joined(first: Row, group: ChatId | None, text: str, entities: tuple[Entity, ...]) -> Text:
    return Text(
        key=key_of(first, "joined"),
        to=target_of(first, group),
        topic=first.topic,
        text=text,
        markdown=False,
        reply_to=None,
        entities=entities,
        doubt=doubt_of(first),
    )


def _copy_or_mirror(run: Sequence[Row], group: ChatId | None) -> Copy | Mirror:
    return _mirror(run, group) if run[0].kind == "mirror" else _copy(run, group)


def _sources(run: Sequence[Row]) -> tuple[ChatId, tuple[MessageId, ...]]:
    sources = [row.source for row in run if row.source is not None]
    return sources[0][0], tuple(message for _, message in sources)


def _copy(run: Sequence[Row], group: ChatId | None) -> Copy:
    first, is_alone = run[0], len(run) == 1
    chat, ids = _sources(run)
    return Copy(
        key=key_of(first, "" if is_alone else "together"),
        to=target_of(first, group),
        topic=_thread(first),
        source=chat,
        ids=ids,
        reply_to=first.reply_to,
        doubt=doubt_of(first),
        keep_origin=first.kind == "forward" or is_forwarded(first),
        quote=first.body.quote if is_alone else "",
        captions=_captions(run),
    )


def _captions(run: Sequence[Row]) -> tuple[Caption, ...]:
    """None where people may see those that stand there."""
    if not any(row.body.look.anew for row in run):
        return ()
    return tuple(Caption(row.body.text, row.body.content, row.body.entities, row.body.look) for row in run)


def _mirror(run: Sequence[Row], group: ChatId | None) -> Mirror:
    first = run[0]
    chat, ids = _sources(run)
    body = first.body
    return Mirror(
        key_of(first, "together" if len(run) > 1 else ""),
        target_of(first, group),
        first.topic if first.direction == "topic" else None,
        chat,
        ids,
        first.reply_to,
        text=body.text,
        content=body.content,
        entities=body.entities,
        buttons=body.buttons,
        doubt=doubt_of(first),
        captions=_captions(run) if len(run) > 1 else (),
    )


async def _say_instead(session: Session, row: Row, group: ChatId | None, error: SessionError) -> MessageId:
    mark = MIRROR_MARK if row.kind == "mirror" else ""
    instead = Text(
        key=key_of(row, "instead"),
        to=target_of(row, group),
        topic=row.topic if row.direction == "topic" else None,
        text=mark + fallback_text(row.body.content, row.body.text, error.code),
        markdown=False,
        reply_to=row.reply_to,
        doubt=doubt_of(row),
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
