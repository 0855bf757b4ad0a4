"""People: what they change of themselves, how they leave, and what bots may know of them."""

from collections.abc import AsyncIterator

import pytest

from sandbox.world import NotAllowed
from tests.integration.scene import Scene, open_scene


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with open_scene() as opened:
        await opened.forget_updates()
        yield opened


async def test_a_new_name_is_seen_with_the_next_message(scene: Scene) -> None:
    scene.world.rename_user(scene.carl, "Charles", username="@charles")
    assert await scene.updates() == []
    scene.customer_says("hello")
    [update] = await scene.updates()
    sender = update["message"]["from"]
    assert (sender["first_name"], sender["username"]) == ("Charles", "charles")
    assert "last_name" not in sender
    assert scene.world.accounts_by_username["charles"] is scene.carl
    assert "carl_c" not in scene.world.accounts_by_username


async def test_a_username_that_is_taken_changes_nothing(scene: Scene) -> None:
    with pytest.raises(NotAllowed, match="is taken"):
        scene.world.rename_user(scene.carl, "Charles", username="olga")
    assert (scene.carl.first_name, scene.carl.username) == ("Carl", "carl_c")
    assert scene.world.accounts_by_username["carl_c"] is scene.carl


async def test_blocking_and_coming_back(scene: Scene) -> None:
    scene.world.block(scene.carl, scene.bot)
    scene.world.unblock(scene.carl, scene.bot)
    statuses = [update["my_chat_member"]["new_chat_member"]["status"] for update in await scene.updates()]
    assert statuses == ["kicked", "member"]


async def test_a_deleted_account_has_no_name_and_gets_nothing(scene: Scene) -> None:
    said = scene.customer_says("hello")
    await scene.forget_updates()
    scene.world.delete_user(scene.carl)
    assert scene.carl.name == "Deleted Account"
    assert await scene.updates() == []
    target = {"chat_id": scene.carl.id}
    for method, params in (
        ("sendMessage", {"text": "x"}),
        ("copyMessage", {"from_chat_id": scene.carl.id, "message_id": said.id}),
        ("editMessageText", {"message_id": said.id, "text": "x"}),
        ("setMessageReaction", {"message_id": said.id, "reaction": []}),
    ):
        assert await scene.refusal(method, **target, **params) == "403 Forbidden: user is deactivated"
    assert (await scene.ok("getChat", **target))["first_name"] == ""
