"""The port: what a session of one tenant's bot sends and answers, whatever protocol carries it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NewType, Protocol

from sessions.events import Batch, Buttons, ChatKind, Cursor, Incoming, Person
from tenants.ids import ChatId, MessageId, TopicId, UserId
from tenants.outbox.rows import PLAIN_LOOK, Entity, Look

IdempotencyKey = NewType("IdempotencyKey", str)
"""Names one sending for ever. The Bot API has no use for it; MTProto derives its random_id from it."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """An earlier attempt at the same may have been carried out: then it is newer than the message `after`, the last
    one of its kind that is known, and not older than `since`.
    """

    after: MessageId | None
    since: datetime

    @classmethod
    def anything(cls) -> "Doubt":
        """Nothing is known but that it was sent."""
        return cls(None, datetime.min.replace(tzinfo=UTC) + timedelta(days=365))


@dataclass(frozen=True, slots=True)
class Caption:
    """What stands below a media instead of what stood there; `look` names the media itself and how it is shown."""

    text: str
    content: str
    entities: tuple[Entity, ...] = ()
    look: Look = PLAIN_LOOK


@dataclass(frozen=True, slots=True)
class Copy:
    """Copy messages of one chat to another. More than one id is an album: strictly increasing ids, at most 10.

    `keep_origin` forwards instead, so that it shows who first said it; a forward is no reply. `quote` are words of
    the message that it replies to, left away where they do not stand there. `captions` are none, or one for each
    media: the captions that people see, also where it is empty.
    """

    key: IdempotencyKey
    to: ChatId
    topic: TopicId | None
    source: ChatId
    ids: tuple[MessageId, ...]
    reply_to: MessageId | None
    doubt: Doubt | None = None
    keep_origin: bool = False
    quote: str = ""
    captions: tuple[Caption, ...] = ()


@dataclass(frozen=True, slots=True)
class Mirror:
    """Show in a topic what another program sent as the bot: marked as the bot's, its buttons without effect.

    More than one id is an album. `text`, `entities`, `content` and `buttons` are the first message's. `captions` are
    those of an album where they are not to be read off the messages.
    """

    key: IdempotencyKey
    to: ChatId
    topic: TopicId | None
    source: ChatId
    ids: tuple[MessageId, ...]
    reply_to: MessageId | None
    text: str
    content: str
    entities: tuple[Entity, ...] = ()
    buttons: Buttons = ()
    doubt: Doubt | None = None
    captions: tuple[Caption, ...] = ()


@dataclass(frozen=True, slots=True)
class Edit:
    """Make a message of the bot's, `message` in `to`, show what its original `source` shows now. `look.media` is
    there only where another file has taken the place of the first.
    """

    key: IdempotencyKey
    to: ChatId
    message: MessageId
    source: tuple[ChatId, MessageId]
    text: str
    content: str
    entities: tuple[Entity, ...] = ()
    buttons: Buttons = ()
    look: Look = PLAIN_LOOK


@dataclass(frozen=True, slots=True)
class Text:
    """A text of our own, at most 4096 UTF-16 units, with its formatting as MarkdownV2 or as entities. `preview` shows
    where its links lead; `quote` are words of the message that it replies to, as a copy's.
    """

    key: IdempotencyKey
    to: ChatId
    topic: TopicId | None
    text: str
    markdown: bool
    reply_to: MessageId | None
    entities: tuple[Entity, ...] = ()
    doubt: Doubt | None = None
    preview: bool = False
    quote: str = ""


Outgoing = Copy | Text | Mirror | Edit

MIRROR_MARK = "🤖 "
"""Stands before the text or caption of what another program sent as the bot."""


@dataclass(frozen=True, slots=True)
class BotIdentity:
    id: UserId
    name: str
    username: str
    can_join_groups: bool
    hears_groups: bool = False
    """Its privacy mode is off: it gets all messages of groups in which it is no administrator."""


@dataclass(frozen=True, slots=True)
class Membership:
    """What a member may do. `rights` holds the Bot API's names: can_manage_topics, can_delete_messages, …
    `person` is who it is, where Telegram says so.
    """

    status: str
    rights: frozenset[str]
    person: Person | None = None

    @property
    def is_present(self) -> bool:
        """A restricted member may have left; nobody can answer from there then, and that is found out soon."""
        return self.status not in {"left", "kicked"}

    @property
    def is_administrator(self) -> bool:
        return self.status in {"creator", "administrator"}

    def may(self, right: str) -> bool:
        return self.status == "creator" or right in self.rights


@dataclass(frozen=True, slots=True)
class GroupState:
    title: str
    kind: ChatKind
    is_forum: bool
    username: str | None


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where another program receives a bot's updates: only the host, the rest of the address may hold secrets."""

    host: str


class Session(Protocol):
    """One bot's session. Every method but `close` may raise the errors of `sessions.errors`, and no others."""

    async def close(self) -> None:
        """Ends the session's own connections, if it has any. Nothing is lost: the cursor knows where to go on."""
        ...

    async def receive(self, cursor: Cursor | None) -> Batch:
        """Waits for updates after the cursor, which acknowledges all before it. An empty batch is normal."""
        ...

    def read(self, raw: bytes) -> Incoming:
        """An update that was kept as `Incoming.raw`, or as an event (`sessions.kept`)."""
        ...

    async def send(self, outgoing: Outgoing) -> Sequence[MessageId]:
        """The new ids, in order. Fewer ids than asked means that some of an album could not be copied. An `Edit`
        answers with the id of the message that shows it; one that changes nothing succeeds. Raises `Rejected` with
        `not_editable` where Telegram does not let it be changed, and with `message_gone` where it is not there.
        """
        ...

    async def react(self, chat: ChatId, message: MessageId, emoji: str | None) -> None:
        """Sets the one reaction that a bot has to a message, or takes it away (Bot API: setMessageReaction)."""
        ...

    async def delete(self, chat: ChatId, messages: Sequence[MessageId]) -> None:
        """Up to 100 of the bot's own messages, younger than 48 hours (Bot API: deleteMessages). Those that are not
        there any more are no error. Raises `Rejected` for a single one that can't be deleted.
        """
        ...

    async def create_topic(self, group: ChatId, name: str, key: IdempotencyKey, color: int | None = None) -> TopicId:
        """`color` is one of the six RGB values that an icon may have (Bot API: createForumTopic)."""
        ...

    async def rename_topic(self, group: ChatId, topic: TopicId, name: str) -> None: ...

    async def close_topic(self, group: ChatId, topic: TopicId) -> None: ...

    async def reopen_topic(self, group: ChatId, topic: TopicId) -> None: ...

    async def find_person(self, who: str) -> Person:
        """By `@username`, or by the digits of an id. Raises `Rejected` where Telegram knows no such person, or does
        not let this bot know.
        """
        ...

    async def identify(self) -> BotIdentity: ...

    async def find_webhook(self) -> Webhook | None:
        """Asking disturbs nobody, unlike asking for updates. None where the protocol does not tell."""
        ...

    async def group(self, chat: ChatId) -> GroupState: ...

    async def membership(self, chat: ChatId, user: UserId) -> Membership: ...

    async def publish_commands(self, commands: Sequence[tuple[str, str]]) -> None:
        """The commands that Telegram offers to administrators of groups: name, description."""
        ...


@dataclass(frozen=True, slots=True)
class Kept:
    """What a parallel session keeps between runs. `login` is its authorization, a secret as good as the token; it may
    log in anew only after `login_wait` seconds. `tops` are the newest message ids that are known from before there
    was a cursor: of private chats under 0, of a supergroup under its channel id. `group` is counted from the start:
    of a channel that no cursor knows, nobody can ask what was missed.
    """

    login: bytes | None = field(repr=False)
    login_wait: float = 0.0
    tops: Mapping[int, int] = field(default_factory=dict)
    group: ChatId | None = None


class Safe(Protocol):
    """Where one tenant's parallel session keeps its secrets, under the lease of whoever runs it."""

    async def load(self) -> Kept: ...

    async def save_login(self, login: bytes | None) -> None:
        """None forgets it, with everything that is only good for it."""
        ...

    async def postpone_login(self, seconds: float) -> None: ...

    async def find_hashes(self, peers: Sequence[int]) -> Mapping[int, int]:
        """Stored access hashes by the Bot API's chat id; the unknown ones are missing."""
        ...


class SessionFactory(Protocol):
    """Makes sessions that share what can be shared."""

    def open(self, token: str, guard: Callable[[], None] | None = None, safe: Safe | None = None) -> Session:
        """Raises `Rejected` for a token of the wrong form. Talks to nobody. What `guard` raises right before a
        request is written ends the call instead. Only a parallel session needs a `safe`.
        """
        ...

    async def close(self) -> None: ...
