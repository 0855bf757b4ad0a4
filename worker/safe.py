"""One tenant's secrets of a parallel session, in the database: read and written under the lease of who runs it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sessions.port import Kept
from tenants import parallel
from tenants.backoff import patiently
from tenants.crypto import Keyring
from tenants.db import Database, UnitOfWork
from tenants.errors import LeaseLost
from tenants.ids import TenantId
from tenants.leases import Lease, require

T = TypeVar("T")


@dataclass(frozen=True)
class TenantSafe:
    """`sessions.port.Safe`. Raises `LeaseLost`; a database that is away is waited for."""

    database: Database
    keyring: Keyring
    tenant: TenantId
    lease: Lease

    async def load(self) -> Kept:
        stored = await self._under_lease(
            lambda unit: parallel.load_login(unit, self.tenant, self.keyring), name="safe.load"
        )
        return Kept(stored.login, stored.wait, stored.tops, stored.group)

    async def save_login(self, login: bytes | None) -> None:
        """A login that comes too late is not lost: it is to be logged out."""
        if login is None:
            await self._under_lease(lambda unit: parallel.forget_login(unit, self.tenant), name="safe.forget_login")
            return
        try:
            saved = await self._under_lease(
                lambda unit: parallel.save_login(unit, self.tenant, self.keyring, login), name="safe.save_login"
            )
        except LeaseLost:
            saved = False
        if not saved:
            await patiently(lambda: self._say_farewell(login), name="safe.say_farewell")
            raise LeaseLost

    async def postpone_login(self, seconds: float) -> None:
        await self._under_lease(
            lambda unit: parallel.postpone_login(unit, self.tenant, seconds), name="safe.postpone_login"
        )

    async def find_hashes(self, peers: Sequence[int]) -> Mapping[int, int]:
        return await self._under_lease(
            lambda unit: parallel.find_hashes(unit, self.tenant, self.keyring, peers), name="safe.find_hashes"
        )

    async def _under_lease(self, act: Callable[[UnitOfWork], Awaitable[T]], *, name: str) -> T:
        async def attempt() -> T:
            async with self.database.tenant(self.tenant) as unit:
                await require(unit, self.lease)
                return await act(unit)

        return await patiently(attempt, name=name)

    async def _say_farewell(self, login: bytes) -> None:
        async with self.database.tenant(self.tenant) as unit:
            await parallel.add_farewell(unit, self.tenant, self.keyring, login)
