"""Edits, both ways and in both kinds of session: what one side changes the other sees changed."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.faults import Fault
from sandbox.mtproto.faults import Fault as MtprotoFault
from sandbox.world.messages import Entity
from tenants.config import Config
from tenants.crypto import Keyring
from tenants.db import Database
from tests.e2e.both_ways import ANNA, KINDS, Side, desk_in
from tests.e2e.conftest import Stage
from tests.e2e.test_content import PNG


@pytest.fixture(params=KINDS)
async def anna(
    request: pytest.FixtureRequest, config: Config, database: Database, keyring: Keyring, tmp_path: Path
) -> AsyncIterator[Stage]:
    async with desk_in(request.param, config, database, keyring, tmp_path) as stage:
        yield stage


@pytest.fixture(params=["customer", "operator"])
def side(request: pytest.FixtureRequest, anna: Stage) -> Side:
    return Side(anna, request.param)


CONTENTS: list[dict[str, Any]] = [
    {"text": "one"},
    {"photo": PNG, "caption": "one"},
    {"photo": PNG, "caption": "one", "show_caption_above_media": True, "spoiler": True},
    {"video": PNG, "caption": "one"},
    {"animation": PNG, "caption": "one"},
    {"audio": PNG, "caption": "one"},
    {"voice": PNG, "caption": "one"},
    {"document": PNG, "caption": "one"},
]


async def test_words_of_every_kind_of_content_change_on_the_other_side(side: Side) -> None:
    world = side.stage.world
    for content in CONTENTS:
        message, copy = await side.sent(**content)
        before = copy.content
        world.edit(side.person, message, "two, bold", [Entity("bold", 5, 4)])
        after = (await side.sees(copy, text="two, bold")).content
        assert [(mark.type, mark.offset, mark.length) for mark in after.entities] == [("bold", 5, 4)]
        assert (after.kind, after.file) == (before.kind, before.file)
        assert (after.spoiler, after.caption_above) == (before.spoiler, before.caption_above)
    counted = await side.stage.dispositions()
    assert counted["relayed"] + counted.get("waiting", 0) == 2 * len(CONTENTS) + 1
    assert set(counted) <= {"relayed", "waiting", "ignored"}


async def test_another_media_takes_the_place_of_the_first(side: Side) -> None:
    world = side.stage.world
    for kind in ("photo", "video", "document"):
        message, copy = await side.sent(**{kind: PNG, "caption": "one"})
        edited = world.edit_media(
            side.person, message, **{kind: PNG + b"2", "caption": "two", "spoiler": kind == "photo"}
        )
        after = (await side.sees(copy, text="two")).content
        assert (after.kind, after.file, after.spoiler) == (kind, edited.content.file, kind == "photo")


async def test_a_piece_of_an_album_is_edited_where_it_stands(side: Side) -> None:
    count = len(side.shown())
    pieces = side.send_album([{"photo": PNG, "caption": f"piece {number}"} for number in range(3)])
    await side.stage.until(lambda: len(side.shown()) == count + 3, "the album")
    side.stage.world.edit(side.person, pieces[1], "the second")
    await side.sees(side.shown()[count + 1], text="the second")
    shown = side.shown()[count:]
    assert [message.text for message in shown] == ["piece 0", "the second", "piece 2"]
    assert len({message.album_id for message in shown}) == 1


async def test_an_edit_that_nobody_sees_is_none(side: Side) -> None:
    world, journal = side.stage.world, side.stage.sandbox.journal
    message, copy = await side.sent("one")
    world.touch(message)
    await side.sent("the next")
    assert side.now(copy).edited_at is None
    assert sum("edit" in call.method.lower() and "Topic" not in call.method for call in journal.calls) == 0
    reasons = await side.stage.rows("SELECT reason FROM updates WHERE kind = 'edited_message'")
    assert [row.reason for row in reasons] == ["unchanged"]


async def test_what_can_not_be_edited_is_told_where_it_helps(side: Side) -> None:
    """The team reads the new words below; a customer can't be shown them, and the operator is told so."""
    message, copy = await side.sent("one")
    refuse_edits(side.stage)
    side.stage.world.edit(side.person, message, "two")
    told = "✏️ edited: two"
    if side.is_team:
        told = "⚠️ The customer does not have your change: Telegram does not let the bot change this message."
    await side.stage.until(lambda: side.stage.in_topic(ANNA)[-1].text == told, told)
    assert side.stage.in_topic(ANNA)[-1].reply_to == (message.id if side.is_team else copy.id)
    assert side.now(copy).text == "one"


def refuse_edits(stage: Stage) -> None:
    stage.sandbox.faults.add(
        Fault(kind="error", method="editMessageText", code=400, description="Bad Request: message can't be edited")
    )
    if stage.sandbox.mtproto is not None:
        stage.sandbox.mtproto.faults.add(
            MtprotoFault(kind="error", method="messages.editMessage", code=403, message="MESSAGE_AUTHOR_REQUIRED")
        )


async def test_a_storm_of_edits_of_one_message_costs_a_handful_of_calls(side: Side) -> None:
    world, journal = side.stage.world, side.stage.sandbox.journal
    message, copy = await side.sent("one")
    for number in range(100):
        world.edit(side.person, message, f"version {number}")
    ended = "SELECT 1 FROM updates WHERE kind = 'edited_message' HAVING count(*) >= 100"
    if side.stage.sandbox.mtproto is not None:
        ended = "SELECT 1 FROM outbox WHERE kind = 'edit'"
    await side.recorded(ended)
    while side.now(copy).text != "version 99":
        await side.stage.rows("UPDATE outbox SET not_before = now() WHERE lane_seq IS NULL RETURNING 1")
        await side.sent("something else")
    edits = [call for call in journal.calls if call.method in {"editMessageText", "messages.editMessage"}]
    assert 1 <= len(edits) <= 5
