"""Changes of messages stand back behind messages: their rows have no number in a lane until nothing else waits."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("outbox", "lane_seq", existing_type=sa.BigInteger, nullable=True)
    op.create_check_constraint(
        op.f("ck_outbox_numbered"), "outbox", "lane_seq IS NOT NULL OR state IN ('waiting', 'dropped')"
    )
    op.create_index(
        "ix_outbox_changes",
        "outbox",
        ["tenant_id", "source_message_id"],
        postgresql_where=sa.text("kind IN ('edit', 'reaction')"),
    )
    op.create_index(
        "ix_outbox_later",
        "outbox",
        ["tenant_id"],
        postgresql_where=sa.text("lane_seq IS NULL AND state = 'waiting'"),
    )


def downgrade() -> None:
    op.drop_index("ix_outbox_later", "outbox")
    op.drop_index("ix_outbox_changes", "outbox")
    op.drop_constraint(op.f("ck_outbox_numbered"), "outbox")
    op.execute(
        "DELETE FROM updates u WHERE disposition = 'queued' AND NOT EXISTS (SELECT FROM outbox o"
        " WHERE o.tenant_id = u.tenant_id AND o.update_id = u.update_id AND o.lane_seq IS NOT NULL)"
    )
    op.execute("DELETE FROM outbox WHERE lane_seq IS NULL")
    op.alter_column("outbox", "lane_seq", existing_type=sa.BigInteger, nullable=False)
