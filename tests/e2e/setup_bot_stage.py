"""A person before the setup bot: what they tap, type and read, over real sockets. The stories import this stage."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr
from redis.asyncio import Redis

from sandbox.server import Sandbox
from sandbox.world import Bot, Callback, Chat, Checkout, Message, Subscription, User, callbacks
from setup_bot.main import run
from tenants.config import Config
from tenants.connections import Connections, Tenant
from tenants.crypto import load_keyring
from tenants.db import Database
from tenants.groups import ProposedGroup, propose_group
from tenants.ids import ChatId, TenantId, UserId
from tenants.plans import Plan
from tenants.settings.schema import Settings
from tests.e2e.conftest import connect_desk

RIGHTS = ["manage_topics", "delete_messages", "pin_messages", "invite_users"]


@dataclass
class Person:
    """What one user does in the private chat with the setup bot."""

    stage: "Stage"
    user: User

    def chat(self) -> Chat:
        return self.stage.world.private(self.user, self.stage.bot)

    def read(self) -> list[Message]:
        """What the setup bot has written and not taken back, oldest first."""
        return [message for message in self.stage.world.history(self.chat()) if message.sender is self.stage.bot]

    def typed(self) -> list[str]:
        return [m.text for m in self.stage.world.history(self.chat()) if m.sender is self.user]

    def screen(self) -> Message:
        return self.read()[-1]

    def labels(self) -> list[str]:
        return [button["text"] for row in self.screen().keyboard for button in row]

    def link(self) -> str:
        return next(str(button["url"]) for row in self.screen().keyboard for button in row if "url" in button)

    def send(self, text: str = "", **content: Any) -> Message:
        return self.stage.world.send(self.user, self.stage.bot, text, **content)

    def press(self, label: str, message: Message | None = None) -> Callback:
        """The first button whose text contains this."""
        found = self.stage.world.message(self.chat(), message or self.screen())
        for row, buttons in enumerate(found.keyboard):
            for column, button in enumerate(buttons):
                if label in button["text"]:
                    return self.stage.world.press(self.user, found, row, column)
        raise AssertionError(f"no button {label!r} in {[b['text'] for row in found.keyboard for b in row]}")

    def forge(self, data: str) -> Callback:
        """What a client of one's own can do: any data for any message of the bot."""
        return callbacks.press(self.stage.world, self.user, self.screen(), data)

    @property
    def balance(self) -> int:
        """In Stars."""
        return int(self.stage.world.balance(self.user))

    async def pay(self, link: str) -> Checkout:
        """Presses Pay on the invoice, waits until it is paid, or refused, or nobody has answered."""
        checkout: Checkout = self.stage.world.pay(self.user, link)
        await self.stage.until(lambda: checkout.outcome != "waiting", "the outcome of a checkout")
        return checkout

    def cancel_subscription(self) -> Subscription:
        """The newest to the setup bot; it lasts until its month is over."""
        canceled: Subscription = self.stage.world.cancel_subscription(self.user, self.stage.bot)
        return canceled

    def renew_subscription(self) -> Subscription:
        renewed: Subscription = self.stage.world.renew_subscription(self.user, self.stage.bot)
        return renewed

    async def sees(self, *texts: str) -> Message:
        """Waits until the newest message of the setup bot holds all of these."""

        def met() -> Message | None:
            read = self.read()
            return read[-1] if read and all(text in read[-1].text for text in texts) else None

        return await self.stage.until(met, f"{texts} on {[m.text[:200] for m in self.read()[-1:]]}")

    async def hears(self, callback: Callback) -> str:
        """Waits for the answer to a pressed button; its text."""
        answer = await self.stage.until(lambda: callback.answer, f"an answer to {callback.data}")
        return str(answer["text"])

    async def tap(self, label: str, *texts: str) -> Message:
        """Presses, waits for the answer and for what the screen then says."""
        callback = self.press(label)
        await self.hears(callback)
        return await self.sees(*texts)

    async def open(self) -> None:
        self.stage.world.start(self.user, self.stage.bot)
        await self.sees("Your connections")

    async def paste(self, token: str, *texts: str) -> Message:
        """From the list, through New connection, to whatever the setup bot says about the token."""
        await self.open()
        await self.tap("New connection", "Send me the token")
        self.send(token)
        return await self.sees(*texts)


@dataclass
class Stage:
    sandbox: Sandbox
    config: Config
    database: Database
    connections: Connections
    redis: "Redis"
    bot: Bot
    model: type[Settings] = Settings
    task: "asyncio.Task[None] | None" = None
    people: list[Person] = field(default_factory=list)

    @property
    def world(self) -> Any:
        return self.sandbox.world

    def person(self, name: str, language: str | None = "en") -> Person:
        person = Person(self, self.world.add_user(name, language_code=language))
        self.people.append(person)
        return person

    def shop(self, owner: Person, username: str = "acme_shop_bot", **values: Any) -> Bot:
        return self.world.add_bot("Acme Shop", username, owner=owner.user, **values)

    async def until(self, met: Callable[[], Any], what: str = "", seconds: float = 30) -> Any:
        return await self.world.wait_for(met, seconds, what)

    async def tenants(self, owner: Person) -> list[Tenant]:
        return await self.connections.list_tenants(UserId(owner.user.id))

    async def tenant(self, owner: Person) -> Tenant:
        (found,) = await self.tenants(owner)
        return found

    async def propose(self, person: Person, group: Chat, word: str) -> None:
        """What a worker does when the tenant's bot receives `/start word` in a group."""
        tenant = await self.tenant(person)
        proposed = ProposedGroup(tenant.id, ChatId(group.id), group.title, UserId(person.user.id))
        async with self.database.tenant(tenant.id) as unit:
            assert await propose_group(unit, proposed, word)

    async def choose(self, person: Person, group: Chat) -> None:
        """The person presses the link's button and chooses the group; the worker hears of it."""
        message = self.world.open_link(person.user, person.link(), group)
        await self.propose(person, group, message.text.split()[1])

    async def connect(self, person: Person, bot: Bot, group: Chat) -> Tenant:
        """The whole wizard."""
        await person.paste(bot.token, "Choose the group")
        await self.choose(person, group)
        await person.sees("found")
        await person.tap("Use this group", "Done")
        return await self.tenant(person)

    async def desk(self, person: Person, username: str = "acme_shop_bot", title: str = "Desk") -> Tenant:
        """A running connection, without the wizard."""
        bot, group = self.shop(person, username), self.world.add_forum(title, person.user)
        self.world.add_member(group, bot, by=person.user)
        self.world.promote(group, bot, RIGHTS, by=person.user)
        return await connect_desk(self.connections, self.database, person.user, bot, group)

    async def start(self) -> None:
        ready = asyncio.Event()
        self.task = asyncio.create_task(run(self.config, ready.set, self.model))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait([self.task, waiting], timeout=20, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self.task.done():
            self.task.result()
        assert ready.is_set()

    async def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)


@contextlib.asynccontextmanager
async def open_stage(sandbox: Sandbox, config: Config, database: Database) -> AsyncIterator[Stage]:
    """A setup bot that is not started yet, and no trace of an earlier one in Redis."""
    bot = sandbox.world.add_bot("Backline", "backline_setup_bot")
    keyring = load_keyring(config.backline_keyring)
    async with Redis.from_url(config.redis_url.get_secret_value()) as redis:
        async for key in redis.scan_iter("setup_bot:*"):
            await redis.delete(key)
        with_token = config.model_copy(update={"setup_bot_token": SecretStr(bot.token)})
        connections = Connections(database, keyring, plan=Plan.BUSINESS)
        stage = Stage(sandbox, with_token, database, connections, redis, bot)
        try:
            yield stage
        finally:
            await stage.stop()


@contextlib.asynccontextmanager
async def running_stage(
    sandbox: Sandbox, config: Config, database: Database, model: type[Settings] = Settings
) -> AsyncIterator[Stage]:
    async with open_stage(sandbox, config, database) as stage:
        stage.model = model
        await stage.start()
        yield stage


def tenant_key(tenant: TenantId) -> str:
    """As buttons carry it."""
    from setup_bot.callbacks import Card

    return Card(tenant=tenant).pack().partition(":")[2]
