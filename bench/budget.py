"""What a message takes of the group's 20 a minute, as flood control counts it: the sandbox's own charges.

Messages that change no status; a quiet ping-pong of customer and operator; first contact. `--housekeeper` lets the
setup bot keep house, whose own 20 are counted apart.
"""

import argparse
import asyncio
from typing import Any

from sqlalchemy import text

from bench.stage import ENOUGH, Desk, House, Telegram, connect, telegram, worker
from bench.tables import show
from tenants.db import Database

QUIET = 1.5
"""Seconds without a new call: everything that follows from a message has happened."""
A_DAY = 86400
CUSTOMERS = 20
ROUNDS = 4


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--housekeeper", action="store_true", help="the setup bot is an administrator of the group")


async def run(given: argparse.Namespace, house: House) -> None:
    async with telegram(1, customers=CUSTOMERS) as stage:
        more = {}
        desk = stage.desks[0]
        if given.housekeeper:
            more["SETUP_BOT_TOKEN"] = (await stage.ask("housekeeper", desk=0))["token"]
            await _engage(house, desk)
        await stage.set(
            flood_control=True,
            per_group=int(ENOUGH),
            group_window=A_DAY,
            per_bot=int(ENOUGH),
            private_burst=int(ENOUGH),
        )
        await connect(house, [desk])
        with worker(house.environ(stage.url, **more)):
            await stage.attended([desk])
            rows = [
                await _case(stage, "first contact", _customers_write, 1),
                await _case(stage, "customers write on", _customers_write, ROUNDS),
                await _case(stage, "ping-pong", _ping_pong, ROUNDS),
                await _case(stage, "customers write on after it", _customers_write, ROUNDS),
            ]
    heads = ("", "messages", "units", "units each", "housekeeper's units each", "calls into the group")
    show("budget: units of the group's limit", heads, rows)


async def _customers_write(stage: Telegram) -> int:
    said = [[0, customer, "How are you?", False] for customer in range(CUSTOMERS)]
    await stage.ask("say", messages=said)
    await _quiet(stage)
    return len(said)


async def _ping_pong(stage: Telegram) -> int:
    written = await _customers_write(stage)
    answers = (await stage.ask("answer", desk=0, text="Fine, thank you."))["answers"]
    await _quiet(stage)
    return written + int(answers)


async def _case(stage: Telegram, name: str, act: Any, rounds: int) -> list[object]:
    units, calls = await stage.ask("units", desk=0), await _calls(stage)
    messages = sum([await act(stage) for _ in range(rounds)])
    after, made = await stage.ask("units", desk=0), await _calls(stage)
    own, others = after["own"] - units["own"], after["others"] - units["others"]
    each = {method: count - calls.get(method, 0) for method, count in made.items() if method != "getUpdates"}
    said = ", ".join(f"{method} {count}" for method, count in sorted(each.items()) if count)
    return [name, messages, own, f"{own / messages:.2f}", f"{others / messages:.2f}", said]


async def _calls(stage: Telegram) -> dict[str, int]:
    """Into groups; a copy that goes to a customer is none."""
    counts: dict[str, int] = {}
    for _, method, count, into_group in await stage.ask("calls"):
        if into_group:
            counts[method] = counts.get(method, 0) + count
    return counts


async def _quiet(stage: Telegram) -> None:
    before: Any = None
    while (now := await _calls(stage)) != before:
        before = now
        await asyncio.sleep(QUIET)


async def _engage(house: House, desk: Desk) -> None:
    database = Database(house.postgres.url, pool_size=1)
    async with database.fleet() as unit:
        await unit.execute(text("INSERT INTO housekeepers (group_id) VALUES (:group)"), {"group": desk.group})
    await database.close()
