"""A flood of messages under Telegram's limit of 20 a minute: how many stand in the group, and when.

600 messages of 30 customers for each of four desks at once: ours and a naive bot's, with texts alone and with photos
among them. Topics are made beforehand. Counted are the marked messages that can be read in the group: those in a
joined text, too. The naive bot obeys retry_after and keeps everything in memory.
"""

import argparse
import asyncio
import random
from contextlib import ExitStack
from time import monotonic
from typing import Any

from sqlalchemy import text

from bench.stage import House, Telegram, connect, naive_bot, telegram, worker
from bench.tables import show
from tenants.db import Database

PER_MINUTE = "20"
LATENCY_MS = 80
EVERY = 5.0
TIMES = (60, 120, 300)
NAMES = ("texts, worker", "texts, naive bot", "30 % photos, worker", "30 % photos, naive bot")
_AN_HOUR_AGO = (
    text("UPDATE outbox SET tried_at = tried_at - interval '1 hour', ended_at = ended_at - interval '1 hour'"),
    text("UPDATE dialogs SET errand_at = errand_at - interval '1 hour'"),
)
"""Else the worker would count the topics' making as sends of the last minute."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--messages", type=int, default=600)
    parser.add_argument("--customers", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--arrive", type=float, default=0, help="seconds over which the messages come")


async def run(given: argparse.Namespace, house: House) -> None:
    async with telegram(4, latency_ms=LATENCY_MS, customers=given.customers) as stage:
        ours, theirs = [stage.desks[0], stage.desks[2]], [stage.desks[1], stage.desks[3]]
        await connect(house, ours)
        with ExitStack() as running:
            running.enter_context(naive_bot(stage.url, theirs))
            with worker(house.environ(stage.url)):
                await _make_topics(stage, given.customers)
            await _long_ago(house)
            await stage.set(flood_control=True)
            running.enter_context(worker(house.environ(stage.url, GROUP_SENDS_PER_MINUTE=PER_MINUTE)))
            await stage.attended(ours)
            curve = await _flood(stage, given)
    _report(given, curve)


async def _make_topics(stage: Telegram, customers: int) -> None:
    said = await stage.ask(
        "say", messages=[[desk.number, number, "Hello", False] for desk in stage.desks for number in range(customers)]
    )
    await stage.copied(said["copies"] + customers * len(stage.desks))
    await asyncio.sleep(1)  # the last results are recorded


async def _long_ago(house: House) -> None:
    database = Database(house.postgres.url, pool_size=1)
    async with database._engine.connect() as connection:  # noqa: SLF001  # as the tables' owner, for all tenants
        for statement in _AN_HOUR_AGO:
            await connection.execute(statement)
    await database.close()


async def _flood(stage: Telegram, given: argparse.Namespace) -> list[tuple[float, list[dict[str, Any]]]]:
    draw = random.Random(1)  # noqa: S311  # the same photos in each run
    messages = []
    for number in range(given.messages):
        photo = draw.random() < 0.3
        words = f"m{number} Where is my order? It was to come on Monday."
        messages.append(
            [[desk.number, number % given.customers, words, photo and desk.number >= 2] for desk in stage.desks]
        )
    began = monotonic()
    curve: list[tuple[float, list[dict[str, Any]]]] = []
    speaking = asyncio.create_task(_speak(stage, messages, given.arrive))
    at = 0.0
    while at < given.minutes * 60:
        at = monotonic() - began
        curve.append((at, await stage.ask("mirrored")))
        await asyncio.sleep(EVERY - (monotonic() - began) % EVERY + 0.2)
    await speaking
    return curve


async def _speak(stage: Telegram, messages: list[list[list[Any]]], seconds: float) -> None:
    """Everybody's messages side by side: no desk has its own before the others."""
    for at in range(0, len(messages), 10):
        await stage.ask("say", messages=[said for four in messages[at : at + 10] for said in four])
        await asyncio.sleep(seconds * 10 / len(messages))


def _report(given: argparse.Namespace, curve: list[tuple[float, list[dict[str, Any]]]]) -> None:
    times = [seconds for seconds in TIMES if seconds < given.minutes * 60] + [int(given.minutes * 60)]
    found = [next(found for at, found in curve if at >= seconds) for seconds in times]
    rows = []
    for desk, name in enumerate(NAMES):
        done = next((f"{at:.0f} s" for at, seen in curve if seen[desk]["mirrored"] >= given.messages), "later")
        again = curve[-1][1][desk]["again"]
        rows.append([name, *(seen[desk]["mirrored"] for seen in found), done, again])
    for first in (0, 2):
        ratios = [f"{seen[first]['mirrored'] / max(1, seen[first + 1]['mirrored']):.1f}" for seen in found]
        rows.append(["ratio, " + NAMES[first].partition(",")[0], *ratios, "", ""])
    heads = ("", *(f"{seconds} s" for seconds in times), "all", "twice")
    over = f" within {given.arrive:.0f} s" if given.arrive else " at once"
    show(
        f"flood: {given.messages} messages of {given.customers} customers{over}, of which stand in the group",
        heads,
        rows,
    )
