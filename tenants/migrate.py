"""Brings a database to today's schema. Expand, backfill, contract: yesterday's release runs against it."""

from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig

MIGRATIONS = Path(__file__).parent / "migrations"


def alembic_config(database_url: str) -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["database_url"] = database_url
    return config


def upgrade(database_url: str) -> None:
    """To the newest revision; does nothing where it is there. Must not run inside an event loop."""
    command.upgrade(alembic_config(database_url), "head")


def check(database_url: str) -> None:
    """Raises `alembic.util.CommandError` where the tables differ from `tenants.models`."""
    command.check(alembic_config(database_url))
