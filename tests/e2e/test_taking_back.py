"""/del, in both kinds of session: what the team has answered is taken back, or the operator reads why it can't be."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tenants.config import Config
from tenants.crypto import Keyring
from tenants.db import Database
from tests.e2e.both_ways import KINDS, Side, desk_in
from tests.e2e.conftest import Stage
from tests.e2e.test_content import PNG
from worker.commands import del_
from worker.results import DELETED


@pytest.fixture(params=KINDS)
async def anna(
    request: pytest.FixtureRequest, config: Config, database: Database, keyring: Keyring, tmp_path: Path
) -> AsyncIterator[Stage]:
    async with desk_in(request.param, config, database, keyring, tmp_path) as stage:
        yield stage


@pytest.fixture
def team(anna: Stage) -> Side:
    return Side(anna, "operator")


def _count(team: Side, words: str) -> int:
    return [message.text for message in team.own()].count(words)


async def told(team: Side, words: str) -> None:
    await team.stage.until(lambda: team.own()[-1].text == words, words)


async def test_an_answer_is_deleted_for_the_customer(team: Side) -> None:
    message, copy = await team.sent("a wrong answer")
    kept = (await team.sent("a right one"))[1]
    team.send("/del", reply_to=message)
    await told(team, DELETED)
    assert team.own()[-1].reply_to == message.id
    assert team.shown() == [kept]
    assert copy.id not in copy.chat.messages
    team.send("/del", reply_to=message)
    await told(team, del_.TAKEN_ALREADY)
    team.send("/why", reply_to=message)
    await team.stage.until(lambda: "🗑 Deleted for the customer: " in team.own()[-1].text, "/why")


async def test_a_piece_of_an_album_is_deleted_alone(team: Side) -> None:
    pieces = team.send_album([{"photo": PNG, "caption": f"piece {number}"} for number in range(3)])
    await team.stage.until(lambda: len(team.shown()) == 3, "the album")
    team.send("/del", reply_to=pieces[1])
    await told(team, DELETED)
    assert [message.text for message in team.shown()] == ["piece 0", "piece 2"]


async def test_what_can_not_be_taken_back_is_said_in_words(team: Side) -> None:
    customer = Side(team.stage, "customer")
    message, _ = await team.sent("an answer")
    note = team.send("/ a note")
    team.send("/del")
    await told(team, del_.WHICH)
    team.send("/del", reply_to=customer.shown()[0])
    await told(team, del_.CUSTOMERS)
    team.send("/del", reply_to=note)
    await told(team, del_.NOT_OURS)
    await team.stage.rows("UPDATE message_map SET created_at = now() - interval '49 hours' RETURNING 1")
    team.send("/del", reply_to=message)
    await told(team, del_.TOO_OLD)
    assert [shown.text for shown in team.shown()] == ["an answer"]


async def _rest(team: Side) -> None:
    """The customer's lane rests, as after a flood wait."""
    await team.stage.rows(
        "UPDATE lanes SET blocked_until = now() + interval '1 hour' WHERE direction = 'customer' RETURNING 1"
    )


async def _go_on(team: Side, *expected: str) -> None:
    await team.stage.rows("UPDATE lanes SET blocked_until = now() RETURNING 1")
    team.send("after")
    wanted = [*expected, "after"]
    await team.stage.until(lambda: [message.text for message in team.shown()] == wanted, f"{wanted}")
    counted = await team.stage.dispositions()
    assert set(counted) <= {"relayed", "handled", "ignored", "waiting"}


async def test_what_was_not_sent_yet_never_is(team: Side) -> None:
    await team.sent("before")
    await _rest(team)
    answers = [team.send(words) for words in ("one", "two", "three")]
    team.send("/nonsense")
    await team.stage.until(lambda: "no command /nonsense" in team.own()[-1].text, "all are stored")
    team.send("/del", reply_to=answers[1])
    await team.stage.until(lambda: _count(team, del_.NOT_SENT) == 1, "the middle is taken out")
    team.send("/why", reply_to=answers[1])
    await team.stage.until(lambda: team.own()[-1].text.startswith("🗑 Taken back before it was sent."), "/why")
    team.send("/del", reply_to=answers[0])
    await team.stage.until(lambda: _count(team, del_.NOT_SENT) == 2, "the first is taken out")
    await _go_on(team, "before", "three")


async def test_what_is_taken_back_in_the_batch_that_it_came_with_is_not_sent_either(team: Side) -> None:
    await team.sent("before")
    await _rest(team)
    answer = team.send("a slip")
    team.send("/del", reply_to=answer)
    await team.stage.until(lambda: _count(team, del_.NOT_SENT) == 1, "it is taken back")
    await _go_on(team, "before")
    team.send("/why", reply_to=answer)
    await team.stage.until(lambda: team.own()[-1].text.startswith("🗑 Taken back before it was sent."), "/why")
