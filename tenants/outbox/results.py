"""What became of a claimed row. Every write joins on the lease's term."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import text

from tenants.db import UnitOfWork
from tenants.errors import LeaseLost
from tenants.ids import ChatId, TenantId
from tenants.leases import HELD, Lease
from tenants.outbox.rows import Delivered, Row

_DELIVER = text(
    f"""
    WITH held AS ({HELD}),
    done AS (
        UPDATE outbox o SET state = 'delivered', ended_at = clock_timestamp(), error = NULL, body = NULL,
            result_message_id = r.message_id
        FROM unnest(CAST(:rows AS uuid[]), CAST(:messages AS bigint[])) AS r(id, message_id)
        WHERE o.id = r.id AND o.tenant_id = :tenant AND o.term = :term AND o.state = 'sending'
            AND EXISTS (SELECT FROM held)
        RETURNING o.lane_id, o.lane_seq, o.kind, o.source_chat_id, o.source_message_id, o.result_message_id
    ),
    moved AS (
        UPDATE lanes l SET head_seq = d.last + 1, served_at = clock_timestamp()
        FROM (SELECT lane_id, max(lane_seq) AS last FROM done GROUP BY lane_id) d
        WHERE l.id = d.lane_id AND l.tenant_id = :tenant
    ),
    mapped AS (
        INSERT INTO message_map (tenant_id, chat_id, message_id, group_id, topic_message_id)
        SELECT :tenant, d.chat_id,
            CASE WHEN n.kind = 'copy' THEN n.source_message_id ELSE n.result_message_id END,
            CAST(:group AS bigint),
            CASE WHEN n.kind = 'copy' THEN n.result_message_id ELSE n.source_message_id END
        FROM done n JOIN lanes l ON l.id = n.lane_id JOIN dialogs d ON d.tenant_id = :tenant AND d.id = l.dialog_id
        WHERE n.kind IN ('copy', 'answer') AND :group IS NOT NULL
        ON CONFLICT DO NOTHING
    )
    SELECT count(*) FROM done
    """  # noqa: S608  # a constant of ours
)


async def record_delivered(
    unit: UnitOfWork, tenant: TenantId, lease: Lease, results: Sequence[Delivered], *, group: ChatId | None
) -> None:
    """Stores what Telegram accepted, moves the lanes on, and maps the two messages. Raises `LeaseLost`."""
    values = {
        "tenant": tenant,
        "group": group,
        "rows": [result.row for result in results],
        "messages": [result.message for result in results],
        **lease.values(),
    }
    if (await unit.execute(_DELIVER, values)).scalar_one() != len(results):
        raise LeaseLost


_SNOOZE = text(
    f"""
    WITH held AS ({HELD}),
    back AS (
        UPDATE outbox SET state = 'waiting', error = :error,
            attempts = attempts - CASE WHEN :counted THEN 0 ELSE 1 END
        WHERE id = ANY(:rows) AND tenant_id = :tenant AND term = :term AND EXISTS (SELECT FROM held)
        RETURNING lane_id
    )
    UPDATE lanes SET blocked_until = clock_timestamp() + :delay
    WHERE tenant_id = :tenant AND id IN (SELECT lane_id FROM back)
    RETURNING id
    """  # noqa: S608  # a constant of ours
)


async def snooze(
    unit: UnitOfWork,
    tenant: TenantId,
    lease: Lease,
    rows: Sequence[Row],
    *,
    delay: timedelta,
    error: str,
    counted: bool,
) -> None:
    """Puts rows back and blocks their lane for a while. `counted` = Telegram may have seen the attempt."""
    ids = [row.id for row in rows]
    values = {"tenant": tenant, "rows": ids, "delay": delay, "error": error, "counted": counted, **lease.values()}
    if (await unit.execute(_SNOOZE, values)).first() is None:
        raise LeaseLost


_BURY = text(
    f"""
    WITH held AS ({HELD}),
    dead AS (
        UPDATE outbox SET state = 'buried', error = :error, ended_at = clock_timestamp()
        WHERE id = ANY(:rows) AND tenant_id = :tenant AND term = :term AND EXISTS (SELECT FROM held)
        RETURNING lane_id, lane_seq
    )
    UPDATE lanes l SET head_seq = d.last + 1, served_at = clock_timestamp()
    FROM (SELECT lane_id, max(lane_seq) AS last FROM dead GROUP BY lane_id) d
    WHERE l.id = d.lane_id AND l.tenant_id = :tenant
    RETURNING l.id
    """  # noqa: S608  # a constant of ours
)


async def bury(unit: UnitOfWork, tenant: TenantId, lease: Lease, rows: Sequence[Row], *, error: str) -> None:
    """Gives rows up for good and moves their lane on. The bodies stay, encrypted, for a replay."""
    ids = [row.id for row in rows]
    values = {"tenant": tenant, "rows": ids, "error": error, **lease.values()}
    if (await unit.execute(_BURY, values)).first() is None:
        raise LeaseLost


_PAUSE = text(
    """
    INSERT INTO pauses (tenant_id, chat_id, until) VALUES (:tenant, :chat, clock_timestamp() + :delay)
    ON CONFLICT (tenant_id, chat_id) DO UPDATE SET until = greatest(pauses.until, excluded.until)
    """
)


async def pause_group(unit: UnitOfWork, tenant: TenantId, group: ChatId, delay: timedelta) -> None:
    await unit.execute(_PAUSE, {"tenant": tenant, "chat": group, "delay": delay})
