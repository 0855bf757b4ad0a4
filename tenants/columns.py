"""What all tables share: where they are listed, how their constraints are named, and two columns: a moment, and whose
the row is.
"""

from sqlalchemy import Column, DateTime, ForeignKey, MetaData, text
from sqlalchemy.dialects.postgresql import UUID

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMES)
NOW = text("now()")


def time(name: str, *, default: bool = False, nullable: bool | None = None) -> Column[object]:
    server_default = NOW if default else None
    null = (not default) if nullable is None else nullable
    return Column(name, DateTime(timezone=True), server_default=server_default, nullable=null)


def tenant(*, primary_key: bool = False) -> Column[object]:
    reference = ForeignKey("tenants.id", ondelete="CASCADE")
    return Column("tenant_id", UUID, reference, primary_key=primary_key, nullable=False)
