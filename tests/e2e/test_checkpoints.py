"""A worker is killed at each named edge, again and again: nothing is lost, nothing is out of order, every repeat is a
row with a second attempt, and no topic is made twice.

KILLS=N kills N times at each edge.
"""

import random
from datetime import timedelta

import pytest

from tests.e2e.conftest import Stage
from tests.e2e.killing import KILLS, MOST_PASSES, Talk, begin, die, workers_of
from worker.checkpoints import NAMES


@pytest.mark.timeout(60 + 10 * KILLS)
@pytest.mark.parametrize("checkpoint", NAMES)
async def test_kills_at_a_checkpoint_lose_nothing_and_double_nothing_unseen(stage: Stage, checkpoint: str) -> None:
    stage.sandbox.bot_api.latency = timedelta(milliseconds=10)
    chance = random.Random(checkpoint)  # noqa: S311  # a seed, so that a failure comes again
    talk = Talk(stage)
    async with workers_of(stage) as workers:
        await begin(workers, talk)
        for number in range(KILLS):
            if number % 5 == 4:
                talk.newcomer()
            passes = 1 if checkpoint.startswith("errand") else chance.randint(1, MOST_PASSES)
            await die(workers, talk, checkpoint, passes)
        last = await workers.start(None)
        await stage.until(talk.is_complete, "everything, in order", 60)
        assert await workers.stop(last) == 0
    await _audit(stage, talk)


async def _audit(stage: Stage, talk: Talk) -> None:
    written = sum(map(len, (*talk.said.values(), *talk.answered.values())))
    counted = await stage.dispositions()
    assert counted.pop("relayed") == written
    assert set(counted) <= {"ignored", "handled"}
    assert len(stage.topics()) == len(talk.customers)
    rows = await stage.rows("SELECT sum(attempts - 1) AS again FROM outbox WHERE kind IN ('copy', 'answer')")
    repeats = sum(count - 1 for count in talk.copies().values())
    assert repeats <= rows[0].again
