"""Days of a month as rows: what a tenant had on them."""

from sqlalchemy import text

from tenants.db import Database
from tenants.ids import TenantId

_SPEND = text(
    """
    INSERT INTO usage (tenant_id, day, updates, allowed)
    SELECT :tenant, d::date, 2, 1
    FROM (SELECT date_trunc('month', now() AT TIME ZONE 'UTC') - make_interval(months => :months_ago) AS first) m,
        generate_series(m.first, m.first + interval '27 days', interval '1 day') d
    WHERE d::date <> (now() AT TIME ZONE 'UTC')::date ORDER BY d LIMIT :days
    """
)


async def spend_tolerated_days(database: Database, tenant: TenantId, days: int = 10, *, months_ago: int = 0) -> None:
    """So many other days of the month were over. Early in a month some are yet to come: they count as any other."""
    async with database.tenant(tenant) as unit:
        await unit.execute(_SPEND, {"tenant": tenant, "days": days, "months_ago": months_ago})
