"""Who and where: accounts, chats, members and topics, as Telegram keeps them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from sandbox.world.updates import UpdateQueue

if TYPE_CHECKING:
    from sandbox.world.messages import Message

Status = Literal["creator", "administrator", "member", "left", "kicked"]
Rights = frozenset[str]

RIGHTS = frozenset(
    {
        "manage_chat",
        "post_messages",
        "edit_messages",
        "change_info",
        "delete_messages",
        "invite_users",
        "restrict_members",
        "pin_messages",
        "manage_topics",
        "promote_members",
        "manage_video_chats",
        "post_stories",
        "edit_stories",
        "delete_stories",
        "manage_direct_messages",
        "manage_tags",
        "send_welcome_messages",
        "anonymous",
    }
)
"""What an administrator may do, by the Bot API's names without their `can_`."""

CHANNEL_RIGHTS = frozenset({"post_messages", "edit_messages"})
GROUP_RIGHTS = frozenset({"pin_messages", "manage_topics"})
"""Rights that exist only there (Bot API: ChatAdministratorRights)."""

ALL_RIGHTS = RIGHTS - {"anonymous"}
BASIC_GROUP_RIGHTS = ALL_RIGHTS - CHANNEL_RIGHTS - {"manage_topics", "promote_members", "manage_direct_messages"}
NO_RIGHTS: Rights = frozenset()
PRESENT = frozenset({"creator", "administrator", "member"})

GENERAL = 1
TOPIC_COLORS = (7322096, 16766590, 13338331, 9367192, 16749490, 16478047)


@dataclass(slots=True, eq=False)
class User:
    id: int
    first_name: str
    last_name: str | None = None
    username: str | None = None
    language_code: str | None = "en"
    is_deleted: bool = False
    last_box_id: int = 0
    """The account's own message counter, for its private chats and basic groups."""
    chats: dict[int, "Chat"] = field(default_factory=dict)
    """What the account's chat list shows: groups by their id, private chats by the other side's id."""
    hides_forwards: bool = False
    """What they say carries their name when it is forwarded, but no link to them."""
    phone: str = ""
    """Shown to nobody until they share it."""

    is_bot = False

    @property
    def name(self) -> str:
        if self.is_deleted and not self.first_name:
            return "Deleted Account"
        return f"{self.first_name} {self.last_name}" if self.last_name else self.first_name

    def next_box_id(self) -> int:
        self.last_box_id += 1
        return self.last_box_id

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.name}>"


@dataclass(slots=True, eq=False, kw_only=True, repr=False)
class Bot(User):
    token: str
    updates: UpdateQueue
    owner: User | None = None
    can_join_groups: bool = True
    can_read_all_group_messages: bool = False
    """False is privacy mode."""
    supports_inline_queries: bool = False
    can_manage_bots: bool = False
    description: str = ""
    short_description: str = ""
    commands: dict[tuple[str, str], list[dict[str, str]]] = field(default_factory=dict)
    """By scope and language."""
    webhook: dict[str, Any] = field(default_factory=dict)
    """Its url, max_connections, secret_token, and last_error_date and last_error_message."""
    webhook_set_at: datetime | None = None
    logged_out_at: datetime | None = None
    manager: "Bot | None" = None

    is_bot = True


Account = User | Bot


@dataclass(frozen=True, slots=True)
class Member:
    account: Account
    status: Status
    rights: Rights = NO_RIGHTS
    title: str | None = None
    promoted_by: int | None = None

    @property
    def is_present(self) -> bool:
        return self.status in PRESENT

    @property
    def is_admin(self) -> bool:
        return self.status in {"creator", "administrator"}

    def may(self, right: str) -> bool:
        return self.status == "creator" or (self.status == "administrator" and right in self.rights)


@dataclass(frozen=True, slots=True)
class MemberChange:
    chat: "Chat"
    by: Account
    before: Member
    after: Member
    at: datetime

    def __repr__(self) -> str:
        return f"<{self.after.account} in {self.chat}: {self.before.status} to {self.after.status}>"


@dataclass(frozen=True, slots=True)
class ManagedBotChange:
    user: User
    bot: Bot


@dataclass(slots=True, eq=False)
class Topic:
    id: int
    """The id of its forum_topic_created message; General is 1 and has none."""
    name: str
    icon_color: int
    creator_id: int
    icon_custom_emoji_id: str | None = None
    closed: bool = False
    hidden: bool = False
    message_ids: dict[int, None] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Topic {self.id} {self.name!r}{' closed' if self.closed else ''}>"


@dataclass(slots=True, eq=False)
class Chat:
    """A private chat of a person with a bot, a basic group, a supergroup, or a channel."""

    id: int
    """As bots see it: a private chat has the person's id."""
    kind: Literal["private", "group", "supergroup", "channel"]
    title: str = ""
    username: str | None = None
    user: User | None = None
    bot: Bot | None = None
    blocked: bool = False
    """A private chat: the person blocked the bot."""
    members: dict[int, Member] = field(default_factory=dict)
    bots: dict[int, Bot] = field(default_factory=dict)
    """The bots among the members who are present."""
    is_forum: bool = False
    topics: dict[int, Topic] = field(default_factory=dict)
    deleted_topics: dict[int, datetime] = field(default_factory=dict)
    messages: dict[int, "Message"] = field(default_factory=dict)
    last_message_id: int = 0
    aliases: dict[tuple[int, int], int] = field(default_factory=dict)
    """A basic group: (account, the id in its box) to the chat's own id of the message."""
    reactions: dict[int, dict[int, tuple[str, ...]]] = field(default_factory=dict)
    """By message and account."""
    pinned: dict[int, None] = field(default_factory=dict)
    last_bot_id: int | None = None
    protected: bool = False
    available_reactions: list[str] | None = None
    """The only ones that may be set here; None: all."""
    permissions: Rights = frozenset({"send_messages", "invite_users"})
    """What members who are no administrators may do."""
    migrated_to: "Chat | None" = None
    migrated_from: "Chat | None" = None
    signs: bool = False
    """A channel: posts say which administrator wrote them."""
    discussion: "Chat | None" = None
    """A channel: the group into which its posts are forwarded by Telegram itself."""

    @property
    def counts_for_itself(self) -> bool:
        """Its messages have the same ids for everyone."""
        return self.kind in {"supergroup", "channel"}

    @property
    def is_private(self) -> bool:
        return self.kind == "private"

    @property
    def rights(self) -> Rights:
        """Those that an administrator is asked about here; a basic group lists some that nobody has there."""
        return RIGHTS - (GROUP_RIGHTS if self.kind == "channel" else CHANNEL_RIGHTS)

    def member(self, account: Account) -> Member:
        return self.members.get(account.id) or Member(account, "left")

    def id_for(self, account: Account) -> int:
        """The chat's id in that account's eyes: a private chat is named after the other side."""
        if self.bot is not None and account is self.user:
            return self.bot.id
        return self.id

    def general(self) -> Topic:
        return self.topics[GENERAL]

    def __repr__(self) -> str:
        if self.user is not None and self.bot is not None:
            return f"<Chat of {self.user.name} with {self.bot.name}>"
        return f"<Chat {self.id} {self.title!r}>"
