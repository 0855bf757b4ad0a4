"""The language of each person who uses the setup bot."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

THIS_PERSON = "nullif(current_setting('app.owner_id', true), '')::bigint"


def upgrade() -> None:
    op.create_table(
        "people",
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("language", sa.Text),
        sa.Column("telegram_language", sa.Text),
        sa.PrimaryKeyConstraint("user_id", name="pk_people"),
    )
    op.execute("ALTER TABLE people ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE people FORCE ROW LEVEL SECURITY")
    op.execute("GRANT SELECT, INSERT, UPDATE ON people TO backline_app")
    op.execute(
        f"CREATE POLICY oneself ON people TO backline_app "
        f"USING (user_id = {THIS_PERSON}) WITH CHECK (user_id = {THIS_PERSON})"
    )


def downgrade() -> None:
    op.drop_table("people")
