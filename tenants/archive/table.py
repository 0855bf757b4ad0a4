"""The table: one row for each version of a message."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import UUID

from tenants.columns import metadata, tenant, time

archive = Table(
    "archive",
    metadata,
    Column("id", UUID, primary_key=True),
    tenant(),
    Column("dialog_id", UUID, nullable=False),
    Column("direction", Text, nullable=False),
    Column("chat_id", BigInteger, nullable=False),  # where it was written
    Column("message_id", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("author_id", BigInteger),  # the operator
    Column("content", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    time("at", default=True),
    time("deleted_at"),  # when an operator took it back
    UniqueConstraint("tenant_id", "chat_id", "message_id", "version"),
    ForeignKeyConstraint(["tenant_id", "dialog_id"], ["dialogs.tenant_id", "dialogs.id"], ondelete="CASCADE"),
    CheckConstraint("direction IN ('customer', 'team', 'program')", name="direction"),
    Index("ix_archive_tenant_id_dialog_id_id", "tenant_id", "dialog_id", "id"),
    Index("ix_archive_tenant_id_at", "tenant_id", "at"),
)
