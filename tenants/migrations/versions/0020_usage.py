"""Updates are counted for each tenant and day, and those beyond a plan's limit wait."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

THIS_TENANT = "nullif(current_setting('app.tenant_id', true), '')::uuid"
THESE = "((SELECT nullif(current_setting('app.tenants', true), '')::jsonb) ? tenant_id::text)"
HELD = "WHEN u.disposition = 'held' THEN 'waiting'"
DISPOSITIONS = """
CREATE OR REPLACE VIEW dispositions WITH (security_invoker = true) AS
SELECT
    u.tenant_id,
    u.update_id,
    u.kind,
    u.received_at,
    CASE
        {held}
        WHEN u.disposition <> 'queued' THEN u.disposition
        WHEN bool_or(o.state = 'buried') THEN 'buried'
        WHEN bool_or(o.state IN ('waiting', 'sending')) THEN 'waiting'
        WHEN bool_or(o.state = 'delivered') THEN 'relayed'
        WHEN bool_and(o.state = 'dropped') THEN 'ignored'
    END AS disposition
FROM updates u
LEFT JOIN outbox o
    ON o.tenant_id = u.tenant_id AND o.update_id = u.update_id
    AND o.kind IN (
        'copy', 'answer', 'mirror', 'edit', 'lookup', 'forward', 'line', 'reaction', 'deletion'
    )
GROUP BY u.tenant_id, u.update_id
"""


def _check(condition: str) -> None:
    op.drop_constraint(op.f("ck_updates_disposition"), "updates")
    op.create_check_constraint(op.f("ck_updates_disposition"), "updates", condition)


def upgrade() -> None:
    op.create_table(
        "usage",
        sa.Column("tenant_id", sa.UUID, sa.ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("updates", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("allowed", sa.Integer, nullable=False),
        sa.CheckConstraint("updates >= 0", name=op.f("ck_usage_updates")),
        sa.PrimaryKeyConstraint("tenant_id", "day", name="pk_usage"),
    )
    op.execute("ALTER TABLE usage ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE usage FORCE ROW LEVEL SECURITY")
    for role, policy, condition in (
        ("backline_app", "one_tenant", f"tenant_id = {THIS_TENANT}"),
        ("backline_worker", "these_tenants", THESE),
    ):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON usage TO {role}")
        op.execute(f"CREATE POLICY {policy} ON usage TO {role} USING ({condition}) WITH CHECK ({condition})")
    op.add_column("intakes", sa.Column("release_at", sa.DateTime(timezone=True)))
    op.create_index(
        "ix_intakes_release_at", "intakes", ["release_at"], postgresql_where=sa.text("release_at IS NOT NULL")
    )
    op.add_column("updates", sa.Column("place", sa.Integer))
    op.add_column("updates", sa.Column("aside_at", sa.DateTime(timezone=True)))
    _check("disposition IN ('queued', 'handled', 'ignored', 'failed', 'held')")
    op.create_index(
        "ix_updates_held",
        "updates",
        ["tenant_id", "received_at", "place"],
        postgresql_where=sa.text("disposition = 'held'"),
    )
    op.execute("GRANT SELECT (release_at) ON intakes TO backline_fleet")
    op.execute("GRANT SELECT (aside_at), UPDATE (disposition, reason, aside_at) ON updates TO backline_fleet")
    op.execute(DISPOSITIONS.format(held=HELD))


def downgrade() -> None:
    op.execute("UPDATE updates SET disposition = 'failed' WHERE disposition = 'held'")
    op.execute(DISPOSITIONS.format(held=""))
    op.execute(
        "REVOKE SELECT (aside_at), UPDATE (disposition, reason, aside_at) ON updates FROM backline_fleet"
    )
    op.execute("REVOKE SELECT (release_at) ON intakes FROM backline_fleet")
    op.drop_index("ix_updates_held", table_name="updates")
    _check("disposition IN ('queued', 'handled', 'ignored', 'failed')")
    op.drop_column("updates", "aside_at")
    op.drop_column("updates", "place")
    op.drop_index("ix_intakes_release_at", table_name="intakes")
    op.drop_column("intakes", "release_at")
    op.drop_table("usage")
