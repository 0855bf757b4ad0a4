"""The rows of the outbox as values."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from tenants.ids import ChatId, DialogId, LaneId, MessageId, RowId, TopicId, UpdateId

Kind = Literal["copy", "answer", "text", "welcome", "notice"]
ALBUM_SETTLES = timedelta(seconds=1.5)
"""An album's parts come as separate updates, usually within this time."""
BODY = "outbox.body"
"""The column, as associated data of its ciphertext."""


@dataclass(frozen=True, slots=True)
class Body:
    """The words of a row. For a copy: what is said instead when the message can't be copied any more."""

    text: str
    markdown: bool = False
    content: str = "text"

    def dump(self) -> bytes:
        return json.dumps([self.text, self.markdown, self.content], ensure_ascii=False).encode()

    @classmethod
    def load(cls, dumped: bytes) -> "Body":
        return cls(*json.loads(dumped))


@dataclass(frozen=True, slots=True)
class NewRow:
    """`reply_to` is in the source's numbering for a copy or an answer, in the target's for a text of ours."""

    lane: LaneId
    kind: Kind
    body: Body
    update_id: UpdateId | None = None
    source: tuple[ChatId, MessageId] | None = None
    reply_to: MessageId | None = None
    album: str | None = None


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


@dataclass(frozen=True, slots=True)
class Delivered:
    row: RowId
    message: MessageId
