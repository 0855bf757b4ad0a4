"""Who of a group wrote a message and in which of its topics, and how long the team's group has been behind."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("author_id", sa.BigInteger))
    op.add_column("outbox", sa.Column("thread_id", sa.BigInteger))
    op.add_column("outbox", sa.Column("is_loose", sa.Boolean, nullable=False, server_default=sa.text("false")))
    op.add_column("message_map", sa.Column("thread_id", sa.BigInteger))
    op.add_column("intakes", sa.Column("behind_since", sa.DateTime(timezone=True)))
    op.add_column("intakes", sa.Column("behind_said_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("intakes", "behind_said_at")
    op.drop_column("intakes", "behind_since")
    op.drop_column("message_map", "thread_id")
    op.drop_column("outbox", "is_loose")
    op.drop_column("outbox", "thread_id")
    op.drop_column("outbox", "author_id")
