"""Idempotency keys of the API: what was asked, whether it took effect, and the answer, encrypted."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

THIS_PERSON = "nullif(current_setting('app.owner_id', true), '')::bigint"
# Whoever commits for a request says so in its row. It runs as the fleet's role, which sees no secret of the row.
NOTE_EFFECT = """
CREATE FUNCTION note_effect(request uuid, number integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pg_current_xact_id_if_assigned() IS NULL THEN
        RETURN;  -- nothing was written
    END IF;
    UPDATE public.idempotency_keys SET effect_at = coalesce(effect_at, clock_timestamp())
    WHERE id = request AND attempt = number;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'another attempt has begun' USING ERRCODE = 'serialization_failure';
    END IF;
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("id", sa.UUID, nullable=False),
        sa.Column("api_key_id", sa.UUID, sa.ForeignKey("api_keys.id", ondelete="CASCADE"), nullable=False),
        sa.Column("owner_id", sa.BigInteger, nullable=False),
        sa.Column("about_tenant_id", sa.UUID, sa.ForeignKey("tenants.id", ondelete="CASCADE")),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("effect_at", sa.DateTime(timezone=True)),
        sa.Column("answer", sa.LargeBinary),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_idempotency_keys"),
        sa.UniqueConstraint("api_key_id", "digest", name="uq_idempotency_keys_api_key_id_digest"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
    op.create_index("ix_idempotency_keys_about_tenant_id", "idempotency_keys", ["about_tenant_id"])
    op.execute("ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO backline_app")
    op.execute(
        "CREATE POLICY one_person ON idempotency_keys TO backline_app "
        f"USING (owner_id = {THIS_PERSON}) WITH CHECK (owner_id = {THIS_PERSON})"
    )
    op.execute("CREATE POLICY fleet ON idempotency_keys TO backline_fleet USING (true)")
    op.execute(
        "GRANT SELECT (id, attempt, effect_at, created_at), UPDATE (effect_at), DELETE "
        "ON idempotency_keys TO backline_fleet"
    )
    op.execute(NOTE_EFFECT)
    op.execute("GRANT CREATE ON SCHEMA public TO backline_fleet")
    op.execute("ALTER FUNCTION note_effect(uuid, integer) OWNER TO backline_fleet")
    op.execute("REVOKE CREATE ON SCHEMA public FROM backline_fleet")
    op.execute("SET LOCAL ROLE backline_fleet")
    op.execute("REVOKE ALL ON FUNCTION note_effect(uuid, integer) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION note_effect(uuid, integer) TO backline_app, backline_fleet")
    op.execute("RESET ROLE")


def downgrade() -> None:
    op.execute("SET LOCAL ROLE backline_fleet")
    op.execute("DROP FUNCTION note_effect(uuid, integer)")
    op.execute("RESET ROLE")
    op.drop_table("idempotency_keys")
