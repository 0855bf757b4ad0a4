"""What processes and the database have spent: read before and after, and subtracted."""

from dataclasses import dataclass
from time import monotonic

import psutil
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bench.stage import House

_CALLS = text(
    """
    SELECT coalesce(sum(calls), 0) AS statements,
        coalesce(sum(calls) FILTER (WHERE query IN ('COMMIT', 'ROLLBACK')), 0) AS transactions
    FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
    WHERE d.datname = current_database() AND query NOT LIKE '%pg_stat_statements%'
    """
)
_DEAREST = text(
    """
    SELECT calls, round(total_exec_time::numeric, 1) AS ms, left(regexp_replace(query, '\\s+', ' ', 'g'), 70) AS query
    FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
    WHERE d.datname = current_database() ORDER BY calls DESC LIMIT :limit
    """
)


@dataclass(frozen=True)
class Reading:
    """Seconds of the clock and of processors; statements and transactions of the database."""

    clock: float
    own: float
    telegram: float
    postgres: float
    statements: int
    transactions: int

    def since(self, before: "Reading") -> "Reading":
        return Reading(
            self.clock - before.clock,
            self.own - before.own,
            self.telegram - before.telegram,
            self.postgres - before.postgres,
            self.statements - before.statements,
            self.transactions - before.transactions,
        )


def cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def tree_cpu(process: psutil.Process) -> float:
    """With the children that live, and those that have ended: PostgreSQL's backends."""
    times = process.cpu_times()
    ended = float(times.children_user + times.children_system)
    return cpu(process) + ended + sum(cpu(child) for child in process.children(recursive=True))


class Meter:
    """Reads one process together with the Telegram and the database that it uses. Has a connection of its own."""

    def __init__(self, house: House, telegram: psutil.Process) -> None:
        self._server = house.server
        self._telegram = telegram
        self._engine: AsyncEngine = create_async_engine(
            house.postgres.url.replace("postgresql://", "postgresql+asyncpg://", 1), isolation_level="AUTOCOMMIT"
        )

    async def read(self, process: psutil.Process) -> Reading:
        async with self._engine.connect() as connection:
            row = (await connection.execute(_CALLS)).one()
        return Reading(
            monotonic(),
            cpu(process),
            cpu(self._telegram),
            tree_cpu(self._server),
            int(row.statements),
            int(row.transactions),
        )

    async def dearest(self, limit: int = 12) -> list[tuple[int, float, str]]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(_DEAREST, {"limit": limit})
            return [(row.calls, float(row.ms), row.query) for row in rows]

    async def forget(self) -> None:
        """The counts begin anew."""
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT pg_stat_statements_reset()"))

    async def close(self) -> None:
        await self._engine.dispose()
