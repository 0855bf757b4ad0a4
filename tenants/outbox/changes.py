"""Rows that stand back behind messages: edits and reactions. They have no number in their lane until nothing else
waits there, so that no message ever waits for them; and while they have none, newer ones take their place.
"""

from collections.abc import Sequence

from sqlalchemy import text

from tenants.db import UnitOfWork
from tenants.ids import TenantId
from tenants.leases import HELD_BY_ALL, Lease, lease_values

PATIENCE_SECONDS = 60
"""For which a change stands back; then it queues up with the messages."""

_NUMBER = text(
    f"""
    WITH held AS ({HELD_BY_ALL}),
    due AS (
        SELECT o.id, o.lane_id, o.not_before, l.direction = 'customer' AS is_free, w.spare,
            row_number() OVER (PARTITION BY o.tenant_id, l.direction = 'customer' ORDER BY o.not_before, o.id)
                AS place,
            o.not_before < now() - interval '{PATIENCE_SECONDS} seconds' AS is_old,
            l.head_seq = l.next_seq AS is_alone
        FROM held h JOIN unnest(CAST(:tenants AS uuid[]), CAST(:spare AS integer[])) AS w(tenant, spare)
            ON w.tenant = h.tenant
        JOIN outbox o ON o.tenant_id = h.tenant AND o.lane_seq IS NULL AND o.state = 'waiting'
            AND o.not_before <= clock_timestamp()
        JOIN lanes l ON l.tenant_id = o.tenant_id AND l.id = o.lane_id
        JOIN dialogs d ON d.tenant_id = l.tenant_id AND d.id = l.dialog_id
            AND (l.direction = 'customer' OR d.topic_id IS NOT NULL)
    ),
    picked AS (
        SELECT id, lane_id, row_number() OVER (PARTITION BY lane_id ORDER BY not_before, id) - 1 AS behind
        FROM due WHERE is_old OR is_alone AND (is_free OR place <= spare)
    ),
    numbered AS (
        UPDATE lanes l SET next_seq = l.next_seq + n.size
        FROM (SELECT lane_id, count(*) AS size FROM picked GROUP BY lane_id) n WHERE l.id = n.lane_id
        RETURNING l.id, l.next_seq - n.size AS first
    )
    UPDATE outbox o SET lane_seq = n.first + p.behind
    FROM picked p JOIN numbered n ON n.id = p.lane_id WHERE o.id = p.id
    RETURNING o.tenant_id
    """  # noqa: S608  # constants of ours
)


async def give_numbers(unit: UnitOfWork, spares: Sequence[tuple[TenantId, Lease, int]]) -> set[TenantId]:
    """Lets those queue up for which messages have left units of the group's budget, and those that have waited too
    long. The tenants that have something more to claim.
    """
    values = {
        **lease_values([(tenant, lease) for tenant, lease, _ in spares]),
        "spare": [spare for _, _, spare in spares],
    }
    return set((await unit.execute(_NUMBER, values)).scalars())
