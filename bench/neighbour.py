"""One tenant's hour of flood wait beside another one's messages: does the neighbour's p99 change?

Two tenants in one worker. Customers of the measured one write steadily; it counts from a customer's send to the copy
that stands in the group, by Telegram's own clock. The other one is silent; or its customers write as much; or they
do so while its group is in a flood wait of an hour, so that its backlog grows. Each run has a worker and a Telegram
of its own, and the three take turns. Telegram's answers take 80 ms.
"""

import argparse
import asyncio
import math
import statistics
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from time import monotonic
from typing import Any

import aiohttp
from sqlalchemy import text

from bench.stage import PATIENCE, Desk, House, connect, telegram, worker
from bench.tables import show
from tenants.db import Database

SILENT, WRITES, WAITS = "silent", "writes", "in a flood wait, writes"
AN_HOUR = 3600
CUSTOMERS = 10
REST = 2.0
"""Seconds from the last copy until everything that follows from it has happened."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rate", type=int, default=10, help="messages a second of each tenant")
    parser.add_argument("--backlog", type=int, default=200, help="of the flood wait, before it is measured")
    parser.add_argument("--latency-ms", type=float, default=80)


async def run(given: argparse.Namespace, house: House) -> None:
    runs: dict[str, list[list[float]]] = defaultdict(list)
    names = [SILENT, WRITES, WAITS]
    for number in range(given.repeat):
        for name in names[number % 3 :] + names[: number % 3]:
            await _forget(house)
            runs[name].append(await _run_once(given, house, name))
    _report(given, {name: runs[name] for name in names})


async def _forget(house: House) -> None:
    database = Database(house.postgres.url, pool_size=1)
    async with database._engine.connect() as connection:  # noqa: SLF001  # as the tables' owner
        await connection.execute(text("TRUNCATE tenants CASCADE"))
    await database.close()


class Doors:
    """The sandbox's own doors: what people do and what they see, with Telegram's times."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url

    async def post(self, door: str, given: dict[str, Any]) -> Any:
        async with self._http.post(f"{self._url}/sandbox/{door}", json=given) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def get(self, door: str, **query: Any) -> Any:
        async with self._http.get(f"{self._url}/sandbox/{door}", params=query) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def send(self, customer: int, desk: Desk, words: str) -> datetime:
        said = await self.post("act", {"do": "send", "as": customer, "chat": desk.bot, "text": words})
        return datetime.fromisoformat(said["date"])

    async def hire(self, desk: Desk) -> list[int]:
        names = [f"Guest {desk.number} {number}" for number in range(CUSTOMERS)]
        return [(await self.post("act", {"do": "add_user", "first_name": name}))["id"] for name in names]

    async def standing(self, desk: Desk) -> dict[str, datetime]:
        """When each text came to stand in the group."""
        view = await self.get("view", **{"as": desk.owner})
        (group,) = [chat for chat in view["chats"] if chat["id"] == desk.group]
        return {message["text"]: datetime.fromisoformat(message["date"]) for message in group["messages"]}


async def _run_once(given: argparse.Namespace, house: House, trouble: str) -> list[float]:
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    async with telegram(2, latency_ms=given.latency_ms) as stage, aiohttp.ClientSession(timeout=timeout) as http:
        doors = Doors(http, stage.url)
        other, measured = stage.desks
        people = {desk.number: await doors.hire(desk) for desk in stage.desks}
        await connect(house, stage.desks)
        with worker(house.environ(stage.url)):
            await stage.attended(stage.desks)
            for desk in stage.desks:
                for customer in people[desk.number]:
                    await doors.send(customer, desk, "Hello")
            await stage.copied(2 * CUSTOMERS)
            if trouble == WAITS:
                await _flood_wait(doors, other, people[other.number], given.backlog)
            await asyncio.sleep(REST)
            writing = [measured] if trouble == SILENT else [other, measured]
            sent = await _write(doors, [(desk, people[desk.number]) for desk in writing], given)
            return await _latencies(doors, measured, sent)


async def _flood_wait(doors: Doors, desk: Desk, people: Sequence[int], backlog: int) -> None:
    answer = {"code": 429, "description": f"Too Many Requests: retry after {AN_HOUR}"}
    asks = {"parameters": {"retry_after": AN_HOUR}, "times": None}
    await doors.post("faults", {"kind": "error", "chat": desk.group, **answer, **asks})
    for number in range(backlog):
        await doors.send(people[number % CUSTOMERS], desk, f"backlog {number}")
    async with asyncio.timeout(PATIENCE):
        while not (await doors.get("journal"))["errors"]:
            await asyncio.sleep(0.1)


async def _write(
    doors: Doors, writing: Sequence[tuple[Desk, Sequence[int]]], given: argparse.Namespace
) -> dict[str, datetime]:
    """When the messages of the last of the desks were sent."""
    sent: dict[str, datetime] = {}
    began = monotonic()
    for number in range(given.rate * given.seconds):
        await asyncio.sleep(max(0.0, began + number / given.rate - monotonic()))
        for desk, people in writing:
            sent[f"m{number}"] = await doors.send(people[number % CUSTOMERS], desk, f"m{number}")
    return sent


async def _latencies(doors: Doors, desk: Desk, sent: dict[str, datetime]) -> list[float]:
    async with asyncio.timeout(PATIENCE):
        while not sent.keys() <= (standing := await doors.standing(desk)).keys():
            await asyncio.sleep(0.2)
    return [(standing[words] - at).total_seconds() * 1000 for words, at in sent.items()]


def _quantile(values: Sequence[float], part: float) -> float:
    return sorted(values)[math.ceil(part * len(values)) - 1]


def _report(given: argparse.Namespace, runs: dict[str, list[list[float]]]) -> None:
    rows = []
    for name, found in runs.items():
        every = [latency for latencies in found for latency in latencies]
        p99s = ", ".join(f"{_quantile(latencies, 0.99):.0f}" for latencies in found)
        rows.append([name, len(every), *(f"{_quantile(every, part):.1f}" for part in (0.5, 0.9, 0.99)), p99s])
    heads = ("the other tenant is", "messages", "p50 ms", "p90 ms", "p99 ms", "p99 of the runs")
    show(
        f"neighbour: {given.rate} messages a second for {given.seconds} s, until they stand in the group", heads, rows
    )
    for before in (WRITES, SILENT):
        print(f"  p99, {WAITS} : {before} = {_ratio(runs, WAITS, before)}")


def _ratio(runs: dict[str, list[list[float]]], one: str, other: str) -> str:
    def p99(latencies: list[float]) -> float:
        return _quantile(latencies, 0.99)

    whole = p99([ms for run in runs[one] for ms in run]) / p99([ms for run in runs[other] for ms in run])
    each = [p99(mine) / p99(theirs) for mine, theirs in zip(runs[one], runs[other], strict=True)]
    return f"{whole:.2f} (median of the runs: {statistics.median(each):.2f})"
