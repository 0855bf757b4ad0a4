"""One row for each tenant and day (UTC): updates that were handled, and how many the day allowed."""

from sqlalchemy import CheckConstraint, Column, Date, Integer, Table, text

from tenants.columns import metadata
from tenants.columns import tenant as _tenant

usage = Table(
    "usage",
    metadata,
    _tenant(primary_key=True),
    Column("day", Date, primary_key=True),
    Column("updates", Integer, nullable=False, server_default=text("0")),
    Column("allowed", Integer, nullable=False),  # the most that any plan of the day allowed
    CheckConstraint("updates >= 0", name="updates"),
)
