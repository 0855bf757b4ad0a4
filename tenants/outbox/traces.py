"""What is known already of messages that a batch speaks of: asked only where another program may have written them,
or where a tenant has just begun to receive another way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import text

from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.ids import ChatId, LaneId, MessageId, RowId, TenantId
from tenants.outbox.rows import BODY, Body, utf16


@dataclass(frozen=True, slots=True)
class Ask:
    """`lane` is where the message would be queued, `back` the lane of the same dialog in the other direction."""

    tenant: TenantId
    chat: ChatId
    message: MessageId
    lane: LaneId
    back: LaneId | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """`is_mapped`: it has a counterpart on the other side. `is_ours`: we sent it ourselves. `row` is its own row in
    the queue: it is changeable until it is tried, and once it is buried. `edit` and `reaction` are untried rows that
    change it; `edited_at` and `reacted_at` say when one was last tried. `digest` is of the newest content that is
    shown or queued, `shown` of the one before the edits that wait; `reacted` is of the newest reaction. They are
    empty where that is not known.
    """

    is_mapped: bool = False
    is_ours: bool = False
    row: RowId | None = None
    kind: str | None = None
    is_open: bool = False
    is_changeable: bool = False
    edit: RowId | None = None
    edited_at: datetime | None = None
    reaction: RowId | None = None
    reacted_at: datetime | None = None
    digest: str = ""
    shown: str = ""
    reacted: str | None = None

    @property
    def was_seen(self) -> bool:
        return self.is_mapped or self.row is not None


Traces = Mapping[tuple[ChatId, MessageId], Trace]
NOTHING = Trace()

_LOOK = text(
    """
    SELECT a.tenant, a.chat, a.message, r.id AS row, r.kind, r.state, r.attempts, r.digest AS row_digest,
        m.digest AS map_digest, m.tenant_id IS NOT NULL AS is_mapped,
        e.id AS edit, e.attempts AS edit_attempts, e.state AS edit_state, e.digest AS edit_digest,
        e.tried_at AS edited_at, x.id AS reaction, x.attempts AS reaction_attempts, x.state AS reaction_state,
        x.digest AS reaction_digest, x.tried_at AS reacted_at,
        coalesce((SELECT true FROM outbox o WHERE o.tenant_id = a.tenant AND o.lane_id = a.back
            AND o.result_message_id = a.message LIMIT 1), false) AS is_ours
    FROM unnest(CAST(:tenants AS uuid[]), CAST(:chats AS bigint[]), CAST(:messages AS bigint[]),
        CAST(:lanes AS uuid[]), CAST(:backs AS uuid[])) AS a(tenant, chat, message, lane, back)
    LEFT JOIN LATERAL (
        SELECT o.id, o.kind, o.state, o.attempts, o.digest FROM outbox o
        WHERE o.tenant_id = a.tenant AND o.lane_id = a.lane AND o.source_chat_id = a.chat
            AND o.source_message_id = a.message
            AND o.kind IN ('copy', 'forward', 'line', 'answer', 'mirror', 'lookup')
        ORDER BY o.lane_seq DESC LIMIT 1
    ) r ON true
    LEFT JOIN LATERAL (
        SELECT f.* FROM (
            (SELECT m.* FROM message_map m WHERE m.tenant_id = a.tenant AND m.chat_id = a.chat
                AND m.message_id = a.message)
            UNION ALL
            (SELECT m.* FROM message_map m WHERE m.tenant_id = a.tenant AND m.group_id = a.chat
                AND m.topic_message_id = a.message LIMIT 1)
        ) f LIMIT 1
    ) m ON true
    LEFT JOIN LATERAL (
        SELECT o.id, o.state, o.attempts, o.digest, o.tried_at FROM outbox o
        WHERE o.tenant_id = a.tenant AND o.source_chat_id = a.chat AND o.source_message_id = a.message
            AND o.kind = 'edit' ORDER BY o.id DESC LIMIT 1
    ) e ON true
    LEFT JOIN LATERAL (
        SELECT o.id, o.state, o.attempts, o.digest, o.tried_at FROM outbox o
        WHERE o.tenant_id = a.tenant AND o.source_chat_id = a.chat AND o.source_message_id = a.message
            AND o.kind = 'reaction' ORDER BY o.id DESC LIMIT 1
    ) x ON true
    """
)


async def find_traces(unit: UnitOfWork, asks: Sequence[Ask]) -> dict[TenantId, Traces]:
    """A message that nobody knows has a trace that says so."""
    values = {
        "tenants": [ask.tenant for ask in asks],
        "chats": [ask.chat for ask in asks],
        "messages": [ask.message for ask in asks],
        "lanes": [ask.lane for ask in asks],
        "backs": [ask.back for ask in asks],
    }
    found: dict[TenantId, dict[tuple[ChatId, MessageId], Trace]] = {ask.tenant: {} for ask in asks}
    for row in await unit.execute(_LOOK, values):
        found[row.tenant][row.chat, row.message] = _read(row)
    return {**found}


def _read(row: Any) -> Trace:
    state: Literal["waiting", "sending", "delivered", "buried", "dropped"] | None = row.state
    shown = _hex(row.row_digest if row.map_digest is None else row.map_digest)
    was_taken = row.edit_state in {"waiting", "sending"}
    return Trace(
        is_mapped=row.is_mapped,
        is_ours=row.is_ours,
        row=row.row,
        kind=row.kind,
        is_open=state in {"waiting", "sending"},
        is_changeable=state == "buried" or (state == "waiting" and row.attempts == 0),
        edit=row.edit if row.edit_state == "waiting" and row.edit_attempts == 0 else None,
        edited_at=row.edited_at,
        reaction=row.reaction if row.reaction_state == "waiting" and row.reaction_attempts == 0 else None,
        reacted_at=row.reacted_at,
        digest=_hex(row.edit_digest) if was_taken else shown,
        shown=shown,
        reacted=None if row.reaction is None or row.reaction_state == "dropped" else _hex(row.reaction_digest),
    )


def _hex(digest: bytes | None) -> str:
    return "" if digest is None else digest.hex()


_REWRITE = text(
    """
    UPDATE outbox o SET body = r.body, digest = r.digest, units = r.units
    FROM unnest(CAST(:rows AS uuid[]), CAST(:bodies AS bytea[]), CAST(:digests AS bytea[]), CAST(:units AS integer[]))
        AS r(id, body, digest, units)
    WHERE o.tenant_id = :tenant AND o.id = r.id AND (o.state = 'buried' OR o.state = 'waiting' AND o.attempts = 0)
    """
)


@dataclass(frozen=True, slots=True)
class NewBody:
    """What a row says instead. `joinable`: it may still go out in one message with its neighbours."""

    body: Body
    digest: str = ""
    joinable: bool = False


async def rewrite(unit: UnitOfWork, tenant: TenantId, bodies: Mapping[RowId, NewBody], keyring: Keyring) -> None:
    """What rows say that nobody has begun to send, or that were given up: in the unit that found them."""
    new = list(bodies.values())
    values = {
        "tenant": tenant,
        "rows": list(bodies),
        "bodies": [keyring.encrypt(tenant, BODY, one.body.dump()) for one in new],
        "digests": [bytes.fromhex(one.digest) or None for one in new],
        "units": [utf16(one.body.text) if one.joinable else None for one in new],
    }
    await unit.execute(_REWRITE, values)
