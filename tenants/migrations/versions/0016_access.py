"""Co-administrators and their invitations, keys of one connection, and how many tokens a bot has had."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

THIS_TENANT = "nullif(current_setting('app.tenant_id', true), '')::uuid"
THIS_PERSON = "nullif(current_setting('app.owner_id', true), '')::bigint"
TABLES = ("administrators", "invitations")


def upgrade() -> None:
    op.create_table(
        "administrators",
        sa.Column("tenant_id", sa.UUID, sa.ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("added_by", sa.BigInteger, nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "user_id", name="pk_administrators"),
    )
    op.create_index("ix_administrators_user_id", "administrators", ["user_id"])
    op.create_table(
        "invitations",
        sa.Column("tenant_id", sa.UUID, sa.ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("invited_by", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_invitations"),
        sa.UniqueConstraint("digest", name="uq_invitations_digest"),
    )
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO backline_app")
        op.execute(
            f"CREATE POLICY one_tenant ON {table} TO backline_app "
            f"USING (tenant_id = {THIS_TENANT}) WITH CHECK (tenant_id = {THIS_TENANT})"
        )
    op.execute(
        f"CREATE POLICY oneself ON administrators FOR SELECT TO backline_app USING (user_id = {THIS_PERSON})"
    )
    op.execute(
        "CREATE POLICY administered ON tenants FOR SELECT TO backline_app USING (id IN ("
        f"SELECT a.tenant_id FROM administrators a WHERE a.user_id = {THIS_PERSON}))"
    )
    op.execute("CREATE POLICY fleet ON invitations TO backline_fleet USING (true)")
    op.execute("GRANT SELECT (tenant_id, digest, expires_at) ON invitations TO backline_fleet")
    op.add_column("api_keys", sa.Column("only_tenant_id", sa.UUID))
    op.create_foreign_key(
        "fk_api_keys_only_tenant_id", "api_keys", "tenants", ["only_tenant_id"], ["id"], ondelete="CASCADE"
    )
    op.create_index("ix_api_keys_only_tenant_id", "api_keys", ["only_tenant_id"])
    op.add_column("api_keys", sa.Column("used_at", sa.DateTime(timezone=True)))
    op.execute("GRANT SELECT (only_tenant_id, used_at), UPDATE (used_at) ON api_keys TO backline_fleet")
    op.add_column("tenants", sa.Column("token_version", sa.Integer, server_default=sa.text("1"), nullable=False))
    op.execute("GRANT SELECT (token_version) ON tenants TO backline_fleet")


def downgrade() -> None:
    op.execute("REVOKE SELECT (token_version) ON tenants FROM backline_fleet")
    op.drop_column("tenants", "token_version")
    op.execute("REVOKE SELECT (only_tenant_id, used_at), UPDATE (used_at) ON api_keys FROM backline_fleet")
    op.drop_column("api_keys", "used_at")
    op.drop_index("ix_api_keys_only_tenant_id", "api_keys")
    op.drop_constraint("fk_api_keys_only_tenant_id", "api_keys")
    op.drop_column("api_keys", "only_tenant_id")
    op.execute("DROP POLICY administered ON tenants")
    for table in TABLES:
        op.drop_table(table)
