"""Which rows may be sent now, and when the next ones may."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.ids import ChatId, LaneId, TenantId
from tenants.leases import HELD, Lease
from tenants.outbox.rows import BODY, Body, Row


@dataclass(frozen=True, slots=True)
class Claimed:
    """Each run goes out as one call. `has_more`: the lanes with rows behind the claimed ones; `others_wait`:
    some lane with rows was not claimed, for want of budget or because it is not due.
    """

    runs: list[list[Row]]
    has_more: set[LaneId]
    others_wait: bool


_CLAIM = text(
    f"""
    WITH held AS ({HELD}),
    team AS (
        SELECT l.id, l.head_seq FROM lanes l LEFT JOIN dialogs d ON d.tenant_id = l.tenant_id AND d.id = l.dialog_id
        WHERE l.tenant_id = :tenant AND l.direction IN ('topic', 'general') AND l.head_seq < l.next_seq
            AND l.blocked_until <= now() AND (d.topic_id IS NOT NULL OR l.dialog_id IS NULL)
            AND l.id <> ALL(:busy) AND :team > 0
            AND NOT EXISTS (SELECT FROM pauses p WHERE p.tenant_id = l.tenant_id AND p.chat_id = :group
                AND p.until > now())
        ORDER BY l.served_at LIMIT :team FOR UPDATE OF l SKIP LOCKED
    ),
    customers AS (
        SELECT l.id, l.head_seq FROM lanes l
        WHERE l.tenant_id = :tenant AND l.direction = 'customer' AND l.head_seq < l.next_seq
            AND l.blocked_until <= now() AND l.id <> ALL(:busy)
        ORDER BY l.served_at LIMIT :customers FOR UPDATE OF l SKIP LOCKED
    ),
    heads AS (
        SELECT h.lane_id, h.lane_seq, h.album FROM (SELECT * FROM team UNION ALL SELECT * FROM customers) f
        JOIN outbox h ON h.lane_id = f.id AND h.lane_seq = f.head_seq
        WHERE h.not_before <= clock_timestamp() AND EXISTS (SELECT FROM held) AND NOT (
            h.kind = 'answer' AND h.reply_to IS NOT NULL AND h.created_at > now() - interval '2 seconds'
            AND NOT EXISTS (SELECT FROM message_map m WHERE m.tenant_id = :tenant
                AND m.group_id = h.source_chat_id AND m.topic_message_id = h.reply_to))
    ),
    picked AS (
        SELECT o.id FROM heads h JOIN outbox o ON o.lane_id = h.lane_id AND o.lane_seq >= h.lane_seq
            AND o.lane_seq < h.lane_seq + CASE WHEN h.album IS NULL THEN 1 ELSE 10 END
        WHERE o.lane_seq = h.lane_seq OR (o.album = h.album AND NOT EXISTS (
            SELECT FROM outbox g WHERE g.lane_id = h.lane_id AND g.lane_seq > h.lane_seq
                AND g.lane_seq < o.lane_seq AND g.album IS DISTINCT FROM h.album))
    ),
    claimed AS (
        UPDATE outbox o SET state = 'sending', attempts = o.attempts + 1, term = :term, tried_at = clock_timestamp()
        FROM picked p, lanes l LEFT JOIN dialogs d ON d.tenant_id = l.tenant_id AND d.id = l.dialog_id
        WHERE o.id = p.id AND o.tenant_id = :tenant AND l.id = o.lane_id
        RETURNING o.id, o.lane_id, o.lane_seq, o.kind, l.direction, l.dialog_id, d.chat_id, d.topic_id,
            o.source_chat_id, o.source_message_id, o.album, o.attempts, o.body, l.next_seq,
            CASE WHEN o.source_message_id IS NULL THEN o.reply_to
                WHEN l.direction = 'customer' THEN (SELECT m.message_id FROM message_map m WHERE m.tenant_id = :tenant
                    AND m.group_id = o.source_chat_id AND m.topic_message_id = o.reply_to)
                ELSE (SELECT m.topic_message_id FROM message_map m WHERE m.tenant_id = :tenant
                    AND m.chat_id = o.source_chat_id AND m.message_id = o.reply_to AND m.group_id = :group)
            END AS reply_to
    )
    SELECT c.*, w.lanes AS waiting FROM (
        SELECT count(*) AS lanes FROM lanes WHERE tenant_id = :tenant AND head_seq < next_seq
    ) w LEFT JOIN claimed c ON true
    """  # noqa: S608  # a constant of ours
)


async def claim(
    unit: UnitOfWork,
    tenant: TenantId,
    lease: Lease,
    keyring: Keyring,
    *,
    group: ChatId | None,
    team: int,
    customers: int,
    busy: Sequence[LaneId],
) -> Claimed:
    """The heads of up to `team` lanes into the group and `customers` lanes out of it; an album is one head.

    The attempts are recorded. `busy` lanes are left out: they are being sent.
    """
    values = {
        "tenant": tenant,
        "group": group,
        "team": team if group is not None else 0,
        "customers": customers,
        "busy": list(busy),
        **lease.values(),
    }
    found = (await unit.execute(_CLAIM, values)).all()
    runs: dict[LaneId, list[Row]] = {}
    ends: dict[LaneId, bool] = {}
    for row in sorted((row for row in found if row.id is not None), key=lambda item: item.lane_seq):
        runs.setdefault(row.lane_id, []).append(_read(tenant, row, keyring))
        ends[row.lane_id] = row.next_seq == row.lane_seq + 1
    has_more = {lane for lane, is_last in ends.items() if not is_last}
    return Claimed(list(runs.values()), has_more, others_wait=found[0].waiting > len(runs) + len(busy))


def _read(tenant: TenantId, row: Any, keyring: Keyring) -> Row:
    return Row(
        id=row.id,
        lane=row.lane_id,
        seq=row.lane_seq,
        kind=row.kind,
        direction=row.direction,
        dialog=row.dialog_id,
        customer=row.chat_id,
        topic=row.topic_id,
        source=None if row.source_message_id is None else (row.source_chat_id, row.source_message_id),
        reply_to=row.reply_to,
        album=row.album,
        attempts=row.attempts,
        body=Body.load(keyring.decrypt(tenant, BODY, row.body)),
    )


_NEXT_DUE = text(
    """
    SELECT extract(epoch FROM min(greatest(l.blocked_until, h.not_before, CASE WHEN l.direction <> 'customer'
        THEN (SELECT p.until FROM pauses p WHERE p.tenant_id = l.tenant_id AND p.chat_id = :group) END))
        - clock_timestamp())
    FROM lanes l JOIN outbox h ON h.lane_id = l.id AND h.lane_seq = l.head_seq
    WHERE l.tenant_id = :tenant AND l.head_seq < l.next_seq AND l.id <> ALL(:busy)
    """
)


async def seconds_until_due(
    unit: UnitOfWork, tenant: TenantId, *, group: ChatId | None, busy: Sequence[LaneId]
) -> float | None:
    """When the next lane may go on, in seconds from now; None where nothing waits."""
    values = {"tenant": tenant, "group": group, "busy": list(busy)}
    due = (await unit.execute(_NEXT_DUE, values)).scalar_one()
    return None if due is None else float(due)


_RECENT = text(
    """
    SELECT extract(epoch FROM clock_timestamp() - coalesce(o.ended_at, o.tried_at)) AS age
    FROM outbox o JOIN lanes l ON l.id = o.lane_id
    WHERE o.tenant_id = :tenant AND l.direction <> 'customer' AND o.tried_at > now() - interval '1 minute'
    """
)


async def ages_of_recent_sends(unit: UnitOfWork, tenant: TenantId) -> list[float]:
    """Seconds since each message into the group in the last minute: what a restarted sender has to know."""
    return [float(age) for age in (await unit.execute(_RECENT, {"tenant": tenant})).scalars()]
