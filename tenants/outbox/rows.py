"""The rows of the outbox as values."""

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from tenants.ids import ChatId, DialogId, LaneId, MessageId, RowId, TenantId, TopicId, UpdateId

Kind = Literal[
    "copy",
    "forward",
    "line",
    "answer",
    "text",
    "welcome",
    "notice",
    "mirror",
    "edit",
    "lookup",
    "reaction",
    "deletion",
]
"""What a customer sent is a `copy`, a `forward` where its origin is to be seen, or a `line` that says what it was. A
`mirror` shows what another program sent to a customer, an `edit` what was changed; a `lookup` asks Telegram.
"""
_ALWAYS = 3
"""Parts of a body that are always written."""
_LEFT_OUT: list[Any] = [(), (), "", (), "", False]
"""What the others are where they are not written."""
REPLY_MARK = "↩ "
"""Stands before a reply in a text that several share."""
ALBUM_SETTLES = timedelta(seconds=1.5)
"""An album's parts come as separate updates, usually within this time."""
BODY = "outbox.body"
"""The column, as associated data of its ciphertext."""

Entity = tuple[str, int, int, str]
"""Kind as the Bot API names it, offset and length in UTF-16 units, and what the kind needs: a language, an address,
a person's or an emoji's id, or nothing.
"""


def utf16(text: str) -> int:
    """Telegram counts texts, offsets and limits in UTF-16 units (Bot API: MessageEntity)."""
    return len(text) + sum(char > "\uffff" for char in text)


def cut(text: str, units: int) -> str:
    """At most so many UTF-16 units, and no half of a character."""
    return text if utf16(text) <= units else text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore")


def put_behind(mark: str, text: str, entities: Sequence[Entity], units: int) -> tuple[str, tuple[Entity, ...]]:
    """The text behind a mark, cut so that both have at most so many units; its formatting moved along and clipped."""
    ahead = utf16(mark)
    words = cut(text, units - ahead)
    end = utf16(words)
    moved = ((kind, at + ahead, min(length, end - at), more) for kind, at, length, more in entities if at < end)
    return mark + words, tuple(moved)


CHANGES = frozenset({"edit", "reaction", "deletion"})
"""Kinds of rows that change what was sent before; their `source` is the message that somebody changed."""


@dataclass(frozen=True, slots=True)
class Look:
    """What an edit has to say again beside the words, or Telegram takes it away. `media` names a file in the
    session's own way (Bot API: file_id); `above` and `spoiler` are a media's, `preview` is a text's. `is_mirror`: it
    stands behind the mark of another program's messages. `anew`: its words go out as the row says them, whatever
    stands in the message that they were taken from.
    """

    media: str = ""
    above: bool = False
    spoiler: bool = False
    preview: bool = True
    is_mirror: bool = False
    anew: bool = False


PLAIN_LOOK = Look()


@dataclass(frozen=True, slots=True)
class Body:
    """The words of a row. For a copy: what is said instead when the message can't be copied any more. For a lookup:
    whom it is about. For a reaction: the emoji, or nothing. `buttons` are an inline keyboard's labels, row by row,
    `quote` the words that a reply quotes. An edit's `look` names a media only where another one has taken its place.
    `by` is how the member of a group is named who wrote it; `hides_author`: nothing else may tell who that is.
    """

    text: str
    markdown: bool = False
    content: str = "text"
    entities: tuple[Entity, ...] = ()
    buttons: tuple[tuple[str, ...], ...] = ()
    quote: str = ""
    look: Look = PLAIN_LOOK
    by: str = ""
    hides_author: bool = False

    def dump(self) -> bytes:
        look = () if self.look == PLAIN_LOOK else astuple(self.look)
        parts: list[Any] = [self.text, self.markdown, self.content, self.entities, self.buttons, self.quote, look]
        parts += [self.by, self.hides_author]
        while len(parts) > _ALWAYS and not parts[-1]:
            parts.pop()
        return json.dumps(parts, ensure_ascii=False).encode()

    @classmethod
    def load(cls, dumped: bytes) -> "Body":
        parts = json.loads(dumped)
        parts += _LEFT_OUT[len(parts) - _ALWAYS :]
        text, markdown, content, marks, rows, quote, look, by, hides_author = parts
        entities = tuple((str(e[0]), int(e[1]), int(e[2]), str(e[3])) for e in marks)
        buttons = tuple(tuple(map(str, labels)) for labels in rows)
        seen = Look(*look) if look else PLAIN_LOOK
        return cls(text, markdown, content, entities, buttons, quote, seen, by, hides_author)


@dataclass(frozen=True, slots=True)
class NewRow:
    """`reply_to` is in the source's numbering where there is a `source`, in the target's otherwise; an edit replies
    to the message that was edited. `reply_at` says where the quoted words begin, in UTF-16 units. `joinable`: a plain
    text that may go out in one message with its neighbours, `loose` one that loses something by that: it is joined
    where the backlog is long. `digest` is its source's content's. A `later` row gets its number in the lane when no
    message waits any more, and not before `not_before`. `author` is the member of a group or the chat that wrote it,
    `thread` the topic of the source's chat in which it stands.
    """

    lane: LaneId
    kind: Kind
    body: Body
    update_id: UpdateId | None = None
    source: tuple[ChatId, MessageId] | None = None
    reply_to: MessageId | None = None
    reply_at: int | None = None
    album: str | None = None
    joinable: bool = False
    digest: str = ""
    later: bool = False
    not_before: datetime | None = None
    loose: bool = False
    author: int | None = None
    thread: TopicId | None = None


def joined_units(row: NewRow) -> int | None:
    """At most so many UTF-16 units of a text that several share, with its author's line; None for what goes alone."""
    if not (row.joinable or row.loose):
        return None
    line = 0 if row.author is None else utf16(row.body.by) + 2
    return utf16(row.body.text) + line + (0 if row.reply_to is None else utf16(REPLY_MARK))


@dataclass(frozen=True, slots=True)
class Row:
    """A claimed row, with where it goes."""

    id: RowId
    lane: LaneId
    seq: int
    kind: Kind
    direction: Literal["topic", "customer", "general"]
    dialog: DialogId | None
    customer: ChatId | None
    topic: TopicId | None
    source: tuple[ChatId, MessageId] | None
    reply_to: MessageId | None
    album: str | None
    attempts: int
    body: Body
    update_id: UpdateId | None = None
    generation: int = 0
    """How often it was sent again on request."""
    joinable: bool = False
    doubt: tuple[MessageId | None, datetime] | None = None
    """An earlier attempt may have been carried out: newer than that message of the lane, not older than this."""
    is_own: bool = False
    """A mirror of what we sent ourselves."""
    is_shared: bool = False
    """A change of a message that holds the texts of several."""
    author: int | None = None
    goes_on: bool = False
    """What stands above it in the topic is of the same author."""
    thread: TopicId | None = None
    """The topic of a customer's group to which it goes."""

    @property
    def target(self) -> MessageId | None:
        """What a change is about, where the row goes; None where nothing shows it."""
        return self.reply_to if self.kind in CHANGES else None


@dataclass(frozen=True, slots=True)
class Delivered:
    """`part_at` is where the row's text begins in the message, in UTF-16 units."""

    tenant: TenantId
    row: RowId
    message: MessageId
    part_at: int = 0


Rows = Sequence[tuple[TenantId, NewRow]]
