"""Customers and operators who write all the time, in a thread of their own: nothing that breaks makes them pause."""

import asyncio
import random
import threading
import time
from collections.abc import Sequence

from chaos.telegram import Customer, Desk, Telegram, opened

FIND_TOPICS_EVERY = 3.0
BURST_EVERY = 9.0
BURST = 45
"""Messages of one customer at once: more than the group's budget, so that some go out joined."""
CALMER_AFTER = 0.6
"""Of the time. No bursts after that: what they leave must fit into the settling."""
ANSWERS = 0.4
WAVE = 60
"""Customers who write at the same moment, right before a worker is killed or paused: calls are on their way then."""


class Crowd:
    def __init__(self, url: str, desks: Sequence[Desk], *, rate: float, seconds: float, seed: int) -> None:
        self.written = 0
        self.error: BaseException | None = None
        self._url = url
        self._desks = desks
        self._rate = rate
        self._seconds = seconds
        self._chance = random.Random(f"crowd {seed}")
        self._wave = threading.Event()
        self._thread = threading.Thread(target=self._run, name="crowd", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def rush(self) -> None:
        """Many write now."""
        self._wave.set()

    def join(self) -> None:
        self._thread.join(60)
        if self.error is not None:
            raise self.error
        if self._thread.is_alive():
            raise RuntimeError("the crowd does not stop writing")

    def _run(self) -> None:
        try:
            asyncio.run(self._write())
        except BaseException as error:  # noqa: BLE001  # told in `join`
            self.error = error

    async def _write(self) -> None:
        began = time.monotonic()
        next_look = next_burst = FIND_TOPICS_EVERY
        async with opened(self._url) as telegram:
            while (now := time.monotonic() - began) < self._seconds:
                if now >= next_look:
                    next_look = now + FIND_TOPICS_EVERY
                    await self._find_topics(telegram)
                if now >= next_burst and now < CALMER_AFTER * self._seconds:
                    next_burst = now + BURST_EVERY
                    await self._burst(telegram)
                if self._wave.is_set():
                    self._wave.clear()
                    await self._all_at_once(telegram)
                await self._one(telegram)
                await asyncio.sleep(self._chance.expovariate(self._rate))

    async def _one(self, telegram: Telegram) -> None:
        desk = self._chance.choice(self._desks)
        customer = self._chance.choice(desk.customers)
        if customer.topic is not None and self._chance.random() < ANSWERS:
            await self._answer(telegram, desk, customer)
        else:
            await self._ask(telegram, desk, customer)

    async def _all_at_once(self, telegram: Telegram) -> None:
        desks = self._chance.sample(self._desks, min(WAVE, len(self._desks)))
        await asyncio.gather(*(self._ask(telegram, desk, self._chance.choice(desk.customers)) for desk in desks))

    async def _burst(self, telegram: Telegram) -> None:
        desk = self._chance.choice(self._desks)
        customer = self._chance.choice(desk.customers)
        for _ in range(BURST):
            await self._ask(telegram, desk, customer)

    async def _ask(self, telegram: Telegram, desk: Desk, customer: Customer) -> None:
        voice = customer.asks
        sent = await telegram.act("send", by=customer.id, chat=desk.bot, text=voice.next_text())
        voice.said.append(sent["id"])
        self.written += 1

    async def _answer(self, telegram: Telegram, desk: Desk, customer: Customer) -> None:
        voice = customer.answers
        sent = await telegram.act(
            "send", by=desk.operator, chat=desk.group, text=voice.next_text(), topic=customer.topic
        )
        voice.said.append(sent["id"])
        self.written += 1

    async def _find_topics(self, telegram: Telegram) -> None:
        groups = {group["id"]: group for group in (await telegram.state())["groups"]}
        for desk in self._desks:
            found = {topic["name"].split()[-1]: topic["id"] for topic in reversed(groups[desk.group]["topics"])}
            for customer in desk.customers:
                customer.topic = customer.topic or found.get(customer.name)
