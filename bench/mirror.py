"""Messages of both sides per core-second in parallel mode: one worker beside Telethon, on one sandbox, in one run.

A round is one message of a customer and one of another program per bot, all at once; the next begins when all of them
stand in their groups. The program sends over the Bot API. Telethon is measured twice: as it only counts what it is
told, and as it also relays, from memory. The same worker serves as many polling tenants; there only customers write.
"""

import argparse
import asyncio
import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import psutil

from bench.counts import Meter, Reading
from bench.parallel import Telethon, connect_parallel, environ, listen, make_keys, telethon
from bench.stage import Desk, House, Telegram, connect, telegram, worker
from bench.tables import show

WORDS = "How are you?"


@dataclass(frozen=True)
class Case:
    """`round` ends when all messages of `sides` people per desk have arrived."""

    name: str
    process: psutil.Process
    desks: Sequence[Desk]
    sides: int
    round: Callable[[], Awaitable[None]]


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tenants", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--repeat", type=int, default=3)


async def run(given: argparse.Namespace, house: House) -> None:
    size = given.tenants
    async with telegram(4 * size, mtproto=True) as stage:
        ours, polling, counted, relayed = (stage.desks[start * size :][:size] for start in range(4))
        await connect_parallel(house, stage, ours)
        await connect(house, polling)
        keys = await make_keys(stage, [*counted, *relayed])
        with telethon(stage) as counting, telethon(stage, relays=True) as relaying:
            await counting.connect(counted, keys)
            await relaying.connect(relayed, keys)
            with worker(environ(house, stage)) as process:
                await stage.attended(polling)
                await listen(stage, ours)
                for desks in (ours, polling, relayed):
                    await stage.round(desks)  # makes the topics
                cases = [
                    Case(
                        "Telethon that only counts", counting.process, counted, 2, counter(stage, counted, counting)
                    ),
                    Case("Telethon that relays", relaying.process, relayed, 2, both(stage, relayed)),
                    Case("worker, parallel", process, ours, 2, both(stage, ours)),
                    Case("  only customers write", process, ours, 1, lambda: stage.round(ours)),
                    Case("worker, polling: the same", process, polling, 1, lambda: stage.round(polling)),
                ]
                readings = await measure(given, Meter(house, stage.process), cases)
    report(given, cases, readings)


def both(stage: Telegram, desks: Sequence[Desk]) -> Callable[[], Awaitable[None]]:
    async def play() -> None:
        said = await say(stage, desks)
        await stage.copied(said + 2 * len(desks))

    return play


def counter(stage: Telegram, desks: Sequence[Desk], program: Telethon) -> Callable[[], Awaitable[None]]:
    async def play() -> None:
        await say(stage, desks)
        await program.received(2 * len(desks))

    return play


async def say(stage: Telegram, desks: Sequence[Desk]) -> int:
    """How many copies stood in groups before."""
    copies: int = (await stage.ask("wait", copies=0, seconds=1))["copies"]
    customers = stage.ask("say", messages=[[desk.number, 0, WORDS, False] for desk in desks])
    await asyncio.gather(customers, *(stage.program_says(desk, WORDS) for desk in desks))
    return copies


async def measure(given: argparse.Namespace, meter: Meter, cases: Sequence[Case]) -> list[list[Reading]]:
    """For each repeat, for each case."""
    readings = []
    for _ in range(given.repeat):
        row = []
        for case in cases:
            await case.round()
            before = await meter.read(case.process)
            for _ in range(given.rounds):
                await case.round()
            row.append((await meter.read(case.process)).since(before))
        readings.append(row)
    await meter.close()
    return readings


def report(given: argparse.Namespace, cases: Sequence[Case], readings: Sequence[Sequence[Reading]]) -> None:
    each = [given.rounds * case.sides * len(case.desks) for case in cases]
    rows: list[list[object]] = []
    for at, (case, messages) in enumerate(zip(cases, each, strict=True)):
        runs = [row[at] for row in readings]
        own = statistics.median(run.own for run in runs)
        seconds = statistics.median(run.clock for run in runs)
        telegram_s = statistics.median(run.telegram for run in runs)
        postgres = statistics.median(run.postgres for run in runs)
        spent = [f"{cpu / messages * 1000:.2f} ms" for cpu in (own, telegram_s, postgres)]
        rows.append([case.name, f"{messages / own:.0f}", spent[0], f"{messages / seconds:.0f}", *spent[1:]])
    heads = ("", "messages/core-second", "CPU each", "messages/s", "sandbox's CPU each", "PostgreSQL's CPU each")
    title = f"mirror: {given.tenants} tenants, {given.rounds} rounds, medians of {given.repeat} interleaved repeats"
    show(title, heads, rows)
    for first, second in ((2, 0), (2, 1), (3, 4)):
        ratios = [(row[second].own / each[second]) / (row[first].own / each[first]) for row in readings]
        of = f"{cases[first].name.strip()} : {cases[second].name.strip()}"
        told = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        print(f"  {of} = {statistics.median(ratios):.2f} (of the repeats: {told})")
