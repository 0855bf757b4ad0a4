"""Receiving: getUpdates with an end.

aiogram's own poller tries again for ever, also where the token is dead or somebody else polls. This one says so. An
update counts as received only when it was handled: a crash makes Telegram deliver it again.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import structlog
from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramConflictError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.methods import TelegramMethod

from sessions.bot_api.session import POLL_SECONDS
from setup_bot.handling import ALLOWED, Handling, read_person
from setup_bot.lines import Lines
from tenants.backoff import backoff
from tenants.config import ConfigError

PATIENCE = 1.0
"""Seconds after which others are served although somebody's update is still being handled."""
DRAIN_SECONDS = 5.0
"""Shorter than what is left of a lease that was renewed in time."""
LONGEST_BACKOFF = 30.0
DEAD_TOKEN = "SETUP_BOT_TOKEN: Telegram does not accept this token (any more). Copy the current one in @BotFather."  # noqa: S105  # a sentence

log = structlog.get_logger()


def is_dead(error: TelegramAPIError) -> bool:
    """Revoked, deleted, mistyped (404) or logged out from this server (400)."""
    return isinstance(error, (TelegramUnauthorizedError, TelegramNotFound)) or error.message == "Logged out"


def delay_after(error: TelegramAPIError, failures: int) -> float:
    """How long to wait; raises `ConfigError` where waiting helps nobody."""
    if is_dead(error):
        raise ConfigError(DEAD_TOKEN) from None
    if isinstance(error, TelegramRetryAfter):
        return float(error.retry_after)
    return backoff(failures, longest=LONGEST_BACKOFF)


class GetRawUpdates(TelegramMethod[list[dict[str, Any]]]):
    """getUpdates without aiogram's objects: one update of a shape that nobody knew must not spoil its batch."""

    __returning__ = list[dict[str, Any]]
    __api_method__ = "getUpdates"

    timeout: int
    allowed_updates: list[str]
    offset: int | None = None


class Window:
    """Which updates are on their way. The offset moves up to the first that is not done, and no further."""

    def __init__(self) -> None:
        self._jobs: dict[int, asyncio.Task[None]] = {}
        self.offset: int | None = None

    def __contains__(self, update_id: int) -> bool:
        return update_id in self._jobs

    def add(self, update_id: int, job: asyncio.Task[None]) -> None:
        self._jobs[update_id] = job

    def advance(self) -> None:
        """In the order of arrival: ids start anew at random after a quiet week."""
        for update_id, job in list(self._jobs.items()):
            if not job.done() or job.cancelled():
                return
            del self._jobs[update_id]
            self.offset = update_id + 1

    async def settle(self, seconds: float) -> None:
        """Until everything is done, or for so long."""
        if self._jobs:
            await asyncio.wait(set(self._jobs.values()), timeout=seconds)
        self.advance()


class Poller:
    """`require` raises where this replica may not poll any more."""

    def __init__(self, bot: Bot, handling: Handling, lines: Lines, *, require: Callable[[], None]) -> None:
        self._bot = bot
        self._handling = handling
        self._lines = lines
        self._require = require
        self._window = Window()
        self._failures = 0

    async def run(self) -> None:
        while True:
            self._require()
            for raw in await self._receive():
                self._accept(raw)
            await self._window.settle(PATIENCE)

    async def finish(self) -> None:
        """What is being handled is finished, and confirmed, so that the next to poll does not repeat it."""
        await self._lines.drain(DRAIN_SECONDS)
        self._window.advance()
        with contextlib.suppress(TelegramAPIError, TimeoutError):
            if self._window.offset is not None:
                async with asyncio.timeout(DRAIN_SECONDS):
                    await self._bot(self._request(0))

    async def _receive(self) -> list[dict[str, Any]]:
        try:
            received = await self._bot(self._request(POLL_SECONDS))
        except TelegramAPIError as error:
            self._failures += 1
            delay = delay_after(error, self._failures)
            event = "polling.conflicted" if isinstance(error, TelegramConflictError) else "polling.failed"
            log.warning(event, error=type(error).__name__, reason=error.message[:200], wait=round(delay, 1))
            await asyncio.sleep(delay)
            return []
        self._failures = 0
        return received

    def _request(self, seconds: int) -> GetRawUpdates:
        offset = self._window.offset
        if offset is None:
            return GetRawUpdates(timeout=seconds, allowed_updates=ALLOWED)
        return GetRawUpdates(timeout=seconds, allowed_updates=ALLOWED, offset=offset)

    def _accept(self, raw: dict[str, Any]) -> None:
        update_id = int(raw["update_id"])
        if update_id not in self._window:
            job = self._lines.submit(read_person(raw), lambda: self._handling.handle(raw))
            self._window.add(update_id, job)
