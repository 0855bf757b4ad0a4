"""The desk in both kinds of session, and what happens on each of its two sides."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from sandbox.server import Sandbox
from sandbox.world.entities import Topic, User
from sandbox.world.messages import Message
from tenants.config import Config
from tenants.crypto import Keyring
from tenants.db import Database
from tests.e2e.conftest import Stage, set_stage, working
from tests.e2e.parallel import parallel_stage

ANNA = "Anna Petrova"
KINDS = ("polling", "parallel")


@contextlib.asynccontextmanager
async def desk_in(
    kind: str, config: Config, database: Database, keyring: Keyring, folder: Path
) -> AsyncIterator[Stage]:
    """A desk at which a worker runs, without WELCOME, and with Anna's dialog open."""
    ports: dict[str, Any] = {"mtproto_port": 0} if kind == "parallel" else {}
    async with Sandbox(latency=timedelta(milliseconds=20), flood_control=False, **ports) as sandbox:
        if kind == "parallel":
            stage = await parallel_stage(sandbox, config, database, keyring, folder)
        else:
            own = config.model_copy(update={"telegram_api_root": sandbox.url, "group_sends_per_minute": 100_000})
            stage = await set_stage(sandbox, own, database, keyring)
        await stage.change(WELCOME="")
        async with working(stage):
            if kind == "parallel":
                await stage.until(lambda: sandbox.journal.count("updates.getState"), "the session listens")
            stage.world.send(stage.customer, stage.bot, "hello")
            await stage.until(lambda: stage.in_topic(ANNA), "the first message in the topic")
            yield stage


class Side:
    """One side of Anna's dialog: where its people write, and where the other side sees it."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.stage = stage
        self.name = name
        self.is_team = name == "operator"
        self.person: User = stage.operator if self.is_team else stage.customer

    @property
    def _topic(self) -> Topic | None:
        return self.stage.topic(ANNA)

    def send(self, text: str = "", **content: Any) -> Message:
        if self.is_team:
            return self.stage.world.send(self.person, self.stage.group, text, topic=self._topic, **content)
        return self.stage.world.send(self.person, self.stage.bot, text, **content)

    def send_album(self, items: list[dict[str, Any]]) -> list[Message]:
        if self.is_team:
            return self.stage.world.send_album(self.person, self.stage.group, items, topic=self._topic)
        return self.stage.world.send_album(self.person, self.stage.bot, items)

    def shown(self) -> list[Message]:
        """What the bot shows of this side on the other one."""
        if self.is_team:
            return self.stage.seen_by()
        return [message for message in self.stage.in_topic(ANNA) if message.sender is self.stage.bot]

    def own(self) -> list[Message]:
        """What the bot says on this side, to this side's people."""
        other = Side(self.stage, "customer" if self.is_team else "operator")
        return other.shown()

    async def sent(self, text: str = "", **content: Any) -> tuple[Message, Message]:
        """A message and its copy on the other side."""
        count = len(self.shown())
        message = self.send(text, **content)
        await self.stage.until(lambda: len(self.shown()) > count, f"a copy of {message}")
        copy = self.shown()[count]
        await self.recorded("SELECT 1 FROM message_map WHERE :copy IN (message_id, topic_message_id)", copy=copy.id)
        return message, copy

    async def recorded(self, question: str, **values: Any) -> list[Any]:
        """Until the database has an answer; it changes right after what people see."""
        found: list[Any] = []
        async with asyncio.timeout(20):
            while not found:
                found = await self.stage.rows(question, **values)
        return found

    def now(self, message: Message) -> Message:
        return self.stage.world.message(message.chat, message)

    async def sees(self, message: Message, **wanted: Any) -> Message:
        """Until the other side's people see the message so."""

        def is_so() -> bool:
            current = self.now(message)
            return all(_value(current, name) == value for name, value in wanted.items())

        await self.stage.until(is_so, f"{message} with {wanted}")
        return self.now(message)

    def reactions(self, message: Message) -> list[str]:
        """The bot's."""
        found = message.chat.reactions.get(message.id, {})
        return list(found.get(self.stage.bot.id, ()))


def _value(message: Message, name: str) -> Any:
    return getattr(message if hasattr(message, name) else message.content, name)
