"""Taking back what the team has answered: out of the queue where it still waits there."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from tenants.db import UnitOfWork
from tenants.ids import ChatId, DialogId, MessageId, RowId, TenantId


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Of a message in a dialog's topic. `kind` and `state` are its newest row's, None where that is forgotten or was
    never there; `is_untried`: nobody has begun to send it. `is_mapped`: the other side has it; `is_old`: for more
    than 48 hours. `is_taken`: it was deleted there, or is about to be.
    """

    row: RowId | None
    kind: str | None
    state: str | None
    is_untried: bool
    is_mapped: bool
    is_old: bool
    is_taken: bool


_LOOK = text(
    """
    SELECT r.id, r.kind, r.state, coalesce(r.state = 'waiting' AND r.attempts = 0, false) AS is_untried,
        m.created_at IS NOT NULL AS is_mapped,
        coalesce(m.created_at < now() - interval '48 hours', false) AS is_old,
        EXISTS (SELECT FROM outbox o WHERE o.tenant_id = d.tenant_id AND o.lane_id = c.id AND o.kind = 'deletion'
            AND o.source_message_id = :message AND o.state IN ('waiting', 'sending', 'delivered')) AS is_taken
    FROM dialogs d
    JOIN lanes c ON c.tenant_id = d.tenant_id AND c.dialog_id = d.id AND c.direction = 'customer'
    JOIN lanes t ON t.tenant_id = d.tenant_id AND t.dialog_id = d.id AND t.direction = 'topic'
    LEFT JOIN LATERAL (
        SELECT o.id, o.kind, o.state, o.attempts FROM outbox o
        WHERE o.tenant_id = d.tenant_id AND (o.lane_id = c.id AND o.kind = 'answer' AND o.source_chat_id = :group
                AND o.source_message_id = :message
            OR o.lane_id = t.id AND o.result_message_id = :message AND o.kind NOT IN ('edit', 'reaction'))
        ORDER BY o.id DESC LIMIT 1
    ) r ON true
    LEFT JOIN LATERAL (
        SELECT created_at FROM message_map m WHERE m.tenant_id = d.tenant_id AND m.chat_id = d.chat_id
            AND m.group_id = :group AND m.topic_message_id = :message LIMIT 1
    ) m ON true
    WHERE d.tenant_id = :tenant AND d.id = :dialog
    """
)


async def find_whereabouts(
    unit: UnitOfWork, tenant: TenantId, dialog: DialogId, group: ChatId, message: MessageId
) -> Whereabouts:
    values = {"tenant": tenant, "dialog": dialog, "group": group, "message": message}
    row = (await unit.execute(_LOOK, values)).one()
    return Whereabouts(row.id, row.kind, row.state, row.is_untried, row.is_mapped, row.is_old, row.is_taken)


_LOCK = text(
    """
    SELECT l.id, l.head_seq FROM lanes l
    WHERE l.tenant_id = :tenant AND l.id = (SELECT lane_id FROM outbox WHERE tenant_id = :tenant AND id = :row)
    FOR UPDATE
    """
)
_FIND = text(
    """
    SELECT lane_seq FROM outbox
    WHERE tenant_id = :tenant AND id = :row AND state = 'waiting' AND attempts = 0 AND lane_seq IS NOT NULL FOR UPDATE
    """
)
_DROP = text(
    """
    UPDATE outbox SET state = 'dropped', lane_seq = NULL, body = NULL, ended_at = clock_timestamp(),
        error = 'taken_back', error_text = 'It was taken back before it was sent.'
    WHERE tenant_id = :tenant AND id = :row
    """
)
_AWAY = text(
    """
    UPDATE outbox SET lane_seq = -(lane_seq + 1)
    WHERE tenant_id = :tenant AND lane_id = :lane AND lane_seq >= :head AND lane_seq < :gap
    """
)
_BACK = text("UPDATE outbox SET lane_seq = -lane_seq WHERE tenant_id = :tenant AND lane_id = :lane AND lane_seq < 0")
_CLOSE = text("UPDATE lanes SET head_seq = head_seq + 1 WHERE tenant_id = :tenant AND id = :lane")


async def take_out(unit: UnitOfWork, tenant: TenantId, row: RowId) -> bool:
    """Out of its lane, where those before it close the gap: a head has to be there. Whether it still waited."""
    values: dict[str, Any] = {"tenant": tenant, "row": row}
    lane = (await unit.execute(_LOCK, values)).first()
    found = (await unit.execute(_FIND, values)).first()
    if lane is None or found is None:
        return False
    await unit.execute(_DROP, values)
    place = {"tenant": tenant, "lane": lane.id}
    await unit.execute(_AWAY, {**place, "head": lane.head_seq, "gap": found.lane_seq})
    await unit.execute(_BACK, place)
    await unit.execute(_CLOSE, place)
    return True


_FORGET_CHANGES = text(
    """
    UPDATE outbox SET state = 'dropped', body = NULL, ended_at = clock_timestamp(), error = 'taken_back',
        error_text = 'The message was taken back.'
    WHERE tenant_id = :tenant AND source_chat_id = :group AND source_message_id = :message
        AND kind IN ('edit', 'reaction') AND state = 'waiting' AND lane_seq IS NULL
    """
)


async def forget_changes(unit: UnitOfWork, tenant: TenantId, group: ChatId, message: MessageId) -> None:
    """Edits and reactions that stand back, of a message that is taken back."""
    await unit.execute(_FORGET_CHANGES, {"tenant": tenant, "group": group, "message": message})
