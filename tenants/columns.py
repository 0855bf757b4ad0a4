"""The two columns that most tables have: a moment, and whose the row is."""

from sqlalchemy import Column, DateTime, ForeignKey, text
from sqlalchemy.dialects.postgresql import UUID

NOW = text("now()")


def time(name: str, *, default: bool = False, nullable: bool | None = None) -> Column[object]:
    server_default = NOW if default else None
    null = (not default) if nullable is None else nullable
    return Column(name, DateTime(timezone=True), server_default=server_default, nullable=null)


def tenant(*, primary_key: bool = False) -> Column[object]:
    reference = ForeignKey("tenants.id", ondelete="CASCADE")
    return Column("tenant_id", UUID, reference, primary_key=primary_key, nullable=False)
