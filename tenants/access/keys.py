"""API keys: shown once, stored as a digest. Each is one person's, good for all connections that this person manages
or for one of them, and worth nothing where the person may not manage it any more.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, text, update

from tenants.access.tables import api_keys
from tenants.audit import Act, Action, record
from tenants.connections import Connections
from tenants.db import Database, UnitOfWork
from tenants.errors import NotFound
from tenants.ids import TenantId, UserId, new_id

PREFIX = "bl_"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """`only` is the one connection that it opens. None: all that its person manages."""

    id: UUID
    owner: UserId
    only: TenantId | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A key as its person sees it later: never the key itself."""

    id: UUID
    label: str
    only: TenantId | None
    created_at: datetime
    used_at: datetime | None


def _digest(key: str) -> bytes:
    """Plain SHA-256: the key is 256 random bits, there is nothing to stretch."""
    return hashlib.sha256(key.encode()).digest()


def _make(owner: UserId, label: str, only: TenantId | None) -> tuple[str, dict[str, Any]]:
    """The key, and the row that knows only its digest."""
    key = PREFIX + secrets.token_urlsafe(32)
    values = {"id": new_id(), "owner_id": owner, "only_tenant_id": only, "digest": _digest(key), "label": label}
    return key, values


async def create_key(database: Database, owner: UserId, label: str, *, only: TenantId | None = None) -> str:
    """The key itself, for its owner's eyes, once."""
    key, values = _make(owner, label, only)
    async with database.owner(owner) as unit:
        await unit.execute(insert(api_keys).values(values))
    return key


_USE = text(
    """
    WITH found AS (
        SELECT id, owner_id, only_tenant_id, used_at FROM api_keys WHERE digest = :digest AND revoked_at IS NULL
    ),
    used AS (
        UPDATE api_keys k SET used_at = now() FROM found f
        WHERE k.id = f.id AND (f.used_at IS NULL OR f.used_at < now() - interval '1 minute')
    )
    SELECT id, owner_id, only_tenant_id FROM found
    """
)


async def find_key(database: Database, key: str) -> ApiKey | None:
    """Whose key it is. None for an unknown or revoked one. That it was used is noted, to the minute."""
    async with database.fleet() as unit:
        row = (await unit.execute(_USE, {"digest": _digest(key)})).first()
    return None if row is None else ApiKey(row.id, row.owner_id, row.only_tenant_id)


class Keys:
    """What a person does with keys. Those of one connection are in its audit log."""

    def __init__(self, database: Database, connections: Connections) -> None:
        self._database = database
        self._connections = connections

    async def list_keys(self, person: UserId, only: TenantId | None = None) -> Sequence[Listed]:
        """This person's that count, the newest first; of one connection, or of all."""
        mine = (api_keys.c.owner_id == person) & api_keys.c.revoked_at.is_(None)
        if only is not None:
            mine = mine & (api_keys.c.only_tenant_id == only)
        query = select(api_keys).where(mine).order_by(api_keys.c.id.desc())
        async with self._database.owner(person) as unit:
            rows = await unit.execute(query)
            return [Listed(row.id, row.label, row.only_tenant_id, row.created_at, row.used_at) for row in rows]

    async def renew(self, person: UserId, tenant: TenantId, label: str) -> str:
        """The new key to one connection; this person's earlier ones to it are worth nothing any more."""
        await self._connections.get(person, tenant)
        key, values = _make(person, label, tenant)
        theirs = (api_keys.c.owner_id == person) & (api_keys.c.only_tenant_id == tenant)
        async with self._database.owner(person, tenant) as unit:
            await unit.execute(
                update(api_keys).where(theirs, api_keys.c.revoked_at.is_(None)).values(revoked_at=func.now())
            )
            await unit.execute(insert(api_keys).values(values))
            await self._note(unit, Action.KEY_MADE, person, tenant, values["id"])
        return key

    async def create(self, person: UserId, label: str) -> str:
        """A key to all connections that this person manages, also to later ones."""
        return await create_key(self._database, person, label)

    async def revoke(self, person: UserId, key: UUID) -> None:
        """Raises `NotFound`, also for another person's."""
        found = next((one for one in await self.list_keys(person) if one.id == key), None)
        if found is None:
            raise NotFound("key")
        mine = (api_keys.c.id == key) & (api_keys.c.owner_id == person)
        async with self._database.owner(person, found.only) as unit:
            await unit.execute(update(api_keys).where(mine).values(revoked_at=func.now()))
            if found.only is not None:
                await self._note(unit, Action.KEY_REVOKED, person, found.only, key)

    async def _note(self, unit: UnitOfWork, action: Action, person: UserId, tenant: TenantId, key: UUID) -> None:
        await record(unit, tenant, Act(action, self._connections.actor(person), str(key)))
