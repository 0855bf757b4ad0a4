"""What a parallel tenant costs in which nothing happens, beside a Telethon client that only listens: memory and CPU.

Both at the same time, on the same sandbox, each bot with a login from before. Memory is the difference to the same
program without a bot; for us that is a worker that is ready for parallel sessions.
"""

import argparse
import asyncio
from time import monotonic
from typing import Any

import psutil

from bench.counts import Meter, Reading
from bench.idle import MEGABYTE, REST
from bench.parallel import connect_parallel, environ, listen, make_keys, telethon
from bench.stage import House, telegram, worker
from bench.tables import show


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tenants", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=120, help="watched for; Telethon pings every 60")


async def run(given: argparse.Namespace, house: House) -> None:
    size = given.tenants
    async with telegram(2 * size, mtproto=True) as stage:
        ours, theirs = stage.desks[:size], stage.desks[size:]
        meter = Meter(house, stage.process)
        with worker(environ(house, stage)) as process:
            await asyncio.sleep(REST)
            empty = process.memory_full_info()
            alone = (await watch(meter, [process], given.seconds / 4))[0]
        await connect_parallel(house, stage, ours)
        keys = await make_keys(stage, theirs)
        with telethon(stage) as program, worker(environ(house, stage)) as process:
            await program.connect([], {})
            bare = program.process.memory_full_info()
            await program.connect(theirs, keys)
            began = monotonic()
            await listen(stage, ours)
            start = monotonic() - began
            await asyncio.sleep(REST)
            full, listening = process.memory_full_info(), program.process.memory_full_info()
            spent, theirs_spent = await watch(meter, [process, program.process], given.seconds)
        await meter.close()
    rows = [
        _row("a parallel tenant", size, (empty, full), spent, alone),
        _row("a Telethon client", size, (bare, listening), theirs_spent, None),
    ]
    heads = ("", "RSS", "without any", "all RSS", "USS", "CPU a minute", "PostgreSQL's", "statements/s")
    show(f"idle-parallel: {size} sessions, watched for {given.seconds:.0f} s", heads, rows)
    print(f"  all of them listened {start:.0f} s after the worker's start")
    rss = (full.rss - empty.rss) / (listening.rss - bare.rss)
    own = (spent.own - alone.own / alone.clock * spent.clock) / theirs_spent.own
    print(f"  ratio parallel tenant : Telethon client = {rss:.2f} in RSS, {own:.2f} in CPU")


async def watch(meter: Meter, processes: list[psutil.Process], seconds: float) -> list[Reading]:
    before = [await meter.read(process) for process in processes]
    await asyncio.sleep(seconds)
    return [(await meter.read(process)).since(read) for process, read in zip(processes, before, strict=True)]


def _row(name: str, size: int, memory: tuple[Any, Any], spent: Reading, alone: Reading | None) -> list[object]:
    """`alone` is what the process and its database spend without a tenant."""
    before, after = memory
    idle = 0.0 if alone is None else alone.own / alone.clock
    return [
        name,
        f"{(after.rss - before.rss) / size / 1024:.0f} KB",
        f"{before.rss / MEGABYTE:.0f} MB",
        f"{after.rss / MEGABYTE:.0f} MB",
        f"{(after.uss - before.uss) / size / 1024:.0f} KB",
        f"{(spent.own / spent.clock - idle) * 60 / size * 1000:.2f} ms",
        "" if alone is None else f"{spent.postgres / spent.clock * 60:.2f} s",
        "" if alone is None else f"{spent.statements / spent.clock:.1f}",
    ]
