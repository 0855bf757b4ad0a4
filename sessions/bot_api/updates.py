"""Bot API updates, as JSON, to the port's events.

Read as plain JSON on purpose: one update of a shape that nobody knew must not spoil the batch that it came in,
and a pydantic object per update costs more than everything else that happens to it.
"""

from typing import Any

import orjson

from sessions.events import (
    Buttons,
    Chat,
    ChatKind,
    Cursor,
    Event,
    GroupMoved,
    Incoming,
    Message,
    Other,
    Person,
    ReachChanged,
    TopicEvent,
)
from tenants.ids import ChatId, MessageId, TopicId, UpdateId, UserId
from tenants.outbox import Entity

ALLOWED = ["message", "edited_message", "callback_query", "my_chat_member"]

CONTENT = (
    "text",
    "photo",
    "video",
    "animation",
    "audio",
    "voice",
    "video_note",
    "sticker",
    "document",
    "venue",
    "location",
    "contact",
    "poll",
    "dice",
    "story",
    "game",
    "checklist",
    "paid_media",
    "invoice",
    "giveaway",
    "giveaway_winners",
    "rich_message",
    "live_photo",
)
"""Animations also carry `document`, venues also `location`: the first that fits names the kind."""

_TOPIC_EVENTS = {
    "forum_topic_created": "created",
    "forum_topic_edited": "renamed",
    "forum_topic_closed": "closed",
    "forum_topic_reopened": "reopened",
}
_SERVICE = frozenset(
    {
        "new_chat_members",
        "left_chat_member",
        "new_chat_title",
        "new_chat_photo",
        "delete_chat_photo",
        "group_chat_created",
        "supergroup_chat_created",
        "migrate_from_chat_id",
        "pinned_message",
        "general_forum_topic_hidden",
        "general_forum_topic_unhidden",
        "message_auto_delete_timer_changed",
        "video_chat_scheduled",
        "video_chat_started",
        "video_chat_ended",
        "video_chat_participants_invited",
        "chat_background_set",
    }
)


_ENVELOPE = frozenset(
    {
        "message_id",
        "message_thread_id",
        "from",
        "sender_chat",
        "sender_boost_count",
        "sender_business_bot",
        "date",
        "chat",
        "forward_origin",
        "is_topic_message",
        "is_automatic_forward",
        "reply_to_message",
        "external_reply",
        "quote",
        "via_bot",
        "edit_date",
        "has_protected_content",
        "is_from_offline",
        "media_group_id",
        "author_signature",
        "effect_id",
        "caption",
        "caption_entities",
        "show_caption_above_media",
        "has_media_spoiler",
        "reply_markup",
    }
)


_ENVELOPE_OF_PLAIN = frozenset(
    {
        "message_id",
        "from",
        "date",
        "chat",
        "text",
        "entities",
        "sender_boost_count",
        "is_from_offline",
        "message_thread_id",
    }
)
"""What a plain text carries: no reply, no forward, no keyboard, no effect, no preview."""
_KEPT = frozenset(
    {
        "bold",
        "italic",
        "underline",
        "strikethrough",
        "spoiler",
        "code",
        "pre",
        "blockquote",
        "expandable_blockquote",
    }
)
_FOUND = frozenset({"mention", "hashtag", "cashtag", "bot_command", "email", "phone_number"})
"""Telegram finds these in any text by itself. A link is not among them: it may have a preview."""


def read_update(raw: dict[str, Any]) -> Incoming:
    """Never raises for an update that has an id: what can't be read says so."""
    update_id = UpdateId(int(raw["update_id"]))
    kind = next((key for key in raw if key != "update_id"), "empty")
    try:
        event = _read_event(kind, raw.get(kind))
    except (KeyError, TypeError, ValueError, AttributeError):
        event = Other(kind, "unreadable")
    return Incoming(update_id, kind, event, Cursor(str(update_id + 1)), orjson.dumps(raw))


def _read_event(kind: str, body: Any) -> Event:
    if kind == "message":
        return _read_message(body)
    if kind == "my_chat_member":
        return _read_membership(body)
    if kind == "edited_message":
        return Other(kind, "edit")
    if kind == "callback_query":
        return Other(kind, "button")
    return Other(kind, "unknown_kind")


def _read_message(body: dict[str, Any]) -> Event:
    chat = _read_chat(body["chat"])
    for key, what in _TOPIC_EVENTS.items():
        if key in body:
            topic = TopicId(int(body.get("message_thread_id", body["message_id"])))
            return TopicEvent(chat, topic, what, _read_person(body.get("from")), body[key].get("name"))  # type: ignore[arg-type]  # one of the four
    if "migrate_to_chat_id" in body:
        return GroupMoved(chat, ChatId(int(body["migrate_to_chat_id"])))
    service = _SERVICE.intersection(body)
    if service:
        return Other("message", f"service:{min(service)}")
    topic_id = TopicId(body["message_thread_id"]) if body.get("is_topic_message") else None
    entities = body.get("entities", ())
    joinable = _ENVELOPE_OF_PLAIN.issuperset(body) and all(item["type"] in _KEPT | _FOUND for item in entities)
    return Message(
        chat=chat,
        id=MessageId(body["message_id"]),
        sender=_read_person(body.get("from")),
        anonymous="sender_chat" in body,
        content=_content(body),
        text=body.get("text") or body.get("caption") or "",
        topic_id=topic_id,
        reply_to=_read_reply(body, topic_id),
        album=body.get("media_group_id"),
        reply_at=body.get("quote", {}).get("position"),
        joinable=joinable,
        entities=tuple(_read_entity(item) for item in entities if item["type"] in _KEPT) if joinable else (),
        buttons=_read_buttons(body["reply_markup"]) if "reply_markup" in body else (),
        date=int(body.get("date", 0)),
    )


def _read_buttons(markup: dict[str, Any]) -> Buttons:
    return tuple(tuple(str(button["text"]) for button in row) for row in markup.get("inline_keyboard", ()))


def _read_entity(item: dict[str, Any]) -> Entity:
    return item["type"], int(item["offset"]), int(item["length"]), item.get("language", "")


def _content(body: dict[str, Any]) -> str:
    """The kind, also of one that is newer than this file: then the first field that is no envelope."""
    known = next((key for key in CONTENT if key in body), None)
    return known or next((key for key in body if key not in _ENVELOPE), "empty")


def _read_reply(body: dict[str, Any], topic: TopicId | None) -> MessageId | None:
    """In a topic every plain message replies to the topic's root; that is no reply."""
    reply = body.get("reply_to_message")
    if reply is None or reply["message_id"] == topic:
        return None
    return MessageId(reply["message_id"])


def _read_membership(body: dict[str, Any]) -> Event:
    chat = _read_chat(body["chat"])
    person = _read_person(body["from"])
    status = body["new_chat_member"]["status"]
    if chat.kind is not ChatKind.PRIVATE or person is None:
        return Other("my_chat_member", f"group_membership:{status}")
    return ReachChanged(chat, person, reachable=status == "member")


def _read_chat(body: dict[str, Any]) -> Chat:
    title = body.get("title") or _full_name(body)
    return Chat(ChatId(body["id"]), ChatKind(body["type"]), title)


def _read_person(body: dict[str, Any] | None) -> Person | None:
    if body is None:
        return None
    return Person(UserId(body["id"]), _full_name(body), body.get("username"), bool(body["is_bot"]))


def _full_name(body: dict[str, Any]) -> str:
    name = " ".join(part for part in (body.get("first_name"), body.get("last_name")) if part)
    return name.replace("\0", "")
