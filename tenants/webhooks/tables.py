"""The tables of webhooks: what is to be delivered, and with what it is signed."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, LargeBinary, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from tenants.columns import metadata, tenant, time

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", UUID, primary_key=True),
    tenant(),
    Column("event", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("cause", UUID),
    Column("state", Text, nullable=False, server_default=text("'waiting'")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    time("created_at", default=True),
    time("since", default=True),
    time("due_at", default=True),
    time("tried_at"),
    time("ended_at"),
    Column("status", Integer),
    Column("error", Text),
    CheckConstraint("state IN ('waiting', 'delivered', 'failed')", name="state"),
    UniqueConstraint("tenant_id", "cause"),
    Index("ix_webhook_deliveries_tenant_id_id", "tenant_id", "id"),
    Index("ix_webhook_deliveries_due_at", "due_at", postgresql_where=text("state = 'waiting'")),
    Index("ix_webhook_deliveries_since", "since"),
)
"""`cause`: what must not be told twice. `since`: when the day of attempts began. `due_at`: when the next attempt is,
or when the one that is being made counts as lost.
"""

webhook_secrets = Table(
    "webhook_secrets",
    metadata,
    tenant(primary_key=True),
    Column("secret", LargeBinary, nullable=False),
    time("made_at", default=True),
    Column("former", LargeBinary),
    time("former_until"),
)
