"""What goes on at one desk right now: counted for /stats, from the rows that exist anyway."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from tenants.db import UnitOfWork
from tenants.ids import TenantId, TopicId

MOST_OWNERS = 10
MOST_OWNED = 5
"""Dialogs that are named for each of them."""


@dataclass(frozen=True, slots=True)
class Place:
    """A dialog as the team knows it: by its topic."""

    name: str
    topic: TopicId | None


@dataclass(frozen=True, slots=True)
class Owned:
    """What one operator owns: so many, the first of them by name."""

    operator: str
    number: int
    dialogs: Sequence[Place]


@dataclass(frozen=True, slots=True)
class Overview:
    """`came` and `went` are messages of the last 24 hours; `others` how many more operators own dialogs."""

    waiting: int
    answered: int
    closed: int
    came: int
    went: int
    oldest: Place | None
    oldest_since: datetime | None
    owners: Sequence[Owned]
    others: int

    @property
    def open(self) -> int:
        return self.waiting + self.answered


_COUNTS = text(
    """
    SELECT
        count(*) FILTER (WHERE status = 'user_answered') AS waiting,
        count(*) FILTER (WHERE status = 'support_answered') AS answered,
        count(*) FILTER (WHERE status = 'closed') AS closed
    FROM dialogs WHERE tenant_id = :tenant
    """
)
_TRAFFIC = text(
    """
    SELECT count(*) FILTER (WHERE l.direction = 'topic') AS came,
        count(*) FILTER (WHERE l.direction = 'customer' AND o.state = 'delivered') AS went
    FROM outbox o JOIN lanes l ON l.tenant_id = o.tenant_id AND l.id = o.lane_id
    WHERE o.tenant_id = :tenant AND o.update_id IS NOT NULL AND o.created_at > now() - interval '24 hours'
        AND o.kind NOT IN ('notice', 'mirror', 'edit', 'lookup', 'reaction', 'deletion')
    """
)
_OLDEST = text(
    """
    SELECT topic_name, topic_id, waiting_since FROM dialogs
    WHERE tenant_id = :tenant AND status = 'user_answered' AND waiting_since IS NOT NULL
    ORDER BY waiting_since, id LIMIT 1
    """
)
_OWNED = text(
    """
    WITH owned AS (
        SELECT owner_id, owner_name, topic_name, topic_id,
            row_number() OVER (PARTITION BY owner_id ORDER BY waiting_since NULLS LAST, id) AS place,
            count(*) OVER (PARTITION BY owner_id) AS number
        FROM dialogs WHERE tenant_id = :tenant AND owned_until > now() AND status <> 'closed'
    ),
    ranked AS (
        SELECT *, dense_rank() OVER (ORDER BY number DESC, owner_id) AS rank FROM owned
    )
    SELECT *, (SELECT max(rank) FROM ranked) AS owners FROM ranked
    WHERE place <= :dialogs AND rank <= :operators ORDER BY rank, place
    """
)


async def look_over(unit: UnitOfWork, tenant: TenantId) -> Overview:
    values = {"tenant": tenant}
    counts = (await unit.execute(_COUNTS, values)).one()
    traffic = (await unit.execute(_TRAFFIC, values)).one()
    oldest = (await unit.execute(_OLDEST, values)).first()
    owned = (await unit.execute(_OWNED, {**values, "dialogs": MOST_OWNED, "operators": MOST_OWNERS})).all()
    owners = _by_owner(owned)
    return Overview(
        waiting=counts.waiting,
        answered=counts.answered,
        closed=counts.closed,
        came=traffic.came,
        went=traffic.went,
        oldest=None if oldest is None else Place(oldest.topic_name, oldest.topic_id),
        oldest_since=None if oldest is None else oldest.waiting_since,
        owners=owners,
        others=(owned[0].owners if owned else 0) - len(owners),
    )


def _by_owner(rows: Sequence[Any]) -> list[Owned]:
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.owner_id, []).append(row)
    return [
        Owned(group[0].owner_name or str(owner), group[0].number, [Place(r.topic_name, r.topic_id) for r in group])
        for owner, group in found.items()
    ]
