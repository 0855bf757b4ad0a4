"""What an owner reads in the archive."""

from uuid import UUID

from tenants.archive.pages import Archived, list_page
from tenants.connections import Connections
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.ids import DialogId, TenantId, UserId


class Archive:
    def __init__(self, database: Database, connections: Connections, keyring: Keyring) -> None:
        self._database = database
        self._connections = connections
        self._keyring = keyring

    async def list_page(
        self, owner: UserId, tenant: TenantId, dialog: DialogId, *, after: UUID | None = None, limit: int
    ) -> list[Archived]:
        """As `tenants.archive.list_page` does. Raises `NotFound`, also for another owner's."""
        await self._connections.get(owner, tenant)
        async with self._database.tenant(tenant) as unit:
            return await list_page(unit, tenant, dialog, self._keyring, after=after, limit=limit)
