"""Transactions. `UnitOfWork` is the only way to write, and this is the only file that commits.

One DATABASE_URL, four roles, chosen per transaction: the login role owns the tables and migrates; by row-level
security `app` sees one tenant (or one owner's tenants) and `worker` the tenants of one turn; `fleet` sees the rows
that leases and sweeps need.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from asyncpg import InterfaceError, InternalClientError, PostgresError
from sqlalchemy import CursorResult, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as SQLAlchemyTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from tenants.ids import TenantId, UserId

APP_ROLE = "backline_app"
WORKER_ROLE = "backline_worker"
FLEET_ROLE = "backline_fleet"

_open_unit: ContextVar[bool] = ContextVar("backline_open_unit", default=False)
_note: ContextVar[str] = ContextVar("backline_note", default="")


def refuse_network_inside_transaction() -> None:
    """Called by whatever talks to a network: a slow server must never hold a transaction open."""
    if _open_unit.get():
        raise RuntimeError("A network call inside a database transaction.")


@contextmanager
def noting_effects(request: UUID, attempt: int) -> Iterator[None]:
    """Each transaction that writes in here says so in the row of a repeatable request (`tenants.access.repeats`),
    with its own commit. It fails, for a passing reason, where another attempt at the request has begun.
    """
    token = _note.set(f"SELECT note_effect('{request}', {int(attempt)}); ")
    try:
        yield
    finally:
        _note.reset(token)


def shard_channel(shard: int) -> str:
    return f"shard_{shard}"


SETUP_CHANNEL = "setup_bot"


class UnitOfWork:
    """One transaction: committed when the block ends, rolled back when it raises.

    It begins and takes its role in one round trip, and its notices go out with the commit.
    """

    def __init__(self, engine: AsyncEngine, role: str, *, tenants: Sequence[TenantId] = (), owner: str = "") -> None:
        self._engine = engine
        self._begin = _begin(role, tenants, owner)
        self._connection: AsyncConnection | None = None
        self._notices: set[tuple[str, str]] = set()

    async def __aenter__(self) -> Self:
        refuse_network_inside_transaction()
        connection = await self._engine.connect()
        try:
            self._driver: Any = (await connection.get_raw_connection()).driver_connection
            await _run(self._driver, self._begin)
        except BaseException:
            await connection.invalidate()
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
            if kind is not None and not issubclass(kind, Exception):
                await connection.invalidate()  # cancelled in the middle of something: nobody waits for its answer
            elif kind is None:
                notices = "".join(_notify(*notice) for notice in sorted(self._notices))
                await _run(self._driver, f"{notices}{_note.get()}COMMIT")
            else:
                await self._driver.execute("ROLLBACK")
        except BaseException as trouble:
            await connection.invalidate()  # whatever state it is in: the pool makes another
            if kind is None or not isinstance(trouble, Exception):
                raise
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
            isolation_level="AUTOCOMMIT",  # `UnitOfWork` begins and ends transactions itself, in fewer round trips
        )

    def tenant(self, tenant: TenantId) -> UnitOfWork:
        return UnitOfWork(self._engine, APP_ROLE, tenants=[tenant])

    def tenants(self, tenants: Sequence[TenantId]) -> UnitOfWork:
        """Sees the rows of these tenants and of no other: a worker's turn."""
        return UnitOfWork(self._engine, WORKER_ROLE, tenants=tenants)

    def owner(self, owner: UserId, tenant: TenantId | None = None) -> UnitOfWork:
        """Sees the tenants that one person manages, their keys, and the rows of no other table but of `tenant`."""
        return UnitOfWork(self._engine, APP_ROLE, tenants=[] if tenant is None else [tenant], owner=str(owner))

    def fleet(self) -> UnitOfWork:
        return UnitOfWork(self._engine, FLEET_ROLE)

    async def close(self) -> None:
        await self._engine.dispose()


def _begin(role: str, tenants: Sequence[TenantId], owner: str) -> str:
    """Literals of our own making: a role's name, UUIDs, a number."""
    one = str(tenants[0]) if role == APP_ROLE and tenants else ""
    these = "{" + ",".join(f'"{tenant}":0' for tenant in tenants) + "}" if role == WORKER_ROLE else ""
    number = str(int(owner)) if owner else ""
    return (
        f"BEGIN; SELECT set_config('role', '{role}', true), set_config('app.tenants', '{these}', true), "
        f"set_config('app.tenant_id', '{one}', true), set_config('app.owner_id', '{number}', true)"
    )


def _notify(channel: str, payload: str) -> str:
    quoted = payload.replace("'", "''")
    return f"SELECT pg_notify('{channel}', '{quoted}'); "


async def _run(driver: Any, statements: str) -> None:
    """The simple query protocol: several statements in one round trip. Its errors become SQLAlchemy's."""
    try:
        await driver.execute(statements)
    except PostgresError as error:
        wrapped = DriverError(str(error))
        wrapped.__cause__ = error
        raise DBAPIError(None, None, wrapped, hide_parameters=True) from error


class DriverError(Exception):
    """What SQLAlchemy's errors carry: the driver's own one is its cause."""


def violated(error: DBAPIError) -> str | None:
    """The name of the constraint that refused a write, where one did."""
    cause = error.orig.__cause__ if error.orig else None
    name = getattr(cause, "constraint_name", None)
    return str(name) if name else None


_PASSING = ("08", "25P03", "40", "53", "55", "57", "58")
"""SQLSTATE classes of trouble that is not the data's: connection, rollback, resources, locks, operator, system; and
the end of a session that was idle in a transaction, because its process was paused.
"""


def is_passing(error: BaseException) -> bool:
    """Whether trying the same again later may work: the database's trouble, not the data's."""
    if isinstance(error, DBAPIError):
        cause = error.orig.__cause__ if error.orig else None
        state = str(getattr(cause, "sqlstate", None) or "")
        return error.connection_invalidated or not state or state.startswith(_PASSING)
    return isinstance(error, (OSError, TimeoutError, SQLAlchemyTimeout, InterfaceError, InternalClientError))
