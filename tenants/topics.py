"""Errands about topics: one to make, a title to change, one to close or reopen.

They are no rows of a queue: the dialog says what should be, its topic columns say what is. Asking is recorded
before the request (`topic_asked_at`), since topics can't be listed and a repeated creation makes a second one.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from tenants.db import UnitOfWork
from tenants.dialogs import Status
from tenants.errors import LeaseLost
from tenants.ids import DialogId, TenantId, TopicId
from tenants.leases import HELD, Lease

IN_DOUBT = timedelta(seconds=10)
"""How long an unanswered creation may still turn up as an update of our own before it is asked for again."""


@dataclass(frozen=True, slots=True)
class TopicToMake:
    dialog: DialogId
    status: Status
    name: str


@dataclass(frozen=True, slots=True)
class TopicToMend:
    """A topic that shows something else than it should."""

    dialog: DialogId
    topic: TopicId
    status: Status
    name: str
    title_is_stale: bool
    open_now: bool


_ASK = text(
    f"""
    WITH held AS ({HELD})
    UPDATE dialogs SET topic_asked_at = clock_timestamp()
    WHERE tenant_id = :tenant AND EXISTS (SELECT FROM held) AND id = (
        SELECT d.id FROM lanes l JOIN dialogs d ON d.tenant_id = l.tenant_id AND d.id = l.dialog_id
        WHERE l.tenant_id = :tenant AND l.direction = 'topic' AND l.head_seq < l.next_seq
            AND l.blocked_until <= now() AND d.topic_id IS NULL AND d.retry_at <= now()
            AND (d.topic_asked_at IS NULL OR d.topic_asked_at < now() - CAST(:in_doubt AS interval))
        ORDER BY l.served_at LIMIT 1
    )
    RETURNING id, status, topic_name
    """  # noqa: S608  # a constant of ours
)


async def ask_for_topic(unit: UnitOfWork, tenant: TenantId, lease: Lease) -> TopicToMake | None:
    """The dialog that has waited longest for a topic and is not in doubt about one."""
    values = {"tenant": tenant, "in_doubt": IN_DOUBT, **lease.values()}
    row = (await unit.execute(_ASK, values)).first()
    return None if row is None else TopicToMake(row.id, Status(row.status), row.topic_name)


_MADE = text(
    f"""
    WITH held AS ({HELD})
    UPDATE dialogs SET topic_id = :topic, topic_status = :status, topic_open = true, topic_asked_at = NULL
    WHERE tenant_id = :tenant AND id = :dialog AND (topic_id IS NULL OR topic_id = :topic)
        AND EXISTS (SELECT FROM held)
    RETURNING id
    """  # noqa: S608  # a constant of ours
)


async def record_topic(
    unit: UnitOfWork, tenant: TenantId, lease: Lease, made: TopicToMake, *, topic: TopicId
) -> None:
    """Raises `LeaseLost`. The topic shows the status that it was made with."""
    values = {"tenant": tenant, "dialog": made.dialog, "topic": topic, "status": made.status, **lease.values()}
    if (await unit.execute(_MADE, values)).first() is None:
        raise LeaseLost


_RETRY = text(
    """
    UPDATE dialogs SET retry_at = clock_timestamp() + :delay,
        topic_asked_at = CASE WHEN :ambiguous THEN topic_asked_at END
    WHERE tenant_id = :tenant AND id = :dialog
    """
)


async def retry_errand(
    unit: UnitOfWork, tenant: TenantId, dialog: DialogId, *, delay: timedelta, ambiguous: bool = False
) -> None:
    """`ambiguous`: a creation that may have happened stays asked for."""
    values = {"tenant": tenant, "dialog": dialog, "delay": delay, "ambiguous": ambiguous}
    await unit.execute(_RETRY, values)


_LOST = text(
    """
    UPDATE dialogs SET topic_id = NULL, topic_status = NULL, topic_open = true, topic_asked_at = NULL
    WHERE tenant_id = :tenant AND id = :dialog AND topic_id = :topic
    """
)


async def forget_topic(unit: UnitOfWork, tenant: TenantId, dialog: DialogId, topic: TopicId) -> None:
    """The topic was deleted: the next message makes a new one."""
    await unit.execute(_LOST, {"tenant": tenant, "dialog": dialog, "topic": topic})


_STALE = text(
    """
    SELECT id, topic_id, status, topic_name, topic_status IS DISTINCT FROM status AS title_is_stale, topic_open
    FROM dialogs
    WHERE tenant_id = :tenant AND topic_id IS NOT NULL AND retry_at <= now()
        AND (topic_status IS DISTINCT FROM status OR topic_open = (status = 'closed'))
    ORDER BY retry_at LIMIT 1
    """
)


async def find_stale_topic(unit: UnitOfWork, tenant: TenantId) -> TopicToMend | None:
    row = (await unit.execute(_STALE, {"tenant": tenant})).first()
    if row is None:
        return None
    return TopicToMend(row.id, row.topic_id, Status(row.status), row.topic_name, row.title_is_stale, row.topic_open)


_MENDED = text(
    f"""
    WITH held AS ({HELD})
    UPDATE dialogs SET topic_status = coalesce(:status, topic_status), topic_open = coalesce(:open, topic_open)
    WHERE tenant_id = :tenant AND id = :dialog AND topic_id = :topic AND EXISTS (SELECT FROM held)
    """  # noqa: S608  # a constant of ours
)


async def record_mended(
    unit: UnitOfWork,
    tenant: TenantId,
    lease: Lease,
    mended: TopicToMend,
    *,
    title: Status | None = None,
    is_open: bool | None = None,
) -> None:
    """What the topic shows now."""
    values: dict[str, Any] = {"tenant": tenant, "dialog": mended.dialog, "topic": mended.topic}
    await unit.execute(_MENDED, {**values, "status": title, "open": is_open, **lease.values()})


_NEXT_ERRAND = text(
    """
    SELECT extract(epoch FROM min(due) - clock_timestamp()) FROM (
        SELECT greatest(d.retry_at, l.blocked_until, d.topic_asked_at + CAST(:in_doubt AS interval)) AS due
        FROM lanes l JOIN dialogs d ON d.tenant_id = l.tenant_id AND d.id = l.dialog_id
        WHERE l.tenant_id = :tenant AND l.direction = 'topic' AND l.head_seq < l.next_seq AND d.topic_id IS NULL
        UNION ALL
        SELECT retry_at FROM dialogs
        WHERE tenant_id = :tenant AND topic_id IS NOT NULL
            AND (topic_status IS DISTINCT FROM status OR topic_open = (status = 'closed'))
    ) errands
    """
)


async def seconds_until_errand(unit: UnitOfWork, tenant: TenantId) -> float | None:
    """When the next errand is due, in seconds from now; None where there is none."""
    due = (await unit.execute(_NEXT_ERRAND, {"tenant": tenant, "in_doubt": IN_DOUBT})).scalar_one()
    return None if due is None else float(due)
