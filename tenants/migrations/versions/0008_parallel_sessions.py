"""Parallel sessions: their logins and access hashes, and what they mirror."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

THIS_TENANT = "nullif(current_setting('app.tenant_id', true), '')::uuid"
THESE = "((SELECT nullif(current_setting('app.tenants', true), '')::jsonb) ? tenant_id::text)"

DISPOSITIONS = """
CREATE OR REPLACE VIEW dispositions WITH (security_invoker = true) AS
SELECT
    u.tenant_id,
    u.update_id,
    u.kind,
    u.received_at,
    CASE
        WHEN u.disposition <> 'queued' THEN u.disposition
        WHEN bool_or(o.state = 'buried') THEN 'buried'
        WHEN bool_or(o.state IN ('waiting', 'sending')) THEN 'waiting'
        {relayed}
    END AS disposition
FROM updates u
LEFT JOIN outbox o
    ON o.tenant_id = u.tenant_id AND o.update_id = u.update_id AND o.kind IN ({kinds})
GROUP BY u.tenant_id, u.update_id
"""
WITH_MIRRORS = DISPOSITIONS.format(
    kinds="'copy', 'answer', 'mirror', 'edit', 'lookup'",
    relayed="WHEN bool_or(o.state = 'delivered') THEN 'relayed' WHEN bool_and(o.state = 'dropped') THEN 'ignored'",
)
BEFORE = DISPOSITIONS.format(
    kinds="'copy', 'answer'", relayed="WHEN bool_and(o.state = 'delivered') THEN 'relayed'"
)


def _check(table: str, name: str, condition: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)


def upgrade() -> None:
    op.add_column("tenants", sa.Column("mode", sa.Text, nullable=False, server_default="polling"))
    op.add_column("tenants", sa.Column("mode_changed_at", sa.DateTime(timezone=True)))
    op.create_check_constraint(op.f("ck_tenants_mode"), "tenants", "mode IN ('polling', 'parallel')")
    op.execute("GRANT SELECT (mode) ON tenants TO backline_fleet")
    op.add_column("dialogs", sa.Column("topic_number", sa.SmallInteger, nullable=False, server_default=sa.text("0")))
    op.add_column("dialogs", sa.Column("opened_by_team", sa.Boolean, nullable=False, server_default=sa.text("false")))
    _check("outbox", "kind", "kind IN ('copy', 'answer', 'text', 'welcome', 'notice', 'mirror', 'edit', 'lookup')")
    _check("outbox", "state", "state IN ('waiting', 'sending', 'delivered', 'buried', 'dropped')")
    op.create_table(
        "logins",
        sa.Column("tenant_id", sa.UUID, sa.ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False),
        sa.Column("login", sa.LargeBinary),
        sa.Column("not_before", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_logins"),
    )
    op.create_table(
        "access_hashes",
        sa.Column("tenant_id", sa.UUID, sa.ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False),
        sa.Column("chat_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "chat_id", name="pk_access_hashes"),
    )
    op.create_table(
        "farewells",
        sa.Column("id", sa.UUID, nullable=False),
        sa.Column("tenant_id", sa.UUID, nullable=False),
        sa.Column("shard", sa.SmallInteger, nullable=False),
        sa.Column("login", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_farewells"),
    )
    op.create_index("ix_farewells_shard", "farewells", ["shard"])
    for table in ("logins", "access_hashes", "farewells"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO backline_app, backline_worker")
        op.execute(
            f"CREATE POLICY one_tenant ON {table} TO backline_app "
            f"USING (tenant_id = {THIS_TENANT}) WITH CHECK (tenant_id = {THIS_TENANT})"
        )
        op.execute(f"CREATE POLICY these_tenants ON {table} TO backline_worker USING ({THESE}) WITH CHECK ({THESE})")
    op.execute("CREATE POLICY fleet ON farewells TO backline_fleet USING (true)")
    op.execute("GRANT SELECT (id, tenant_id, shard, created_at) ON farewells TO backline_fleet")
    op.execute(WITH_MIRRORS)


def downgrade() -> None:
    op.execute("DELETE FROM outbox WHERE kind IN ('mirror', 'edit', 'lookup') OR state = 'dropped'")
    op.execute("DELETE FROM updates u WHERE disposition = 'queued' AND NOT EXISTS"
               " (SELECT FROM outbox o WHERE o.tenant_id = u.tenant_id AND o.update_id = u.update_id)")
    op.execute(BEFORE)
    for table in ("farewells", "access_hashes", "logins"):
        op.drop_table(table)
    _check("outbox", "state", "state IN ('waiting', 'sending', 'delivered', 'buried')")
    _check("outbox", "kind", "kind IN ('copy', 'answer', 'text', 'welcome', 'notice')")
    op.drop_column("dialogs", "opened_by_team")
    op.drop_column("dialogs", "topic_number")
    op.execute("REVOKE SELECT (mode) ON tenants FROM backline_fleet")
    op.drop_constraint(op.f("ck_tenants_mode"), "tenants")
    op.drop_column("tenants", "mode_changed_at")
    op.drop_column("tenants", "mode")
