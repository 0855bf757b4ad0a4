"""A stage: the sandbox, people, a connected bot, and a worker over real sockets, in this process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from sandbox.server import Sandbox
from sandbox.world.entities import Bot, Chat, Topic, User
from sandbox.world.messages import Message
from tenants.config import Config
from tenants.connections import Connections, Tenant
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.groups import ProposedGroup
from tenants.plans import Plan
from tenants.settings.service import SettingsService
from worker.main import run as run_worker

RIGHTS = ["manage_topics", "delete_messages", "pin_messages", "invite_users"]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(latency=timedelta(milliseconds=80), flood_control=False) as running:
        yield running


@pytest.fixture
def config(database_url: str, redis_url: str, keyring_file: Path, sandbox: Sandbox) -> Config:
    return Config(
        database_url=SecretStr(database_url),
        redis_url=SecretStr(redis_url),
        backline_keyring=keyring_file,
        telegram_api_root=sandbox.url,
        api_port=0,
    )


@dataclass
class Stage:
    """What people see, and what the database says."""

    sandbox: Sandbox
    config: Config
    database: Database
    keyring: Keyring
    owner: User
    operator: User
    customer: User
    bot: Bot
    group: Chat
    tenant: Tenant

    @property
    def world(self) -> Any:
        return self.sandbox.world

    def chat(self, customer: User | None = None) -> Chat:
        return self.world.private(customer or self.customer, self.bot)

    def topics(self) -> list[Topic]:
        return [topic for topic in self.group.topics.values() if topic.id != 1]

    def topic(self, name: str) -> Topic | None:
        return next((topic for topic in self.topics() if topic.name.endswith(name)), None)

    def in_topic(self, name: str) -> list[Message]:
        """What the team reads there, without service messages."""
        topic = self.topic(name)
        if topic is None:
            return []
        return [m for m in self.world.history(self.group, topic) if not m.kind.startswith("forum_topic")]

    def seen_by(self, customer: User | None = None) -> list[Message]:
        """What the bot sent to the customer."""
        return [m for m in self.world.history(self.chat(customer)) if m.sender.is_bot]

    async def until(self, met: Callable[[], Any], what: str = "", seconds: float = 30) -> Any:
        return await self.world.wait_for(met, seconds, what)

    async def change(self, **settings: Any) -> None:
        connections = Connections(self.database, self.keyring, plan=Plan.BUSINESS)
        await SettingsService(connections).change(self.tenant.owner_id, self.tenant.id, settings)

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        async with self.database.tenant(self.tenant.id) as unit:
            return list((await unit.execute(text(statement), values)).all())

    async def dispositions(self) -> dict[str, int]:
        rows = await self.rows("SELECT coalesce(disposition, 'unaccounted'), count(*) FROM dispositions GROUP BY 1")
        return {row[0]: row[1] for row in rows}


async def connect_desk(connections: Connections, database: Database, owner: User, bot: Bot, group: Chat) -> Tenant:
    """What the setup bot does, without its screens."""
    tenant = await connections.connect(owner.id, bot.token, bot_id=bot.id, username=bot.username or "", name=bot.name)
    word = await connections.make_group_link(owner.id, tenant.id)
    proposed = ProposedGroup(tenant.id, group.id, group.title, owner.id)
    async with database.tenant(tenant.id) as unit:
        from tenants.groups import propose_group

        assert await propose_group(unit, proposed, word)
    return await connections.attach_group(owner.id, proposed, title=group.title)


@pytest.fixture
async def stage(sandbox: Sandbox, config: Config, database: Database, keyring: Keyring) -> Stage:
    """Everything connected; no worker runs yet."""
    return await set_stage(sandbox, config, database, keyring)


async def set_stage(
    sandbox: Sandbox, config: Config, database: Database, keyring: Keyring, *, plan: Plan = Plan.BUSINESS
) -> Stage:
    world = sandbox.world
    owner, operator = world.add_user("Olivia", last_name="Owner"), world.add_user("Max")
    customer = world.add_user("Anna", last_name="Petrova", username="anna_p")
    bot = world.add_bot("Acme Shop", "acme_shop_bot", owner=owner)
    group = world.add_forum("Acme Support", owner)
    world.add_member(group, operator)
    world.add_member(group, bot, by=owner)
    world.promote(group, bot, RIGHTS, by=owner)
    connections = Connections(database, keyring, plan=plan)
    tenant = await connect_desk(connections, database, owner, bot, group)
    return Stage(sandbox, config, database, keyring, owner, operator, customer, bot, group, tenant)


@pytest.fixture
async def desk(stage: Stage) -> AsyncIterator[Stage]:
    """The stage with a worker that runs."""
    async with working(stage):
        yield stage


@contextlib.asynccontextmanager
async def working(stage: Stage) -> AsyncIterator[None]:
    """A worker, in this process."""
    ready = asyncio.Event()
    worker = asyncio.create_task(run_worker(stage.config, ready.set))
    async with asyncio.timeout(20):
        await asyncio.wait([worker, asyncio.create_task(ready.wait())], return_when=asyncio.FIRST_COMPLETED)
    try:
        yield
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
