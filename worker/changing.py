"""One call that changes what was sent: an edit, a reaction, a deletion, and what became of it. It may be carried out
twice: the second time changes nothing.
"""

from collections.abc import Sequence

from sessions.errors import Gone, Rejected, SessionError
from sessions.mirrors import marked
from sessions.port import Copy, Edit, Text
from tenants.ids import MessageId
from tenants.outbox import CHANGES, Row, put_behind
from worker.line import Line
from worker.sending import LONGEST_TEXT, Dropped, Refused, Result, Sent, Taken, doubt_of, key_of, send_run, target_of

EDITED = "✏️ edited: "
"""Stands before the new words where the old ones can't be changed."""
TAKEN_BACK = Rejected("taken_back", "It was taken back before it was sent.")
"""Why an answer is dropped that was deleted in the batch that it came with."""


async def carry_out(line: Line, run: Sequence[Row]) -> list[Result]:
    """What a claimed run is for."""
    row = run[0]
    if row.kind not in CHANGES:
        return await send_run(line, run)
    if row.target is None or row.source is None:
        return [Dropped(run, TAKEN_BACK if row.kind == "deletion" else None)]
    try:
        if row.kind == "reaction":
            return [await _react(line, row, row.target)]
        if row.kind == "deletion":
            await line.session.delete(target_of(row, line.group), [row.target])
            return [Taken(run)]
        return [Sent(run, [await _edit(line, row, row.target)])]
    except SessionError as error:
        return [_refused(row, error)]


def _refused(row: Row, error: SessionError) -> Result:
    """Nobody is told of a reaction that can't be shown, nor of a change of what the team has deleted."""
    is_final = isinstance(error, Rejected) or (isinstance(error, Gone) and error.what in {"customer", "source"})
    is_quiet = row.kind == "reaction" or error.code == "source_deleted"
    if row.kind == "edit" and row.direction == "topic":
        is_quiet |= error.code in {"message_gone", "not_editable"}
    return Dropped((row,), error) if is_final and is_quiet else Refused((row,), error)


async def _react(line: Line, row: Row, message: MessageId) -> Result:
    await line.session.react(target_of(row, line.group), message, row.body.text or None)
    return Sent((row,), [message])


async def _edit(line: Line, row: Row, message: MessageId) -> MessageId:
    """Where it is shown. In the topic, what can't be changed is followed by a reply."""
    body = row.body
    if body.content == "location":
        return await _snapshot(line, row, message)
    if row.is_shared:
        return await _reply(line, row, message)
    text, entities = body.text, body.entities
    if body.look.is_mirror:
        text, entities = marked(text, entities, caption=body.content != "text")
    edit = Edit(
        key=key_of(row),
        to=target_of(row, line.group),
        message=message,
        source=row.source or (target_of(row, line.group), message),
        text=text,
        content=body.content,
        entities=entities,
        buttons=body.buttons,
        look=body.look,
    )
    try:
        return (await line.session.send(edit))[0]
    except Rejected as error:
        if error.code != "not_editable" or row.direction == "customer" or body.look.is_mirror:
            raise
    return await _reply(line, row, message)


async def _snapshot(line: Line, row: Row, message: MessageId) -> MessageId:
    """Where somebody is now: the copy of a place that is shared live stands still (telegram.md §5.5)."""
    if row.source is None:
        raise ValueError("an edit of nothing was claimed")
    chat, source = row.source
    topic = row.topic if row.direction == "topic" else None
    copy = Copy(key_of(row), target_of(row, line.group), topic, chat, (source,), message, doubt_of(row))
    return (await line.session.send(copy))[0]


async def _reply(line: Line, row: Row, message: MessageId) -> MessageId:
    said = row.body.text or row.body.content.replace("_", " ")
    words, entities = put_behind(EDITED, said, row.body.entities, LONGEST_TEXT)
    reply = Text(
        key=key_of(row, "reply"),
        to=target_of(row, line.group),
        topic=row.topic,
        text=words,
        markdown=False,
        reply_to=message,
        entities=entities,
        doubt=doubt_of(row),
    )
    return (await line.session.send(reply))[0]
