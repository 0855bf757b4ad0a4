"""The audit log, kept by plan: as long as a setting says that the fleet reads off a column of its own."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

THIS_TENANT = "nullif(current_setting('app.tenant_id', true), '')::uuid"
THESE = "((SELECT nullif(current_setting('app.tenants', true), '')::jsonb) ? tenant_id::text)"


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.UUID, nullable=False),
        sa.Column("tenant_id", sa.UUID, sa.ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor_kind", sa.Text, nullable=False),
        sa.Column("actor_id", sa.BigInteger),
        sa.Column("actor_name", sa.Text, server_default=sa.text("''"), nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, server_default=sa.text("''"), nullable=False),
        sa.Column("params", JSONB, server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint(
            "actor_kind IN ('owner', 'operator', 'api', 'system')", name=op.f("ck_audit_actor_kind")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_tenant_id_id", "audit", ["tenant_id", "id"])
    op.create_index("ix_audit_tenant_id_at", "audit", ["tenant_id", "at"])
    op.execute("ALTER TABLE audit ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE audit FORCE ROW LEVEL SECURITY")
    for role, policy, condition in (
        ("backline_app", "one_tenant", f"tenant_id = {THIS_TENANT}"),
        ("backline_worker", "these_tenants", THESE),
    ):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON audit TO {role}")
        op.execute(f"CREATE POLICY {policy} ON audit TO {role} USING ({condition}) WITH CHECK ({condition})")
    op.execute("CREATE POLICY fleet ON audit TO backline_fleet USING (true)")
    op.execute("GRANT SELECT (id, tenant_id, at), DELETE ON audit TO backline_fleet")
    op.add_column(
        "tenants",
        sa.Column("audit_days", sa.Integer, sa.Computed("((settings ->> 'AUDIT_DAYS'::text))::integer", persisted=True)),
    )
    op.execute("GRANT SELECT (plan, audit_days) ON tenants TO backline_fleet")


def downgrade() -> None:
    op.execute("REVOKE SELECT (plan, audit_days) ON tenants FROM backline_fleet")
    op.drop_column("tenants", "audit_days")
    op.drop_table("audit")
