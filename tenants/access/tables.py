"""The tables of who may manage what."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, UniqueConstraint
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

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("api_key_id", UUID, ForeignKey("api_keys.id", ondelete="CASCADE"), nullable=False),
    Column("owner_id", BigInteger, nullable=False),
    Column("about_tenant_id", UUID, ForeignKey("tenants.id", ondelete="CASCADE"), index=True),
    Column("digest", LargeBinary, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("attempt", Integer, nullable=False),
    _time("locked_until", nullable=False),
    _time("effect_at"),
    Column("answer", LargeBinary),
    _time("created_at", default=True),
    UniqueConstraint("api_key_id", "digest"),
    Index("ix_idempotency_keys_created_at", "created_at"),
)
"""`digest` is the Idempotency-Key's, `answer` is encrypted: it may be the only place where a secret was shown."""
