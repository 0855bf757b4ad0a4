"""Corners of delivery that were once got wrong: commits whose answer is lost, leases that end in the middle."""

import asyncio
import contextvars

import pytest
from sqlalchemy import text

from sessions.errors import Flaky, Rejected
from sessions.events import Batch
from tenants.errors import LeaseLost
from tenants.outbox import utf16
from tests.integration.conftest import DeskUnderTest
from worker.sending import fallback_text
from worker.turn import Part, Turn


async def _feed(desk, *events) -> Batch:
    fed = await desk.session.feed(*events)
    return Batch(tuple(fed), fed[-1].cursor)


class Expiring(Turn):
    """The lease runs out between the statement that opens the desks and the one that stores."""

    async def _open(self, unit, storing, homes):
        works = await super()._open(unit, storing, homes)
        await asyncio.create_task(self._expire(), context=contextvars.Context())
        return works

    async def _expire(self):
        async with self._database.fleet() as unit:
            await unit.execute(text("UPDATE leases SET expires_at = clock_timestamp() - interval '1 second'"))


async def test_a_lease_that_runs_out_in_the_middle_of_a_turn_stores_nothing(desk: DeskUnderTest) -> None:
    batch = await _feed(desk, desk.session.customer("hello"))
    turn = Expiring(desk.database, desk.keyring, "https://backline.example")
    with pytest.raises(LeaseLost):
        await turn.run([Part(desk.line, updates=batch.updates, cursor=batch.cursor)])
    assert await desk.rows("SELECT 1 FROM updates") == []
    assert await desk.rows("SELECT name FROM dialogs") == []


async def _refused_then_answer_of_the_commit_lost(desk: DeskUnderTest, error: Exception) -> None:
    await desk.store_only(await _feed(desk, desk.session.customer("hello")))
    for _ in range(3):
        desk.sender.wake()
        await desk.turn()
    desk.session.faults["send"].append(error)
    await desk.store(await _feed(desk, desk.session.customer("again")))
    part = desk.seat.bring()
    assert part.refused
    await desk.pump._turn.run([part])  # committed, but the answer got lost: patiently() runs the same part again
    await desk.pump._serve([(desk.seat, part)])
    assert not desk.sender.ended.done(), desk.sender.ended.exception()


async def test_recording_flaky_again_is_recording_it(desk: DeskUnderTest) -> None:
    await _refused_then_answer_of_the_commit_lost(desk, Flaky("network", "Away.", ambiguous=False))


async def test_recording_rejected_again_is_recording_it(desk: DeskUnderTest) -> None:
    await _refused_then_answer_of_the_commit_lost(desk, Rejected("refused", "Nonsense."))


async def test_while_a_creation_is_in_doubt_no_other_is_asked_for(desk: DeskUnderTest) -> None:
    """What turns up then is the one that was asked for, also where two customers have one name."""
    desk.session.faults["create_topic"].append(Flaky("timeout", "No answer.", ambiguous=True))
    await desk.store(await _feed(desk, desk.session.customer("hello", user=77, name="Ann")))
    await desk.turn()
    await desk.store(await _feed(desk, desk.session.customer("hello", user=78, name="Ann")))
    for _ in range(3):
        desk.sender.wake()
        await desk.turn()
    assert desk.session.topics == {}
    await desk.rows("UPDATE dialogs SET topic_asked_at = now() - interval '11 seconds', retry_at = now() RETURNING 1")
    for _ in range(6):
        desk.sender.wake()
        await desk.turn()
    assert len(desk.session.topics) == 2
    assert len(await desk.rows("SELECT DISTINCT topic_id FROM dialogs WHERE topic_id IS NOT NULL")) == 2


def test_a_fallback_is_no_longer_than_telegram_takes() -> None:
    assert utf16(fallback_text("text", "🙂" * 2048, "source_deleted")) <= 4096
