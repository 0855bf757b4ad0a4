"""When a bot was last heard of, so that cold tokens can be paced; groups in which the setup bot keeps house."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("intakes", sa.Column("alive_at", sa.DateTime(timezone=True)))
    op.execute("GRANT UPDATE (alive_at) ON intakes TO backline_fleet")
    op.create_table(
        "housekeepers",
        sa.Column("group_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("group_id", name="pk_housekeepers"),
    )
    op.execute("GRANT SELECT, INSERT, DELETE ON housekeepers TO backline_fleet")
    op.execute("GRANT SELECT, DELETE ON housekeepers TO backline_worker")
    op.execute("GRANT SELECT ON housekeepers TO backline_app")


def downgrade() -> None:
    op.drop_table("housekeepers")
    op.execute("REVOKE UPDATE (alive_at) ON intakes FROM backline_fleet")
    op.drop_column("intakes", "alive_at")
