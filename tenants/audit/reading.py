"""What an owner reads in the audit log."""

from datetime import datetime
from uuid import UUID

from tenants.audit.acts import Action
from tenants.audit.rows import Entry, list_page
from tenants.connections import Connections
from tenants.db import Database
from tenants.ids import TenantId, UserId


class AuditLog:
    def __init__(self, database: Database, connections: Connections) -> None:
        self._database = database
        self._connections = connections

    async def list_page(
        self,
        owner: UserId,
        tenant: TenantId,
        *,
        after: UUID | None = None,
        limit: int,
        action: Action | None = None,
        actor: UserId | None = None,
        since: datetime | None = None,
    ) -> list[Entry]:
        """As `tenants.audit.list_page` does. Raises `NotFound`, also for another owner's."""
        await self._connections.get(owner, tenant)
        async with self._database.tenant(tenant) as unit:
            return await list_page(unit, tenant, after=after, limit=limit, action=action, actor=actor, since=since)
