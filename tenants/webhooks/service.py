"""What an owner does with webhooks beside setting them: look at deliveries, send one again, make a secret."""

from uuid import UUID

from tenants.audit import Act, Action, record
from tenants.connections import Connections
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.errors import Conflict, NotFound
from tenants.ids import TenantId, UserId
from tenants.webhooks.deliveries import Shown, State, list_page, replay
from tenants.webhooks.signing import SecretState, get_state, renew_secret


class Webhooks:
    """Everything raises `NotFound` for what is not the owner's, too."""

    def __init__(self, database: Database, connections: Connections, keyring: Keyring) -> None:
        self._database = database
        self._connections = connections
        self._keyring = keyring

    async def list_page(
        self, owner: UserId, tenant: TenantId, *, after: UUID | None = None, limit: int, state: State | None = None
    ) -> list[Shown]:
        """Newest first: the page of `limit` that follows the delivery `after`."""
        await self._connections.get(owner, tenant)
        async with self._database.tenant(tenant) as unit:
            return await list_page(unit, tenant, after=after, limit=limit, state=state)

    async def replay(self, owner: UserId, tenant: TenantId, delivery: UUID) -> None:
        """Once more, for another day. Raises `Conflict` where it waits to be sent anyway."""
        await self._connections.get(owner, tenant)
        act = Act(Action.WEBHOOK_REPLAYED, self._connections.actor(owner), str(delivery))
        async with self._database.tenant(tenant) as unit:
            replayed = await replay(unit, tenant, delivery)
            if replayed:
                await record(unit, tenant, act)
        if replayed is None:
            raise NotFound("delivery")
        if not replayed:
            raise Conflict("This delivery waits to be sent already: there is nothing to do.")

    async def get_secret_state(self, owner: UserId, tenant: TenantId) -> SecretState:
        await self._connections.get(owner, tenant)
        async with self._database.tenant(tenant) as unit:
            return await get_state(unit, tenant)

    async def renew_secret(self, owner: UserId, tenant: TenantId) -> str:
        """It is not shown again. The one before signs for another day, too."""
        await self._connections.get(owner, tenant)
        act = Act(Action.WEBHOOK_SECRET_MADE, self._connections.actor(owner))
        async with self._database.tenant(tenant) as unit:
            secret = await renew_secret(unit, tenant, self._keyring)
            await record(unit, tenant, act)
        return secret
