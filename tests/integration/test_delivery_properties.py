"""Delivery under any order of messages, faults, crashes and takeovers: what a small model says is what happened."""

import asyncio
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NoReturn

import pytest
import structlog
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tenants import outbox
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.outbox import Delivered
from tests.fakes import GROUP
from tests.integration.deeds import Deed, Write, backlogs, deeds
from tests.integration.judgement import judge
from tests.integration.model import Time
from tests.integration.under_fire import Fleet, Shop, open_shops

MORE = int(os.environ.get("MORE_EXAMPLES", "1"))
JUST_FIND = bool(os.environ.get("JUST_FIND"))
"""A mutant has only to be found, not to be explained."""
_bots = itertools.count(10_000, 1000)


@dataclass
class Servers:
    runner: asyncio.Runner
    database: Database
    keyring: Keyring


@pytest.fixture
def servers(database_url: str, keyring: Keyring) -> Iterator[Servers]:
    structlog.configure(processors=[_drop])
    with asyncio.Runner() as runner:
        made = Servers(runner, Database(database_url, pool_size=4), keyring)
        yield made
        runner.run(made.database.close())
    structlog.reset_defaults()


def _drop(*_: object) -> NoReturn:
    """Nobody reads what is logged, and pretty tracebacks take longer than the tests."""
    raise structlog.DropEvent


def _settings(examples: int) -> settings:
    return settings(
        max_examples=examples * MORE,
        deadline=None,
        database=None,
        print_blob=True,
        phases=[Phase.generate] if JUST_FIND else tuple(Phase),
        suppress_health_check=list(HealthCheck),
    )


async def _open_fleet(servers: Servers, budgets: list[int]) -> Fleet:
    time = Time()
    shops = await open_shops(servers.database, servers.keyring, time, first_bot=next(_bots), budgets=budgets)
    fleet = Fleet(shops, servers.database, servers.keyring, time)
    await fleet.start()
    return fleet


async def _live_through(servers: Servers, budgets: list[int], todo: list[Deed]) -> list[str]:
    fleet = await _open_fleet(servers, budgets)
    try:
        for deed in todo:
            await deed.do(fleet)
        await fleet.come_to_rest()
        return [*fleet.wrongs, *[wrong for shop in fleet.shops for wrong in await judge(shop)]]
    finally:
        await fleet.stop()


BUDGETS = st.sampled_from([1000, 6, 3])
"""Units a minute."""


@pytest.mark.parametrize(("number", "examples"), [(1, 35), (3, 25)])
def test_whatever_happens_everything_arrives_in_order_and_is_accounted_for(
    servers: Servers, number: int, examples: int
) -> None:
    @_settings(examples)
    @given(st.lists(BUDGETS, min_size=number, max_size=number), deeds(number))
    def live(budgets: list[int], todo: list[Deed]) -> None:
        assert servers.runner.run(_live_through(servers, budgets, todo)) == []

    live()


def test_under_backlog_joined_texts_hold_each_part_once_and_replies_find_theirs(servers: Servers) -> None:
    @_settings(20)
    @given(st.sampled_from([3, 6, 12]), backlogs())
    def live(budget: int, todo: list[Deed]) -> None:
        assert servers.runner.run(_live_through(servers, [budget], todo)) == []

    live()


GENERAL = 3
"""The last lane of the group: what is said in General."""


async def _put(fleet: Fleet, lane: int) -> None:
    if lane == GENERAL:
        await fleet.shops[0].telegram.feed(fleet.shops[0].telegram.operator("/help", None))
    else:
        await Write(0, lane, "media").do(fleet)


async def _serve_one_by_one(servers: Servers, counts: list[int]) -> list[int]:
    """With a budget of one message a minute: the lanes as they are served."""
    fleet = await _open_fleet(servers, [1])
    telegram = fleet.shops[0].telegram
    try:
        for lane in range(len(counts)):
            await _put(fleet, lane)
            await fleet.come_to_rest()
        before = len(telegram.done)
        for lane, number in enumerate(counts):
            for _ in range(number):
                await _put(fleet, lane)
        await fleet.come_to_rest()
        served = [done for done in telegram.done[before:] if done.outgoing.to == GROUP]
        return [telegram.contents(d)[0][0].chat.id - 70 if d.outgoing.topic else GENERAL for d in served]
    finally:
        await fleet.stop()


def _in_turn(counts: list[int]) -> list[int]:
    """Whoever has waited longest is next."""
    rounds = range(max(counts))
    return [lane for number in rounds for lane, count in enumerate(counts) if number < count]


def test_lanes_take_turns(servers: Servers) -> None:
    @_settings(4)
    @given(st.permutations([4, 3, 2, 3]))
    def live(counts: list[int]) -> None:
        assert servers.runner.run(_serve_one_by_one(servers, counts)) == _in_turn(counts)

    live()


async def _claimed(servers: Servers) -> tuple[Fleet, Shop, Any]:
    """A customer's message that is being sent."""
    fleet = await _open_fleet(servers, [1000])
    shop = fleet.shops[0]
    await Write(0, 0, "media").do(fleet)
    await fleet.come_to_rest()
    shop.telegram.hold = asyncio.Event()
    await Write(0, 0, "media").do(fleet)
    await fleet.turn(0)
    (row,) = await shop.rows("SELECT * FROM outbox WHERE state = 'sending'")
    return fleet, shop, row


async def _record_late(servers: Servers, change: str) -> None:
    fleet, shop, row = await _claimed(servers)
    lease = fleet.workers[0].places[0].lease
    try:
        await shop.rows(f"UPDATE outbox SET {change} WHERE id = :row RETURNING 1", row=row.id)  # noqa: S608
        before = await shop.everything()
        tenant = shop.tenant.id
        delivered = [Delivered(tenant, row.id, 4711)]
        async with servers.database.tenant(tenant) as unit:
            assert await outbox.record_delivered(unit, [(tenant, lease, GROUP)], delivered) == {tenant}
        for end in (
            lambda unit: outbox.snooze(
                unit, tenant, lease, [row], delay=timedelta(0), error=("flaky", "Flaky."), counted=True
            ),
            lambda unit: outbox.bury(unit, tenant, lease, [row], error=("refused", "Refused.")),
        ):
            async with servers.database.tenant(tenant) as unit:
                assert not await end(unit)
        assert await shop.everything() == before
    finally:
        await fleet.stop()


@pytest.mark.parametrize(
    "change",
    [
        "term = term - 1",
        "state = 'waiting'",
        "state = 'buried', error = 'refused'",
        "state = 'delivered', result_message_id = 1",
    ],
)
def test_only_the_attempt_that_is_on_its_way_has_a_result(servers: Servers, change: str) -> None:
    servers.runner.run(_record_late(servers, change))
