"""Who breaks things: one deed after the other on workers and servers, and faults of Telegram's beside them."""

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from chaos.crowd import Crowd
from chaos.fleet import Fleet, Worker
from chaos.house import LEASE_SECONDS, House, kill, restart
from chaos.telegram import Telegram

WORKERS = 3
REST = (1.0, 2.5)
INTO_THE_RUSH = (0.1, 0.4)
LOOK_EVERY = 0.2
LONGEST_TAKEOVER = 30.0
READY_SECONDS = 20.0
FAULT_EVERY = 2.5
FAULTY = ("copyMessage", "sendMessage", "createForumTopic", "getUpdates")
HANGS_UNTIL = 0.4
"""Of the time: a call that hangs does so until the worker gives it up after 65 s."""
OFTEN = ("worker killed", "worker paused", "worker drained", "Valkey flushed")
TIMES = {"error": 4, "drop_answer": 3, "cut": 3, "hang": 1}


@dataclass
class Event:
    """Something that was broken, in seconds of the epoch."""

    kind: str
    began: float
    ended: float = 0.0
    about: str = ""
    worker: str = ""
    shards: list[int] = field(default_factory=list)
    """What the worker held then."""

    @property
    def seconds(self) -> float:
        return self.ended - self.began


class Conductor:
    def __init__(
        self, house: House, fleet: Fleet, telegram: Telegram, crowd: Crowd, *, seed: int, seconds: float
    ) -> None:
        self.events: list[Event] = []
        self._house = house
        self._fleet = fleet
        self._telegram = telegram
        self._crowd = crowd
        self._chance = random.Random(f"conductor {seed}")
        self._seconds = seconds
        self._began = time.monotonic()
        self._deeds: dict[str, tuple[int, Callable[[Event], Awaitable[str]]]] = {
            "worker killed": (3, self._kill_worker),
            "worker paused": (2, self._pause_worker),
            "worker drained": (2, self._drain_worker),
            "PostgreSQL restarted": (1, self._restart_postgres),
            "PostgreSQL killed": (1, self._kill_postgres),
            "Valkey restarted": (1, self._restart_valkey),
            "Valkey flushed": (1, self._flush),
        }

    @property
    def missing(self) -> list[str]:
        """Deeds that there was no time for."""
        done = [event.kind for event in self.events]
        return [name for name in self._deeds if name not in done]

    async def conduct(self) -> None:
        """Everything once in any order, then as often as it should, then whatever comes, until the time is up."""
        self._began = time.monotonic()
        faults = asyncio.create_task(self._break_calls())
        try:
            await self._break_processes()
            await faults
        finally:
            faults.cancel()
            await self._telegram.clear_faults()

    async def _break_processes(self) -> None:
        once, again = list(self._deeds), [name for name, (times, _) in self._deeds.items() for _ in range(times - 1)]
        self._chance.shuffle(once)
        self._chance.shuffle(again)
        deck = once + again
        while self._passed() < self._seconds - 8:
            name = deck.pop(0) if deck else self._chance.choice(OFTEN)
            await asyncio.sleep(self._chance.uniform(*REST))
            event = Event(name, time.time())
            self.events.append(event)
            event.about = await self._deeds[name][1](event)
            event.ended = time.time()
            print(f"  {self._passed():6.1f} s  {name}  {event.about}", flush=True)
            self._fleet.keep(WORKERS)
        await asyncio.sleep(max(0.0, self._seconds - self._passed()))

    def _passed(self) -> float:
        return time.monotonic() - self._began

    async def _kill_worker(self, event: Event) -> str:
        worker, holder = await self._somebody_busy(event)
        await self._rush()
        shards = event.shards = await self._shards_of(holder)
        worker.kill()
        event.began = time.time()
        began = time.monotonic()
        self._fleet.hire()
        waiting, last = set(shards), 0.0
        while waiting and time.monotonic() - began < LONGEST_TAKEOVER:
            rows = await self._house.rows(
                "SELECT shard, holder::text FROM leases WHERE shard = ANY($1)", list(waiting)
            )
            passed = time.monotonic() - began
            taken = {row["shard"] for row in rows if row["holder"] not in {None, holder}}
            waiting -= taken
            last = passed if taken else last
            await asyncio.sleep(LOOK_EVERY)
        polled = await self._until_polled(worker, began)
        return f"{worker.name}; its {len(shards)} leases were taken after {last:.1f} s, its bots {polled}"

    async def _until_polled(self, dead: Worker, began: float) -> str:
        """Otherwise the next deed would be part of the takeover."""
        while (passed := time.monotonic() - began) < LONGEST_TAKEOVER:
            left = list((await self._telegram.last_pollers()).values()).count(str(dead.number))
            if not left:
                return f"polled after {passed:.1f} s"
            await asyncio.sleep(LOOK_EVERY)
        return f"polled but for {left}"

    async def _pause_worker(self, event: Event) -> str:
        worker, holder = await self._somebody_busy(event)
        await self._rush()
        worker.send(signal.SIGSTOP)
        await asyncio.sleep(LEASE_SECONDS + 2)
        left = len(await self._shards_of(holder))
        worker.send(signal.SIGCONT)
        return f"{worker.name} for {LEASE_SECONDS + 2} s; {left} of its shards were still its own then"

    async def _drain_worker(self, event: Event) -> str:
        worker, _ = await self._somebody_busy(event)
        began = time.monotonic()
        worker.terminate()
        self._fleet.hire()
        if not await asyncio.to_thread(worker.ended):
            self._fleet.bad_goodbyes.append(f"{worker.name}: {worker.code}")
        return f"{worker.name}; it ended with {worker.code} after {time.monotonic() - began:.1f} s"

    async def _restart_postgres(self, _: Event) -> str:
        return self._timed(lambda: restart(self._house.postgres))

    async def _kill_postgres(self, _: Event) -> str:
        return self._timed(lambda: kill(self._house.postgres))

    async def _restart_valkey(self, _: Event) -> str:
        return self._timed(lambda: restart(self._house.valkey))

    @staticmethod
    def _timed(act: Callable[[], None]) -> str:
        """Here and not in a thread: servers are children of the main thread."""
        began = time.monotonic()
        act()
        return f"{time.monotonic() - began:.1f} s"

    async def _flush(self, _: Event) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._house.valkey.port)
        writer.write(f"AUTH {self._house.valkey.password}\r\nFLUSHALL\r\n".encode())
        said = [(await reader.readline()).decode().strip() for _ in range(2)]
        writer.close()
        assert said == ["+OK", "+OK"], said
        return ""

    async def _somebody_busy(self, event: Event) -> tuple[Worker, str]:
        """A worker that holds shards, and its id in the database."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            rows = await self._house.rows(
                "SELECT w.id::text, w.name FROM workers w JOIN leases l ON l.holder = w.id"
                " WHERE l.expires_at > now() GROUP BY w.id HAVING count(*) >= 20 ORDER BY w.started_at"
            )
            pids = {int(row["name"].rpartition(":")[2]): row["id"] for row in rows}
            busy = [worker for worker in self._fleet.alive if worker.pid in pids]
            if busy:
                worker = self._chance.choice(busy)
                event.worker = worker.name
                return worker, pids[worker.pid]
            await asyncio.sleep(LOOK_EVERY)
        raise RuntimeError("no worker holds shards")

    async def _rush(self) -> None:
        """Until calls are on their way."""
        self._crowd.rush()
        await asyncio.sleep(self._chance.uniform(*INTO_THE_RUSH))

    async def _shards_of(self, holder: str) -> list[int]:
        rows = await self._house.rows("SELECT shard FROM leases WHERE holder = $1::uuid", holder)
        return [row["shard"] for row in rows]

    async def _break_calls(self) -> None:
        """Each kind of trouble with each method, in any order, again and again."""
        deck: list[tuple[str, str, int]] = []
        while self._passed() < self._seconds - 2:
            if not deck:
                deck = [(method, *kind) for method in FAULTY for kind in self._kinds()]
                self._chance.shuffle(deck)
            method, kind, code = deck.pop()
            if kind != "hang" or self._passed() < HANGS_UNTIL * self._seconds:
                await self._break_call(method, kind, code)
            await asyncio.sleep(self._chance.uniform(0.5, 1.5) * FAULT_EVERY)

    @staticmethod
    def _kinds() -> list[tuple[str, int]]:
        return [("error", 429), ("error", 500), ("hang", 0), ("drop_answer", 0), ("cut", 0)]

    async def _break_call(self, method: str, kind: str, code: int) -> None:
        values: dict[str, object] = {"kind": kind, "method": method, "times": self._chance.randint(1, TIMES[kind])}
        if code == 429:
            wait = self._chance.randint(1, 3)
            values |= {"code": code, "description": f"Too Many Requests: retry after {wait}"}
            values["parameters"] = {"retry_after": wait}
        elif code == 500:
            values |= {"code": code, "description": "Internal Server Error"}
        await self._telegram.fault(**values)
        self.events.append(Event(f"Telegram: {kind} {code or ''}".strip(), time.time(), time.time(), method))
