"""Whose bot it is: what Telegram tells about a managed bot finds its connection."""

from alembic import op

revision = "0019"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("GRANT SELECT (bot_id) ON tenants TO backline_fleet")


def downgrade() -> None:
    op.execute("REVOKE SELECT (bot_id) ON tenants FROM backline_fleet")
