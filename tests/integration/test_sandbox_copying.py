"""copyMessage, forwardMessage and their batches: the relay's daily bread."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.world import Entity, Message
from tests.integration.scene import Scene, open_scene


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with open_scene() as opened:
        yield opened


def into_topic(scene: Scene, source: Message, **more: Any) -> dict[str, Any]:
    return {
        "chat_id": scene.desk.id,
        "message_thread_id": scene.topic.id,
        "from_chat_id": scene.carl.id,
        "message_id": source.id,
    } | more


def batch(scene: Scene, *numbers: int) -> dict[str, Any]:
    return {
        "chat_id": scene.desk.id,
        "message_thread_id": scene.topic.id,
        "from_chat_id": scene.carl.id,
        "message_ids": list(numbers),
    }


async def copy(scene: Scene, source: Message, **more: Any) -> Message:
    result = await scene.ok("copyMessage", **into_topic(scene, source, **more))
    assert set(result) == {"message_id"}
    return scene.desk.messages[result["message_id"]]


CONTENTS: list[dict[str, Any]] = [
    {"text": "bold", "entities": [Entity("bold", 0, 4)]},
    {"photo": b"1", "caption": "c", "spoiler": True, "show_caption_above_media": True},
    {"video": b"1"},
    {"animation": b"1"},
    {"audio": b"1"},
    {"voice": b"1"},
    {"video_note": b"1"},
    {"document": b"1", "file_name": "a.pdf"},
    {"sticker": b"1"},
    {"location": {"latitude": 1.0, "longitude": 2.0}},
    {"venue": {"latitude": 1.0, "longitude": 2.0, "title": "t", "address": "a"}},
    {"contact": {"phone_number": "+1", "first_name": "C"}},
]


@pytest.mark.parametrize("content", CONTENTS, ids=lambda content: next(iter(content)))
async def test_a_copy_has_the_same_content_and_no_author(scene: Scene, content: dict[str, Any]) -> None:
    source = scene.world.send(scene.carl, scene.bot, **content)
    made = await copy(scene, source)
    assert made.content == source.content
    assert (made.sender, made.origin, made.topic_id) == (scene.bot, None, scene.topic.id)


async def test_a_copy_into_a_private_chat(scene: Scene) -> None:
    source = scene.world.send(scene.olga, scene.desk, "answer", topic=scene.topic)
    result = await scene.ok("copyMessage", chat_id=scene.carl.id, from_chat_id=scene.desk.id, message_id=source.id)
    assert scene.dialog.messages[result["message_id"]].text == "answer"


async def test_a_copied_dice_falls_anew_and_a_forwarded_one_keeps_its_value(scene: Scene) -> None:
    """(Bot API: the copy of a dice is another throw.)"""
    source = scene.world.send(scene.carl, scene.bot, dice="🎰")
    thrown = [await copy(scene, source) for _ in range(8)]
    assert len({d.content.details["value"] for d in thrown}) > 1
    forwarded = await scene.ok("forwardMessage", **into_topic(scene, source))
    assert forwarded["dice"]["value"] == source.content.details["value"]


async def test_a_live_location_is_copied_as_a_place(scene: Scene) -> None:
    place = {"latitude": 1.0, "longitude": 2.0}
    source = scene.world.send(scene.carl, scene.bot, location=place | {"live_period": 900})
    assert (await copy(scene, source)).content.details == place


async def test_a_copied_poll_is_a_new_one(scene: Scene) -> None:
    source = scene.world.send(scene.carl, scene.bot, poll={"question": "?", "options": ["a", "b"]})
    made = await copy(scene, source)
    assert made.content.details["options"] == ["a", "b"]
    assert made.content.details["id"] != source.content.details["id"]


async def test_the_caption_can_be_replaced(scene: Scene) -> None:
    source = scene.world.send(scene.carl, scene.bot, photo=b"1", caption="old")
    made = await copy(scene, source, caption="<b>new</b>", parse_mode="HTML")
    assert (made.text, made.content.entities) == ("new", (Entity("bold", 0, 3),))
    assert (await copy(scene, source, caption="")).text == ""


async def test_keyboards_are_dropped_unless_given(scene: Scene) -> None:
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
    sent = await scene.ok("sendMessage", chat_id=scene.carl.id, text="?", reply_markup=keyboard)
    source = scene.dialog.messages[sent["message_id"]]
    assert (await copy(scene, source)).keyboard == []
    disabled = {"inline_keyboard": [[{"text": "Yes", "disabled": {}}]]}
    assert (await copy(scene, source, reply_markup=disabled)).keyboard == disabled["inline_keyboard"]


async def test_a_disabled_button_can_not_be_pressed(scene: Scene) -> None:
    """(Bot API 10.3.)"""
    source = scene.customer_says("hello")
    made = await copy(scene, source, reply_markup={"inline_keyboard": [[{"text": "x", "disabled": {}}]]})
    with pytest.raises(Exception, match="disabled"):
        scene.world.press(scene.olga, made)


@pytest.mark.parametrize("kind", ["giveaway", "invoice", "paid_media"])
async def test_what_can_not_be_copied(scene: Scene, kind: str) -> None:
    source = scene.world.send(scene.carl, scene.bot, **{kind: {"title": "x"}})
    refusal = await scene.refusal("copyMessage", **into_topic(scene, source))
    assert refusal == "400 Bad Request: the message can't be copied"


async def test_service_messages_can_not_be_copied_or_forwarded(scene: Scene) -> None:
    source = {"chat_id": scene.carl.id, "from_chat_id": scene.desk.id, "message_id": scene.topic.id}
    assert await scene.refusal("copyMessage", **source) == "400 Bad Request: the message can't be copied"
    assert await scene.refusal("forwardMessage", **source) == "400 Bad Request: the message can't be forwarded"


async def test_what_the_app_posts_for_a_person_can_not_be_copied(scene: Scene) -> None:
    """(Bot API: payments, web app data, shared users and their like are service messages.)"""
    users = [{"user_id": 1}]
    source = scene.world.post_service(scene.carl, scene.bot, "users_shared", request_id=1, users=users)
    [update] = await scene.updates()
    assert update["message"]["users_shared"] == {"request_id": 1, "users": users}
    refusal = await scene.refusal("copyMessage", **into_topic(scene, source))
    assert refusal == "400 Bad Request: the message can't be copied"


async def test_a_quiz_can_be_copied_only_where_its_answer_is_known(scene: Scene) -> None:
    quiz = {"question": "?", "options": ["a", "b"], "type": "quiz", "correct_option_id": 0}
    await copy(scene, scene.world.send(scene.carl, scene.bot, poll=quiz))
    foreign = scene.world.send(scene.olga, scene.desk, poll=quiz, topic=scene.topic)
    refusal = await scene.refusal(
        "copyMessage", chat_id=scene.carl.id, from_chat_id=scene.desk.id, message_id=foreign.id
    )
    assert refusal == "400 Bad Request: the message can't be copied"


async def test_protected_content_can_be_copied_by_bots_but_not_forwarded(scene: Scene) -> None:
    """[M]: whether the copy is refused is a switch."""
    scene.world.set_protected(scene.desk, True)
    message = scene.world.send(scene.olga, scene.desk, "secret", topic=scene.topic)
    source = {"chat_id": scene.carl.id, "from_chat_id": scene.desk.id, "message_id": message.id}
    await scene.ok("copyMessage", **source)
    assert await scene.refusal("forwardMessage", **source) == "400 Bad Request: the message can't be forwarded"
    scene.world.rules.copies_from_protected_chats_fail = True
    assert await scene.refusal("copyMessage", **source) == "400 Bad Request: the message can't be copied"


async def test_a_forward_names_its_origin(scene: Scene) -> None:
    source = scene.customer_says("hello")
    forwarded = await scene.ok("forwardMessage", **into_topic(scene, source))
    assert forwarded["forward_origin"]["sender_user"]["id"] == scene.carl.id
    again = await scene.ok(
        "forwardMessage",
        chat_id=scene.carl.id,
        from_chat_id=scene.desk.id,
        message_id=forwarded["message_id"],
    )
    assert again["forward_origin"]["sender_user"]["id"] == scene.carl.id


class TestBatches:
    async def test_albums_stay_together(self, scene: Scene) -> None:
        items = [{"photo": b"1"}, {"photo": b"2"}]
        first, second = scene.world.send_album(scene.carl, scene.bot, items)
        single = scene.customer_says("and a text")
        result = await scene.ok("copyMessages", **batch(scene, first.id, second.id, single.id))
        copies = [scene.desk.messages[r["message_id"]] for r in result]
        assert copies[0].album_id is not None
        assert [m.album_id for m in copies] == [copies[0].album_id, copies[0].album_id, None]
        assert copies[0].album_id != first.album_id

    async def test_a_part_of_an_album_alone_is_no_album(self, scene: Scene) -> None:
        first, _ = scene.world.send_album(scene.carl, scene.bot, [{"photo": b"1"}, {"photo": b"2"}])
        [result] = await scene.ok("copyMessages", **batch(scene, first.id))
        assert scene.desk.messages[result["message_id"]].album_id is None

    async def test_what_is_missing_or_can_not_be_copied_is_skipped_in_silence(self, scene: Scene) -> None:
        one = scene.customer_says("one")
        bad = scene.world.send(scene.carl, scene.bot, invoice={"title": "x"})
        gone = scene.customer_says("gone")
        two = scene.customer_says("two")
        scene.world.delete(scene.carl, gone)
        result = await scene.ok("copyMessages", **batch(scene, one.id, bad.id, gone.id, two.id))
        assert [scene.desk.messages[r["message_id"]].text for r in result] == ["one", "two"]

    async def test_captions_can_be_removed(self, scene: Scene) -> None:
        photo = scene.world.send(scene.carl, scene.bot, photo=b"1", caption="away")
        [result] = await scene.ok("copyMessages", **batch(scene, photo.id), remove_caption=True)
        assert scene.desk.messages[result["message_id"]].text == ""

    async def test_forwards_keep_their_origin(self, scene: Scene) -> None:
        one, two = scene.customer_says("one"), scene.customer_says("two")
        result = await scene.ok("forwardMessages", **batch(scene, one.id, two.id))
        origins = [scene.desk.messages[r["message_id"]].origin for r in result]
        assert [o.sender for o in origins if o] == [scene.carl, scene.carl]

    async def test_refusals(self, scene: Scene) -> None:
        one, two = scene.customer_says("one"), scene.customer_says("two")
        bad = scene.world.send(scene.carl, scene.bot, invoice={"title": "x"})
        expected = {
            (): "message identifiers are not specified",
            (two.id, one.id): "message identifiers must be in a strictly increasing order",
            (one.id, one.id): "message identifiers must be in a strictly increasing order",
            (4711, 4712): "there are no messages to forward",
            (bad.id,): "messages can't be forwarded",
            tuple(range(1, 102)): "too many message identifiers specified",
        }
        for numbers, text in expected.items():
            refusal = await scene.refusal("copyMessages", **batch(scene, *numbers))
            assert refusal == f"400 Bad Request: {text}"


async def test_a_failed_copy_is_a_step_of_the_journey(scene: Scene) -> None:
    message = scene.customer_says("hello")
    scene.world.remove_member(scene.desk, scene.bot)
    await scene.refusal("copyMessage", **into_topic(scene, message))
    last = scene.world.journey(message)[-1]
    assert last.kind == "failed"
    assert last.sentence == ("copyMessage by Shop to Desk: 403 Forbidden: bot was kicked from the supergroup chat")
