"""A worker is killed at each named edge while people edit and react: in the end both sides show the same."""

import random
from datetime import timedelta

import pytest

from sandbox.world import Message
from tests.e2e.conftest import Stage
from tests.e2e.killing import Talk, begin, die, workers_of
from worker.checkpoints import NAMES

EDGES = [name for name in NAMES if not name.startswith("errand")]
EMOJI = ("👍", "🔥", "🎉")


class Changing(Talk):
    """The first customer's first message changes with everything else that happens, once it is shown."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.edits = 0

    async def go_on(self) -> None:
        await super().go_on()
        first = self.first()
        if first is not None and self.stage.in_topic(self.stage.customer.name):
            self.edits += 1
            self.stage.world.edit(self.stage.customer, first, f"edit {self.edits}")
            self.stage.world.react(self.stage.customer, first, EMOJI[self.edits % len(EMOJI)])
            self.said[self.stage.customer.id][0] = f"edit {self.edits}"

    def first(self) -> Message | None:
        history = self.stage.world.history(self.stage.chat())
        return next((m for m in history if m.sender is self.stage.customer and not m.text.startswith("/")), None)

    def is_complete(self) -> bool:
        """The words of the first message come later than everything else."""
        expected = EMOJI[self.edits % len(EMOJI)] if self.edits else None
        return super().is_complete() and self.reaction() == expected

    def reaction(self) -> str | None:
        copies = [m for m in self.stage.in_topic(self.stage.customer.name) if m.sender is self.stage.bot]
        found = copies[0].chat.reactions.get(copies[0].id, {}).get(self.stage.bot.id, ()) if copies else ()
        return next(iter(found), None)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("checkpoint", EDGES)
async def test_kills_at_a_checkpoint_lose_no_change(stage: Stage, checkpoint: str) -> None:
    stage.sandbox.bot_api.latency = timedelta(milliseconds=10)
    chance = random.Random(checkpoint)  # noqa: S311  # a seed, so that a failure comes again
    talk = Changing(stage)
    async with workers_of(stage) as workers:
        await begin(workers, talk)
        for _ in range(3):
            await die(workers, talk, checkpoint, chance.randint(1, 3))
        last = await workers.start(None)
        await stage.until(talk.is_complete, "everything, as it is now", 60)
        assert await workers.stop(last) == 0
    counted = await stage.dispositions()
    assert set(counted) <= {"relayed", "handled", "ignored", "waiting"}
    waiting = await stage.rows("SELECT DISTINCT kind FROM outbox WHERE state IN ('waiting', 'sending')")
    assert {row.kind for row in waiting} <= {"edit", "reaction"}  # which change nothing any more
