"""Roles, row-level security, the shards, and the view that counts what became of every update."""

from alembic import op

revision = "0002"
down_revision = "0001"
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
SHARDS = 256
SETUP_BOT_SHARD = 256

ROLES = """
DO $$
DECLARE
    name text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('backline_roles'));
    FOREACH name IN ARRAY ARRAY['backline_app', 'backline_fleet'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', name);
        END IF;
        IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
            BEGIN
                EXECUTE format('GRANT %I TO %I', name, current_user);
            EXCEPTION WHEN insufficient_privilege THEN
                -- the roles are another deployment's on this server: being a member of them is enough
                IF NOT pg_has_role(current_user, name, 'MEMBER') THEN RAISE; END IF;
            END;
        END IF;
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', name);
    END LOOP;
END
$$
"""

THIS_TENANT = "nullif(current_setting('app.tenant_id', true), '')::uuid"
THIS_OWNER = "nullif(current_setting('app.owner_id', true), '')::bigint"

FLEET_READS = {
    "tenants": "id, shard, state, owner_id, group_id",
    "intakes": "tenant_id, received_at, problem",
    "updates": "tenant_id, update_id, kind, disposition, received_at",
    "dialogs": "tenant_id, status, close_at",
    "lanes": "tenant_id, id, head_seq, next_seq, blocked_until",
    "outbox": "tenant_id, id, lane_id, kind, state, update_id, attempts, not_before, created_at, ended_at",
    "api_keys": "id, owner_id, digest, revoked_at",
}

DISPOSITIONS = """
CREATE VIEW dispositions WITH (security_invoker = true) AS
SELECT
    u.tenant_id,
    u.update_id,
    u.kind,
    u.received_at,
    CASE
        WHEN u.disposition <> 'queued' THEN u.disposition
        WHEN bool_or(o.state = 'buried') THEN 'buried'
        WHEN bool_or(o.state IN ('waiting', 'sending')) THEN 'waiting'
        WHEN bool_and(o.state = 'delivered') THEN 'relayed'
    END AS disposition
FROM updates u
LEFT JOIN outbox o
    ON o.tenant_id = u.tenant_id AND o.update_id = u.update_id AND o.kind IN ('copy', 'answer')
GROUP BY u.tenant_id, u.update_id
"""


def upgrade() -> None:
    op.execute(ROLES)
    for table in (*TENANT_TABLES, "tenants", "api_keys"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO backline_app")
    for table in TENANT_TABLES:
        op.execute(
            f"CREATE POLICY one_tenant ON {table} TO backline_app "
            f"USING (tenant_id = {THIS_TENANT}) WITH CHECK (tenant_id = {THIS_TENANT})"
        )
    op.execute(
        f"CREATE POLICY one_tenant ON tenants TO backline_app "
        f"USING (id = {THIS_TENANT} OR owner_id = {THIS_OWNER}) "
        f"WITH CHECK (id = {THIS_TENANT} OR owner_id = {THIS_OWNER})"
    )
    op.execute(
        f"CREATE POLICY one_owner ON api_keys TO backline_app "
        f"USING (owner_id = {THIS_OWNER}) WITH CHECK (owner_id = {THIS_OWNER})"
    )
    for table, columns in FLEET_READS.items():
        op.execute(f"CREATE POLICY fleet ON {table} TO backline_fleet USING (true)")
        op.execute(f"GRANT SELECT ({columns}) ON {table} TO backline_fleet")
    op.execute("GRANT DELETE ON updates, outbox TO backline_fleet")
    op.execute("GRANT SELECT, UPDATE ON leases TO backline_fleet")
    op.execute("GRANT SELECT, UPDATE (shard) ON leases TO backline_app")  # row locks need a column
    op.execute(f"INSERT INTO leases (shard) SELECT generate_series(0, {SETUP_BOT_SHARD})")
    op.execute(DISPOSITIONS)
    op.execute("GRANT SELECT ON dispositions TO backline_app, backline_fleet")


def downgrade() -> None:
    op.execute("DROP VIEW dispositions")
    op.execute("DELETE FROM leases")
    for table in (*TENANT_TABLES, "tenants", "api_keys"):
        for policy in ("one_tenant", "one_owner", "fleet"):
            op.execute(f"DROP POLICY IF EXISTS {policy} ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE ALL ON {table} FROM backline_app, backline_fleet")
    op.execute("REVOKE ALL ON leases FROM backline_app, backline_fleet")
