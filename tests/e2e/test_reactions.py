"""Reactions, both ways and in both kinds of session."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.faults import Fault
from sandbox.mtproto.faults import Fault as MtprotoFault
from tenants.config import Config
from tenants.crypto import Keyring
from tenants.db import Database
from tests.e2e.both_ways import KINDS, Side, desk_in
from tests.e2e.conftest import Stage


@pytest.fixture(params=KINDS)
async def anna(
    request: pytest.FixtureRequest, config: Config, database: Database, keyring: Keyring, tmp_path: Path
) -> AsyncIterator[Stage]:
    async with desk_in(request.param, config, database, keyring, tmp_path) as stage:
        yield stage


@pytest.fixture(params=["customer", "operator"])
def side(request: pytest.FixtureRequest, anna: Stage) -> Side:
    """Who reacts."""
    return Side(anna, request.param)


@pytest.fixture
def other(side: Side) -> Side:
    return Side(side.stage, "customer" if side.is_team else "operator")


async def test_a_reaction_to_the_other_sides_message_reaches_its_author(side: Side, other: Side) -> None:
    message, copy = await other.sent("what do you think?")
    side.stage.world.react(side.person, copy, "🔥")
    await side.stage.until(lambda: side.reactions(message) == ["🔥"], "the reaction")
    assert side.reactions(copy) == []


async def test_a_reaction_to_ones_own_message_is_shown_on_its_copy_and_taken_away_again(side: Side) -> None:
    message, copy = await side.sent("this one")
    side.stage.world.react(side.person, message, "👍")
    await side.stage.until(lambda: side.reactions(copy) == ["👍"], "the reaction")
    side.stage.world.react(side.person, message, None)
    await waited(side)
    await side.stage.until(lambda: side.reactions(copy) == [], "no reaction")
    counted = await side.stage.dispositions()
    assert set(counted) <= {"relayed", "waiting", "ignored"}


async def waited(side: Side) -> None:
    """A second reaction waits a few seconds; here no longer."""
    await side.recorded("UPDATE outbox SET not_before = now() WHERE lane_seq IS NULL RETURNING 1")
    await side.sent("something else")


async def test_a_reaction_that_telegram_does_not_take_is_dropped_in_silence(side: Side, other: Side) -> None:
    message, copy = await other.sent("first")
    before = len(other.own()) + len(side.own())
    refuse_reactions(side.stage)
    side.stage.world.react(side.person, copy, "🔥")
    (row,) = await side.recorded("SELECT error FROM outbox WHERE kind = 'reaction' AND state = 'dropped'")
    assert row.error == "reaction_refused"
    assert len(other.own()) + len(side.own()) == before
    assert side.reactions(message) == []


def refuse_reactions(stage: Stage) -> None:
    refusal = "Bad Request: REACTION_INVALID"
    stage.sandbox.faults.add(Fault(kind="error", method="setMessageReaction", code=400, description=refusal))
    if stage.sandbox.mtproto is not None:
        stage.sandbox.mtproto.faults.add(
            MtprotoFault(kind="error", method="messages.sendReaction", code=400, message="REACTION_INVALID")
        )


async def test_the_newest_operators_reaction_counts_and_only_its_own_end_removes_it(anna: Stage) -> None:
    customer, world = Side(anna, "customer"), anna.world
    message, copy = await customer.sent("thanks")
    world.react(anna.operator, copy, "👍")
    await anna.until(lambda: customer.reactions(message) == ["👍"], "the first")
    world.react(anna.owner, copy, "🔥")
    await waited(customer)
    await anna.until(lambda: customer.reactions(message) == ["🔥"], "the newest")
    world.react(anna.operator, copy, None)
    (row,) = await customer.recorded(
        "SELECT reason FROM updates WHERE kind = 'message_reaction' AND disposition = 'ignored'"
    )
    assert row.reason == "another_reaction"
    assert customer.reactions(message) == ["🔥"]
