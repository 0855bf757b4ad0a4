"""Logins that nobody uses any more are logged out, by whoever holds the shard of the tenant they were of."""

from collections.abc import Callable
from time import monotonic
from typing import Protocol
from uuid import UUID

import structlog

from sessions.errors import Revoked, SessionError
from sessions.port import SessionFactory
from tenants.backoff import backoff
from tenants.config import ConfigError
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.errors import LeaseLost
from tenants.farewells import Farewell, end_farewell, find_login, list_farewells
from worker.leases import LeaseKeeper
from worker.pace import EgressPace

LONGEST = 3600.0
"""Seconds between two attempts at most."""

log = structlog.get_logger()


class ParallelSessions(SessionFactory, Protocol):
    """A factory whose sessions log in."""

    async def end_login(self, login: bytes, guard: Callable[[], None] | None = None) -> None:
        """Logs it out; one that is dead already is no error. Raises the errors of `sessions.errors`."""
        ...


class Farewells:
    """Without `sessions` they wait, until they are too old."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        keeper: LeaseKeeper,
        sessions: ParallelSessions | None,
        pace: EgressPace | None,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._keeper = keeper
        self._sessions = sessions
        self._pace = pace
        self._failures: dict[UUID, int] = {}
        self._again_at: dict[UUID, float] = {}

    async def say(self) -> None:
        held = self._keeper.held
        async with self._database.fleet() as unit:
            waiting = await list_farewells(unit, list(held))
        known = {farewell.id for farewell in waiting}
        self._failures = {one: count for one, count in self._failures.items() if one in known}
        self._again_at = {one: at for one, at in self._again_at.items() if one in known}
        for farewell in waiting:
            if farewell.is_too_old:
                log.warning("farewell.given_up", tenant=str(farewell.tenant))
                await self._end(farewell)
            elif self._sessions is not None and self._again_at.get(farewell.id, 0.0) <= monotonic():
                await self._try(self._sessions, farewell)

    async def _try(self, sessions: ParallelSessions, farewell: Farewell) -> None:
        lease = self._keeper.held.get(farewell.shard)
        if lease is None:
            return
        try:
            async with self._database.tenant(farewell.tenant) as unit:
                login = await find_login(unit, farewell, self._keyring)
            if login is None:
                return
            if self._pace is not None:
                await self._pace.wait_for_cold_start()
            await sessions.end_login(login, lambda: self._keeper.require(lease))
        except Revoked:
            pass  # it is over already
        except LeaseLost:
            return
        except (SessionError, ConfigError) as error:
            self._later(farewell, error)
            return
        log.info("farewell.said", tenant=str(farewell.tenant))
        await self._end(farewell)

    def _later(self, farewell: Farewell, error: Exception) -> None:
        failures = self._failures[farewell.id] = self._failures.get(farewell.id, 0) + 1
        self._again_at[farewell.id] = monotonic() + backoff(failures, longest=LONGEST)
        code = getattr(error, "code", type(error).__name__)
        log.warning("farewell.failed", tenant=str(farewell.tenant), code=code, failures=failures)

    async def _end(self, farewell: Farewell) -> None:
        async with self._database.tenant(farewell.tenant) as unit:
            await end_farewell(unit, farewell)
