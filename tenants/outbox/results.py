"""What became of a claimed row. Every write joins on the lease's term."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import TextClause, text

from tenants.db import UnitOfWork
from tenants.errors import LeaseLost
from tenants.ids import ChatId, RowId, TenantId
from tenants.leases import HELD, HELD_BY_ALL, Lease, lease_values
from tenants.outbox.rows import Delivered, Row

_DELIVER = text(
    f"""
    WITH held AS ({HELD_BY_ALL}),
    targets AS (
        SELECT h.tenant, h.term, t.chat FROM held h
        JOIN unnest(CAST(:tenants AS uuid[]), CAST(:groups AS bigint[])) AS t(tenant, chat) ON t.tenant = h.tenant
    ),
    done AS (
        UPDATE outbox o SET state = 'delivered', ended_at = clock_timestamp(), error = NULL, error_text = NULL,
            body = NULL,
            result_message_id = r.message_id
        FROM targets t, unnest(CAST(:rows AS uuid[]), CAST(:messages AS bigint[]), CAST(:parts AS integer[]))
            AS r(id, message_id, part_at)
        WHERE o.id = r.id AND o.tenant_id = t.tenant AND o.term = t.term
            AND (o.state = 'sending' OR o.state = 'delivered' AND o.result_message_id = r.message_id)
        RETURNING o.tenant_id, o.lane_id, o.lane_seq, o.kind, o.source_chat_id, o.source_message_id,
            o.result_message_id, o.digest, o.thread_id, r.part_at, t.chat
    ),
    moved AS (
        UPDATE lanes l SET head_seq = greatest(l.head_seq, d.last + 1), served_at = clock_timestamp()
        FROM (SELECT tenant_id, lane_id, max(lane_seq) AS last FROM done GROUP BY tenant_id, lane_id) d
        WHERE l.tenant_id = d.tenant_id AND l.id = d.lane_id
    ),
    mapped AS (
        INSERT INTO message_map
            (tenant_id, chat_id, message_id, group_id, topic_message_id, part_at, digest, thread_id)
        SELECT n.tenant_id, d.chat_id,
            CASE WHEN n.kind <> 'answer' THEN n.source_message_id ELSE n.result_message_id END,
            n.chat,
            CASE WHEN n.kind <> 'answer' THEN n.result_message_id ELSE n.source_message_id END,
            n.part_at, n.digest, n.thread_id
        FROM done n JOIN lanes l ON l.tenant_id = n.tenant_id AND l.id = n.lane_id
        JOIN dialogs d ON d.tenant_id = n.tenant_id AND d.id = l.dialog_id
        WHERE n.kind IN ('copy', 'forward', 'line', 'answer', 'mirror') AND n.chat IS NOT NULL
        ON CONFLICT DO NOTHING
    )
    SELECT tenant_id, count(*) AS n FROM done GROUP BY tenant_id
    """  # noqa: S608  # a constant of ours
)


async def record_delivered(
    unit: UnitOfWork, holders: Sequence[tuple[TenantId, Lease, ChatId | None]], results: Sequence[Delivered]
) -> set[TenantId]:
    """Stores what Telegram accepted, moves the lanes on, and maps the two messages, for all holders at once.

    The tenants whose results were not all stored: their lease does not hold any more, or they are gone. Recording
    the same result again, after a commit whose answer was lost, is recording it.
    """
    values = {
        **lease_values([(tenant, lease) for tenant, lease, _ in holders]),
        "groups": [group for _, _, group in holders],
        "rows": [result.row for result in results],
        "messages": [result.message for result in results],
        "parts": [result.part_at for result in results],
    }
    missing = Counter(result.tenant for result in results)
    for row in await unit.execute(_DELIVER, values):
        missing[row.tenant_id] -= row.n
    return {tenant for tenant, number in missing.items() if number}


_CHANGED = (
    text(
        """
        UPDATE message_map m SET digest = o.digest FROM outbox o JOIN lanes l ON l.id = o.lane_id
        WHERE o.id = ANY(:rows) AND o.kind = 'edit' AND o.state = 'delivered' AND l.direction = 'topic'
            AND m.tenant_id = o.tenant_id AND m.chat_id = o.source_chat_id AND m.message_id = o.source_message_id
        """
    ),
    text(
        """
        UPDATE message_map m SET digest = o.digest FROM outbox o JOIN lanes l ON l.id = o.lane_id
        WHERE o.id = ANY(:rows) AND o.kind = 'edit' AND o.state = 'delivered' AND l.direction = 'customer'
            AND m.tenant_id = o.tenant_id AND m.group_id = o.source_chat_id
            AND m.topic_message_id = o.source_message_id
        """
    ),
)


async def note_changed(unit: UnitOfWork, rows: Sequence[RowId]) -> None:
    """What both sides show since these edits were delivered."""
    for statement in _CHANGED:
        await unit.execute(statement, {"rows": list(rows)})


_SNOOZE = text(
    f"""
    WITH held AS ({HELD}),
    back AS (
        UPDATE outbox SET state = 'waiting', error = :error, error_text = :error_text,
            attempts = attempts - CASE WHEN :counted THEN 0 ELSE 1 END
        WHERE id = ANY(:rows) AND tenant_id = :tenant AND term = :term AND state = 'sending'
            AND EXISTS (SELECT FROM held)
        RETURNING lane_id
    ),
    blocked AS (
        UPDATE lanes SET blocked_until = clock_timestamp() + :delay
        WHERE tenant_id = :tenant AND id IN (SELECT lane_id FROM back)
    )
    SELECT EXISTS (SELECT FROM held) AS held, (SELECT count(*) FROM back) AS rows
    """  # noqa: S608  # a constant of ours
)


async def snooze(
    unit: UnitOfWork,
    tenant: TenantId,
    lease: Lease,
    rows: Sequence[Row],
    *,
    delay: timedelta,
    error: tuple[str, str],
    counted: bool,
) -> None:
    """Puts rows back and blocks their lane for a while. `error` is a code and a sentence; `counted` = Telegram may
    have seen the attempt. Raises `LeaseLost`; recording the same refusal again changes nothing.
    """
    await _refuse(unit, _SNOOZE, tenant, lease, rows, error=error, delay=delay, counted=counted)


_BURY = text(
    f"""
    WITH held AS ({HELD}),
    dead AS (
        UPDATE outbox SET state = 'buried', error = :error, error_text = :error_text, ended_at = clock_timestamp()
        WHERE id = ANY(:rows) AND tenant_id = :tenant AND term = :term AND state = 'sending'
            AND EXISTS (SELECT FROM held)
        RETURNING lane_id, lane_seq
    ),
    moved AS (
        UPDATE lanes l SET head_seq = greatest(l.head_seq, d.last + 1), served_at = clock_timestamp()
        FROM (SELECT lane_id, max(lane_seq) AS last FROM dead GROUP BY lane_id) d
        WHERE l.id = d.lane_id AND l.tenant_id = :tenant
    )
    SELECT EXISTS (SELECT FROM held) AS held, (SELECT count(*) FROM dead) AS rows
    """  # noqa: S608  # a constant of ours
)


async def bury(
    unit: UnitOfWork, tenant: TenantId, lease: Lease, rows: Sequence[Row], *, error: tuple[str, str]
) -> bool:
    """Gives rows up for good and moves their lane on. The bodies stay, encrypted, for a replay.

    Whether that was news: after a commit whose answer was lost it is recorded already. Raises `LeaseLost`.
    """
    return await _refuse(unit, _BURY, tenant, lease, rows, error=error)


_END = text(
    f"""
    WITH held AS ({HELD}),
    ended AS (
        UPDATE outbox SET state = :state, ended_at = clock_timestamp(), error = CAST(:error AS text),
            error_text = CAST(:error_text AS text), body = NULL,
            result_message_id = CASE WHEN :state = 'delivered' THEN source_message_id END
        WHERE id = ANY(:rows) AND tenant_id = :tenant AND term = :term AND state = 'sending'
            AND EXISTS (SELECT FROM held)
        RETURNING lane_id, lane_seq
    ),
    moved AS (
        UPDATE lanes l SET head_seq = greatest(l.head_seq, d.last + 1), served_at = clock_timestamp()
        FROM (SELECT lane_id, max(lane_seq) AS last FROM ended GROUP BY lane_id) d
        WHERE l.id = d.lane_id AND l.tenant_id = :tenant
    )
    SELECT EXISTS (SELECT FROM held) AS held, (SELECT count(*) FROM ended) AS rows
    """  # noqa: S608  # a constant of ours
)


async def drop(
    unit: UnitOfWork,
    tenant: TenantId,
    lease: Lease,
    rows: Sequence[Row],
    *,
    error: tuple[str | None, str | None] = (None, None),
) -> None:
    """Decides at the last moment that rows are not to go out, and moves their lane on. `error` is why, as a code and
    a sentence. Raises `LeaseLost`.
    """
    await _end(unit, tenant, lease, rows, state="dropped", error=error)


async def finish(unit: UnitOfWork, tenant: TenantId, lease: Lease, row: Row) -> bool:
    """A row that sends nothing itself has done what it was for. Whether that was news. Raises `LeaseLost`."""
    return await _end(unit, tenant, lease, [row], state="delivered")


async def _end(
    unit: UnitOfWork,
    tenant: TenantId,
    lease: Lease,
    rows: Sequence[Row],
    *,
    state: str,
    error: tuple[str | None, str | None] = (None, None),
) -> bool:
    values = {"tenant": tenant, "rows": [row.id for row in rows], "state": state, **lease.values()}
    values |= {"error": error[0], "error_text": error[1]}
    return await _run_guarded(unit, _END, values)


async def _refuse(
    unit: UnitOfWork,
    statement: TextClause,
    tenant: TenantId,
    lease: Lease,
    rows: Sequence[Row],
    *,
    error: tuple[str, str],
    **more: object,
) -> bool:
    code, sentence = error
    values = {"tenant": tenant, "rows": [row.id for row in rows], "error": code, "error_text": sentence}
    return await _run_guarded(unit, statement, {**values, **more, **lease.values()})


async def _run_guarded(unit: UnitOfWork, statement: TextClause, values: dict[str, object]) -> bool:
    done = (await unit.execute(statement, values)).one()
    if not done.held:
        raise LeaseLost
    return bool(done.rows)


_PAUSE = text(
    """
    INSERT INTO pauses (tenant_id, chat_id, until) VALUES (:tenant, :chat, clock_timestamp() + :delay)
    ON CONFLICT (tenant_id, chat_id) DO UPDATE SET until = greatest(pauses.until, excluded.until)
    """
)


async def pause_group(unit: UnitOfWork, tenant: TenantId, group: ChatId, delay: timedelta) -> None:
    await unit.execute(_PAUSE, {"tenant": tenant, "chat": group, "delay": delay})
