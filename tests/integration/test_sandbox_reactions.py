"""Reactions: which are open to whom, and which bots hear of them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.world import NotAllowed
from tests.integration.scene import Scene, open_scene

WANTED = ["message", "message_reaction"]
CUSTOM = "5368324170671202286"


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with open_scene() as opened:
        await opened.forget_updates()
        yield opened


async def heard(scene: Scene) -> list[dict[str, Any]]:
    return [update["message_reaction"] for update in await scene.updates() if "message_reaction" in update]


def emoji(*given: str) -> list[dict[str, str]]:
    return [{"type": "emoji", "emoji": one} for one in given]


async def test_only_who_asks_for_reactions_hears_of_them(scene: Scene) -> None:
    said = scene.customer_says("hello")
    scene.world.react(scene.carl, said, "👍")
    assert await heard(scene) == []
    await scene.updates(allowed_updates=WANTED)
    scene.world.react(scene.carl, said, "🔥")
    scene.world.react(scene.carl, said, None)
    first, second = await heard(scene)
    assert (first["old_reaction"], first["new_reaction"]) == (emoji("👍"), emoji("🔥"))
    assert (second["old_reaction"], second["new_reaction"]) == (emoji("🔥"), [])
    assert first["user"]["id"] == scene.carl.id


async def test_in_groups_only_administrators_hear_of_them(scene: Scene) -> None:
    await scene.updates(allowed_updates=WANTED)
    said = scene.world.send(scene.olga, scene.desk, "hello", topic=scene.topic)
    scene.world.demote(scene.desk, scene.bot)
    scene.world.react(scene.olga, said, "👍")
    assert await heard(scene) == []
    scene.world.promote(scene.desk, scene.bot)
    scene.world.react(scene.olga, said, "🔥")
    assert len(await heard(scene)) == 1


async def test_a_group_names_the_reactions_that_it_allows(scene: Scene) -> None:
    assert "available_reactions" not in await scene.ok("getChat", chat_id=scene.desk.id)
    scene.world.set_reactions(scene.desk, ["👍"], user=scene.olga)
    assert (await scene.ok("getChat", chat_id=scene.desk.id))["available_reactions"] == emoji("👍")
    said = scene.world.send(scene.olga, scene.desk, "hello", topic=scene.topic)
    where = {"chat_id": scene.desk.id, "message_id": said.id}
    await scene.ok("setMessageReaction", **where, reaction=emoji("👍"))
    refusal = await scene.refusal("setMessageReaction", **where, reaction=emoji("🔥"))
    assert refusal == "400 Bad Request: REACTION_INVALID"
    with pytest.raises(NotAllowed, match="not available"):
        scene.world.react(scene.olga, said, "🔥")


@pytest.mark.parametrize(
    ("reaction", "refusal"),
    [
        (emoji("x"), "REACTION_INVALID"),
        ([{"type": "paid"}], "REACTION_INVALID"),
        ([{"type": "custom_emoji", "custom_emoji_id": CUSTOM}], "REACTION_INVALID"),
        (emoji("👍", "🔥"), "REACTIONS_TOO_MANY"),
    ],
)
async def test_a_bot_sets_one_plain_reaction(scene: Scene, reaction: list[dict[str, str]], refusal: str) -> None:
    where = {"chat_id": scene.carl.id, "message_id": scene.customer_says("hello").id}
    assert await scene.refusal("setMessageReaction", **where, reaction=reaction) == f"400 Bad Request: {refusal}"


async def test_a_bot_takes_its_reaction_away_and_people_s_stay(scene: Scene) -> None:
    said = scene.customer_says("hello")
    where = {"chat_id": scene.carl.id, "message_id": said.id}
    scene.world.react(scene.carl, said, "👍")
    await scene.ok("setMessageReaction", **where, reaction=emoji("🔥"))
    await scene.ok("setMessageReaction", **where, reaction=[])
    assert scene.dialog.reactions[said.id] == {scene.carl.id: ("👍",)}
