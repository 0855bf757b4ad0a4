"""What is known already of messages that a batch speaks of: asked only where another program may have written them,
or where a tenant has just begun to receive another way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import text

from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.ids import ChatId, LaneId, MessageId, RowId, TenantId
from tenants.outbox.rows import BODY, Body


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
    the queue: it is changeable until it is tried, and once it is buried. `edit` is an untried row that changes it.
    """

    is_mapped: bool = False
    is_ours: bool = False
    row: RowId | None = None
    kind: str | None = None
    is_open: bool = False
    is_changeable: bool = False
    edit: RowId | None = None

    @property
    def was_seen(self) -> bool:
        return self.is_mapped or self.row is not None


Traces = Mapping[tuple[ChatId, MessageId], Trace]
NOTHING = Trace()

_LOOK = text(
    """
    SELECT a.tenant, a.chat, a.message, r.id AS row, r.kind, r.state, r.attempts, e.id AS edit,
        coalesce((SELECT true FROM message_map m WHERE m.tenant_id = a.tenant AND m.chat_id = a.chat
                AND m.message_id = a.message LIMIT 1),
            (SELECT true FROM message_map m WHERE m.tenant_id = a.tenant AND m.group_id = a.chat
                AND m.topic_message_id = a.message LIMIT 1), false) AS is_mapped,
        coalesce((SELECT true FROM outbox o WHERE o.tenant_id = a.tenant AND o.lane_id = a.back
            AND o.result_message_id = a.message LIMIT 1), false) AS is_ours
    FROM unnest(CAST(:tenants AS uuid[]), CAST(:chats AS bigint[]), CAST(:messages AS bigint[]),
        CAST(:lanes AS uuid[]), CAST(:backs AS uuid[])) AS a(tenant, chat, message, lane, back)
    LEFT JOIN LATERAL (
        SELECT o.id, o.kind, o.state, o.attempts FROM outbox o
        WHERE o.tenant_id = a.tenant AND o.lane_id = a.lane AND o.source_chat_id = a.chat
            AND o.source_message_id = a.message
            AND o.kind IN ('copy', 'forward', 'line', 'answer', 'mirror', 'lookup')
        ORDER BY o.lane_seq DESC LIMIT 1
    ) r ON true
    LEFT JOIN LATERAL (
        SELECT o.id FROM outbox o
        WHERE o.tenant_id = a.tenant AND o.lane_id = a.lane AND o.source_chat_id = a.chat
            AND o.source_message_id = a.message AND o.kind = 'edit' AND o.state = 'waiting' AND o.attempts = 0
        ORDER BY o.lane_seq DESC LIMIT 1
    ) e ON true
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
    return Trace(
        is_mapped=row.is_mapped,
        is_ours=row.is_ours,
        row=row.row,
        kind=row.kind,
        is_open=state in {"waiting", "sending"},
        is_changeable=state == "buried" or (state == "waiting" and row.attempts == 0),
        edit=row.edit,
    )


_REWRITE = text(
    """
    UPDATE outbox o SET body = r.body
    FROM unnest(CAST(:rows AS uuid[]), CAST(:bodies AS bytea[])) AS r(id, body)
    WHERE o.tenant_id = :tenant AND o.id = r.id AND (o.state = 'buried' OR o.state = 'waiting' AND o.attempts = 0)
    """
)


async def rewrite(unit: UnitOfWork, tenant: TenantId, bodies: Mapping[RowId, Body], keyring: Keyring) -> None:
    """What rows say that nobody has begun to send, or that were given up: in the unit that found them."""
    sealed = [keyring.encrypt(tenant, BODY, body.dump()) for body in bodies.values()]
    await unit.execute(_REWRITE, {"tenant": tenant, "rows": list(bodies), "bodies": sealed})
