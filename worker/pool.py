"""The sessions of one worker: started and stopped as shards come and go and as owners change their minds."""

import asyncio
import contextlib

import structlog

from sessions.errors import Rejected, Revoked, SessionError
from sessions.port import Session, SessionFactory
from tenants.backoff import backoff, patiently
from tenants.config import Config
from tenants.connections import list_runnable, list_with_dialogs_to_close, mark_revoked, read_token
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.dialogs import close_due
from tenants.errors import LeaseLost, NotFound
from tenants.ids import ChatId, TenantId
from tenants.intake import forget_the_past, open_desk
from tenants.leases import Lease, require, shard_of
from worker.commands import COMMANDS
from worker.leases import LeaseKeeper
from worker.limits import GroupBudget
from worker.line import Line
from worker.relay import Relay
from worker.sender import Sender

DRAIN_SECONDS = 8.0

log = structlog.get_logger()


class Runner:
    """One tenant's session: a relay and a sender, restarted when they break, stopped for good when told."""

    def __init__(self, pool: "Pool", tenant: TenantId, lease: Lease) -> None:
        self.lease = lease
        self._pool = pool
        self._tenant = tenant
        self._sender: Sender | None = None
        self._relaying: asyncio.Task[None] | None = None
        self._stopping = False
        self._group: ChatId | None = None
        self._group_is_new = False
        self._task = asyncio.create_task(self._run())

    @property
    def is_over(self) -> bool:
        return self._task.done()

    def wake(self) -> None:
        if self._sender is not None:
            self._sender.wake()

    async def refresh(self) -> None:
        """Settings are read with every batch; only another group needs a new start."""
        async with self._pool.database.tenant(self._tenant) as unit:
            desk = await open_desk(unit, self._tenant, self.lease)
        if desk.group_id == self._group:
            self.wake()
            return
        self._group_is_new = True
        self._end_turn()

    async def stop(self) -> None:
        """Receives nothing more, finishes what is on its way, then ends."""
        self._stopping = True
        self._end_turn()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await asyncio.wait([self._task])
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    def _end_turn(self) -> None:
        if self._relaying is not None:
            self._relaying.cancel()
        if self._sender is not None:
            self._sender.drain()

    async def _run(self) -> None:
        failures = 0
        while not self._stopping:
            try:
                await self._live()
                failures = 0
            except (LeaseLost, NotFound):
                log.info("session.ended", tenant=str(self._tenant), reason="lease or tenant gone")
                return
            except (Revoked, Rejected):
                await patiently(self._revoke, name="pool.revoke")
                return
            except Exception:
                failures += 1
                log.exception("session.crashed", tenant=str(self._tenant), failures=failures)
                await asyncio.sleep(backoff(failures))

    async def _live(self) -> None:
        """From reading the tenant to the end of its relay and sender."""
        pool = self._pool
        async with pool.database.tenant(self._tenant) as unit:
            desk = await open_desk(unit, self._tenant, self.lease)
            token = await read_token(unit, self._tenant, pool.keyring)
        line = Line(
            tenant=self._tenant,
            lease=self.lease,
            database=pool.database,
            keyring=pool.keyring,
            session=pool.sessions.open(token),
            brand_link=pool.config.brand_link,
        )
        self._group = desk.group_id
        await self._publish_commands(line.session)
        budget = GroupBudget(pool.config.group_sends_per_minute)
        sender = self._sender = Sender(line, pool.keeper, budget, group=desk.group_id)
        relaying = self._relaying = asyncio.create_task(
            Relay(line, stored=lambda errands: sender.wake(errands=errands)).run()
        )
        sending = asyncio.create_task(sender.run())
        if self._stopping:
            self._end_turn()
        try:
            await asyncio.wait([relaying, sending], return_when=asyncio.FIRST_COMPLETED)
            sender.drain()  # what Telegram accepted is recorded, whatever ended the relay
            await asyncio.wait([sending], timeout=DRAIN_SECONDS)
            for task in (sending, relaying):
                if task.done() and not task.cancelled():
                    task.result()
        finally:
            await _cancel(relaying, sending)

    async def _publish_commands(self, session: Session) -> None:
        """Once per new group: Telegram then offers them to its administrators. A nicety, no reason to fail."""
        if self._group_is_new:
            self._group_is_new = False
            with contextlib.suppress(SessionError):
                await session.publish_commands([(command.name, command.summary) for command in COMMANDS])

    async def _revoke(self) -> None:
        async with self._pool.database.tenant(self._tenant) as unit:
            await require(unit, self.lease)
            await mark_revoked(unit, self._tenant)
        log.warning("session.revoked", tenant=str(self._tenant))


async def _cancel(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Pool:
    """Runs a `Runner` for each runnable tenant of the shards that this worker holds."""

    def __init__(
        self, config: Config, database: Database, keyring: Keyring, sessions: SessionFactory, keeper: LeaseKeeper
    ) -> None:
        self.config = config
        self.database = database
        self.keyring = keyring
        self.sessions = sessions
        self.keeper = keeper
        self._runners: dict[TenantId, Runner] = {}
        self._turn = asyncio.Lock()

    async def reconcile(self) -> None:
        """Makes what runs equal to what should run: the truth is in the database, wake-ups are hints."""
        async with self._turn:
            held = self.keeper.held
            async with self.database.fleet() as unit:
                wanted = dict(await list_runnable(unit, list(held)))
            await asyncio.gather(
                *(
                    self._end(tenant)
                    for tenant, runner in list(self._runners.items())
                    if runner.is_over or tenant not in wanted or held.get(wanted[tenant]) != runner.lease
                )
            )
            for tenant, shard in wanted.items():
                if tenant not in self._runners and shard in held:
                    self._runners[tenant] = Runner(self, tenant, held[shard])

    async def _end(self, tenant: TenantId) -> None:
        await self._runners.pop(tenant).stop()

    async def changed(self, tenant: TenantId) -> None:
        """The owner changed something: the session starts, ends, or reads its tenant anew."""
        if shard_of(tenant) not in self.keeper.held:
            return
        await self.reconcile()
        runner = self._runners.get(tenant)
        if runner is not None:
            await runner.refresh()

    async def close_due(self) -> None:
        """AUTOCLOSE, for all tenants of this worker's shards."""
        held = self.keeper.held
        async with self.database.fleet() as unit:
            due = await list_with_dialogs_to_close(unit, list(held))
        for tenant in due:
            runner = self._runners.get(tenant)
            if runner is None:
                continue
            async with self.database.tenant(tenant) as unit:
                await require(unit, runner.lease)
                await close_due(unit, tenant)
            runner.wake()

    async def forget(self) -> None:
        async with self.database.fleet() as unit:
            await forget_the_past(unit)

    async def stop(self) -> None:
        async with self._turn:
            await asyncio.gather(*(self._end(tenant) for tenant in list(self._runners)))
