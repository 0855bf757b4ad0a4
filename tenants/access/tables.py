"""The tables of who may manage what."""

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from tenants.columns import metadata
from tenants.columns import tenant as _tenant
from tenants.columns import time as _time

administrators = Table(
    "administrators",
    metadata,
    _tenant(primary_key=True),
    Column("user_id", BigInteger, primary_key=True, index=True),
    Column("name", Text, nullable=False),
    Column("added_by", BigInteger, nullable=False),
    _time("added_at", default=True),
)

invitations = Table(
    "invitations",
    metadata,
    _tenant(primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("invited_by", BigInteger, nullable=False),
    _time("expires_at", nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("owner_id", BigInteger, nullable=False, index=True),
    Column("only_tenant_id", UUID, ForeignKey("tenants.id", ondelete="CASCADE"), index=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("label", Text, nullable=False),
    _time("created_at", default=True),
    _time("used_at"),
    _time("revoked_at"),
)
