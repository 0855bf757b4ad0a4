"""The group that is a tenant's desk: a one-time word proposes it, its owner attaches it, its id may change."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, func, insert, select, text, update

from tenants.audit import SYSTEM, Act, Action, Actor, record
from tenants.db import SETUP_CHANNEL, UnitOfWork, shard_channel
from tenants.errors import Conflict
from tenants.ids import ChatId, TenantId, UserId
from tenants.models import dialogs, group_links
from tenants.owner_notices import tell_group_state

LINK_LIVES = timedelta(minutes=10)


class Trouble(StrEnum):
    """What can be wrong with a desk's group, the worst first."""

    GONE = "gone"
    NO_ADMIN = "no_admin"
    NO_TOPICS = "no_topics"
    NO_FORUM = "no_forum"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class ProposedGroup:
    """A group whose member sent the one-time link's word there. Nothing is verified yet."""

    tenant: TenantId
    chat: ChatId
    title: str
    user: UserId


async def make_link(unit: UnitOfWork, tenant: TenantId, user: UserId) -> str:
    """The word, which replaces the last one."""
    word = secrets.token_urlsafe(24)
    values = {"tenant_id": tenant, "digest": _digest(word), "user_id": user, "expires_at": func.now() + LINK_LIVES}
    await drop_link(unit, tenant)
    await unit.execute(insert(group_links).values(values))
    return word


async def drop_link(unit: UnitOfWork, tenant: TenantId) -> None:
    await unit.execute(delete(group_links).where(group_links.c.tenant_id == tenant))


async def find_proposed(unit: UnitOfWork, tenant: TenantId) -> ProposedGroup | None:
    query = select(group_links).where(group_links.c.tenant_id == tenant, group_links.c.chat_id.is_not(None))
    row = (await unit.execute(query)).first()
    return None if row is None else ProposedGroup(tenant, row.chat_id, row.chat_title, row.user_id)


async def spend_link(unit: UnitOfWork, proposed: ProposedGroup) -> None:
    """Raises `Conflict` where the link proposes another group by now, or none."""
    query = select(group_links.c.chat_id).where(group_links.c.tenant_id == proposed.tenant)
    if (await unit.execute(query)).scalar_one_or_none() != proposed.chat:
        raise Conflict("The group link was replaced meanwhile: use the newest one.")
    await drop_link(unit, proposed.tenant)


def attached(by: Actor, group: ChatId, before: ChatId | None) -> Act:
    """The same group anew is a link, too: its rights were verified again, and the relay runs."""
    if before in {None, group}:
        return Act(Action.GROUP_LINKED, by, str(group))
    return Act(Action.GROUP_CHANGED, by, str(group), {"old": before})


_FOREIGN_DESK = text("SELECT EXISTS (SELECT FROM tenants WHERE group_id = :group AND owner_id <> :owner)")


async def refuse_foreign_desk(unit: UnitOfWork, owner: UserId, group: ChatId) -> None:
    """Connections of one owner may share a group; the customers of two owners must not meet: a fleet unit sees."""
    if (await unit.execute(_FOREIGN_DESK, {"group": group, "owner": owner})).scalar_one():
        raise Conflict("That group is another owner's desk: choose another group.", code="foreign_desk")


async def forget_topics(unit: UnitOfWork, tenant: TenantId) -> None:
    """Topic ids count in one group: in another the same id is somebody else's topic."""
    values: dict[str, Any] = {"topic_id": None, "topic_status": None, "topic_open": True, "topic_asked_at": None}
    values["topic_number"] = dialogs.c.topic_number + 1
    await unit.execute(update(dialogs).where(dialogs.c.tenant_id == tenant).values(values))


_FOLLOW = text(
    """
    WITH moved AS (
        UPDATE tenants SET group_id = :new, version = version + 1 WHERE id = :tenant AND group_id = :old
        RETURNING id, shard
    ),
    mapped AS (
        UPDATE message_map SET group_id = :new WHERE tenant_id = (SELECT id FROM moved) AND group_id = :old
    ),
    released AS (
        DELETE FROM pauses WHERE tenant_id = (SELECT id FROM moved) AND chat_id = :old
    )
    SELECT shard FROM moved
    """
)


async def follow_group(unit: UnitOfWork, tenant: TenantId, old: ChatId, new: ChatId) -> None:
    """The desk's group became a supergroup with another id (Bot API: migrate_to_chat_id): topics are made anew."""
    shard = (await unit.execute(_FOLLOW, {"tenant": tenant, "old": old, "new": new})).scalar_one_or_none()
    if shard is not None:
        await forget_topics(unit, tenant)
        await record(unit, tenant, Act(Action.GROUP_FOLLOWED, SYSTEM, str(new), {"old": old}))
        unit.notify(shard_channel(shard), str(tenant))


_TROUBLES = text("UPDATE intakes SET group_troubles = :troubles WHERE tenant_id = :tenant")


async def note_group_troubles(unit: UnitOfWork, tenant: TenantId, troubles: frozenset[Trouble]) -> None:
    """What is wrong with the group, for its owner to read; nothing once all is well."""
    found = [trouble for trouble in Trouble if trouble in troubles]
    await unit.execute(_TROUBLES, {"tenant": tenant, "troubles": found})
    await tell_group_state(unit, tenant, found)


_PROPOSE = text(
    """
    UPDATE group_links SET chat_id = :chat, chat_title = :title, used_at = now()
    WHERE tenant_id = :tenant AND digest = :digest AND user_id = :user AND expires_at > now()
        AND used_at IS NULL
    RETURNING 1
    """
)


async def propose_group(unit: UnitOfWork, proposed: ProposedGroup, word: str) -> bool:
    """Spends the one-time word where it is right, fresh and its own user's. Whether it was."""
    values = {
        "tenant": proposed.tenant,
        "digest": _digest(word),
        "user": proposed.user,
        "chat": proposed.chat,
        "title": proposed.title,
    }
    if (await unit.execute(_PROPOSE, values)).first() is None:
        return False
    unit.notify(SETUP_CHANNEL, str(proposed.tenant))
    return True


def _digest(word: str) -> bytes:
    return hashlib.sha256(word.encode()).digest()
