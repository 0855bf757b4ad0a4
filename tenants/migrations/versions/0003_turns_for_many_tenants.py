"""One transaction may serve several tenants; texts may be joined; topic errands count against the group's budget."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TENANT_TABLES = (
    "group_links",
    "intakes",
    "updates",
    "dialogs",
    "lanes",
    "outbox",
    "message_map",
    "pauses",
)
ROLE = "backline_worker"
THESE = "((SELECT nullif(current_setting('app.tenants', true), '')::jsonb) ? {}::text)"
"""A set that is read once per statement: an array would be searched anew for each row."""

MAKE_ROLE = """
DO $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('backline_roles'));
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'backline_worker') THEN
        CREATE ROLE backline_worker NOLOGIN NOINHERIT;
    END IF;
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        BEGIN
            EXECUTE format('GRANT backline_worker TO %I', current_user);
        EXCEPTION WHEN insufficient_privilege THEN
            -- the roles are another deployment's on this server: being a member of them is enough
            IF NOT pg_has_role(current_user, 'backline_worker', 'MEMBER') THEN RAISE; END IF;
        END;
    END IF;
    GRANT USAGE ON SCHEMA public TO backline_worker;
END
$$
"""


def upgrade() -> None:
    op.execute(MAKE_ROLE)
    for table, column in (*((table, "tenant_id") for table in TENANT_TABLES), ("tenants", "id")):
        these = THESE.format(column)
        op.execute(f"CREATE POLICY these_tenants ON {table} TO {ROLE} USING ({these}) WITH CHECK ({these})")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {ROLE}")
    op.execute(f"GRANT SELECT, UPDATE (shard) ON leases TO {ROLE}")  # row locks need a column
    op.add_column("outbox", sa.Column("reply_at", sa.Integer))
    op.add_column("outbox", sa.Column("units", sa.Integer))
    op.add_column("message_map", sa.Column("part_at", sa.Integer, nullable=False, server_default=sa.text("0")))
    op.drop_constraint("uq_message_map_tenant_id_group_id_topic_message_id", "message_map")
    op.create_index(
        "ix_message_map_tenant_id_group_id_topic_message_id",
        "message_map",
        ["tenant_id", "group_id", "topic_message_id"],
    )
    op.add_column("dialogs", sa.Column("errand_at", sa.DateTime(timezone=True)))
    op.create_index("ix_dialogs_tenant_id_errand_at", "dialogs", ["tenant_id", "errand_at"])
    op.create_index(
        "ix_dialogs_asked",
        "dialogs",
        ["tenant_id"],
        postgresql_where=sa.text("topic_id IS NULL AND topic_asked_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_dialogs_asked", table_name="dialogs")
    op.drop_index("ix_dialogs_tenant_id_errand_at", table_name="dialogs")
    op.drop_column("dialogs", "errand_at")
    op.drop_index("ix_message_map_tenant_id_group_id_topic_message_id", table_name="message_map")
    op.execute(
        "DELETE FROM message_map a USING message_map b WHERE a.tenant_id = b.tenant_id AND a.group_id = b.group_id"
        " AND a.topic_message_id = b.topic_message_id AND a.part_at < b.part_at"
    )
    op.create_unique_constraint(
        "uq_message_map_tenant_id_group_id_topic_message_id",
        "message_map",
        ["tenant_id", "group_id", "topic_message_id"],
    )
    op.drop_column("message_map", "part_at")
    op.drop_column("outbox", "units")
    op.drop_column("outbox", "reply_at")
    for table in (*TENANT_TABLES, "tenants"):
        op.execute(f"DROP POLICY these_tenants ON {table}")
        op.execute(f"REVOKE ALL ON {table} FROM {ROLE}")
    op.execute(f"REVOKE ALL ON leases FROM {ROLE}")
