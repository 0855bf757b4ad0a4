"""Reading Bot API updates: what is known becomes events, what nobody knew never spoils a batch."""

from typing import Any

import pytest

from sessions.bot_api.updates import read_update
from sessions.events import Message, Other, ReachChanged, TopicEvent

USER = {"id": 77, "is_bot": False, "first_name": "Ann", "last_name": "Lee", "username": "ann"}
PRIVATE = {"id": 77, "type": "private", "first_name": "Ann", "last_name": "Lee"}
GROUP = {"id": -1001234567890, "type": "supergroup", "title": "Desk", "is_forum": True}


def message(**fields: Any) -> dict[str, Any]:
    return {"update_id": 5, "message": {"message_id": 9, "date": 0, "chat": PRIVATE, "from": USER, **fields}}


def test_a_text_becomes_a_message_with_its_sender() -> None:
    event = read_update(message(text="hello")).event
    assert isinstance(event, Message)
    assert (event.text, event.content, event.chat.title, event.sender.username) == ("hello", "text", "Ann Lee", "ann")


def test_a_caption_is_the_text_of_a_photo() -> None:
    event = read_update(message(photo=[], caption="look", media_group_id="7")).event
    assert isinstance(event, Message)
    assert (event.content, event.text, event.album) == ("photo", "look", "7")


def test_a_plain_message_in_a_topic_is_no_reply_to_the_topics_root() -> None:
    root = {"message_id": 4}
    event = read_update(
        message(chat=GROUP, text="hi", is_topic_message=True, message_thread_id=4, reply_to_message=root)
    ).event
    assert isinstance(event, Message)
    assert (event.topic_id, event.reply_to) == (4, None)


def test_a_reply_in_general_is_in_no_topic() -> None:
    event = read_update(message(chat=GROUP, text="hi", message_thread_id=4, reply_to_message={"message_id": 4})).event
    assert isinstance(event, Message)
    assert (event.topic_id, event.reply_to) == (None, 4)


def test_content_newer_than_the_code_is_named_by_its_field() -> None:
    event = read_update(message(hologram={"depth": 3})).event
    assert isinstance(event, Message)
    assert event.content == "hologram"


@pytest.mark.parametrize(
    ("field", "what"),
    [("created", "created"), ("edited", "renamed"), ("closed", "closed"), ("reopened", "reopened")],
)
def test_service_messages_of_topics_become_topic_events(field: str, what: str) -> None:
    update = message(chat=GROUP, message_thread_id=4, is_topic_message=True)
    update["message"][f"forum_topic_{field}"] = {"name": "N"}
    event = read_update(update).event
    assert isinstance(event, TopicEvent)
    assert (event.what, event.topic_id) == (what, 4)


@pytest.mark.parametrize(("status", "reachable"), [("kicked", False), ("member", True)])
def test_blocking_and_unblocking_change_the_reach(status: str, reachable: bool) -> None:
    body = {"chat": PRIVATE, "from": USER, "date": 0, "new_chat_member": {"status": status}}
    event = read_update({"update_id": 5, "my_chat_member": body}).event
    assert isinstance(event, ReachChanged)
    assert event.reachable is reachable


@pytest.mark.parametrize(
    ("update", "reason"),
    [
        ({"update_id": 5, "quantum_message": {"x": 1}}, "unknown_kind"),
        ({"update_id": 5}, "unknown_kind"),
        ({"update_id": 5, "message": {"message_id": 1}}, "unreadable"),
        ({"update_id": 5, "message": None}, "unreadable"),
        ({"update_id": 5, "message": [1, 2]}, "unreadable"),
        ({"update_id": 5, "my_chat_member": {"chat": PRIVATE}}, "unreadable"),
        (message(text="x", chat={"id": 1, "type": "hyperspace"}), "unreadable"),
        ({"update_id": 5, "edited_message": {}}, "edit"),
        (message(new_chat_title="T", chat=GROUP), "service:new_chat_title"),
    ],
)
def test_whatever_else_comes_is_an_update_without_effect(update: dict[str, Any], reason: str) -> None:
    read = read_update(update)
    assert isinstance(read.event, Other)
    assert read.event.reason == reason
    assert read.id == 5
