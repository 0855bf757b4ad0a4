"""A second worker joins and the first one stops, while people write: everything arrives once, in order."""

import asyncio
import signal

from tests.e2e.conftest import Stage
from tests.e2e.test_killed_worker import worker_process

SOON = 60
HELD = "SELECT holder, count(*) AS shards FROM leases WHERE holder IS NOT NULL GROUP BY holder"


async def test_shards_change_hands_and_nothing_is_lost_or_doubled(stage: Stage) -> None:
    world, said = stage.world, []

    def write() -> None:
        said.append(f"question {len(said)}")
        world.send(stage.customer, stage.bot, said[-1])

    def arrived() -> list[str]:
        return [m.text for m in stage.in_topic(stage.customer.name) if m.sender is stage.bot]

    async def all_of_it() -> None:
        await world.wait_for(lambda: len(arrived()) >= len(said), SOON, "everything that was said")

    async with worker_process(stage.config) as first:
        write()
        await all_of_it()
        async with worker_process(stage.config):
            async with asyncio.timeout(SOON):
                while len(await stage.rows(HELD)) < 2:
                    write()
                    await all_of_it()
            write()
            first.send_signal(signal.SIGTERM)
            write()
            assert await first.wait() == 0
            write()
            await all_of_it()
            rows = await stage.rows(HELD)
    assert len(rows) == 1
    assert arrived() == said
