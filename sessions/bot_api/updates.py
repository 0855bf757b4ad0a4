"""Bot API updates, as JSON, to the port's events.

Read as plain JSON on purpose: one update of a shape that nobody knew must not spoil the batch that it came in,
and a pydantic object per update costs more than everything else that happens to it.
"""

from typing import Any

import orjson

from sessions.descriptions import describe, say_if_refused
from sessions.digests import digest_of
from sessions.events import (
    Buttons,
    Chat,
    ChatKind,
    Contact,
    Cursor,
    Edited,
    Event,
    GroupMoved,
    Incoming,
    Message,
    Origin,
    Other,
    Person,
    ReachChanged,
    StandingChanged,
    TopicEvent,
    read_reactions,
)
from tenants.ids import ChatId, MessageId, TopicId, UpdateId, UserId
from tenants.masking import FOUND
from tenants.outbox import Entity, Look

ALLOWED = [
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "callback_query",
    "my_chat_member",
    "message_reaction",
]

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
        "edit_date",
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
_CARRIES = {"pre": "language", "text_link": "url", "text_mention": "user", "custom_emoji": "custom_emoji_id"}
"""What these kinds need beside their place."""
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
    if kind in {"message", "channel_post"}:
        return _read_message(body)
    if kind == "my_chat_member":
        return _read_membership(body)
    if kind in {"edited_message", "edited_channel_post"}:
        return _read_edit(body)
    if kind == "message_reaction":
        return _read_reaction(body)
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
    return _read_words(body, chat)


def _read_words(body: dict[str, Any], chat: Chat) -> Message:
    described = describe(body)
    topic_id = TopicId(body["message_thread_id"]) if body.get("is_topic_message") else None
    entities = body.get("entities", ())
    joinable = _ENVELOPE_OF_PLAIN.issuperset(body) and all(item["type"] in _KEPT | _FOUND for item in entities)
    marks = entities or body.get("caption_entities", ())
    formatting = tuple(_read_entity(item) for item in marks if item["type"] in _KEPT | _CARRIES.keys() | FOUND)
    content, buttons = _content(body), _read_buttons(body.get("reply_markup", {}))
    text = described or body.get("text") or body.get("caption") or say_if_refused(body)
    look = _read_look(body, content)
    shown = _media_id(body.get(content))
    return Message(
        chat=chat,
        id=MessageId(body["message_id"]),
        sender=_read_person(body.get("from")),
        anonymous="sender_chat" in body,
        content=content,
        text=text,
        topic_id=topic_id,
        reply_to=_read_reply(body, topic_id),
        album=body.get("media_group_id"),
        reply_at=body.get("quote", {}).get("position"),
        joinable=joinable,
        entities=formatting,
        buttons=buttons,
        date=int(body.get("date", 0)),
        origin=_read_origin(body["forward_origin"]) if "forward_origin" in body else None,
        quote=body.get("quote", {}).get("text", ""),
        described=described is not None,
        contact=_read_contact(body["contact"]) if "contact" in body else None,
        look=look,
        digest=digest_of(
            text=text,
            content=content,
            entities=formatting,
            buttons=buttons,
            preview=look.preview,
            above=look.above,
            media=(shown, look.spoiler),
        ),
        as_chat=_read_chat(body["sender_chat"]) if "sender_chat" in body else None,
        signature=body.get("author_signature", ""),
        automatic=bool(body.get("is_automatic_forward")),
    )


def _read_contact(body: dict[str, Any]) -> Contact:
    user = body.get("user_id")
    return Contact(_full_name(body), str(body.get("phone_number", "")), None if user is None else UserId(user))


def _read_origin(origin: dict[str, Any]) -> Origin:
    """Bot API: MessageOrigin, of a user, of one who hides, of a chat, of a channel."""
    user = _read_person(origin.get("sender_user"))
    if user is not None:
        return Origin(user.name, user.id)
    chat = origin.get("sender_chat") or origin.get("chat") or {}
    return Origin(str(origin.get("sender_user_name") or chat.get("title") or ""))


def _read_edit(body: dict[str, Any]) -> Event:
    event = _read_message(body)
    return Edited(event) if isinstance(event, Message) else Other("edited_message", "service")


def _read_reaction(body: dict[str, Any]) -> Event:
    was, now = (
        [item["emoji"] for item in body[key] if item["type"] == "emoji"] for key in ("old_reaction", "new_reaction")
    )
    person = _read_person(body.get("user"))
    return read_reactions(_read_chat(body["chat"]), person, MessageId(body["message_id"]), was, now)


def _read_look(body: dict[str, Any], content: str) -> Look:
    held = body.get(content)
    file = held[-1] if isinstance(held, list) and held else held
    return Look(
        media=str(file.get("file_id", "")) if isinstance(file, dict) else "",
        above=bool(body.get("show_caption_above_media")),
        spoiler=bool(body.get("has_media_spoiler")),
        preview=not body.get("link_preview_options", {}).get("is_disabled"),
    )


def _media_id(held: Any) -> object:
    """What makes it another one. The votes of a poll do not, nor does how long a place is shared."""
    if isinstance(held, list):
        return _media_id(held[-1]) if held else None
    if not isinstance(held, dict):
        return None
    if "file_unique_id" in held:
        return held["file_unique_id"]
    if "options" in held:
        return held.get("id")
    if "latitude" in held:
        return held["latitude"], held["longitude"]
    return orjson.dumps(held, option=orjson.OPT_SORT_KEYS)


def _read_buttons(markup: dict[str, Any]) -> Buttons:
    return tuple(tuple(str(button["text"]) for button in row) for row in markup.get("inline_keyboard", ()))


def _read_entity(item: dict[str, Any]) -> Entity:
    kind = item["type"]
    more = item.get(_CARRIES[kind], "") if kind in _CARRIES else ""
    return kind, int(item["offset"]), int(item["length"]), str(more["id"] if isinstance(more, dict) else more)


def _content(body: dict[str, Any]) -> str:
    """The kind, also of one that is newer than this file: then the first field that is no envelope."""
    known = next((key for key in CONTENT if key in body), None)
    if known == "poll" and body["poll"].get("type") == "quiz":
        return "quiz"
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
    member = body["new_chat_member"]
    status = member["status"]
    if person is None:
        return Other("my_chat_member", f"group_membership:{status}")
    if chat.kind is ChatKind.PRIVATE:
        return ReachChanged(chat, person, reachable=status == "member")
    is_present = status in {"creator", "administrator", "member"} or bool(member.get("is_member"))
    is_administrator = status in {"creator", "administrator"}
    may = status == "creator" or bool(member.get("can_manage_topics"))
    return StandingChanged(chat, person, is_present, is_administrator, may)


def _read_chat(body: dict[str, Any]) -> Chat:
    title = body.get("title") or _full_name(body)
    kind = ChatKind(body["type"])
    if kind is not ChatKind.SUPERGROUP:
        return Chat(ChatId(body["id"]), kind, title)
    return Chat(ChatId(body["id"]), kind, title, bool(body.get("is_forum")), body.get("username"))


def _read_person(body: dict[str, Any] | None) -> Person | None:
    if body is None:
        return None
    language = body.get("language_code")
    return Person(UserId(body["id"]), _full_name(body), body.get("username"), bool(body["is_bot"]), language)


def _full_name(body: dict[str, Any]) -> str:
    name = " ".join(part for part in (body.get("first_name"), body.get("last_name")) if part)
    return name.replace("\0", "")
