"""A desk: one running tenant with a fake session, its relay and its sender, over a real database."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tenants.connections import Connections, Tenant
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.ids import UserId, WorkerId, new_id
from tenants.leases import Lease
from tenants.plans import Plan
from tenants.settings.service import SettingsService
from tests.fakes import BOT, GROUP, FakeSession
from worker.leases import LeaseKeeper
from worker.limits import GroupBudget
from worker.line import Line
from worker.relay import Relay
from worker.sender import Sender

OWNER = UserId(9)


def _nothing() -> None:
    return None


@dataclass
class DeskUnderTest:
    tenant: Tenant
    database: Database
    connections: Connections
    session: FakeSession
    line: Line
    keeper: LeaseKeeper
    relay: Relay
    sender: Sender
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> None:
        self.tasks = [asyncio.create_task(self.relay.run()), asyncio.create_task(self.sender.run())]

    async def stop(self) -> None:
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
    line = Line(tenant.id, lease, database, keyring, session, "https://backline.example")
    sender = Sender(line, keeper, GroupBudget(1000), group=GROUP)
    under_test = DeskUnderTest(
        tenant,
        database,
        connections,
        session,
        line,
        keeper,
        Relay(line, stored=lambda errands: sender.wake(errands=errands)),
        sender,
    )
    yield under_test
    await under_test.stop()
