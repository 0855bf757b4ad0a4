"""The archive: message bodies, encrypted, for as many days as a setting says that the fleet reads off a column."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

THIS_TENANT = "nullif(current_setting('app.tenant_id', true), '')::uuid"
THESE = "((SELECT nullif(current_setting('app.tenants', true), '')::jsonb) ? tenant_id::text)"


def upgrade() -> None:
    op.create_table(
        "archive",
        sa.Column("id", sa.UUID, nullable=False),
        sa.Column("tenant_id", sa.UUID, sa.ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False),
        sa.Column("dialog_id", sa.UUID, nullable=False),
        sa.Column("direction", sa.Text, nullable=False),
        sa.Column("chat_id", sa.BigInteger, nullable=False),
        sa.Column("message_id", sa.BigInteger, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("author_id", sa.BigInteger),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("direction IN ('customer', 'team', 'program')", name=op.f("ck_archive_direction")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "dialog_id"],
            ["dialogs.tenant_id", "dialogs.id"],
            ondelete="CASCADE",
            name="fk_archive_tenant_id_dialog_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_archive"),
        sa.UniqueConstraint(
            "tenant_id", "chat_id", "message_id", "version", name="uq_archive_tenant_id_chat_id_message_id_version"
        ),
    )
    op.create_index("ix_archive_tenant_id_dialog_id_id", "archive", ["tenant_id", "dialog_id", "id"])
    op.create_index("ix_archive_tenant_id_at", "archive", ["tenant_id", "at"])
    op.execute("ALTER TABLE archive ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE archive FORCE ROW LEVEL SECURITY")
    for role, policy, condition in (
        ("backline_app", "one_tenant", f"tenant_id = {THIS_TENANT}"),
        ("backline_worker", "these_tenants", THESE),
    ):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON archive TO {role}")
        op.execute(f"CREATE POLICY {policy} ON archive TO {role} USING ({condition}) WITH CHECK ({condition})")
    op.execute("CREATE POLICY fleet ON archive TO backline_fleet USING (true)")
    op.execute("GRANT SELECT (id, tenant_id, at), DELETE ON archive TO backline_fleet")
    op.add_column(
        "tenants",
        sa.Column("archive_days", sa.Integer, sa.Computed("((settings ->> 'ARCHIVE'::text))::integer", persisted=True)),
    )
    op.execute("GRANT SELECT (archive_days) ON tenants TO backline_fleet")


def downgrade() -> None:
    op.execute("REVOKE SELECT (archive_days) ON tenants FROM backline_fleet")
    op.drop_column("tenants", "archive_days")
    op.drop_table("archive")
