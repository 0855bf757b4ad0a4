"""The Bot API's refusals, word for word: programs match on them."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.scene import Scene, open_scene


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with open_scene() as opened:
        yield opened


def at(scene: Scene, **more: Any) -> dict[str, Any]:
    """A message into the topic."""
    return {"chat_id": scene.desk.id, "message_thread_id": scene.topic.id, "text": "hello"} | more


class TestTokensAndMethods:
    async def test_an_unknown_method(self, scene: Scene) -> None:
        assert await scene.refusal("getYou") == "404 Not Found: method not found"

    async def test_method_names_are_case_insensitive(self, scene: Scene) -> None:
        assert (await scene.ok("GETme"))["id"] == scene.bot.id

    @pytest.mark.parametrize(
        ("token", "status", "description"),
        [
            ("123456789:AAunknown", 401, "Unauthorized"),
            ("nonsense", 401, "Unauthorized: invalid token specified"),
            ("0123:AA", 401, "Unauthorized: invalid token specified"),
            ("abc:AA", 421, "Misdirected Request: unallowed token specified"),
        ],
    )
    async def test_a_bad_token(self, scene: Scene, token: str, status: int, description: str) -> None:
        async with scene.http.post(f"{scene.sandbox.url}/bot{token}/getMe") as response:
            body = await response.json()
            assert (response.status, body["error_code"], body["description"]) == (status, status, description)

    async def test_a_deleted_bot(self, scene: Scene) -> None:
        scene.world.delete_bot(scene.bot)
        assert await scene.refusal("getMe") == "401 Unauthorized"


class TestChats:
    async def test_no_chat(self, scene: Scene) -> None:
        assert await scene.refusal("sendMessage", text="x") == "400 Bad Request: chat_id is empty"

    @pytest.mark.parametrize("chat_id", [-1001234567890, 42, "@nowhere", "nonsense"])
    async def test_an_unknown_chat(self, scene: Scene, chat_id: Any) -> None:
        refusal = await scene.refusal("sendMessage", chat_id=chat_id, text="x")
        assert refusal == "400 Bad Request: chat not found"

    async def test_a_person_who_never_wrote_to_the_bot(self, scene: Scene) -> None:
        refusal = await scene.refusal("sendMessage", chat_id=scene.olga.id, text="x")
        assert refusal == "403 Forbidden: bot can't initiate conversation with a user"

    async def test_a_person_who_blocked_the_bot(self, scene: Scene) -> None:
        scene.world.block(scene.carl, scene.bot)
        refusal = await scene.refusal("sendMessage", chat_id=scene.carl.id, text="x")
        assert refusal == "403 Forbidden: bot was blocked by the user"

    async def test_a_person_who_deleted_their_account(self, scene: Scene) -> None:
        scene.world.delete_user(scene.carl)
        refusal = await scene.refusal("sendMessage", chat_id=scene.carl.id, text="x")
        assert refusal == "403 Forbidden: user is deactivated"

    async def test_a_group_that_removed_the_bot(self, scene: Scene) -> None:
        scene.world.remove_member(scene.desk, scene.bot)
        refusal = "403 Forbidden: bot was kicked from the supergroup chat"
        assert await scene.refusal("sendMessage", **at(scene)) == refusal
        assert await scene.refusal("getChat", chat_id=scene.desk.id) == refusal

    async def test_a_group_that_the_bot_left(self, scene: Scene) -> None:
        await scene.ok("leaveChat", chat_id=scene.desk.id)
        refusal = await scene.refusal("sendMessage", **at(scene))
        assert refusal == "403 Forbidden: bot is not a member of the supergroup chat"

    async def test_a_basic_group_that_removed_the_bot(self, scene: Scene) -> None:
        group = scene.world.add_group("Basic", scene.olga)
        scene.world.add_member(group, scene.bot)
        scene.world.remove_member(group, scene.bot)
        refusal = await scene.refusal("sendMessage", chat_id=group.id, text="x")
        assert refusal == "403 Forbidden: bot was kicked from the group chat"

    async def test_a_group_that_was_upgraded_names_its_new_id(self, scene: Scene) -> None:
        group = scene.world.add_group("Basic", scene.olga)
        scene.world.add_member(group, scene.bot)
        new = scene.world.set_forum(group, True)
        body = await scene.call("sendMessage", chat_id=group.id, text="x")
        assert body == {
            "ok": False,
            "error_code": 400,
            "description": "Bad Request: group chat was upgraded to a supergroup chat",
            "parameters": {"migrate_to_chat_id": new.id},
        }

    async def test_another_bot(self, scene: Scene) -> None:
        other = scene.world.add_bot("Other", "other_bot")
        refusal = await scene.refusal("sendMessage", chat_id=other.id, text="x")
        assert refusal == "403 Forbidden: bots can't send messages to bots"


class TestTopics:
    async def test_general_has_no_thread_id(self, scene: Scene) -> None:
        """(Bot API: message_thread_id=1 fails, it must be omitted.)"""
        refusal = await scene.refusal("sendMessage", **at(scene, message_thread_id=1))
        assert refusal == "400 Bad Request: message thread not found"

    async def test_a_topic_that_never_was(self, scene: Scene) -> None:
        refusal = await scene.refusal("sendMessage", **at(scene, message_thread_id=4711))
        assert refusal == "400 Bad Request: message thread not found"

    async def test_a_deleted_topic_is_called_deleted_for_a_minute_and_not_found_after_it(self, scene: Scene) -> None:
        """(Bot API: the server's cache of a topic lives 60 s.) [M]"""
        scene.world.delete_topic(scene.olga, scene.desk, scene.topic)
        assert await scene.refusal("sendMessage", **at(scene)) == "400 Bad Request: TOPIC_DELETED"
        scene.clock.advance(timedelta(seconds=61))
        assert await scene.refusal("sendMessage", **at(scene)) == "400 Bad Request: message thread not found"

    async def test_how_long_a_topic_is_called_deleted_is_a_switch(self, scene: Scene) -> None:
        scene.world.rules.topic_deleted_text_for = timedelta(0)
        scene.world.delete_topic(scene.olga, scene.desk, scene.topic)
        assert await scene.refusal("sendMessage", **at(scene)) == "400 Bad Request: message thread not found"

    async def test_a_closed_topic_is_open_to_those_who_manage_topics_only(self, scene: Scene) -> None:
        scene.world.close_topic(scene.olga, scene.desk, scene.topic)
        await scene.ok("sendMessage", **at(scene))
        scene.world.demote(scene.desk, scene.bot)
        assert await scene.refusal("sendMessage", **at(scene)) == "400 Bad Request: TOPIC_CLOSED"

    async def test_a_closed_topic_is_open_to_the_bot_that_made_it(self, scene: Scene) -> None:
        own = await scene.ok("createForumTopic", chat_id=scene.desk.id, name="own")
        scene.world.close_topic(scene.olga, scene.desk, own["message_thread_id"])
        scene.world.demote(scene.desk, scene.bot)
        await scene.ok("sendMessage", **at(scene, message_thread_id=own["message_thread_id"]))

    async def test_creating_needs_the_right(self, scene: Scene) -> None:
        scene.world.demote(scene.desk, scene.bot)
        refusal = await scene.refusal("createForumTopic", chat_id=scene.desk.id, name="x")
        assert refusal == "400 Bad Request: not enough rights to create a topic"

    async def test_editing_needs_the_right_except_for_one_s_own(self, scene: Scene) -> None:
        own = await scene.ok("createForumTopic", chat_id=scene.desk.id, name="own")
        scene.world.demote(scene.desk, scene.bot)
        where = {"chat_id": scene.desk.id, "name": "renamed"}
        foreign = await scene.refusal("editForumTopic", message_thread_id=scene.topic.id, **where)
        assert foreign == "400 Bad Request: not enough rights to edit the topic"
        await scene.ok("editForumTopic", message_thread_id=own["message_thread_id"], **where)

    async def test_deleting_needs_the_right_to_delete_messages(self, scene: Scene) -> None:
        scene.world.promote(scene.desk, scene.bot, ["manage_topics"])
        where = {"chat_id": scene.desk.id, "message_thread_id": scene.topic.id}
        refusal = await scene.refusal("deleteForumTopic", **where)
        assert refusal == "400 Bad Request: not enough rights to delete the topic"

    async def test_a_name_is_needed(self, scene: Scene) -> None:
        refusal = await scene.refusal("createForumTopic", chat_id=scene.desk.id, name="  ")
        assert refusal == "400 Bad Request: name must be non-empty"

    async def test_a_group_without_topics(self, scene: Scene) -> None:
        plain = scene.world.add_supergroup("Plain", scene.olga)
        scene.world.promote(plain, scene.bot)
        refusal = await scene.refusal("createForumTopic", chat_id=plain.id, name="x")
        assert refusal == "400 Bad Request: the chat is not a forum"
        basic = scene.world.add_group("Basic", scene.olga)
        scene.world.add_member(basic, scene.bot)
        refusal = await scene.refusal("createForumTopic", chat_id=basic.id, name="x")
        assert refusal == "400 Bad Request: the chat is not a supergroup forum"

    @pytest.mark.parametrize(
        ("method", "more"),
        [("editForumTopic", {"name": "Carl"}), ("editForumTopic", {}), ("reopenForumTopic", {})],
    )
    async def test_nothing_to_change(self, scene: Scene, method: str, more: dict[str, str]) -> None:
        where = {"chat_id": scene.desk.id, "message_thread_id": scene.topic.id}
        assert await scene.refusal(method, **where, **more) == "400 Bad Request: TOPIC_NOT_MODIFIED"

    async def test_an_emoji_that_is_no_topic_icon(self, scene: Scene) -> None:
        refusal = await scene.refusal("createForumTopic", chat_id=scene.desk.id, name="x", icon_custom_emoji_id="1")
        assert refusal == "400 Bad Request: DOCUMENT_INVALID"


class TestTexts:
    @pytest.mark.parametrize(
        ("text", "refusal"),
        [
            ("", "message text is empty"),
            (" \n ", "message text is empty"),
            ("x" * 4097, "message is too long"),
            ("😀" * 2049, "message is too long"),
        ],
    )
    async def test_length(self, scene: Scene, text: str, refusal: str) -> None:
        assert await scene.refusal("sendMessage", **at(scene, text=text)) == f"400 Bad Request: {refusal}"

    async def test_a_caption_has_1024_characters(self, scene: Scene) -> None:
        handle = scene.world.files.handle(scene.bot.id, scene.world.files.add("photo", b"jpeg"))
        refusal = await scene.refusal("sendPhoto", chat_id=scene.carl.id, photo=handle, caption="x" * 1025)
        assert refusal == "400 Bad Request: message caption is too long"

    @pytest.mark.parametrize(
        ("mode", "text", "refusal"),
        [
            ("HTML", "<x>a</x>", 'Unsupported start tag "x" at byte offset 0'),
            ("HTML", "ä <b>a", 'Can\'t find end tag corresponding to start tag "b"'),
            ("HTML", "ä </b>", "Unexpected end tag at byte offset 3"),
            ("HTML", "<b>a</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
            ("MarkdownV2", "a.", "Character '.' is reserved and must be escaped with the preceding '\\'"),
            ("MarkdownV2", "ä *b", "Can't find end of Bold entity at byte offset 3"),
            ("MarkdownV2", "```py\nx", "Can't find end of PreCode entity at byte offset 0"),
            ("Markdown", "a_b", "Can't find end of the entity starting at byte offset 1"),
        ],
    )
    async def test_markup(self, scene: Scene, mode: str, text: str, refusal: str) -> None:
        said = await scene.refusal("sendMessage", **at(scene, text=text, parse_mode=mode))
        assert said == f"400 Bad Request: can't parse entities: {refusal}"

    async def test_an_unknown_markup(self, scene: Scene) -> None:
        said = await scene.refusal("sendMessage", **at(scene, parse_mode="BBCode"))
        assert said == "400 Bad Request: unsupported parse_mode"


class TestMessages:
    async def test_a_reply_to_nothing(self, scene: Scene) -> None:
        reply = {"message_id": 4711}
        refusal = await scene.refusal("sendMessage", **at(scene, reply_parameters=reply))
        assert refusal == "400 Bad Request: message to be replied not found"
        reply["allow_sending_without_reply"] = True
        sent = await scene.ok("sendMessage", **at(scene, reply_parameters=reply))
        assert sent["reply_to_message"]["message_id"] == scene.topic.id

    async def test_a_reply_into_another_chat_is_never_optional(self, scene: Scene) -> None:
        reply = {"message_id": 4711, "chat_id": scene.carl.id, "allow_sending_without_reply": True}
        refusal = await scene.refusal("sendMessage", **at(scene, reply_parameters=reply))
        assert refusal == "400 Bad Request: message to be replied not found"

    async def test_a_quote_that_was_not_said(self, scene: Scene) -> None:
        message = scene.world.send(scene.olga, scene.desk, "hello", topic=scene.topic)
        reply = {"message_id": message.id, "quote": "bye"}
        refusal = await scene.refusal("sendMessage", **at(scene, reply_parameters=reply))
        assert refusal == "400 Bad Request: QUOTE_TEXT_INVALID"

    async def test_nothing_to_copy_forward_edit_or_delete(self, scene: Scene) -> None:
        source = {"chat_id": scene.desk.id, "from_chat_id": scene.carl.id, "message_id": 4711}
        assert await scene.refusal("copyMessage", **source) == "400 Bad Request: message to copy not found"
        assert await scene.refusal("forwardMessage", **source) == "400 Bad Request: message to forward not found"
        where = {"chat_id": scene.carl.id, "message_id": 4711}
        refusal = await scene.refusal("editMessageText", text="x", **where)
        assert refusal == "400 Bad Request: message to edit not found"
        refusal = await scene.refusal("deleteMessage", **where)
        assert refusal == "400 Bad Request: message to delete not found"

    async def test_an_edit_that_changes_nothing(self, scene: Scene) -> None:
        sent = await scene.ok("sendMessage", **at(scene))
        where = {"chat_id": scene.desk.id, "message_id": sent["message_id"]}
        assert await scene.refusal("editMessageText", text="hello", **where) == (
            "400 Bad Request: message is not modified: specified new message content and reply markup "
            "are exactly the same as a current content and reply markup of the message"
        )

    async def test_somebody_else_s_message_can_not_be_edited(self, scene: Scene) -> None:
        message = scene.customer_says("hello")
        where = {"chat_id": scene.carl.id, "message_id": message.id}
        refusal = await scene.refusal("editMessageText", text="bye", **where)
        assert refusal == "400 Bad Request: message can't be edited"

    async def test_deleting_somebody_else_s_message_needs_the_right(self, scene: Scene) -> None:
        message = scene.world.send(scene.olga, scene.desk, "hello", topic=scene.topic)
        scene.world.demote(scene.desk, scene.bot)
        where = {"chat_id": scene.desk.id, "message_id": message.id}
        refusal = await scene.refusal("deleteMessage", **where)
        assert refusal == "400 Bad Request: message can't be deleted for everyone"

    async def test_messages_can_be_deleted_for_two_days(self, scene: Scene) -> None:
        sent = await scene.ok("sendMessage", chat_id=scene.carl.id, text="hello")
        scene.clock.advance(timedelta(hours=49))
        where = {"chat_id": scene.carl.id, "message_id": sent["message_id"]}
        refusal = await scene.refusal("deleteMessage", **where)
        assert refusal == "400 Bad Request: message can't be deleted for everyone"

    async def test_pinning_needs_the_right(self, scene: Scene) -> None:
        scene.world.demote(scene.desk, scene.bot)
        where = {"chat_id": scene.desk.id, "message_id": scene.topic.id}
        refusal = await scene.refusal("pinChatMessage", **where)
        assert refusal == "400 Bad Request: not enough rights to manage pinned messages in the chat"


class TestFilesAndKeyboards:
    async def test_files_by_address_are_not_fetched(self, scene: Scene) -> None:
        refusal = await scene.refusal("sendPhoto", chat_id=scene.carl.id, photo="https://example.org/a.jpg")
        assert refusal == "400 Bad Request: failed to get HTTP URL content"

    async def test_a_file_of_another_bot(self, scene: Scene) -> None:
        other = scene.world.add_bot("Other", "other_bot")
        handle = scene.world.files.handle(other.id, scene.world.files.add("photo", b"jpeg"))
        refusal = await scene.refusal("sendPhoto", chat_id=scene.carl.id, photo=handle)
        assert refusal == "400 Bad Request: wrong file identifier/HTTP URL specified"

    async def test_a_file_of_another_kind(self, scene: Scene) -> None:
        handle = scene.world.files.handle(scene.bot.id, scene.world.files.add("photo", b"jpeg"))
        refusal = await scene.refusal("sendDocument", chat_id=scene.carl.id, document=handle)
        assert refusal == "400 Bad Request: can't use file of type Photo as Document"

    async def test_no_file(self, scene: Scene) -> None:
        refusal = await scene.refusal("sendVideoNote", chat_id=scene.carl.id)
        assert refusal == "400 Bad Request: there is no video note in the request"

    @pytest.mark.parametrize(
        ("button", "refusal"),
        [
            ({"text": "x"}, "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"),
            ({"callback_data": "x"}, "can't parse inline keyboard button: Can't find field \"text\""),
            ({"text": "x", "callback_data": "x" * 65}, "BUTTON_DATA_INVALID"),
        ],
    )
    async def test_a_bad_button(self, scene: Scene, button: dict[str, str], refusal: str) -> None:
        markup = {"inline_keyboard": [[button]]}
        said = await scene.refusal("sendMessage", **at(scene, reply_markup=markup))
        assert said == f"400 Bad Request: {refusal}"

    async def test_parameters_that_are_no_json(self, scene: Scene) -> None:
        said = await scene.refusal("sendMessage", **at(scene, reply_markup="{"))
        assert said == "400 Bad Request: can't parse reply keyboard markup JSON object"
