"""Events on their way to those who want them: signed, sent over HTTP, tried again, and spoiled on demand."""

import asyncio
import hashlib
import hmac
import json
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from sandbox.stripe.account import Account, Thing, shown
from sandbox.stripe.telling import hears

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_PATIENCE = 10.0
_REMEMBERED = 20_000
_OK = range(200, 300)


@dataclass(slots=True, kw_only=True)
class WebhookFaults:
    """What is wrong with each delivery until told otherwise."""

    duplicates: int = 0
    """How many times more each event is sent."""
    reorder: int = 0
    """So many are held back until they are together, and sent in any order but their own; `release` lets fewer go."""
    delay: float = 0.0
    """Seconds before each is sent."""
    dropping: bool = False
    """None is sent; they wait."""
    wrong_signature: bool = False
    skew: float = 0.0
    """Seconds by which the signature's timestamp is ahead of the clock; negative: behind it."""


@dataclass(slots=True, eq=False)
class Delivery:
    """One event on its way to one endpoint."""

    event: Thing
    endpoint: str
    tries: int = 0
    status: int = 0
    """What was answered last; 0: nothing."""


@dataclass(frozen=True, slots=True)
class Attempt:
    event: str
    type: str
    endpoint: str
    status: int


def signature(payload: str, secret: str, moment: int) -> str:
    """docs.stripe.com/webhooks/signature: HMAC-SHA256 of `t.payload`."""
    signed = hmac.new(secret.encode(), f"{moment}.{payload}".encode(), hashlib.sha256).hexdigest()
    return f"t={moment},v1={signed}"


class Deliveries:
    """In the events' order while all goes well; what failed is tried again by itself, later each time."""

    def __init__(self, account: Account, *, signing_clock: Callable[[], float] = time.time) -> None:
        self.faults = WebhookFaults()
        self.attempts: deque[Attempt] = deque(maxlen=_REMEMBERED)
        self._account = account
        self._signing_clock = signing_clock
        self._waiting: deque[Delivery] = deque()
        self._held: list[Delivery] = []
        self._pausing: set[asyncio.Task[None]] = set()
        self._on_the_way = 0
        self._some = asyncio.Event()
        self._none = asyncio.Event()
        self._none.set()
        self._chance = random.Random(1)
        self._task: asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> None:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_PATIENCE))
        self._account.on_event = self.send
        self._task = asyncio.create_task(self._run())
        for event in self._account.things.get("event", {}).values():
            if event["pending_webhooks"]:
                self.send(event)

    async def close(self) -> None:
        self._account.on_event = lambda _: None
        tasks = [task for task in (self._task, *self._pausing) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def send(self, event: Thing) -> None:
        """To all that want it."""
        endpoints = [e for e in self._account.things.get("webhook_endpoint", {}).values() if hears(e, event)]
        event["pending_webhooks"] = len(endpoints)
        for endpoint in endpoints:
            self._enter(Delivery(event, endpoint["id"]))

    def set_faults(self, **faults: Any) -> None:
        self.faults = WebhookFaults(**faults)
        self.release()

    def clear_faults(self) -> None:
        self.set_faults()

    def release(self) -> None:
        """What is held back goes now, in a changed order."""
        held, self._held = self._held, []
        self._chance.shuffle(held)
        self._waiting.extend(held)
        self._some.set()

    @property
    def outstanding(self) -> int:
        return self._on_the_way

    async def settled(self, within: float = 10.0) -> None:
        """Until every event has arrived everywhere; raises TimeoutError, as while they are dropped or held back."""
        async with asyncio.timeout(within):
            await self._none.wait()

    def _enter(self, delivery: Delivery) -> None:
        self._on_the_way += 1
        self._none.clear()
        if self.faults.reorder:
            self._held.append(delivery)
            if len(self._held) >= self.faults.reorder:
                self.release()
            return
        self._waiting.append(delivery)
        self._some.set()

    def _leave(self, delivery: Delivery, *, arrived: bool) -> None:
        if arrived:
            delivery.event["pending_webhooks"] -= 1
        self._on_the_way -= 1
        if not self._on_the_way:
            self._none.set()

    async def _run(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            while self._waiting and not self.faults.dropping:
                await self._deliver(self._waiting.popleft())

    async def _deliver(self, delivery: Delivery) -> None:
        endpoint = self._account.find("webhook_endpoint", delivery.endpoint)
        if endpoint is None or endpoint["status"] != "enabled":
            self._leave(delivery, arrived=True)
            return
        if self.faults.delay:
            await asyncio.sleep(self.faults.delay)
        for _ in range(1 + self.faults.duplicates):
            delivery.status = await self._post(delivery.event, endpoint)
        delivery.tries += 1
        if delivery.status in _OK:
            self._leave(delivery, arrived=True)
        else:
            pausing = asyncio.create_task(self._later(delivery))
            self._pausing.add(pausing)
            pausing.add_done_callback(self._pausing.discard)

    async def _later(self, delivery: Delivery) -> None:
        await asyncio.sleep(min(_FIRST_PAUSE * 2 ** (delivery.tries - 1), _LONGEST_PAUSE))
        self._waiting.append(delivery)
        self._some.set()

    async def _post(self, event: Thing, endpoint: Thing) -> int:
        if self._session is None:
            raise RuntimeError("Deliveries are not open.")
        payload = json.dumps(shown(event), indent=2, ensure_ascii=False)
        secret = "whsec_wrong" if self.faults.wrong_signature else endpoint["_secret"]  # wrong on purpose
        moment = int(self._signing_clock() + self.faults.skew)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(payload, secret, moment),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        try:
            async with self._session.post(
                endpoint["url"], data=payload.encode(), headers=headers, allow_redirects=False
            ) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            status = 0
        self.attempts.append(Attempt(event["id"], event["type"], endpoint["id"], status))
        return status
