"""Transactions. `UnitOfWork` is the only way to write, and this is the only file that commits.

One DATABASE_URL, three roles, chosen per transaction: the login role owns the tables and migrates; `app` sees
one tenant (or one owner's tenants) by row-level security; `fleet` sees the rows that leases and sweeps need.
"""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self

from asyncpg import InterfaceError
from sqlalchemy import CursorResult, Executable, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as SQLAlchemyTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from tenants.ids import TenantId, UserId

APP_ROLE = "backline_app"
FLEET_ROLE = "backline_fleet"
SCOPE = text(
    "SELECT set_config('role', :role, true), set_config('app.tenant_id', :tenant, true), "
    "set_config('app.owner_id', :owner, true)"
)
NOTIFY = text("SELECT pg_notify(:channel, :payload)")

_open_unit: ContextVar[bool] = ContextVar("backline_open_unit", default=False)


def refuse_network_inside_transaction() -> None:
    """Called by whatever talks to a network: a slow server must never hold a transaction open."""
    if _open_unit.get():
        raise RuntimeError("A network call inside a database transaction.")


def shard_channel(shard: int) -> str:
    return f"shard_{shard}"


SETUP_CHANNEL = "setup_bot"


class UnitOfWork:
    """One transaction: committed when the block ends, rolled back when it raises."""

    def __init__(self, engine: AsyncEngine, role: str, *, tenant: str = "", owner: str = "") -> None:
        self._engine = engine
        self._scope = {"role": role, "tenant": tenant, "owner": owner}
        self._connection: AsyncConnection | None = None
        self._notices: set[tuple[str, str]] = set()

    async def __aenter__(self) -> Self:
        refuse_network_inside_transaction()
        connection = await self._engine.connect()
        try:
            await connection.execute(SCOPE, self._scope)
        except BaseException:
            await connection.close()
            raise
        self._connection = connection
        self._token = _open_unit.set(True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection = self._connection
        if connection is None:
            raise RuntimeError("The unit of work was never entered.")
        self._connection = None
        _open_unit.reset(self._token)
        try:
            if kind is None:
                for channel, payload in sorted(self._notices):
                    await connection.execute(NOTIFY, {"channel": channel, "payload": payload})
                await connection.commit()
        finally:
            await connection.close()

    def notify(self, channel: str, payload: str) -> None:
        """Wakes whoever listens, once, when this commits. Losing it loses nothing: everyone also sweeps."""
        self._notices.add((channel, payload))

    async def execute(
        self, statement: Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        if self._connection is None:
            raise RuntimeError("The unit of work is closed.")
        return await self._connection.execute(statement, values)


class Database:
    """The pool and its three ways in."""

    def __init__(self, url: str, *, pool_size: int = 10, lease_seconds: float = 30) -> None:
        self._engine = create_async_engine(
            url.replace("postgres://", "postgresql://", 1).replace("postgresql://", "postgresql+asyncpg://", 1),
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=False,
            pool_use_lifo=True,
            connect_args={
                "timeout": 10,
                "command_timeout": 30,
                "server_settings": {
                    "application_name": "backline",
                    "idle_in_transaction_session_timeout": str(int(lease_seconds * 1000)),
                    "lock_timeout": "10000",
                    "jit": "off",
                    "plan_cache_mode": "force_generic_plan",  # planning a claim costs more than running it
                },
            },
            hide_parameters=True,
        )

    def tenant(self, tenant: TenantId) -> UnitOfWork:
        return UnitOfWork(self._engine, APP_ROLE, tenant=str(tenant))

    def owner(self, owner: UserId) -> UnitOfWork:
        """Sees the tenants of one owner, and their rows of no other table."""
        return UnitOfWork(self._engine, APP_ROLE, owner=str(owner))

    def fleet(self) -> UnitOfWork:
        return UnitOfWork(self._engine, FLEET_ROLE)

    async def close(self) -> None:
        await self._engine.dispose()


def violated(error: DBAPIError) -> str | None:
    """The name of the constraint that refused a write, where one did."""
    cause = error.orig.__cause__ if error.orig else None
    name = getattr(cause, "constraint_name", None)
    return str(name) if name else None


_PASSING = ("08", "40", "53", "55", "57", "58")
"""SQLSTATE classes of trouble that is not the data's: connection, rollback, resources, locks, operator, system."""


def is_passing(error: BaseException) -> bool:
    """Whether trying the same again later may work: the database's trouble, not the data's."""
    if isinstance(error, DBAPIError):
        cause = error.orig.__cause__ if error.orig else None
        state = str(getattr(cause, "sqlstate", None) or "")
        return error.connection_invalidated or not state or state.startswith(_PASSING)
    return isinstance(error, (OSError, TimeoutError, SQLAlchemyTimeout, InterfaceError))
