"""A dialog: one customer of one tenant, the customer's topic, and whose turn it is.

What the topic's title and its native state should show follows from the dialog; what they do show is stored beside
it. Where the two differ the sender has an errand. So a newer status replaces an older one by itself.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import bindparam, case, func, insert, text, update

from tenants.db import UnitOfWork
from tenants.ids import ChatId, DialogId, LaneId, MessageId, TenantId, TopicId, UserId, new_id
from tenants.models import dialogs, lanes
from tenants.settings.schema import NEVER_CLOSE

TITLE_LENGTH = 128
"""Characters of a topic's name (Bot API: createForumTopic)."""
_JOINERS = frozenset("\u200d\ufe0f")


class Status(StrEnum):
    USER_ANSWERED = "user_answered"
    SUPPORT_ANSWERED = "support_answered"
    CLOSED = "closed"

    @property
    def square(self) -> str:
        return _SQUARES[self]


_SQUARES = {Status.USER_ANSWERED: "🟪", Status.SUPPORT_ANSWERED: "🟨", Status.CLOSED: "⬛️"}
_PREFIXES = re.compile(r"\A(?:🟪|🟨|⬛\ufe0f?|\s)+")


@dataclass(slots=True)
class Dialog:
    """The working copy inside one transaction; `DialogBook` writes back what changed."""

    id: DialogId
    chat_id: ChatId
    name: str
    username: str | None
    status: Status
    topic_id: TopicId | None
    topic_name: str
    topic_open: bool
    topic_asked_at: datetime | None
    close_at: datetime | None
    unreachable_at: datetime | None
    apologized_at: datetime | None
    topic_lane: LaneId
    customer_lane: LaneId
    topic_status: Status | None = None
    opened_by_team: bool = False
    """By /new: it passes the filters until it is closed."""
    language: str | None = None
    named_by_team: bool = False
    """An operator gave the topic its name."""
    created_at: datetime | None = None
    """None before it is stored for the first time."""
    owner_id: UserId | None = None
    owner_name: str | None = None
    owned_until: datetime | None = None
    warned: dict[str, str] | None = None
    """The three of `tenants.claims`, and whom it has told lately."""
    kind: str = "private"
    """Of a person, or of a `group` or a `channel`."""
    is_new: bool = False

    @property
    def is_open(self) -> bool:
        return self.status is not Status.CLOSED

    def customer_wrote(self, *, leave_closed: bool = False) -> bool:
        """Whether this opened the dialog: it is new, or it was closed, and is not to be left so."""
        opened = self.is_new or self.status is Status.CLOSED
        left = opened and leave_closed
        self.is_new = False
        self.status = Status.CLOSED if left else Status.USER_ANSWERED
        self.close_at = None
        self.unreachable_at = None
        return opened and not left

    def team_answered(self, now: datetime, autoclose_hours: int) -> None:
        self.status = Status.SUPPORT_ANSWERED
        never = autoclose_hours >= NEVER_CLOSE
        self.close_at = None if never else now + timedelta(hours=autoclose_hours)

    def rename(self, name: str) -> None:
        """The customer has another name. The topic follows, unless an operator named it; its title is stale then."""
        self.name = name
        cleaned = clean_name(name, str(self.chat_id))
        if not self.named_by_team and cleaned != self.topic_name:
            self.topic_name, self.topic_status = cleaned, None

    def hold(self) -> None:
        self.status = Status.USER_ANSWERED
        self.close_at = None

    def close(self) -> None:
        self.status = Status.CLOSED
        self.close_at = None
        self.opened_by_team = False
        self.release()

    def release(self) -> None:
        """Nobody owns it any more."""
        self.owner_id = self.owner_name = self.owned_until = self.warned = None


def topic_title(status: Status, name: str) -> str:
    return f"{status.square} {name}"[:TITLE_LENGTH]


def clean_name(name: str, fallback: str) -> str:
    """A name that is safe in a title: no control or direction characters, no line breaks, not empty."""
    kept = "".join(
        " " if char.isspace() else char
        for char in name
        if char.isspace() or char in _JOINERS or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
    )
    cleaned = " ".join(kept.split())[: TITLE_LENGTH - 4].rstrip()
    return cleaned if cleaned.strip("".join(_JOINERS) + " ") else fallback


def strip_square(title: str) -> str:
    """A title as an operator typed it, without our prefixes."""
    return _PREFIXES.sub("", title).rstrip()


_FIND = text(
    """
    WITH wanted AS (
        SELECT d.id FROM unnest(CAST(:chats_of AS uuid[]), CAST(:chats AS bigint[])) AS w(tenant, chat)
        JOIN dialogs d ON d.tenant_id = w.tenant AND d.chat_id = w.chat
        UNION
        SELECT d.id FROM unnest(CAST(:topics_of AS uuid[]), CAST(:topics AS bigint[])) AS w(tenant, topic)
        JOIN dialogs d ON d.tenant_id = w.tenant AND d.topic_id = w.topic
        UNION
        SELECT d.id FROM dialogs d
        WHERE d.tenant_id = ANY(:adopting) AND d.topic_id IS NULL AND d.topic_asked_at IS NOT NULL
    )
    SELECT d.tenant_id, d.id, d.chat_id, d.name, d.username, d.status, d.topic_id, d.topic_name, d.topic_open,
        d.topic_status, d.topic_asked_at, d.close_at, d.unreachable_at, d.apologized_at, d.opened_by_team, d.kind,
        d.language, d.named_by_team, d.created_at, d.owner_id, d.owner_name, d.owned_until, d.warned,
        t.id AS topic_lane, c.id AS customer_lane
    FROM wanted w JOIN dialogs d ON d.id = w.id
    JOIN lanes t ON t.tenant_id = d.tenant_id AND t.dialog_id = d.id AND t.direction = 'topic'
    JOIN lanes c ON c.tenant_id = d.tenant_id AND c.dialog_id = d.id AND c.direction = 'customer'
    ORDER BY d.id FOR NO KEY UPDATE OF d
    """
)
_WRITTEN = (
    "name",
    "username",
    "status",
    "topic_id",
    "topic_name",
    "topic_open",
    "topic_status",
    "topic_asked_at",
    "close_at",
    "unreachable_at",
    "apologized_at",
    "opened_by_team",
    "language",
    "named_by_team",
    "owner_id",
    "owner_name",
    "owned_until",
    "warned",
    "chat_id",
    "kind",
)
_IS_WAITING = bindparam("new_status") == Status.USER_ANSWERED
_WAITING_SINCE = case((_IS_WAITING, func.coalesce(dialogs.c.waiting_since, func.now())))
_SAVE = (
    update(dialogs)
    .where(dialogs.c.tenant_id == bindparam("of_tenant"), dialogs.c.id == bindparam("of_dialog"))
    .values({name: bindparam(f"new_{name}") for name in _WRITTEN} | {"waiting_since": _WAITING_SINCE})
)


@dataclass(slots=True)
class DialogBook:
    """The dialogs that one batch of updates touches, found by chat and by topic, and by a message in the group where
    that was asked for.
    """

    tenant: TenantId
    now: datetime
    by_chat: dict[ChatId, Dialog] = field(default_factory=dict)
    by_topic: dict[TopicId, Dialog] = field(default_factory=dict)
    by_message: dict[MessageId, Dialog] = field(default_factory=dict)
    _before: dict[DialogId, dict[str, Any]] = field(default_factory=dict)

    def keep(self, dialog: Dialog) -> None:
        self.by_chat[dialog.chat_id] = dialog
        if dialog.topic_id is not None:
            self.by_topic[dialog.topic_id] = dialog
        self._before[dialog.id] = _values(dialog)

    def open(self, chat: ChatId, name: str, username: str | None, kind: str = "private") -> Dialog:
        """A new dialog, with its lanes."""
        cleaned = clean_name(name, str(chat))
        dialog = Dialog(
            id=DialogId(new_id()),
            chat_id=chat,
            name=name,
            username=username,
            status=Status.USER_ANSWERED,
            topic_id=None,
            topic_name=cleaned,
            topic_open=True,
            topic_asked_at=None,
            close_at=None,
            unreachable_at=None,
            apologized_at=None,
            topic_lane=LaneId(new_id()),
            customer_lane=LaneId(new_id()),
            kind=kind,
            is_new=True,
        )
        self.by_chat[chat] = dialog
        return dialog

    def move(self, dialog: Dialog, to: ChatId) -> None:
        """The customer's chat has another id."""
        del self.by_chat[dialog.chat_id]
        dialog.chat_id = to
        self.by_chat[to] = dialog

    def fresh(self) -> list[Dialog]:
        return [dialog for dialog in self.by_chat.values() if dialog.id not in self._before]

    def changed(self) -> list[Dialog]:
        return [d for d in self.by_chat.values() if self._before.get(d.id, _values(d)) != _values(d)]

    def find_asked(self, title: str) -> Dialog | None:
        """The dialog whose topic was asked for under this title, without an answer so far."""
        asked = (d for d in self.by_chat.values() if d.topic_id is None and d.topic_asked_at is not None)
        name = strip_square(title)
        return next((d for d in asked if strip_square(topic_title(d.status, d.topic_name)) == name), None)

    def adopt(self, dialog: Dialog, topic: TopicId, title: str) -> None:
        dialog.topic_id = topic
        dialog.topic_asked_at = None
        dialog.topic_open = True
        dialog.topic_status = next((status for status in Status if title.startswith(status.square)), None)
        self.by_topic[topic] = dialog


@dataclass(frozen=True, slots=True)
class Wanted:
    """The dialogs that a tenant's batch touches. `adopting`: also those whose topic was asked for and has not been
    confirmed. `messages` of the `group` have a counterpart with the customer.
    """

    tenant: TenantId
    chats: Collection[ChatId] = ()
    topics: Collection[TopicId] = ()
    adopting: bool = False
    group: ChatId | None = None
    messages: Collection[MessageId] = ()


_SHOWN = text(
    """
    SELECT DISTINCT w.tenant, w.message, m.chat_id
    FROM unnest(CAST(:tenants AS uuid[]), CAST(:groups AS bigint[]), CAST(:messages AS bigint[]))
        AS w(tenant, chat, message)
    JOIN message_map m ON m.tenant_id = w.tenant AND m.group_id = w.chat AND m.topic_message_id = w.message
    """
)


async def _find_shown(unit: UnitOfWork, wanted: Sequence[Wanted]) -> list[tuple[TenantId, MessageId, ChatId]]:
    """Whose chats these messages of groups belong to."""
    asked = [(want.tenant, want.group, message) for want in wanted for message in want.messages]
    if not asked:
        return []
    tenants, groups, messages = zip(*asked, strict=True)
    values = {"tenants": list(tenants), "groups": list(groups), "messages": list(messages)}
    return [(row.tenant, row.message, row.chat_id) for row in await unit.execute(_SHOWN, values)]


async def load_books(unit: UnitOfWork, wanted: Sequence[Wanted], now: datetime) -> dict[TenantId, DialogBook]:
    """One book for each, the dialogs locked until the unit ends."""
    books = {want.tenant: DialogBook(want.tenant, now) for want in wanted}
    shown = await _find_shown(unit, wanted)
    chats = [(want.tenant, chat) for want in wanted for chat in want.chats]
    chats += [(tenant, chat) for tenant, _, chat in shown]
    values = {
        "chats_of": [tenant for tenant, _ in chats],
        "chats": [chat for _, chat in chats],
        "topics_of": [want.tenant for want in wanted for _ in want.topics],
        "topics": [topic for want in wanted for topic in want.topics],
        "adopting": [want.tenant for want in wanted if want.adopting],
    }
    for row in (await unit.execute(_FIND, values)).mappings():
        dialog = dict(row)
        books[dialog.pop("tenant_id")].keep(_read(dialog))
    for tenant, message, chat in shown:
        if chat in books[tenant].by_chat:
            books[tenant].by_message[message] = books[tenant].by_chat[chat]
    return books


async def save_books(unit: UnitOfWork, books: Iterable[DialogBook]) -> set[TenantId]:
    """The tenants of which a dialog changed, so that a topic may have to."""
    books = list(books)
    new = [_new_row(book.tenant, dialog, book.now) for book in books for dialog in book.fresh()]
    fresh = [(book.tenant, dialog) for book in books for dialog in book.fresh()]
    if fresh:
        await unit.execute(insert(dialogs), new)
        await unit.execute(insert(lanes), [row for tenant, d in fresh for row in _new_lanes(tenant, d)])
    changed = [(book.tenant, dialog) for book in books for dialog in book.changed()]
    if changed:
        changed.sort(key=lambda found: found[1].id)
        await unit.execute(_SAVE, [_saved(tenant, dialog) for tenant, dialog in changed])
    return {tenant for tenant, _ in (*fresh, *changed)}


def _read(values: dict[str, Any]) -> Dialog:
    values["status"] = Status(values["status"])
    values["topic_status"] = Status(values["topic_status"]) if values["topic_status"] else None
    return Dialog(**values)


def _values(dialog: Dialog) -> dict[str, Any]:
    return {name: getattr(dialog, name) for name in _WRITTEN}


def _saved(tenant: TenantId, dialog: Dialog) -> dict[str, Any]:
    values = {f"new_{name}": value for name, value in _values(dialog).items()}
    return {"of_tenant": tenant, "of_dialog": dialog.id, **values}


def _new_row(tenant: TenantId, dialog: Dialog, now: datetime) -> dict[str, Any]:
    waiting = now if dialog.status is Status.USER_ANSWERED else None
    return {"id": dialog.id, "tenant_id": tenant, "waiting_since": waiting, **_values(dialog)}


def _new_lanes(tenant: TenantId, dialog: Dialog) -> Sequence[dict[str, Any]]:
    common = {"tenant_id": tenant, "dialog_id": dialog.id}
    return (
        {"id": dialog.topic_lane, "direction": "topic", **common},
        {"id": dialog.customer_lane, "direction": "customer", **common},
    )


_TOPIC_LANE = text("SELECT id FROM lanes WHERE tenant_id = :tenant AND dialog_id = :dialog AND direction = 'topic'")


async def get_topic_lane(unit: UnitOfWork, tenant: TenantId, dialog: DialogId) -> LaneId:
    return LaneId((await unit.execute(_TOPIC_LANE, {"tenant": tenant, "dialog": dialog})).scalar_one())


_FOLLOW = text(
    """
    UPDATE dialogs SET chat_id = :to WHERE tenant_id = :tenant AND id = :dialog
        AND NOT EXISTS (SELECT FROM dialogs o WHERE o.tenant_id = :tenant AND o.chat_id = :to)
    """
)


async def follow_chat(unit: UnitOfWork, tenant: TenantId, dialog: DialogId, to: ChatId) -> None:
    """A customer's group has another id now, as an answer of Telegram's says before the update does."""
    await unit.execute(_FOLLOW, {"tenant": tenant, "dialog": dialog, "to": to})
