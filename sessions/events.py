"""What a session of one tenant's bot receives, whatever protocol carries it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, NewType

from tenants.ids import ChatId, MessageId, TopicId, UpdateId, UserId
from tenants.outbox.rows import PLAIN_LOOK, Entity, Look

Cursor = NewType("Cursor", str)
"""Where a session's stream of updates stands. Opaque: stored with its effects, handed back as it was."""

Buttons = tuple[tuple[str, ...], ...]
"""The labels of an inline keyboard, row by row."""


class ChatKind(StrEnum):
    PRIVATE = "private"
    GROUP = "group"
    SUPERGROUP = "supergroup"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class Chat:
    """`is_forum` and `username` are a supergroup's, where the update shows them; `is_forum` is None where not."""

    id: ChatId
    kind: ChatKind
    title: str
    is_forum: bool | None = None
    username: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    id: UserId
    name: str
    username: str | None
    is_bot: bool
    language: str | None = None
    """As the person's app says, an IETF tag (Bot API: User.language_code)."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a forwarded message was first said. `user` is None where its author hides, and for chats."""

    name: str
    user: UserId | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody's card. `user` is None for whoever Telegram does not know."""

    name: str
    phone: str = field(repr=False)
    user: UserId | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What someone wrote. `text` is the text or the caption; `content` names the kind as the Bot API does.

    `joinable`: a plain text that loses nothing when it stands in one message with others; then `entities` are its
    formatting. `reply_at` is where the words begin that a reply quotes, in UTF-16 units (Bot API: TextQuote).
    `outgoing`: the bot itself wrote it, through another program that drives it; only a parallel session sees that.
    `date` is when it was sent, in seconds of the epoch. `origin` is there for a forwarded message. `quote` are the
    words that a reply quotes. `described`: bots can't copy it, and `text` says what it is. `look` is what an edit has
    to say again beside the words, and `digest` is the same for two messages that show the same (`sessions.digests`).
    `typed` is what was written where `text` is only what the team may read of it; `hides_author`: nor may it see who
    wrote it. `as_chat` is the chat in whose name it was written, as posts of channels and anonymous administrators
    are; `signature` is what such a message is signed with (Bot API: sender_chat, author_signature). `automatic`: a
    channel's post that came into the group of its discussions by itself (Bot API: is_automatic_forward).
    """

    chat: Chat
    id: MessageId
    sender: Person | None
    anonymous: bool
    content: str
    text: str
    topic_id: TopicId | None
    reply_to: MessageId | None
    album: str | None
    reply_at: int | None = None
    joinable: bool = False
    entities: tuple[Entity, ...] = ()
    outgoing: bool = False
    buttons: Buttons = ()
    date: int = 0
    origin: Origin | None = None
    quote: str = ""
    described: bool = False
    look: Look = PLAIN_LOOK
    digest: str = ""
    contact: Contact | None = None
    typed: str | None = None
    hides_author: bool = False
    as_chat: Chat | None = None
    signature: str = ""
    automatic: bool = False

    @property
    def words(self) -> str:
        """For whatever looks for words in it."""
        return self.text if self.typed is None else self.typed


@dataclass(frozen=True, slots=True)
class Edited:
    """A message as it is now."""

    message: Message


@dataclass(frozen=True, slots=True)
class Reacted:
    """Somebody's reactions to a message are others now. `emoji` is the newest that is there, None for none at all;
    `before` is what was there. Custom emoji and paid reactions do not count. `person` is None for whoever acts as a
    group or a channel.
    """

    chat: Chat
    person: Person | None
    message: MessageId
    emoji: str | None
    before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pressed:
    """A person pressed a button below a message of the bot's. The other program answers; we only tell."""

    chat: Chat
    person: Person
    message: MessageId
    label: str


@dataclass(frozen=True, slots=True)
class TopicEvent:
    """A service message about a topic. Bots see their own here, too (telegram-bot-api: need_skip_update_message)."""

    chat: Chat
    topic_id: TopicId
    what: Literal["created", "renamed", "closed", "reopened"]
    actor: Person | None
    name: str | None


@dataclass(frozen=True, slots=True)
class ReachChanged:
    """A customer blocked the bot or let it write again (my_chat_member in a private chat)."""

    chat: Chat
    person: Person
    reachable: bool


@dataclass(frozen=True, slots=True)
class StandingChanged:
    """The bot came into a group or a channel, left it, or has other rights there (my_chat_member)."""

    chat: Chat
    person: Person
    is_present: bool
    is_administrator: bool
    may_manage_topics: bool = True


@dataclass(frozen=True, slots=True)
class GroupMoved:
    """A group became a supergroup, which has another id (Bot API: migrate_to_chat_id)."""

    chat: Chat
    to: ChatId


@dataclass(frozen=True, slots=True)
class Other:
    """An update that is no message. `reason` says why it has no effect."""

    kind: str
    reason: str


Event = Message | Edited | Reacted | Pressed | TopicEvent | ReachChanged | StandingChanged | GroupMoved | Other


def read_reactions(chat: Chat, person: Person | None, message: MessageId, was: list[str], now: list[str]) -> Event:
    """The emoji in the order of the update."""
    if was == now:
        return Other("message_reaction", "no_emoji")
    fresh = [emoji for emoji in now if emoji not in was] or now
    return Reacted(chat, person, message, fresh[-1] if fresh else None, tuple(was))


@dataclass(frozen=True, slots=True)
class Incoming:
    """`cursor` is what to receive with once this update's effects are stored, and those of all before it. `raw` is
    the update as it came: JSON, kept where it has to be set aside. `waited_since`: it came then, and had to wait for
    the plan's limit.
    """

    id: UpdateId
    kind: str
    event: Event
    cursor: Cursor
    raw: bytes
    waited_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Updates in order, and the cursor to receive with once their effects are stored. `hashes` are the access hashes
    that came along, by the Bot API's chat id: secrets of this bot's, stored with the effects.
    """

    updates: tuple[Incoming, ...]
    cursor: Cursor
    hashes: Mapping[int, int] = field(default_factory=dict, repr=False)
