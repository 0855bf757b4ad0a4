"""What providers of payments told, the ledger of plans, and what a subscription stands at."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

THIS_TENANT = "nullif(current_setting('app.tenant_id', true), '')::uuid"
PLANS = "('free', 'pro', 'business')"


def upgrade() -> None:
    op.create_table(
        "billing_facts",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("of_tenant_id", sa.UUID, sa.ForeignKey("tenants.id", ondelete="CASCADE")),
        sa.Column("person_id", sa.BigInteger),
        sa.Column("subscription", sa.Text),
        sa.Column("customer", sa.Text),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("status", sa.Text),
        sa.Column("plan", sa.Text),
        sa.Column("units", sa.Integer, nullable=False),
        sa.Column("paid_until", sa.DateTime(timezone=True)),
        sa.Column("ends_at", sa.DateTime(timezone=True)),
        sa.Column("before", sa.Text),
        sa.Column("note", sa.Text, nullable=False),
        sa.CheckConstraint(f"plan IN {PLANS}", name=op.f("ck_billing_facts_plan")),
        sa.PrimaryKeyConstraint("id", name="pk_billing_facts"),
    )
    for column in ("of_tenant_id", "subscription", "customer"):
        op.create_index(f"ix_billing_facts_{column}", "billing_facts", [column])
    op.create_table(
        "plan_ledger",
        sa.Column("tenant_id", sa.UUID, sa.ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("units", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("cause", sa.Text),
        sa.CheckConstraint(f"plan IN {PLANS}", name=op.f("ck_plan_ledger_plan")),
        sa.PrimaryKeyConstraint("tenant_id", "number", name="pk_plan_ledger"),
    )
    op.create_table(
        "standings",
        sa.Column("tenant_id", sa.UUID, sa.ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False),
        sa.Column("provider", sa.Text),
        sa.Column("subscription", sa.Text),
        sa.Column("customer", sa.Text),
        sa.Column("payer_id", sa.BigInteger),
        sa.Column("paid_until", sa.DateTime(timezone=True)),
        sa.Column("ends_at", sa.DateTime(timezone=True)),
        sa.Column("look_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_standings"),
    )
    op.create_index("ix_standings_look_at", "standings", ["look_at"], postgresql_where=sa.text("look_at IS NOT NULL"))
    op.create_table(
        "subscription_endings",
        sa.Column("id", sa.UUID, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("subscription", sa.Text, nullable=False),
        sa.Column("refund", sa.Boolean, nullable=False),
        sa.Column("wanted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("attempts", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_subscription_endings"),
        sa.UniqueConstraint("provider", "subscription", name="uq_subscription_endings_provider_subscription"),
    )
    op.execute("GRANT INSERT (tenant_id, payload, due_at) ON jobs TO backline_fleet")
    op.execute("GRANT SELECT (provider, subscription), INSERT ON subscription_endings TO backline_app")
    op.execute("GRANT SELECT, UPDATE, DELETE ON subscription_endings TO backline_fleet")
    op.add_column("tenants", sa.Column("units", sa.Integer, server_default=sa.text("1"), nullable=False))
    for table in ("billing_facts", "plan_ledger", "standings"):
        column = "of_tenant_id" if table == "billing_facts" else "tenant_id"
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO backline_app")
        op.execute(
            f"CREATE POLICY one_tenant ON {table} TO backline_app "
            f"USING ({column} = {THIS_TENANT}) WITH CHECK ({column} = {THIS_TENANT})"
        )
    op.execute("CREATE POLICY fleet ON billing_facts TO backline_fleet USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT, INSERT, UPDATE (of_tenant_id, received_at) ON billing_facts TO backline_fleet")
    op.execute("CREATE POLICY fleet ON standings TO backline_fleet USING (true)")
    op.execute("GRANT SELECT (tenant_id, look_at) ON standings TO backline_fleet")


def downgrade() -> None:
    op.execute("REVOKE INSERT (tenant_id, payload, due_at) ON jobs FROM backline_fleet")
    op.drop_column("tenants", "units")
    for table in ("subscription_endings", "standings", "plan_ledger", "billing_facts"):
        op.drop_table(table)
