"""The sessions of one worker: started and stopped as shards come and go and as owners change their minds."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

from sessions.errors import Rejected
from sessions.port import SessionFactory
from tenants.config import Config
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.dialog_events import close_due
from tenants.ids import TenantId
from tenants.intake import note_alive
from tenants.leases import Lease, require, shard_of
from tenants.outbox import list_waiting
from tenants.parallel import Mode
from tenants.runnable import Runnable, list_runnable, list_with_dialogs_to_close
from tenants.set_aside import list_with_replays
from tenants.usage.waiting import list_due
from worker.farewells import Farewells, ParallelSessions
from worker.housekeeper import Housekeeper
from worker.leases import LeaseKeeper
from worker.pace import EgressPace
from worker.pump import Pump
from worker.replays import Replays
from worker.runner import STATES, Means, Runner
from worker.turn import Turn


def _engage(config: Config, sessions: SessionFactory) -> Housekeeper | None:
    """The setup bot, where this worker knows its token."""
    if config.setup_bot_token is None:
        return None
    with contextlib.suppress(Rejected):
        return Housekeeper(sessions.open(config.setup_bot_token.get_secret_value()), config.group_sends_per_minute)
    return None


class Pool:
    """Runs a `Runner` for each runnable tenant of the shards that this worker holds."""

    def __init__(
        self,
        config: Config,
        database: Database,
        keyring: Keyring,
        sessions: SessionFactory,
        keeper: LeaseKeeper,
        *,
        parallel: ParallelSessions | None = None,
        pace: EgressPace | None = None,
        connects: EgressPace | None = None,
    ) -> None:
        self._database = database
        self._keeper = keeper
        self._modes = tuple(Mode) if config.parallel_mode else (Mode.POLLING,)
        self._farewells = Farewells(database, keyring, keeper, parallel, connects)
        self._pump = Pump(Turn(database, keyring, config.brand_link, config.terms))
        self._means = Means(
            database=database,
            keyring=keyring,
            sessions=sessions,
            keeper=keeper,
            pump=self._pump,
            replays=Replays(database, keyring, config.brand_link),
            pace=pace,
            housekeeper=_engage(config, sessions),
            group_sends_per_minute=config.group_sends_per_minute,
            parallel=parallel,
        )
        self._pumping: asyncio.Task[None] | None = None
        self._runners: dict[TenantId, Runner] = {}
        self._turn = asyncio.Lock()

    async def reconcile(self) -> None:
        """Makes what runs equal to what should run: the truth is in the database, wake-ups are hints."""
        async with self._turn:
            held = self._keeper.held
            async with self._database.fleet() as unit:
                wanted = await list_runnable(unit, list(held), modes=self._modes)
            await self._make_true(wanted, list(self._runners), held)

    async def changed(self, tenant: TenantId) -> None:
        """The owner changed something, or something waits: the session starts, ends, or looks again."""
        held = self._keeper.held
        if shard_of(tenant) not in held:
            return
        async with self._turn:
            async with self._database.fleet() as unit:
                wanted = await list_runnable(unit, [shard_of(tenant)], only=tenant, modes=self._modes)
                due = await list_due(unit, [shard_of(tenant)], only=tenant)
            await self._make_true(wanted, [tenant] if tenant in self._runners else [], held)
        runner = self._runners.get(tenant)
        if runner is not None:
            runner.wake()
            if due:
                runner.release()
            await runner.replay()

    async def _make_true(
        self, wanted: Mapping[TenantId, Runnable], running: Sequence[TenantId], held: Mapping[int, Lease]
    ) -> None:
        if self._pumping is None:
            self._pumping = asyncio.create_task(self._pump.run())
        ending = []
        for tenant in running:
            runner, want = self._runners[tenant], wanted.get(tenant)
            if runner.is_over or want is None or held.get(want.shard) != runner.lease:
                ending.append(self._runners.pop(tenant).stop())
            else:
                runner.follow(want)
        await asyncio.gather(*ending)
        for tenant, want in wanted.items():
            if tenant not in self._runners and want.shard in held:
                self._runners[tenant] = Runner(self._means, tenant, held[want.shard])

    async def close_due(self) -> None:
        """AUTOCLOSE, for all tenants of this worker's shards."""
        held = self._keeper.held
        async with self._database.fleet() as unit:
            due = await list_with_dialogs_to_close(unit, list(held))
        for tenant in due:
            runner = self._runners.get(tenant)
            if runner is None:
                continue
            async with self._database.tenant(tenant) as unit:
                await require(unit, runner.lease)
                await close_due(unit, tenant)
            runner.wake()

    async def wake_waiting(self) -> None:
        """What a lost notice left behind, and what the turn of the day lets go: whoever has something looks again."""
        held = self._keeper.held
        async with self._database.fleet() as unit:
            waiting = await list_waiting(unit, list(held))
            asked = await list_with_replays(unit, list(held))
            due = await list_due(unit, list(held))
        for tenant in waiting:
            runner = self._runners.get(tenant)
            if runner is not None:
                runner.wake()
        for tenant in due:
            runner = self._runners.get(tenant)
            if runner is not None:
                runner.release()
        for tenant in asked:
            runner = self._runners.get(tenant)
            if runner is not None:
                await runner.replay()

    async def let_go_in_doubt(self) -> None:
        """When the leases were not renewed in time: another worker may begin."""
        if not self._keeper.is_trusted:
            for runner in self._runners.values():
                runner.let_go()

    async def say_farewells(self) -> None:
        await self._farewells.say()

    def count_sessions(self) -> Mapping[str, int]:
        states = [runner.state for runner in self._runners.values()]
        return {state: states.count(state) for state in STATES}

    async def note_alive(self) -> None:
        """Warm tokens need no pacing when another worker takes over."""
        alive = list(self._means.alive)
        self._means.alive.clear()
        if alive:
            async with self._database.fleet() as unit:
                await note_alive(unit, alive)

    async def stop(self) -> None:
        async with self._turn:
            await asyncio.gather(*(self._runners.pop(tenant).stop() for tenant in list(self._runners)))
            if self._pumping is not None:
                self._pumping.cancel()
                await asyncio.gather(self._pumping, return_exceptions=True)
