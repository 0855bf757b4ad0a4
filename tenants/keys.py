"""API keys: shown once, stored as a digest, good for all connections of one owner."""

import hashlib
import secrets
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import insert, select

from tenants.db import Database
from tenants.ids import UserId, new_id
from tenants.models import api_keys

PREFIX = "bl_"


@dataclass(frozen=True, slots=True)
class ApiKey:
    id: UUID
    owner: UserId


def _digest(key: str) -> bytes:
    """Plain SHA-256: the key is 256 random bits, there is nothing to stretch."""
    return hashlib.sha256(key.encode()).digest()


async def create_key(database: Database, owner: UserId, label: str) -> str:
    """The key itself, for its owner's eyes, once."""
    key = PREFIX + secrets.token_urlsafe(32)
    values = {"id": new_id(), "owner_id": owner, "digest": _digest(key), "label": label}
    async with database.owner(owner) as unit:
        await unit.execute(insert(api_keys).values(values))
    return key


async def find_key(database: Database, key: str) -> ApiKey | None:
    """Whose key it is. None for an unknown or revoked one."""
    query = select(api_keys.c.id, api_keys.c.owner_id).where(
        api_keys.c.digest == _digest(key), api_keys.c.revoked_at.is_(None)
    )
    async with database.fleet() as unit:
        row = (await unit.execute(query)).first()
    return None if row is None else ApiKey(row.id, row.owner_id)
