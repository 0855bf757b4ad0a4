"""Updates are counted by days, once each; those beyond the plan's limit wait and are handled later, in order."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from sessions.events import Batch, Cursor, Event, Incoming
from sessions.port import Copy
from tenants.plans import TERMS, Plan, with_updates_a_day
from tenants.usage.limits import day_turns
from tests.fakes import GROUP
from tests.integration.conftest import DeskUnderTest
from worker.pump import Pump
from worker.release import Release
from worker.turn import Turn

LIMIT = 3


@pytest.fixture
async def short(desk: DeskUnderTest) -> DeskUnderTest:
    """A desk on a plan that allows few updates a day, with no tolerated day left."""
    terms = with_updates_a_day({plan: LIMIT for plan in Plan})
    desk.pump._turn = Turn(desk.database, desk.keyring, "https://backline.example", terms)
    await _use_up_tolerated_days(desk)
    return desk


async def _use_up_tolerated_days(desk: DeskUnderTest, days: int = 10) -> None:
    """Days of this month; where it has not had so many, those to come count as well as any."""
    await desk.rows(
        """
        INSERT INTO usage (tenant_id, day, updates, allowed)
        SELECT :tenant, d::date, 2, 1 FROM generate_series(
            date_trunc('month', now() AT TIME ZONE 'UTC'),
            date_trunc('month', now() AT TIME ZONE 'UTC') + interval '27 days', interval '1 day') d
        WHERE d::date <> (now() AT TIME ZONE 'UTC')::date ORDER BY d LIMIT :days RETURNING 1
        """,
        tenant=desk.tenant.id,
        days=days,
    )


async def test_x(short: DeskUnderTest):
    fed = await short.session.feed(*[short.session.customer(str(n)) for n in range(5)])
    await short.store(Batch(tuple(fed), fed[-1].cursor))
    print(await short.rows("SELECT * FROM usage"))
    print(await short.rows("SELECT update_id, disposition, place, chat_id, message_id FROM updates"))
    print(await short.rows("SELECT release_at FROM intakes"))
    assert 0
