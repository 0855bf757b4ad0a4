"""Rare kinds of messages over MTProto: a session sees what each is, what it replies to, and who reacts."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from telethon.tl import functions, types

from tests.integration.mtproto_scene import Scene, of, open_scene

MEDIA = {
    "story": types.MessageMediaStory,
    "game": types.MessageMediaGame,
    "checklist": types.MessageMediaToDo,
    "paid_media": types.MessageMediaPaidMedia,
    "invoice": types.MessageMediaInvoice,
    "giveaway": types.MessageMediaGiveaway,
    "giveaway_winners": types.MessageMediaGiveawayResults,
    "venue": types.MessageMediaVenue,
    "contact": types.MessageMediaContact,
    "poll": types.MessageMediaPoll,
}
ACTIONS = {
    "users_shared": types.MessageActionRequestedPeerSentMe,
    "web_app_data": types.MessageActionWebViewDataSentMe,
    "successful_payment": types.MessageActionPaymentSentMe,
    "write_access_allowed": types.MessageActionBotAllowed,
    "boost_added": types.MessageActionBoostApply,
    "connected_website": types.MessageActionEmpty,
}


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with open_scene() as opened:
        yield opened


async def next_message(scene: Scene, said: list[Any], kind: Any = types.UpdateNewMessage) -> Any:
    found = await scene.until(lambda: of(said, kind))
    return found[-1].message


@pytest.mark.parametrize("kind", MEDIA)
async def test_rare_media(scene: Scene, kind: str) -> None:
    said = scene.listen(await scene.client())
    scene.world.send(scene.carl, scene.bot, **{kind: {}})
    assert isinstance((await next_message(scene, said)).media, MEDIA[kind])


@pytest.mark.parametrize("kind", ACTIONS)
async def test_service_messages(scene: Scene, kind: str) -> None:
    said = scene.listen(await scene.client())
    scene.world.post_service(scene.carl, scene.bot, kind)
    assert isinstance((await next_message(scene, said)).action, ACTIONS[kind])


async def test_a_month_of_a_subscription(scene: Scene) -> None:
    said = scene.listen(await scene.client())
    month = {"is_recurring": True, "is_first_recurring": True, "subscription_expiration_date": 1_800_000_000}
    scene.world.post_service(scene.carl, scene.bot, "successful_payment", **month)
    action = (await next_message(scene, said)).action
    assert (action.recurring_init, action.recurring_used) == (True, True)
    assert int(action.subscription_until_date.timestamp()) == 1_800_000_000


async def test_a_rich_message(scene: Scene) -> None:
    said = scene.listen(await scene.client())
    scene.world.send(scene.carl, scene.bot, rich_message={"blocks": [{"type": "paragraph", "text": "Hello"}]})
    [block] = (await next_message(scene, said)).rich_message.blocks
    assert block.text.text == "Hello"


async def test_a_place_that_moves_and_then_stands_still(scene: Scene) -> None:
    said = scene.listen(await scene.client())
    sent = scene.world.send(scene.carl, scene.bot, location={"live_period": 900})
    scene.world.move(scene.carl, sent, 1.5, 2.5)
    moved = (await next_message(scene, said, types.UpdateEditMessage)).media
    assert (moved.period, moved.geo.lat, moved.geo.long) == (900, 1.5, 2.5)
    said.clear()
    scene.world.stop_moving(scene.carl, sent)
    still = (await next_message(scene, said, types.UpdateEditMessage)).media
    assert isinstance(still, types.MessageMediaGeo)


async def test_a_reply_to_a_message_of_another_chat_names_its_author_and_no_number(scene: Scene) -> None:
    said = scene.listen(await scene.client())
    group = scene.world.add_supergroup("Elsewhere", scene.carl)
    asked = scene.world.send(scene.carl, group, photo=b"jpeg", caption="see")
    scene.world.send(scene.carl, scene.bot, "what of this?", reply_to=asked, quote="see")
    header = (await next_message(scene, said)).reply_to
    assert header.reply_to_msg_id is None
    assert header.reply_from.from_id == types.PeerUser(scene.carl.id)
    assert isinstance(header.reply_media, types.MessageMediaPhoto)
    assert header.quote_text == "see"


async def test_a_hidden_person_in_a_forward(scene: Scene) -> None:
    said = scene.listen(await scene.client())
    scene.carl.hides_forwards = True
    source = scene.world.send(scene.carl, scene.bot, "hello")
    scene.world.forward(scene.carl, source, scene.bot)
    await scene.until(lambda: len(of(said, types.UpdateNewMessage)) > 1)
    header = (await next_message(scene, said)).fwd_from
    assert (header.from_id, header.from_name) == (None, scene.carl.name)


@pytest.mark.parametrize("kind", ["paid_media", "invoice", "giveaway", "giveaway_winners"])
async def test_what_can_not_be_copied(scene: Scene, kind: str) -> None:
    client = await scene.client()
    source = scene.world.send(scene.carl, scene.bot, **{kind: {}})
    request = functions.messages.ForwardMessagesRequest(
        from_peer=await scene.peer(client),
        id=[source.id],
        to_peer=await scene.group(client),
        random_id=[5],
        drop_author=True,
    )
    assert await scene.refusal(client, request) == "400 MESSAGE_ID_INVALID"


async def test_a_reaction_that_the_group_does_not_allow(scene: Scene) -> None:
    client = await scene.client()
    scene.world.set_reactions(scene.desk, ["👍"])
    source = scene.world.send(scene.olga, scene.desk, "hello", topic=scene.topic)
    request = functions.messages.SendReactionRequest(
        peer=await scene.group(client), msg_id=source.id, reaction=[types.ReactionEmoji("🔥")]
    )
    assert await scene.refusal(client, request) == "400 REACTION_INVALID"
