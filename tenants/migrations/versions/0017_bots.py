"""Whose bot it is, for what Telegram tells about a managed one, and what is wrong with a desk's group."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    troubles = sa.Column("group_troubles", sa.ARRAY(sa.Text), server_default=sa.text("'{}'"), nullable=False)
    op.add_column("intakes", troubles)
    op.execute("GRANT SELECT (bot_id) ON tenants TO backline_fleet")


def downgrade() -> None:
    op.drop_column("intakes", "group_troubles")
    op.execute("REVOKE SELECT (bot_id) ON tenants FROM backline_fleet")
