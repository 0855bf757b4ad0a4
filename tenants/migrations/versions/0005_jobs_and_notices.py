"""Work that is no message, messages to owners, and connections that are erased but not yet deleted."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

THIS_TENANT = "nullif(current_setting('app.tenant_id', true), '')::uuid"
POLICIES = {
    "backline_app": ("one_tenant", f"tenant_id = {THIS_TENANT}"),
    "backline_worker": (
        "these_tenants",
        "(SELECT nullif(current_setting('app.tenants', true), '')::jsonb) ? tenant_id::text",
    ),
}
TABLES = ("jobs", "owner_notices")
NOW = sa.text("now()")


def upgrade() -> None:
    op.add_column("tenants", sa.Column("erased_at", sa.DateTime(timezone=True)))
    op.drop_constraint("uq_tenants_bot_id", "tenants")
    op.create_index(
        "uq_tenants_bot_id", "tenants", ["bot_id"], unique=True, postgresql_where=sa.text("erased_at IS NULL")
    )
    op.execute(
        f"CREATE POLICY not_erased ON tenants AS RESTRICTIVE TO backline_app "
        f"USING (erased_at IS NULL OR id = {THIS_TENANT})"
    )
    op.execute("GRANT SELECT (erased_at) ON tenants TO backline_fleet")
    _create_jobs()
    _create_owner_notices()
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        for role, (policy, condition) in POLICIES.items():
            op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {role}")
            op.execute(f"CREATE POLICY {policy} ON {table} TO {role} USING ({condition}) WITH CHECK ({condition})")
        op.execute(f"CREATE POLICY fleet ON {table} TO backline_fleet USING (true)")
        op.execute(f"GRANT SELECT, DELETE ON {table} TO backline_fleet")
    op.execute("GRANT INSERT (id, kind, key, payload, due_at) ON jobs TO backline_fleet")
    op.execute("GRANT UPDATE (attempts, error, due_at, enqueued_at, done_at, died_at) ON jobs TO backline_fleet")
    op.execute(
        "GRANT UPDATE (state, attempts, term, error, result_message_id, not_before, tried_at, ended_at) "
        "ON owner_notices TO backline_fleet"
    )


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("tenant_id", sa.UUID()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text()),
        sa.Column("payload", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("enqueued_at", sa.DateTime(timezone=True)),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.Column("died_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "died_at IS NULL OR (done_at IS NULL AND error IS NOT NULL)", name=op.f("ck_jobs_died")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("key", name=op.f("uq_jobs_key")),
    )
    open_jobs = sa.text("done_at IS NULL AND died_at IS NULL")
    op.create_index("ix_jobs_due_at", "jobs", ["due_at"], postgresql_where=open_jobs)
    op.create_index("ix_jobs_tenant_id", "jobs", ["tenant_id"])


def _create_owner_notices() -> None:
    op.create_table(
        "owner_notices",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text()),
        sa.Column("params", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("term", sa.BigInteger()),
        sa.Column("error", sa.Text()),
        sa.Column("result_message_id", sa.BigInteger()),
        sa.Column("not_before", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'delivered', 'buried')", name=op.f("ck_owner_notices_state")
        ),
        sa.CheckConstraint(
            "state <> 'buried' OR error IS NOT NULL", name=op.f("ck_owner_notices_buried_has_error")
        ),
        sa.CheckConstraint(
            "state <> 'delivered' OR result_message_id IS NOT NULL",
            name=op.f("ck_owner_notices_delivered_has_result"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_owner_notices_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owner_notices")),
        sa.UniqueConstraint("key", name=op.f("uq_owner_notices_key")),
    )
    op.create_index("ix_owner_notices_tenant_id", "owner_notices", ["tenant_id", "kind"])
    waiting = sa.text("state IN ('waiting', 'sending')")
    op.create_index("ix_owner_notices_open", "owner_notices", ["owner_id", "created_at"], postgresql_where=waiting)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.execute("DROP POLICY not_erased ON tenants")
    op.execute("ALTER TABLE tenants NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM tenants WHERE erased_at IS NOT NULL")
    op.execute("ALTER TABLE tenants FORCE ROW LEVEL SECURITY")
    op.drop_index("uq_tenants_bot_id", table_name="tenants")
    op.create_unique_constraint("uq_tenants_bot_id", "tenants", ["bot_id"])
    op.drop_column("tenants", "erased_at")
