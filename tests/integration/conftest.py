"""A desk: one running tenant with a fake session, its relay and its sender, over a real database."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from sessions.events import Batch
from tenants.connections import Connections, Tenant
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.ids import UserId, WorkerId, new_id
from tenants.leases import Lease
from tenants.plans import Plan
from tenants.settings.service import SettingsService
from tests.fakes import BOT, GROUP, FakeSession
from worker.allowance import Allowance
from worker.leases import LeaseKeeper
from worker.line import Line
from worker.pump import Pump
from worker.relay import Relay
from worker.seat import TenantSeat
from worker.sender import Sender
from worker.turn import Part, Turn

OWNER = UserId(9)


def _nothing() -> None:
    return None


@dataclass
class DeskUnderTest:
    tenant: Tenant
    database: Database
    connections: Connections
    keyring: Keyring
    session: FakeSession
    line: Line
    keeper: LeaseKeeper
    seat: TenantSeat
    pump: Pump
    relay: Relay
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def sender(self) -> Sender:
        return self.seat.sender

    def start(self) -> None:
        self.tasks = [asyncio.create_task(self.relay.run()), asyncio.create_task(self.pump.run())]
        self.sender.wake()

    async def store_only(self, batch: Batch) -> None:
        """Nothing is claimed."""
        part = Part(self.line, updates=batch.updates, cursor=batch.cursor)
        home = (await self.pump._turn.run([part]))[self.tenant.id]
        if home.error is not None:
            raise home.error

    async def store(self, batch: Batch) -> None:
        """A batch is stored in a turn of its own; what may go out then does."""
        storing = asyncio.create_task(self.seat.store(batch))
        await asyncio.sleep(0)
        await self.turn()
        await storing

    async def turn(self) -> None:
        """One turn, and the end of the calls that it started."""
        await self.open_turn()
        await asyncio.gather(*self.sender._tasks)

    async def open_turn(self) -> None:
        part = self.seat.bring()
        if part is not None:
            await self.pump._serve([(self.seat, part)])

    async def stop(self) -> None:
        self.seat.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        async with self.database.tenant(self.tenant.id) as unit:
            return list((await unit.execute(text(statement), values)).all())

    async def dispositions(self) -> dict[str, int]:
        rows = await self.rows("SELECT coalesce(disposition, 'unaccounted'), count(*) FROM dispositions GROUP BY 1")
        return {row[0]: row[1] for row in rows}

    async def change_settings(self, **values: Any) -> None:
        service = SettingsService(self.connections)
        await service.change(OWNER, self.tenant.id, values)


@pytest.fixture
async def desk(database: Database, keyring: Keyring) -> AsyncIterator[DeskUnderTest]:
    connections = Connections(database, keyring, plan=Plan.BUSINESS)
    token = "5000:" + "A" * 35
    tenant = await connections.connect(OWNER, token, bot_id=BOT.id, username="shop_bot", name="Shop")
    async with database.tenant(tenant.id) as unit:
        await unit.execute(
            text("UPDATE tenants SET group_id = :group, state = 'running' WHERE id = :id"),
            {"group": GROUP, "id": tenant.id},
        )
    keeper = LeaseKeeper(database, WorkerId(new_id()), length=timedelta(seconds=15), changed=_nothing)
    await keeper.refresh()
    lease: Lease = keeper.held[tenant.shard]
    session = FakeSession()
    line = Line(tenant.id, lease, session, GROUP)
    pump = Pump(Turn(database, keyring, "https://backline.example"))
    seat = TenantSeat(line, keeper, Allowance(1000), pump)
    relay = Relay(line, keeper, database, cursor=None, store=seat.store, answered=_nothing)
    under_test = DeskUnderTest(tenant, database, connections, keyring, session, line, keeper, seat, pump, relay)
    yield under_test
    await under_test.stop()
