"""Every kind of message that a person can send, as bots see it, copy it and forward it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.world import Chat, Entity, Message, NotAllowed
from sandbox.world.samples import CONTENTS
from tests.integration.scene import Scene, open_scene

QUIZ = {"question": "?", "options": ["a", "b"], "type": "quiz", "correct_option_id": 1}
LINKS = {"inline_keyboard": [[{"text": "Site", "url": "https://example.org/"}]]}


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with open_scene() as opened:
        await opened.forget_updates()
        yield opened


def into_topic(scene: Scene, source: Message) -> dict[str, Any]:
    target = {"chat_id": scene.desk.id, "message_thread_id": scene.topic.id}
    chat = source.chat.user.id if source.chat.user else source.chat.id
    return target | {"from_chat_id": chat, "message_id": source.id}


async def copy(scene: Scene, source: Message) -> Message:
    result = await scene.ok("copyMessage", **into_topic(scene, source))
    return scene.desk.messages[result["message_id"]]


async def heard(scene: Scene, kind: str = "message") -> dict[str, Any]:
    """The newest update's message."""
    updates = await scene.updates()
    body: dict[str, Any] = updates[-1][kind]
    return body


async def refuses_copy(scene: Scene, source: Message) -> bool:
    body = await scene.call("copyMessage", **into_topic(scene, source))
    return bool(body.get("description") == "Bad Request: the message can't be copied")


COPYABLE = {"game", "story", "checklist", "rich_message", "venue", "contact", "poll"}


@pytest.mark.parametrize("kind", sorted(COPYABLE))
async def test_rare_kinds_that_can_be_copied(scene: Scene, kind: str) -> None:
    source = scene.world.send(scene.carl, scene.bot, **{kind: {}})
    assert (await copy(scene, source)).kind == kind


@pytest.mark.parametrize("kind", ["paid_media", "invoice", "giveaway", "giveaway_winners"])
async def test_kinds_that_can_only_be_forwarded(scene: Scene, kind: str) -> None:
    source = scene.world.send(scene.carl, scene.bot, **{kind: {}})
    assert await refuses_copy(scene, source)
    forwarded = await scene.ok("forwardMessage", **into_topic(scene, source))
    assert forwarded[kind]


async def test_whether_checklists_are_copied_is_a_switch(scene: Scene) -> None:
    scene.world.rules.checklists_are_copied = False
    assert await refuses_copy(scene, scene.world.send(scene.carl, scene.bot, checklist={}))


async def test_what_is_left_out_is_as_in_the_sample(scene: Scene) -> None:
    scene.world.send(scene.carl, scene.bot, invoice={"title": "A lamp"})
    invoice = (await heard(scene))["invoice"]
    assert invoice == {**CONTENTS["invoice"], "title": "A lamp"}


class TestQuizzes:
    async def test_the_answer_is_seen_where_the_quiz_was_sent_to_the_bot(self, scene: Scene) -> None:
        scene.world.send(scene.carl, scene.bot, poll=QUIZ)
        assert (await heard(scene))["poll"]["correct_option_ids"] == [1]

    async def test_it_is_unknown_where_the_quiz_was_forwarded(self, scene: Scene) -> None:
        foreign = scene.world.send(scene.olga, scene.desk, poll=QUIZ, topic=scene.topic)
        forwarded = scene.world.forward(scene.olga, foreign, scene.desk)
        scene.world.start(scene.olga, scene.bot)
        private = scene.world.forward(scene.olga, foreign, scene.bot)
        assert "correct_option_ids" not in (await heard(scene))["poll"]
        assert [await refuses_copy(scene, source) for source in (foreign, forwarded, private)] == [True] * 3

    async def test_it_is_known_once_the_quiz_is_closed(self, scene: Scene) -> None:
        foreign = scene.world.send(scene.olga, scene.desk, poll=QUIZ, topic=scene.topic)
        scene.world.close_poll(scene.olga, foreign)
        poll = (await heard(scene, "edited_message"))["poll"]
        assert (poll["is_closed"], poll["correct_option_ids"]) == (True, [1])
        made = await copy(scene, foreign)
        assert not made.content.details["is_closed"]

    async def test_only_an_open_poll_can_be_closed(self, scene: Scene) -> None:
        with pytest.raises(NotAllowed, match="no open poll"):
            scene.world.close_poll(scene.carl, scene.customer_says("?"))


class TestPlaces:
    async def test_a_live_place_moves_and_stops(self, scene: Scene) -> None:
        sent = scene.world.send(scene.carl, scene.bot, location={"live_period": 900, "heading": 10})
        scene.world.move(scene.carl, sent, 1.5, 2.5)
        moved = (await heard(scene, "edited_message"))["location"]
        assert moved == {"latitude": 1.5, "longitude": 2.5, "live_period": 900, "heading": 10}
        scene.world.stop_moving(scene.carl, sent)
        assert (await heard(scene, "edited_message"))["location"] == {"latitude": 1.5, "longitude": 2.5}
        with pytest.raises(NotAllowed, match="not shared live"):
            scene.world.stop_moving(scene.carl, sent)

    async def test_its_copy_stands_still_with_all_else_kept(self, scene: Scene) -> None:
        place = {"live_period": 900, "heading": 10, "horizontal_accuracy": 5.0}
        made = await copy(scene, scene.world.send(scene.carl, scene.bot, location=place))
        assert set(made.content.details) == {"latitude", "longitude", "horizontal_accuracy"}


async def test_a_picture_that_is_seen_once_is_shown_to_no_bot(scene: Scene) -> None:
    sent = scene.world.send(scene.carl, scene.bot, photo=b"jpeg", seen_once=True)
    assert await scene.updates() == []
    assert scene.world.journey(sent)[-1].kind == "withheld"
    assert await refuses_copy(scene, sent)


async def test_a_shared_phone_number_names_its_owner(scene: Scene) -> None:
    scene.carl.phone = "+4930123"
    scene.world.share_contact(scene.carl, scene.bot)
    contact = (await heard(scene))["contact"]
    assert contact == {
        "phone_number": "+4930123",
        "first_name": "Carl",
        "last_name": "Customer",
        "user_id": scene.carl.id,
    }


class TestAlbums:
    async def test_pictures_and_films_are_mixed(self, scene: Scene) -> None:
        items = [{"photo": b"1", "caption": "c"}, {"video": b"2", "spoiler": True}, {"live_photo": b"3"}]
        sent = scene.world.send_album(scene.carl, scene.bot, items)
        numbers = [message.id for message in sent]
        target = into_topic(scene, sent[0]) | {"message_ids": numbers}
        made = [scene.desk.messages[one["message_id"]] for one in await scene.ok("copyMessages", **target)]
        assert [message.kind for message in made] == ["photo", "video", "live_photo"]
        assert len({message.album_id for message in made}) == 1
        assert made[1].content.spoiler

    @pytest.mark.parametrize(
        ("items", "reason"),
        [
            ([{"photo": b"1"}], "two to ten"),
            ([{"photo": b"1"}] * 11, "two to ten"),
            ([{"photo": b"1"}, {"document": b"2"}], "Documents can't be mixed"),
            ([{"audio": b"1"}, {"video": b"2"}], "Audios can't be mixed"),
            ([{"voice": b"1"}, {"voice": b"2"}], "A voice can't be part"),
            ([{"text": "a"}, {"text": "b"}], "A text can't be part"),
        ],
    )
    def test_what_is_no_album(self, scene: Scene, items: list[dict[str, Any]], reason: str) -> None:
        with pytest.raises(NotAllowed, match=reason):
            scene.world.send_album(scene.carl, scene.bot, items)

    async def test_bots_can_not_mix_them_either(self, scene: Scene) -> None:
        files = scene.world.files
        media = [
            {"type": kind, "media": files.handle(scene.bot.id, files.add(kind, b"x"))} for kind in ("photo", "audio")
        ]
        refusal = await scene.refusal("sendMediaGroup", chat_id=scene.carl.id, media=media)
        assert refusal == "400 Bad Request: audio can't be mixed with other media types"


class TestOrigins:
    """(Bot API: MessageOrigin)"""

    async def origin(self, scene: Scene, source: Message) -> dict[str, Any]:
        forwarded = await scene.ok("forwardMessage", **into_topic(scene, source))
        origin: dict[str, Any] = forwarded["forward_origin"]
        return origin

    async def test_a_person(self, scene: Scene) -> None:
        origin = await self.origin(scene, scene.customer_says("hello"))
        assert (origin["type"], origin["sender_user"]["id"]) == ("user", scene.carl.id)

    async def test_a_person_who_hides_in_forwards(self, scene: Scene) -> None:
        scene.carl.hides_forwards = True
        origin = await self.origin(scene, scene.customer_says("hello"))
        assert (origin["type"], origin["sender_user_name"]) == ("hidden_user", "Carl Customer")
        assert "sender_user" not in origin

    async def test_a_group_through_its_anonymous_administrator(self, scene: Scene) -> None:
        scene.world.join(scene.carl, scene.desk)
        scene.world.promote(scene.desk, scene.carl, ["manage_topics", "anonymous"])
        origin = await self.origin(scene, scene.world.send(scene.carl, scene.desk, "we", topic=scene.topic))
        assert (origin["type"], origin["sender_chat"]["id"]) == ("chat", scene.desk.id)

    async def test_a_channel_with_a_signature(self, scene: Scene) -> None:
        channel = scene.world.add_channel("News", scene.olga)
        scene.world.sign_posts(channel)
        post = scene.world.send(scene.olga, channel, "news")
        scene.world.start(scene.olga, scene.bot)
        origin = await self.origin(scene, scene.world.forward(scene.olga, post, scene.bot))
        assert origin["chat"]["id"] == channel.id
        assert (origin["type"], origin["message_id"], origin["author_signature"]) == ("channel", post.id, "Olga")


class TestReplies:
    async def test_a_quote_keeps_its_formatting_and_counts_in_utf16_units(self, scene: Scene) -> None:
        said = scene.world.send(
            scene.carl, scene.bot, "😀 red or blue", entities=[Entity("bold", 3, 3), Entity("code", 7, 2)]
        )
        scene.world.send(scene.carl, scene.bot, "this", reply_to=said, quote="ed or")
        quote = (await heard(scene))["quote"]
        entities = [{"type": "bold", "offset": 0, "length": 2}]
        assert quote == {"text": "ed or", "position": 4, "entities": entities, "is_manual": True}

    async def test_a_quote_by_its_position(self, scene: Scene) -> None:
        said = scene.customer_says("ha ha")
        reply = {"message_id": said.id, "quote": "ha", "quote_position": 3}
        sent = await scene.ok("sendMessage", chat_id=scene.carl.id, text="?", reply_parameters=reply)
        assert sent["quote"]["position"] == 3

    async def test_a_reply_to_a_message_of_another_chat(self, scene: Scene) -> None:
        group = scene.world.add_supergroup("Elsewhere", scene.carl)
        said = scene.world.send(scene.carl, group, photo=b"jpeg", caption="see", spoiler=True)
        scene.world.send(scene.carl, scene.bot, "what of this?", reply_to=said, quote="see")
        message = await heard(scene)
        external = message["external_reply"]
        assert "reply_to_message" not in message
        assert (external["chat"]["id"], external["message_id"]) == (group.id, said.id)
        assert external["photo"]
        assert external["has_media_spoiler"]
        assert "caption" not in external
        assert message["quote"]["text"] == "see"

    async def test_a_reply_to_a_story(self, scene: Scene) -> None:
        story = CONTENTS["story"]
        scene.world.send(scene.carl, scene.bot, "nice", reply_to_story=story)
        assert (await heard(scene))["reply_to_story"] == story


class TestMarks:
    async def test_a_link_preview_is_told_and_copied(self, scene: Scene) -> None:
        preview = {"is_disabled": True}
        said = scene.world.send(scene.carl, scene.bot, "https://example.org/", link_preview=preview)
        assert (await heard(scene))["link_preview_options"] == preview
        assert (await copy(scene, said)).link_preview == preview

    async def test_a_caption_above_and_a_spoiler_belong_to_pictures(self, scene: Scene) -> None:
        marks: dict[str, Any] = {"caption": "c", "spoiler": True, "show_caption_above_media": True}
        scene.world.send(scene.carl, scene.bot, video=b"1", **marks)
        film = await heard(scene)
        assert (film["has_media_spoiler"], film["show_caption_above_media"]) == (True, True)
        scene.world.send(scene.carl, scene.bot, document=b"1", **marks)
        assert not {"has_media_spoiler", "show_caption_above_media"} & (await heard(scene)).keys()

    async def test_a_forward_keeps_buttons_that_are_links_and_a_copy_keeps_none(self, scene: Scene) -> None:
        sent = await scene.ok("sendMessage", chat_id=scene.carl.id, text="look", reply_markup=LINKS)
        message = scene.dialog.messages[sent["message_id"]]
        forwarded = await scene.ok("forwardMessage", **into_topic(scene, message))
        assert forwarded["reply_markup"] == LINKS
        assert (await copy(scene, message)).markup is None


async def test_a_member_speaks_as_their_channel(scene: Scene) -> None:
    channel: Chat = scene.world.add_channel("News", scene.olga)
    scene.world.send(scene.olga, scene.desk, "hello", topic=scene.topic, as_chat=channel)
    message = await heard(scene)
    assert message["sender_chat"]["id"] == channel.id
    assert message["from"]["username"] == "Channel_Bot"
    with pytest.raises(NotAllowed, match="not your channel"):
        scene.world.send(scene.carl, scene.bot, "hello", as_chat=channel)
