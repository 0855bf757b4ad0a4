"""The rows of the outbox as values."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from tenants.ids import ChatId, DialogId, LaneId, MessageId, RowId, TenantId, TopicId, UpdateId

Kind = Literal["copy", "answer", "text", "welcome", "notice", "mirror", "edit", "lookup", "reaction", "deletion"]
"""A `mirror` shows what another program sent to a customer, an `edit` what it changed; a `lookup` opens a dialog."""
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


@dataclass(frozen=True, slots=True)
class Body:
    """The words of a row. For a copy: what is said instead when the message can't be copied any more. For a lookup:
    whom it is about, `buttons` are an inline keyboard's labels, row by row.
    """

    text: str
    markdown: bool = False
    content: str = "text"
    entities: tuple[Entity, ...] = ()
    buttons: tuple[tuple[str, ...], ...] = ()

    def dump(self) -> bytes:
        parts = [self.text, self.markdown, self.content, self.entities]
        return json.dumps([*parts, self.buttons] if self.buttons else parts, ensure_ascii=False).encode()

    @classmethod
    def load(cls, dumped: bytes) -> "Body":
        text, markdown, content, *more = json.loads(dumped)
        entities = tuple((str(e[0]), int(e[1]), int(e[2]), str(e[3])) for e in (more[0] if more else ()))
        buttons = tuple(tuple(map(str, labels)) for labels in (more[1] if len(more) > 1 else ()))
        return cls(text, markdown, content, entities, buttons)


@dataclass(frozen=True, slots=True)
class NewRow:
    """`reply_to` is in the source's numbering where there is a `source`, in the target's otherwise; an edit replies
    to the message that was edited. `reply_at` says where the quoted words begin, in UTF-16 units. `joinable`: a plain
    text that may go out in one message with its neighbours.
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

    @property
    def target(self) -> MessageId | None:
        """What an edit is about, in the topic; None where nothing shows it."""
        return self.reply_to if self.kind == "edit" else None


@dataclass(frozen=True, slots=True)
class Delivered:
    """`part_at` is where the row's text begins in the message, in UTF-16 units."""

    tenant: TenantId
    row: RowId
    message: MessageId
    part_at: int = 0


Rows = Sequence[tuple[TenantId, NewRow]]
