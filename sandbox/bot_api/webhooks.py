"""Webhooks: a bot's updates are brought to its program by HTTP, chat by chat, until it says that it has them."""

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp
import orjson

from sandbox.bot_api.call import Upload
from sandbox.bot_api.render_message import update_json
from sandbox.bot_api.request import Parameters, read_answer
from sandbox.world import Bot, Callback, Update, World
from sandbox.world.delivery import step
from sandbox.world.entities import ManagedBotChange, MemberChange
from sandbox.world.messages import ReactionChange

CallOut = Callable[[Bot, dict[str, Any], Mapping[str, Upload]], Awaitable[None]]
"""Carries out the call that a program put into its answer."""
Pause = Callable[[float], Awaitable[None]]

CHANGING = frozenset({"setwebhook", "deletewebhook", "logout"})
"""Methods after which a bot's updates may go elsewhere."""
_NEVER_IN_ANSWERS = frozenset({*CHANGING, "close"})
_SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a header's name
_OK = range(200, 300)
_GAVE_UP = "its webhook has not taken it for too long"


@dataclass(frozen=True, slots=True)
class _Answer:
    call: Parameters | None = None
    error: str = ""
    retry_after: float = 0.0


class Webhooks:
    """Every bot that has a webhook has a courier."""

    def __init__(self, world: World, call_out: CallOut) -> None:
        self.pause: Pause = asyncio.sleep
        """Waits so many seconds before a retry; a test puts a wait of its own here."""
        self._world = world
        self._call_out = call_out
        self._couriers: dict[int, _Courier] = {}
        self._http: aiohttp.ClientSession | None = None

    def open(self) -> None:
        """Deliveries go on where an earlier process left them."""
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        for bot in self._world.bots.values():
            self.renew(bot)

    async def close(self) -> None:
        for bot_id in list(self._couriers):
            await self._couriers.pop(bot_id).stop()
        if self._http is not None:
            await self._http.close()

    def renew(self, bot: Bot, *, anew: bool = False) -> None:
        """After the webhook was set, set again, or deleted; `anew` even where nothing changed."""
        courier = self._couriers.get(bot.id)
        if courier is not None:
            if not anew and courier.serves(bot.webhook):
                return
            self._couriers.pop(bot.id).end()
        if bot.webhook and self._http is not None:
            courier = _Courier(self._world, bot, self._http, self._call_out, self.pause)
            self._couriers[bot.id] = courier
            courier.start()


class _Courier:
    """The updates of one chat go one after the other, those of different chats at the same time."""

    def __init__(self, world: World, bot: Bot, http: aiohttp.ClientSession, call_out: CallOut, pause: Pause) -> None:
        self._world = world
        self._bot = bot
        self._token = bot.token
        self._webhook = bot.webhook
        self._http = http
        self._call_out = call_out
        self._pause = pause
        self._slots = asyncio.Semaphore(bot.webhook["max_connections"])
        self._lanes: dict[int, deque[Update]] = {}
        self._collected: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def serves(self, webhook: dict[str, Any]) -> bool:
        return self._webhook is webhook

    def start(self) -> None:
        self._bot.updates.on_arrival = self._collect
        self._collect()

    def end(self) -> None:
        """What was not taken yet waits for the next courier, or for getUpdates."""
        if self._bot.updates.on_arrival == self._collect:
            self._bot.updates.on_arrival = None
        for task in self._tasks:
            task.cancel()

    async def stop(self) -> None:
        self.end()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _collect(self) -> None:
        """What is new joins the lane of its chat. A revoked token takes its webhook along. [M]"""
        if self._bot.token != self._token or self._bot.is_deleted:
            self._bot.webhook = {}
            self.end()
            return
        fresh = []
        for update in reversed(self._bot.updates.waiting):
            if update.id in self._collected:
                break
            fresh.append(update)
        for update in reversed(fresh):
            self._collected.add(update.id)
            self._enqueue(update)

    def _enqueue(self, update: Update) -> None:
        chat_id = _chat_id(update)
        lane = self._lanes.get(chat_id)
        if lane is not None:
            lane.append(update)
            return
        self._lanes[chat_id] = deque([update])
        self._spawn(self._serve(chat_id))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, chat_id: int) -> None:
        lane = self._lanes[chat_id]
        while lane:
            call = await self._deliver(lane[0])
            self._forget(lane.popleft())
            if call is not None and _may_be_answered(call[0]):
                self._spawn(self._carry_out(*call))
        del self._lanes[chat_id]

    async def _deliver(self, update: Update) -> Parameters | None:
        """Until the program takes it, or Telegram gives up; the call in the program's answer."""
        rules = self._world.rules
        delay = rules.webhook_first_retry_after
        while self._world.now() - update.at < rules.webhook_gives_up_after:
            async with self._slots:
                answer = await self._post(update)
            if not answer.error:
                self._tell(update, "confirmed")
                return answer.call
            self._webhook["last_error_date"] = int(self._world.now().timestamp())
            self._webhook["last_error_message"] = answer.error
            self._world.emit("updates.refused", self._bot)
            wished = min(answer.retry_after, rules.webhook_longest_wish.total_seconds())
            await self._pause(wished or delay.total_seconds())
            delay = min(2 * delay, rules.webhook_longest_retry_after)
        if update.trail is not None:
            step(self._world, update.trail, "withheld", self._bot, update_id=update.id, error=_GAVE_UP)
        return None

    async def _post(self, update: Update) -> _Answer:
        headers = {"Content-Type": "application/json"}
        if "secret_token" in self._webhook:
            headers[_SECRET_HEADER] = self._webhook["secret_token"]
        body = orjson.dumps(update_json(self._world, update, self._bot))
        self._tell(update, "fetched")
        timeout = aiohttp.ClientTimeout(self._world.rules.webhook_answers_within / timedelta(seconds=1))
        try:
            async with self._http.post(
                self._webhook["url"], data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                if response.status in _OK:
                    return _Answer(await read_answer(response))
                error = f"Wrong response from the webhook: {response.status} {response.reason}"
                return _Answer(error=error, retry_after=_seconds(response.headers.get("Retry-After", "")))
        except TimeoutError:
            return _Answer(error="Read timeout expired")
        except aiohttp.ClientSSLError as error:
            return _Answer(error=f"SSL error {{{error}}}")
        except aiohttp.ClientConnectorError as error:
            return _Answer(error=os.strerror(error.errno) if error.errno else "Connection refused")
        except aiohttp.ClientError:
            return _Answer(error="Connection closed")

    async def _carry_out(self, params: dict[str, Any], uploads: Mapping[str, Upload]) -> None:
        await self._call_out(self._bot, params, uploads)

    def _forget(self, update: Update) -> None:
        self._collected.discard(update.id)
        with contextlib.suppress(ValueError):
            self._bot.updates.waiting.remove(update)
        self._world.emit("updates.taken", self._bot)

    def _tell(self, update: Update, kind: Any) -> None:
        if update.trail is not None:
            step(self._world, update.trail, kind, self._bot, update_id=update.id)


def _chat_id(update: Update) -> int:
    """Of the chat whose order must be kept; 0 where there is none."""
    subject = update.subject
    if isinstance(subject, (Callback, ReactionChange)):
        return subject.message.chat.id
    if isinstance(subject, ManagedBotChange):
        return subject.user.id
    if isinstance(subject, MemberChange):
        return subject.chat.id
    return getattr(getattr(subject, "chat", None), "id", 0)


def _may_be_answered(params: Mapping[str, Any]) -> bool:
    """Whether an answer may hold this call: its result is told to nobody."""
    method = str(params.get("method", "")).lower()
    return bool(method) and method not in _NEVER_IN_ANSWERS and not method.startswith("get")


def _seconds(header: str) -> float:
    return float(header) if header.isdecimal() else 0.0
