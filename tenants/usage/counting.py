"""A tenant's day is read and counted in the statements that open and store a batch: there are none of their own.

Whoever counts holds the tenant's intake, so nobody waits for a counter that did not wait already.
"""

from tenants.usage.limits import WARN_AT

TODAY = "(now() AT TIME ZONE 'UTC')::date"
MONTH = "date_trunc('month', now() AT TIME ZONE 'UTC')"
"""Its first day."""

USED = f"""
    coalesce(d.updates, 0) AS used, coalesce(d.allowed, 0) AS allowed,
    CASE WHEN (d.updates + cardinality(CAST(:ids AS bigint[])) >= {WARN_AT} * d.allowed) IS NOT FALSE THEN (
        SELECT count(*) FROM usage o WHERE o.tenant_id = t.id AND o.updates > o.allowed
            AND o.day >= {MONTH} AND o.day < {MONTH} + interval '1 month' AND o.day <> {TODAY}
    ) ELSE 0 END AS days_over
"""  # noqa: S608  # a constant of ours
"""Of the tenant `t`; the month is only looked at where `:ids` may bring the day near its limit."""

JOIN_DAY = f"LEFT JOIN usage d ON d.tenant_id = t.id AND d.day = {TODAY}"

COUNTED = f"""
    counted AS (
        INSERT INTO usage AS g (tenant_id, day, updates, allowed)
        SELECT h.tenant, {TODAY}, c.handled, c.allowed
        FROM held h JOIN brought c ON c.tenant = h.tenant WHERE c.handled > 0
        ON CONFLICT (tenant_id, day) DO UPDATE
            SET updates = g.updates + excluded.updates, allowed = greatest(g.allowed, excluded.allowed)
        RETURNING g.tenant_id, g.updates
    )
"""  # noqa: S608  # a constant of ours
"""Those of `brought` whose lease is `held`: a day allows what the best plan allowed that it had."""

DAY_TURNS = "(date_trunc('day', now(), 'UTC') + interval '24 hours')"
