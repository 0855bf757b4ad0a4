"""Messages mirrored per core-second: one worker beside a naive aiogram bot, on the same sandbox, in one run.

A round is one message per tenant, all at once; the next begins when all of them stand in their groups.
CPU is user plus system time of the measured process. The sandbox and PostgreSQL are processes of their own;
their CPU is said beside it.
"""

import argparse
import statistics
from collections.abc import Sequence

import psutil

from bench.counts import Meter, Reading
from bench.stage import Desk, House, Telegram, connect, naive_bot, telegram, worker
from bench.tables import show


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tenants", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=3)


async def run(given: argparse.Namespace, house: House) -> None:
    async with telegram(2 * given.tenants) as stage:
        ours, theirs = stage.desks[: given.tenants], stage.desks[given.tenants :]
        await connect(house, ours)
        meter = Meter(house, stage.process)
        naive, worked = [], []
        for _ in range(given.repeat):
            with naive_bot(stage.url, theirs) as process:
                naive.append(await measure(stage, theirs, given.rounds, meter, process))
            with worker(house.environ(stage.url)) as process:
                worked.append(await measure(stage, ours, given.rounds, meter, process))
        await meter.close()
    messages = given.rounds * given.tenants
    title = f"relay: {given.tenants} tenants, {given.rounds} rounds, medians of {given.repeat} interleaved repeats"
    heads = ("", "messages/core-second", "CPU each", "messages/s", "sandbox's CPU each", "PostgreSQL's CPU each")
    show(title, heads, [_row("naive bot", naive, messages), _row("worker", worked, messages)])
    ratios = [theirs.own / ours.own for theirs, ours in zip(naive, worked, strict=True)]
    each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(f"  ratio worker : naive bot = {statistics.median(ratios):.2f} (of the repeats: {each})")


async def measure(
    stage: Telegram, desks: Sequence[Desk], rounds: int, meter: Meter, process: psutil.Process
) -> Reading:
    """The first round makes the topics and is not measured."""
    await stage.round(desks)
    before = await meter.read(process)
    for _ in range(rounds):
        await stage.round(desks)
    return (await meter.read(process)).since(before)


def _row(name: str, runs: Sequence[Reading], messages: int) -> list[str]:
    own = statistics.median(run.own for run in runs)
    seconds = statistics.median(run.clock for run in runs)
    serving = statistics.median(run.telegram for run in runs)
    storing = statistics.median(run.postgres for run in runs)
    each = [f"{spent / messages * 1000:.2f} ms" for spent in (own, serving, storing)]
    return [name, f"{messages / own:.0f}", each[0], f"{messages / seconds:.0f}", each[1], each[2]]
