"""Webhooks: deliveries that wait or ended, and the secret that signs them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

THIS_TENANT = "nullif(current_setting('app.tenant_id', true), '')::uuid"
THESE = "((SELECT nullif(current_setting('app.tenants', true), '')::jsonb) ? tenant_id::text)"


def _tenant() -> sa.Column:
    return sa.Column("tenant_id", sa.UUID, sa.ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False)


def _time(name: str, *, default: bool = False) -> sa.Column:
    server_default = sa.text("now()") if default else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=server_default, nullable=not default)


def upgrade() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.UUID, nullable=False),
        _tenant(),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("payload", JSONB, nullable=False),
        sa.Column("cause", sa.UUID),
        sa.Column("state", sa.Text, server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("attempts", sa.Integer, server_default=sa.text("0"), nullable=False),
        _time("created_at", default=True),
        _time("since", default=True),
        _time("due_at", default=True),
        _time("tried_at"),
        _time("ended_at"),
        sa.Column("status", sa.Integer),
        sa.Column("error", sa.Text),
        sa.CheckConstraint(
            "state IN ('waiting', 'delivered', 'failed')", name=op.f("ck_webhook_deliveries_state")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_deliveries"),
        sa.UniqueConstraint("tenant_id", "cause", name="uq_webhook_deliveries_tenant_id_cause"),
    )
    op.create_index("ix_webhook_deliveries_tenant_id_id", "webhook_deliveries", ["tenant_id", "id"])
    op.create_index(
        "ix_webhook_deliveries_due_at",
        "webhook_deliveries",
        ["due_at"],
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index("ix_webhook_deliveries_since", "webhook_deliveries", ["since"])
    op.create_table(
        "webhook_secrets",
        _tenant(),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        _time("made_at", default=True),
        sa.Column("former", sa.LargeBinary),
        _time("former_until"),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_webhook_secrets"),
    )
    for table in ("webhook_deliveries", "webhook_secrets"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        for role, policy, condition in (
            ("backline_app", "one_tenant", f"tenant_id = {THIS_TENANT}"),
            ("backline_worker", "these_tenants", THESE),
        ):
            op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {role}")
            op.execute(f"CREATE POLICY {policy} ON {table} TO {role} USING ({condition}) WITH CHECK ({condition})")
    op.execute("CREATE POLICY fleet ON webhook_deliveries TO backline_fleet USING (true)")
    op.execute(
        "GRANT SELECT (id, tenant_id, state, attempts, since, due_at), UPDATE (attempts, due_at, tried_at), DELETE "
        "ON webhook_deliveries TO backline_fleet"
    )


def downgrade() -> None:
    op.drop_table("webhook_secrets")
    op.drop_table("webhook_deliveries")
