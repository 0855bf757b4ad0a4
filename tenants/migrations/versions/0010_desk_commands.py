"""Operators by name, how long customers have waited, and which connections share a group."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010_desk_commands"
down_revision = "0011"
branch_labels = None
depends_on = None

THIS_TENANT = "nullif(current_setting('app.tenant_id', true), '')::uuid"
THESE = "nullif(current_setting('app.tenants', true), '')::jsonb"

SHARING = f"""
CREATE FUNCTION connections_sharing_group(asking uuid) RETURNS TABLE (id uuid, bot_username text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.id, t.bot_username
    FROM public.tenants me JOIN public.tenants t ON t.group_id = me.group_id AND t.owner_id = me.owner_id
    WHERE me.id = asking AND t.state = 'running'
        AND (asking = {THIS_TENANT} OR ({THESE}) ? asking::text)
    ORDER BY t.id
$$
"""


def upgrade() -> None:
    op.add_column("dialogs", sa.Column("warned", JSONB))
    op.add_column("dialogs", sa.Column("waiting_since", sa.DateTime(timezone=True)))
    op.execute("UPDATE dialogs SET waiting_since = now() WHERE status = 'user_answered'")
    op.create_table(
        "operators",
        sa.Column("tenant_id", sa.UUID, sa.ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False),
        sa.Column("user_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("username", sa.Text),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "user_id", name="pk_operators"),
    )
    op.execute("ALTER TABLE operators ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE operators FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON operators TO backline_app, backline_worker")
    op.execute(
        "CREATE POLICY one_tenant ON operators TO backline_app "
        f"USING (tenant_id = {THIS_TENANT}) WITH CHECK (tenant_id = {THIS_TENANT})"
    )
    these = f"((SELECT {THESE}) ? tenant_id::text)"
    op.execute(f"CREATE POLICY these_tenants ON operators TO backline_worker USING ({these}) WITH CHECK ({these})")
    op.execute("GRANT SELECT (bot_username) ON tenants TO backline_fleet")
    op.execute(SHARING)
    # it runs as the fleet's role, which reads these four columns of all tenants and nothing personal
    op.execute("GRANT CREATE ON SCHEMA public TO backline_fleet")
    op.execute("ALTER FUNCTION connections_sharing_group(uuid) OWNER TO backline_fleet")
    op.execute("REVOKE CREATE ON SCHEMA public FROM backline_fleet")
    op.execute("SET LOCAL ROLE backline_fleet")
    op.execute("REVOKE ALL ON FUNCTION connections_sharing_group(uuid) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION connections_sharing_group(uuid) TO backline_app, backline_worker")
    op.execute("RESET ROLE")


def downgrade() -> None:
    op.execute("SET LOCAL ROLE backline_fleet")
    op.execute("DROP FUNCTION connections_sharing_group(uuid)")
    op.execute("RESET ROLE")
    op.execute("REVOKE SELECT (bot_username) ON tenants FROM backline_fleet")
    op.drop_table("operators")
    op.drop_column("dialogs", "waiting_since")
    op.drop_column("dialogs", "warned")
