"""What could not be delivered or processed can be seen, explained and tried again."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("error_text", sa.Text))
    op.add_column("outbox", sa.Column("generation", sa.SmallInteger, nullable=False, server_default=sa.text("0")))
    op.create_index(
        "ix_outbox_buried", "outbox", ["tenant_id", "ended_at"], postgresql_where=sa.text("state = 'buried'")
    )
    for name in ("chat_id", "message_id", "topic_id"):
        op.add_column("updates", sa.Column(name, sa.BigInteger))
    op.add_column("updates", sa.Column("replay_at", sa.DateTime(timezone=True)))
    op.create_index(
        "ix_updates_failed", "updates", ["tenant_id", "received_at"], postgresql_where=sa.text("disposition = 'failed'")
    )
    op.create_index("ix_updates_replay", "updates", ["tenant_id"], postgresql_where=sa.text("replay_at IS NOT NULL"))
    op.execute("GRANT SELECT (replay_at) ON updates TO backline_fleet")


def downgrade() -> None:
    op.drop_index("ix_updates_replay", table_name="updates")
    op.drop_index("ix_updates_failed", table_name="updates")
    for name in ("replay_at", "topic_id", "message_id", "chat_id"):
        op.drop_column("updates", name)
    op.drop_index("ix_outbox_buried", table_name="outbox")
    op.drop_column("outbox", "generation")
    op.drop_column("outbox", "error_text")
