"""Dialogs of groups and channels, their owners, notes, and what tells an edit from none."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
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
        WHEN bool_or(o.state = 'delivered') THEN 'relayed'
        WHEN bool_and(o.state = 'dropped') THEN 'ignored'
    END AS disposition
FROM updates u
LEFT JOIN outbox o
    ON o.tenant_id = u.tenant_id AND o.update_id = u.update_id AND o.kind IN ({kinds})
GROUP BY u.tenant_id, u.update_id
"""
KINDS = "'copy', 'answer', 'mirror', 'edit', 'lookup'"


def _check(table: str, name: str, condition: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)


def upgrade() -> None:
    for column in (
        sa.Column("kind", sa.Text, nullable=False, server_default=sa.text("'private'")),
        sa.Column("language", sa.Text),
        sa.Column("named_by_team", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("owner_id", sa.BigInteger),
        sa.Column("owner_name", sa.Text),
        sa.Column("owned_until", sa.DateTime(timezone=True)),
    ):
        op.add_column("dialogs", column)
    op.create_check_constraint(op.f("ck_dialogs_kind"), "dialogs", "kind IN ('private', 'group', 'channel')")
    op.create_check_constraint(op.f("ck_dialogs_owner"), "dialogs", "(owner_id IS NULL) = (owned_until IS NULL)")
    op.add_column("outbox", sa.Column("digest", sa.LargeBinary))
    op.add_column("message_map", sa.Column("digest", sa.LargeBinary))
    _check(
        "outbox",
        "kind",
        "kind IN ('copy', 'answer', 'text', 'welcome', 'notice', 'mirror', 'edit', 'lookup', 'reaction', 'deletion')",
    )
    op.create_table(
        "notes",
        sa.Column("id", sa.UUID, nullable=False),
        sa.Column("tenant_id", sa.UUID, sa.ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False),
        sa.Column("dialog_id", sa.UUID, nullable=False),
        sa.Column("author_id", sa.BigInteger, nullable=False),
        sa.Column("author_name", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notes"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "dialog_id"],
            ["dialogs.tenant_id", "dialogs.id"],
            ondelete="CASCADE",
            name="fk_notes_tenant_id_dialog_id",
        ),
    )
    op.create_index("ix_notes_tenant_id_dialog_id", "notes", ["tenant_id", "dialog_id"])
    op.execute("ALTER TABLE notes ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE notes FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO backline_app, backline_worker")
    op.execute(
        "CREATE POLICY one_tenant ON notes TO backline_app "
        f"USING (tenant_id = {THIS_TENANT}) WITH CHECK (tenant_id = {THIS_TENANT})"
    )
    op.execute(f"CREATE POLICY these_tenants ON notes TO backline_worker USING ({THESE}) WITH CHECK ({THESE})")
    op.execute(DISPOSITIONS.format(kinds=f"{KINDS}, 'reaction', 'deletion'"))


def downgrade() -> None:
    op.execute("DELETE FROM outbox WHERE kind IN ('reaction', 'deletion')")
    op.execute(
        "DELETE FROM updates u WHERE disposition = 'queued' AND NOT EXISTS"
        " (SELECT FROM outbox o WHERE o.tenant_id = u.tenant_id AND o.update_id = u.update_id)"
    )
    op.execute(DISPOSITIONS.format(kinds=KINDS))
    op.drop_table("notes")
    _check("outbox", "kind", "kind IN ('copy', 'answer', 'text', 'welcome', 'notice', 'mirror', 'edit', 'lookup')")
    op.drop_column("message_map", "digest")
    op.drop_column("outbox", "digest")
    op.drop_constraint(op.f("ck_dialogs_owner"), "dialogs")
    op.drop_constraint(op.f("ck_dialogs_kind"), "dialogs")
    for column in ("owned_until", "owner_name", "owner_id", "named_by_team", "language", "kind"):
        op.drop_column("dialogs", column)
