"""Edits and deletions: what people may change, what bots may, and who is told."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from sandbox.world import Message, NotAllowed
from tests.integration.scene import Scene, open_scene

DAYS_2 = timedelta(hours=48)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with open_scene() as opened:
        await opened.forget_updates()
        yield opened


def file(scene: Scene, kind: str) -> str:
    return scene.world.files.handle(scene.bot.id, scene.world.files.add(kind, b"bytes"))


async def edited(scene: Scene) -> dict[str, Any]:
    body: dict[str, Any] = (await scene.updates())[-1]["edited_message"]
    return body


async def bot_sends(scene: Scene, method: str, **content: Any) -> dict[str, Any]:
    """Where the message is that it has sent to the customer."""
    sent = await scene.ok(method, chat_id=scene.carl.id, **content)
    return {"chat_id": scene.carl.id, "message_id": sent["message_id"]}


class TestPeople:
    async def test_a_text_and_a_caption(self, scene: Scene) -> None:
        said = scene.customer_says("helo")
        scene.world.edit(scene.carl, said, "hello")
        assert (await edited(scene))["text"] == "hello"
        photo = scene.world.send(scene.carl, scene.bot, photo=b"1", caption="old")
        scene.world.edit(scene.carl, photo, "new")
        body = await edited(scene)
        assert (body["caption"], bool(body["edit_date"])) == ("new", True)

    async def test_another_file_also_in_an_album(self, scene: Scene) -> None:
        sent = scene.world.send_album(scene.carl, scene.bot, [{"photo": b"1"}, {"photo": b"2"}])
        scene.world.edit_media(scene.carl, sent[1], video=b"3", caption="moving")
        body = await edited(scene)
        assert (bool(body["video"]), body["caption"]) == (True, "moving")
        assert body["media_group_id"] == sent[0].album_id
        with pytest.raises(NotAllowed, match="can't be mixed"):
            scene.world.edit_media(scene.carl, sent[1], document=b"3")

    async def test_an_edit_that_nobody_sees_is_told_all_the_same(self, scene: Scene) -> None:
        """(Bot API, Update.edited_message: “changes to fields that are unavailable”.)"""
        said = scene.customer_says("hello")
        scene.world.touch(said)
        assert (await edited(scene))["text"] == "hello"

    async def test_the_same_text_again_is_no_edit(self, scene: Scene) -> None:
        said = scene.customer_says("hello")
        await scene.forget_updates()
        scene.world.edit(scene.carl, said, "hello")
        assert await scene.updates() == []

    async def test_forwards_stickers_and_old_messages_stay_as_they_are(self, scene: Scene) -> None:
        forward = scene.world.forward(scene.carl, scene.customer_says("hello"), scene.bot)
        sticker = scene.world.send(scene.carl, scene.bot, sticker=b"1")
        old = scene.customer_says("old")
        scene.clock.advance(DAYS_2)
        for message in (forward, sticker, old):
            with pytest.raises(NotAllowed, match="can't be edited"):
                scene.world.edit(scene.carl, message, "new")


class TestBots:
    async def test_a_text_with_its_preview(self, scene: Scene) -> None:
        where = await bot_sends(scene, "sendMessage", text="https://example.org/")
        preview = {"is_disabled": True}
        text = {"text": "https://example.org/", "link_preview_options": preview}
        changed = await scene.ok("editMessageText", **where, **text)
        assert changed["link_preview_options"] == preview
        assert "message is not modified" in await scene.refusal("editMessageText", **where, **text)

    async def test_a_caption_that_stays_the_same(self, scene: Scene) -> None:
        where = await bot_sends(scene, "sendPhoto", photo=file(scene, "photo"), caption="c")
        refusal = await scene.refusal("editMessageCaption", **where, caption="c")
        assert refusal.startswith("400 Bad Request: message is not modified")
        assert (await scene.ok("editMessageCaption", **where, caption="d"))["caption"] == "d"

    async def test_another_file(self, scene: Scene) -> None:
        where = await bot_sends(scene, "sendPhoto", photo=file(scene, "photo"))
        media = {"type": "video", "media": file(scene, "video"), "has_spoiler": True, "caption": "c"}
        changed = await scene.ok("editMessageMedia", **where, media=media)
        assert (bool(changed["video"]), changed["has_media_spoiler"], changed["caption"]) == (True, True, "c")

    @pytest.mark.parametrize(
        ("before", "after", "refusal"),
        [
            ("photo", "video", None),
            ("photo", "document", "can't change media type in the album"),
            ("audio", "photo", "can't change media type in the album"),
            ("photo", "animation", "message content type can't be used in an album"),
        ],
    )
    async def test_a_piece_of_an_album(self, scene: Scene, before: str, after: str, refusal: str | None) -> None:
        media = [{"type": before, "media": file(scene, before)} for _ in range(2)]
        sent = await scene.ok("sendMediaGroup", chat_id=scene.carl.id, media=media)
        item = {"type": after, "media": file(scene, after)}
        where = {"chat_id": scene.carl.id, "message_id": sent[1]["message_id"]}
        body = await scene.call("editMessageMedia", **where, media=item)
        assert body.get("description") == (f"Bad Request: {refusal}" if refusal else None)

    async def test_what_has_no_media(self, scene: Scene) -> None:
        where = await bot_sends(scene, "sendLocation", latitude=1, longitude=2)
        media = {"type": "photo", "media": file(scene, "photo")}
        refusal = await scene.refusal("editMessageMedia", **where, media=media)
        assert refusal == "400 Bad Request: there is no media in the message to edit"

    async def test_edits_are_charged_to_the_group_like_messages(self) -> None:
        """(levlam, td#2592: they share the limit.)"""
        async with open_scene(flood_control=True) as scene:
            group = {"chat_id": scene.desk.id}
            sent = await scene.ok("sendMessage", **group, message_thread_id=scene.topic.id, text="0")
            where = group | {"message_id": sent["message_id"]}
            for number in range(1, 20):
                await scene.ok("editMessageText", **where, text=str(number))
            body = await scene.call("editMessageText", **where, text="one more")
            assert body["parameters"] == {"retry_after": 60}


class TestDeletions:
    async def refusal(self, scene: Scene, message: Message) -> str:
        chat = message.chat.user.id if message.chat.user else message.chat.id
        body = await scene.call("deleteMessage", chat_id=chat, message_id=message.id)
        return str(body.get("description", "")).removeprefix("Bad Request: ")

    async def test_bots_hear_nothing_of_what_people_delete(self, scene: Scene) -> None:
        said = scene.customer_says("hello")
        await scene.forget_updates()
        scene.world.delete(scene.carl, said)
        assert await scene.updates() == []
        assert said.id not in scene.dialog.messages

    async def test_incoming_messages_of_private_chats_for_two_days(self, scene: Scene) -> None:
        first, second = scene.customer_says("one"), scene.customer_says("two")
        assert await self.refusal(scene, first) == ""
        scene.clock.advance(DAYS_2)
        assert await self.refusal(scene, second) == "message can't be deleted for everyone"

    async def test_in_groups_two_days_are_the_limit_as_well(self, scene: Scene) -> None:
        scene.world.promote(scene.desk, scene.bot)
        message = scene.world.send(scene.olga, scene.desk, "hello", topic=scene.topic)
        scene.clock.advance(DAYS_2)
        assert await self.refusal(scene, message) == "message can't be deleted for everyone"

    async def test_a_dice_in_a_private_chat_stays_for_a_day(self, scene: Scene) -> None:
        dice = scene.world.send(scene.carl, scene.bot, dice="🎲")
        assert await self.refusal(scene, dice) == "message can't be deleted for everyone"
        scene.clock.advance(timedelta(hours=25))
        assert await self.refusal(scene, dice) == ""

    async def test_what_a_topic_began_with_stays(self, scene: Scene) -> None:
        scene.world.promote(scene.desk, scene.bot)
        opening = scene.desk.messages[scene.topic.id]
        assert await self.refusal(scene, opening) == "message can't be deleted"

    async def test_a_batch_leaves_out_what_can_not_be_deleted(self, scene: Scene) -> None:
        old = scene.customer_says("old")
        scene.clock.advance(DAYS_2)
        new = scene.customer_says("new")
        await scene.ok("deleteMessages", chat_id=scene.carl.id, message_ids=[old.id, new.id, 4711])
        assert old.id in scene.dialog.messages
        assert new.id not in scene.dialog.messages
