"""Errands about topics: one to make, a title to change, one to close or reopen.

They are no rows of a queue: the dialog says what should be, its topic columns say what is. Asking is recorded
before the request (`topic_asked_at`), since topics can't be listed and a repeated creation makes a second one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from tenants.db import UnitOfWork
from tenants.dialogs import Status
from tenants.ids import ChatId, DialogId, TenantId, TopicId
from tenants.leases import HELD, HELD_BY_ALL, Lease, lease_values
from tenants.settings.schema import COLORS

IN_DOUBT = timedelta(seconds=10)
"""How long an unanswered creation may still turn up as an update of our own before it is asked for again."""


@dataclass(frozen=True, slots=True)
class TopicToMake:
    """`number` counts the topics that the dialog had before: the same creation asked for again has the same one."""

    dialog: DialogId
    status: Status
    name: str
    number: int = 0
    color: int | None = None
    """RGB, one of Telegram's; None leaves it to Telegram."""


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
    WITH held AS ({HELD_BY_ALL})
    UPDATE dialogs d SET topic_asked_at = clock_timestamp(), errand_at = clock_timestamp()
    FROM held h JOIN unnest(CAST(:tenants AS uuid[]), CAST(:listened AS boolean[])) AS i(tenant, has_listened)
        ON i.tenant = h.tenant
    JOIN tenants t ON t.id = h.tenant
    CROSS JOIN LATERAL (
        SELECT f.id FROM lanes l JOIN dialogs f ON f.tenant_id = l.tenant_id AND f.id = l.dialog_id
        WHERE l.tenant_id = h.tenant AND l.direction = 'topic' AND l.head_seq < l.next_seq
            AND l.blocked_until <= now() AND f.topic_id IS NULL AND f.retry_at <= now()
            AND NOT EXISTS (SELECT FROM dialogs o WHERE o.tenant_id = h.tenant AND o.topic_id IS NULL
                AND o.topic_asked_at IS NOT NULL
                AND (NOT i.has_listened OR o.topic_asked_at > now() - CAST(:in_doubt AS interval)))
        ORDER BY l.served_at LIMIT 1
    ) n
    WHERE d.tenant_id = h.tenant AND d.id = n.id
    RETURNING d.tenant_id, d.id, d.status, d.topic_name, d.topic_number, t.settings->>'ICON_COLOR' AS color
    """  # noqa: S608  # a constant of ours
)


async def ask_for_topics(
    unit: UnitOfWork, holders: Sequence[tuple[TenantId, Lease, bool]]
) -> dict[TenantId, TopicToMake]:
    """For each tenant the dialog that has waited longest for a topic. None while another one's is in doubt: what
    turns up must be known by more than its name. It is in doubt for `IN_DOUBT`, and until the session has listened
    for as long (the third value): what came while nobody ran may still wait at Telegram.
    """
    values = {
        "in_doubt": IN_DOUBT,
        "listened": [has_listened for _, _, has_listened in holders],
        **lease_values([(tenant, lease) for tenant, lease, _ in holders]),
    }
    rows = await unit.execute(_ASK, values)
    return {
        row.tenant_id: TopicToMake(
            row.id, Status(row.status), row.topic_name, row.topic_number, COLORS.get(row.color or "")
        )
        for row in rows
    }


_MADE = text(
    f"""
    WITH held AS ({HELD})
    UPDATE dialogs SET topic_id = :topic, topic_status = :status, topic_open = true, topic_asked_at = NULL
    WHERE tenant_id = :tenant AND id = :dialog AND topic_id IS NULL AND EXISTS (SELECT FROM held)
        AND NOT EXISTS (SELECT FROM dialogs o WHERE o.tenant_id = :tenant AND o.topic_id = :topic)
        AND EXISTS (SELECT FROM tenants WHERE id = :tenant AND group_id = :group)
    """  # noqa: S608  # a constant of ours
)


async def record_topic(
    unit: UnitOfWork, tenant: TenantId, lease: Lease, made: TopicToMake, *, topic: TopicId, group: ChatId
) -> None:
    """The topic shows the status that it was made with. Nothing happens where it was adopted before, or where the
    tenant has another group meanwhile: a topic's id counts in one group only.
    """
    values = {"tenant": tenant, "dialog": made.dialog, "topic": topic, "status": made.status, "group": group}
    await unit.execute(_MADE, {**values, **lease.values()})


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
    UPDATE dialogs SET topic_id = NULL, topic_status = NULL, topic_open = true, topic_asked_at = NULL,
        topic_number = topic_number + 1
    WHERE tenant_id = :tenant AND id = :dialog AND topic_id = :topic
    """
)


async def forget_topic(unit: UnitOfWork, tenant: TenantId, dialog: DialogId, topic: TopicId) -> None:
    """The topic was deleted: the next message makes a new one."""
    await unit.execute(_LOST, {"tenant": tenant, "dialog": dialog, "topic": topic})


_STALE = text(
    f"""
    WITH held AS ({HELD_BY_ALL})
    UPDATE dialogs d SET errand_at = clock_timestamp()
    FROM held h CROSS JOIN LATERAL (
        SELECT f.id FROM dialogs f
        WHERE f.tenant_id = h.tenant AND f.topic_id IS NOT NULL AND f.retry_at <= now()
            AND (f.topic_status IS DISTINCT FROM f.status OR f.topic_open = (f.status = 'closed'))
        ORDER BY f.retry_at LIMIT 1
    ) n
    WHERE d.tenant_id = h.tenant AND d.id = n.id
    RETURNING d.tenant_id, d.id, d.topic_id, d.status, d.topic_name,
        d.topic_status IS DISTINCT FROM d.status AS title_is_stale, d.topic_open
    """  # noqa: S608  # a constant of ours
)


async def take_stale_topics(
    unit: UnitOfWork, holders: Sequence[tuple[TenantId, Lease]]
) -> dict[TenantId, TopicToMend]:
    """For each tenant the topic that has waited longest to show what it should."""
    rows = await unit.execute(_STALE, lease_values(holders))
    return {
        row.tenant_id: TopicToMend(
            row.id, row.topic_id, Status(row.status), row.topic_name, row.title_is_stale, row.topic_open
        )
        for row in rows
    }


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
    SELECT t.tenant, extract(epoch FROM e.due - clock_timestamp()) AS seconds
    FROM unnest(CAST(:tenants AS uuid[])) AS t(tenant) CROSS JOIN LATERAL (
        SELECT min(due) AS due FROM (
            SELECT greatest(min(greatest(d.retry_at, l.blocked_until)),
                max(d.topic_asked_at) + CAST(:in_doubt AS interval)) AS due
            FROM lanes l JOIN dialogs d ON d.tenant_id = l.tenant_id AND d.id = l.dialog_id
            WHERE l.tenant_id = t.tenant AND l.direction = 'topic' AND l.head_seq < l.next_seq AND d.topic_id IS NULL
            UNION ALL
            SELECT retry_at FROM dialogs
            WHERE tenant_id = t.tenant AND topic_id IS NOT NULL
                AND (topic_status IS DISTINCT FROM status OR topic_open = (status = 'closed'))
        ) errands
    ) e
    WHERE e.due IS NOT NULL
    """
)


async def seconds_until_errand(unit: UnitOfWork, tenants: Sequence[TenantId]) -> dict[TenantId, float]:
    """When each tenant's next errand is due, in seconds from now; a tenant without one is missing."""
    rows = await unit.execute(_NEXT_ERRAND, {"tenants": list(tenants), "in_doubt": IN_DOUBT})
    return {row.tenant: float(row.seconds) for row in rows}
