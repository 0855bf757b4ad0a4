"""What is said: messages of every kind, never changed in place: an edit replaces the message."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.world.entities import Account, Chat, User
from sandbox.world.files import File

MEDIA_KINDS = frozenset(
    {"photo", "video", "animation", "live_photo", "audio", "voice", "video_note", "document", "sticker"},
)
VISUAL_KINDS = frozenset({"photo", "video", "animation", "live_photo"})
"""Those that may hide behind a spoiler, or stand below their caption."""
CAPTIONED_KINDS = (MEDIA_KINDS | {"paid_media"}) - {"video_note", "sticker"}
EDITABLE_MEDIA_KINDS = frozenset({"photo", "video", "animation", "live_photo", "audio", "document"})
"""Those whose file may be replaced by another one, by people and by bots (Bot API: editMessageMedia)."""
SERVICE_KINDS = frozenset(
    {
        "new_chat_members",
        "left_chat_member",
        "chat_owner_left",
        "chat_owner_changed",
        "new_chat_title",
        "new_chat_photo",
        "delete_chat_photo",
        "pinned_message",
        "group_chat_created",
        "supergroup_chat_created",
        "channel_chat_created",
        "message_auto_delete_timer_changed",
        "migrate_to_chat_id",
        "migrate_from_chat_id",
        "forum_topic_created",
        "forum_topic_edited",
        "forum_topic_closed",
        "forum_topic_reopened",
        "general_forum_topic_hidden",
        "general_forum_topic_unhidden",
        "users_shared",
        "chat_shared",
        "boost_added",
        "chat_background_set",
        "checklist_tasks_done",
        "checklist_tasks_added",
        "connected_website",
        "gift",
        "giveaway_created",
        "giveaway_completed",
        "web_app_data",
        "successful_payment",
        "refunded_payment",
        "write_access_allowed",
        "proximity_alert_triggered",
        "video_chat_scheduled",
        "video_chat_started",
        "video_chat_ended",
        "video_chat_participants_invited",
        "managed_bot_created",
    }
)
OWN_SERVICE_KINDS = frozenset(
    {
        "new_chat_title",
        "pinned_message",
        "supergroup_chat_created",
        "migrate_to_chat_id",
        "migrate_from_chat_id",
        "forum_topic_created",
        "forum_topic_edited",
        "forum_topic_closed",
        "forum_topic_reopened",
        "general_forum_topic_hidden",
        "general_forum_topic_unhidden",
    }
)
"""Service messages that getUpdates gives back to the bot that caused them."""

EXTRAS = (
    "reply_to_story",
    "reply_to_checklist_task_id",
    "reply_to_poll_option_id",
    "effect_id",
    "is_from_offline",
    "paid_star_count",
    "sender_boost_count",
    "sender_tag",
    "via_bot",
)
"""Fields of the Bot API's Message that the World keeps as they are."""

DICE_HIGHEST = {"🎲": 6, "🎯": 6, "🎳": 6, "🏀": 5, "⚽": 5, "🎰": 64}


@dataclass(frozen=True, slots=True)
class Entity:
    """A marked part of a text; offset and length count UTF-16 units."""

    type: str
    offset: int
    length: int
    url: str | None = None
    user: User | None = None
    language: str | None = None
    custom_emoji_id: str | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    """Fields of entities newer than these."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a message holds, apart from who, where and when: the part that a copy shares."""

    kind: str
    text: str = ""
    """The text, or the caption of a media."""
    entities: tuple[Entity, ...] = ()
    file: File | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    """The kind's own fields by the Bot API's names: a location's latitude, a dice's value, ..."""
    spoiler: bool = False
    caption_above: bool = False

    @property
    def is_service(self) -> bool:
        return self.kind in SERVICE_KINDS


@dataclass(frozen=True, slots=True)
class Quote:
    text: str
    position: int
    entities: tuple[Entity, ...] = ()
    is_manual: bool = True


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a forwarded message was first said."""

    kind: str
    date: datetime
    sender: Account | None = None
    sender_name: str = ""
    chat: Chat | None = None
    message_id: int = 0
    signature: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    chat: Chat
    id: int
    """In a supergroup for everyone; in a private chat as the bot sees it; in a basic group nobody's."""
    ids: Mapping[int, int] | None = None
    """By account, where each account counts for itself: private chats and basic groups."""
    sender: Account
    anonymous: bool = False
    """Sent by an administrator who remains anonymous: shown as the group itself."""
    date: datetime
    content: Content
    topic_id: int | None = None
    """None where there are no topics; General is 1."""
    thread_id: int | None = None
    """The topic, or the first message of the chain of replies; None for a plain message in General."""
    reply_to: int | None = None
    reply_to_chat: Chat | None = None
    """A reply to a message of another chat."""
    quote: Quote | None = None
    origin: Origin | None = None
    markup: Mapping[str, Any] | None = None
    """An inline or reply keyboard, as the Bot API's object."""
    album_id: str | None = None
    edited_at: datetime | None = None
    protected: bool = False
    silent: bool = False
    link_preview: Mapping[str, Any] | None = None
    as_chat: Chat | None = None
    """In whose name it was written: a channel's post, what Telegram forwards from there into its group, or what
    a member says as their channel.
    """
    is_automatic: bool = False
    signature: str = ""
    seen_once: bool = False
    """A picture or a voice that is gone once it was seen: bots are never shown it."""
    extras: Mapping[str, Any] = field(default_factory=dict)
    """`reply_to_story`, `effect_id` and other rare fields of the Bot API's Message."""

    @property
    def text(self) -> str:
        return self.content.text

    @property
    def kind(self) -> str:
        return self.content.kind

    @property
    def keyboard(self) -> list[list[dict[str, Any]]]:
        """The buttons under the message."""
        return list(self.markup.get("inline_keyboard", ())) if self.markup else []

    def id_for(self, account: Account) -> int:
        return self.id if self.ids is None else self.ids.get(account.id, self.id)

    def __repr__(self) -> str:
        said = self.text or self.kind
        where = f" topic {self.topic_id}" if self.topic_id else ""
        return f"<Message {self.id} in {self.chat!r}{where} by {self.sender.name}: {said!r}>"


@dataclass(slots=True, eq=False)
class Callback:
    """A pressed inline button, waiting for its answer."""

    id: str
    user: User
    message: Message
    data: str
    at: datetime
    answer: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ReactionChange:
    message: Message
    by: Account
    before: tuple[str, ...]
    after: tuple[str, ...]
    at: datetime


def utf16_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
