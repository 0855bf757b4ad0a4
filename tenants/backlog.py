"""A team's group that has been behind for long: its age is said in General, and its owner is told.

More comes than the 20 sends a minute carry, so what waits grows older. Once the oldest message has waited for
`LONG`, texts are joined that are not otherwise (`Wish.digests`), until it is younger than half of that.
"""

from datetime import timedelta

from sqlalchemy import text

from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.ids import TenantId
from tenants.outbox.queue import enqueue, general_lane
from tenants.outbox.rows import Body, NewRow
from tenants.owner_notices import BEHIND, CALM, enqueue_notice

LONG = timedelta(minutes=10)
SAID_EVERY = timedelta(minutes=10)
SLOW = (
    "🐢 Messages come faster than Telegram lets the bot show them: {number} wait, the oldest one for {minutes} min. "
    "Nothing is lost; texts stand together in long messages until this is over."
)

_LOOK = text(
    """
    SELECT coalesce(extract(epoch FROM clock_timestamp() - min(h.created_at)), 0) AS age,
        coalesce(sum(l.next_seq - l.head_seq), 0) AS number
    FROM lanes l JOIN outbox h ON h.lane_id = l.id AND h.lane_seq = l.head_seq
    WHERE l.tenant_id = :tenant AND l.direction = 'topic' AND l.head_seq < l.next_seq AND l.blocked_until <= now()
        AND NOT EXISTS (SELECT FROM intakes i WHERE i.tenant_id = :tenant AND i.group_problem IS NOT NULL)
    """
)
_BEHIND = text(
    """
    UPDATE intakes i SET behind_since = coalesce(i.behind_since, now()),
        behind_said_at = CASE WHEN b.is_due THEN now() ELSE i.behind_said_at END
    FROM (
        SELECT coalesce(behind_said_at < now() - CAST(:every AS interval), true) AS is_due
        FROM intakes WHERE tenant_id = :tenant
    ) b
    WHERE i.tenant_id = :tenant
    RETURNING b.is_due, extract(epoch FROM i.behind_since) AS since
    """
)
_OVER = text(
    """
    UPDATE intakes SET behind_since = NULL
    WHERE tenant_id = :tenant AND behind_since IS NOT NULL AND CAST(:age AS float) < CAST(:over AS float)
    """
)
_IS_BEHIND = text("SELECT behind_since IS NOT NULL FROM intakes WHERE tenant_id = :tenant")


async def look_back(unit: UnitOfWork, tenant: TenantId, keyring: Keyring) -> bool:
    """Whether the group is far behind. Where that is news, or was said long ago, it is said again."""
    found = (await unit.execute(_LOOK, {"tenant": tenant})).one()
    if found.age < LONG.total_seconds():
        await unit.execute(_OVER, {"tenant": tenant, "age": found.age, "over": LONG.total_seconds() / 2})
        return bool((await unit.execute(_IS_BEHIND, {"tenant": tenant})).scalar_one_or_none())
    behind = (await unit.execute(_BEHIND, {"tenant": tenant, "every": SAID_EVERY})).one()
    if behind.is_due:
        minutes = int(found.age // 60)
        words = SLOW.format(number=found.number, minutes=minutes)
        await enqueue(unit, tenant, [NewRow(await general_lane(unit, tenant), "notice", Body(words))], keyring)
        key = f"{BEHIND}:{tenant}:{behind.since}"
        await enqueue_notice(unit, tenant, BEHIND, key=key, params={"minutes": minutes}, calm=CALM)
    return True
