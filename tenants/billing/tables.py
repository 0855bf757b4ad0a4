"""The tables of billing: what was told, what followed when, and what time will change next."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from tenants.columns import metadata
from tenants.columns import tenant as _tenant
from tenants.columns import time as _time

PLANS = "('free', 'pro', 'business')"

billing_facts = Table(
    "billing_facts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("kind", Text, nullable=False),
    _time("at", nullable=False),
    _time("received_at", nullable=False),
    Column("of_tenant_id", UUID, ForeignKey("tenants.id", ondelete="CASCADE")),  # null until it is known whose it is
    Column("person_id", BigInteger),
    Column("subscription", Text),
    Column("customer", Text),
    Column("rank", Integer, nullable=False),
    Column("status", Text),
    Column("plan", Text),
    Column("units", Integer, nullable=False),
    _time("paid_until"),
    _time("ends_at"),
    Column("before", Text),
    Column("note", Text, nullable=False),
    CheckConstraint(f"plan IN {PLANS}", name="plan"),
    Index("ix_billing_facts_of_tenant_id", "of_tenant_id"),
    Index("ix_billing_facts_subscription", "subscription"),
    Index("ix_billing_facts_customer", "customer"),
)

plan_ledger = Table(
    "plan_ledger",
    metadata,
    _tenant(primary_key=True),
    Column("number", Integer, primary_key=True),
    _time("at", nullable=False),
    Column("plan", Text, nullable=False),
    Column("units", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("cause", Text),
    CheckConstraint(f"plan IN {PLANS}", name="plan"),
)

subscription_endings = Table(
    "subscription_endings",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("subscription", Text, nullable=False),
    Column("refund", Boolean, nullable=False),
    _time("wanted_at", default=True),
    _time("due_at", default=True),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    _time("ended_at"),
    Column("error", Text),
    UniqueConstraint("provider", "subscription"),
)

standings = Table(
    "standings",
    metadata,
    _tenant(primary_key=True),
    Column("provider", Text),
    Column("subscription", Text),
    Column("customer", Text),
    Column("payer_id", BigInteger),
    _time("paid_until"),
    _time("ends_at"),
    _time("look_at"),
    Index("ix_standings_look_at", "look_at", postgresql_where=text("look_at IS NOT NULL")),
)
