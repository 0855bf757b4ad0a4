"""Who of a group wrote what: a name stands before the first message of a member, and not again until another writes.

A name costs no send of its own where it can: it is a line of the text, and media that are no reply are forwarded,
which shows whom they are from. Else it is one line before them.
"""

from collections.abc import Sequence

from tenants.outbox import LONGEST_JOINED, REPLY_MARK, Entity, Row, utf16


def is_named(row: Row) -> bool:
    return row.author is not None and bool(row.body.by) and not row.goes_on


def is_forwarded(row: Row) -> bool:
    """Telegram says who wrote it: an album is no reply when it is copied either (Bot API: copyMessages)."""
    is_media = row.kind == "copy" and row.body.content != "text"
    return (
        is_named(row)
        and is_media
        and not (row.body.hides_author or row.body.look.anew)
        and (row.reply_to is None or row.album is not None)
    )


def named_text(row: Row) -> tuple[str, tuple[Entity, ...]] | None:
    """The name and the text as one; None where they are none, or don't fit."""
    is_text = row.kind == "line" or (row.kind == "copy" and row.body.content == "text")
    if not is_named(row) or not is_text:
        return None
    text, entities, _ = join((row,))
    return (text, entities) if utf16(text) <= LONGEST_JOINED else None


def needs_line(row: Row) -> bool:
    """Whether the name has to go before, as a message of its own."""
    return is_named(row) and not is_forwarded(row) and named_text(row) is None


def name_line(row: Row) -> tuple[str, tuple[Entity, ...]]:
    return row.body.by, (("bold", 0, utf16(row.body.by), ""),)


def join(run: Sequence[Row]) -> tuple[str, tuple[Entity, ...], list[int]]:
    """The rows' texts under each other, their formatting moved along, and where each begins, in UTF-16 units. A name
    belongs to the text below it.
    """
    parts: list[int] = []
    entities: list[Entity] = []
    text = ""
    at = 0
    for number, row in enumerate(run):
        above = run[number - 1].author if number else None
        text, at = (text + "\n", at + 1) if number else (text, at)
        parts.append(at)
        if row.body.by and row.author != above and not (number == 0 and row.goes_on):
            gap = 1 if number else 0
            entities.append(("bold", at + gap, utf16(row.body.by), ""))
            text += "\n" * gap + row.body.by + "\n"
            at += gap + utf16(row.body.by) + 1
        if row.reply_to is not None and len(run) > 1:
            text, at = text + REPLY_MARK, at + utf16(REPLY_MARK)
        entities.extend((kind, at + offset, length, more) for kind, offset, length, more in row.body.entities)
        text, at = text + row.body.text, at + utf16(row.body.text)
    return text, tuple(entities), parts
