"""Connections: a bot token becomes a tenant, the tenant gets its group, runs, stops and is erased.

Whoever asks is an owner; a tenant of another owner is as good as none.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from tenants.crypto import Keyring
from tenants.db import SETUP_CHANNEL, Database, UnitOfWork, shard_channel, violated
from tenants.errors import Conflict, Forbidden, Invalid, NotFound
from tenants.ids import ChatId, TenantId, UserId, new_id
from tenants.jobs import enqueue_job
from tenants.leases import shard_of
from tenants.models import dialogs, group_links, intakes, tenants
from tenants.owner_notices import REVOKED, enqueue_notice
from tenants.parallel import Mode, begin_anew, leave_parallel
from tenants.plans import Plan

TOKEN_COLUMN = "tenants.token"  # noqa: S105  # a column's name
LINK_LIVES = timedelta(minutes=10)
NOT_OFFERED = "Parallel mode is switched off here: ask whoever runs this Backline to switch it on."
_TOKEN = re.compile(r"\b\d{5,15}:[A-Za-z0-9_-]{30,60}(?![A-Za-z0-9_-])")


@dataclass(frozen=True, slots=True)
class Tenant:
    """One connection, as its owner sees it. What is wrong with it, if anything, `Connections.problem` says."""

    id: TenantId
    shard: int
    owner_id: UserId
    bot_id: UserId
    bot_username: str
    bot_name: str
    group_id: ChatId | None
    group_title: str | None
    state: str
    plan: Plan
    overrides: dict[str, Any]
    version: int
    created_at: datetime
    mode: Mode

    @property
    def is_undecided(self) -> bool:
        """Nobody has said how it runs, or it was stopped before it had a group: nothing receives."""
        return self.state == "stopped" and self.group_id is None


@dataclass(frozen=True, slots=True)
class ProposedGroup:
    """A group whose member sent the one-time link's word there. Nothing is verified yet."""

    tenant: TenantId
    chat: ChatId
    title: str
    user: UserId


_COLUMNS = tuple(tenants.c["settings" if one.name == "overrides" else one.name] for one in fields(Tenant))


def _read(row: Any) -> Tenant:
    values = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
    values["plan"] = Plan(values["plan"])
    values["mode"] = Mode(values["mode"])
    values["overrides"] = values.pop("settings")
    return Tenant(**values)


def find_token(typed: str) -> str:
    """The token in a message, as @BotFather sends it or alone. Raises `Invalid`."""
    found = _TOKEN.search(typed)
    if found is None:
        raise Invalid(
            "That is not a bot token. Open @BotFather, choose your bot, press API Token, "
            "and send me the line that looks like 123456789:AAE…",
            code="bad_token",
        )
    return found.group()


class Connections:
    """What an owner can do, each call one transaction. `parallel`: whether this deployment offers that mode."""

    def __init__(self, database: Database, keyring: Keyring, *, plan: Plan, parallel: bool = False) -> None:
        self._database = database
        self._keyring = keyring
        self._plan = plan
        self.offers_parallel = parallel

    async def connect(
        self,
        owner: UserId,
        token: str,
        *,
        bot_id: UserId,
        username: str,
        name: str,
        mode: Mode | None = Mode.POLLING,
    ) -> Tenant:
        """Stores a token that Telegram has accepted. Without a mode nothing receives until one is set. Raises
        `Conflict` where the bot is connected already, `Invalid` for a mode that is not offered.
        """
        self._require_offered(mode)
        tenant = TenantId(new_id())
        shard = shard_of(tenant)
        values = {
            "id": tenant,
            "shard": shard,
            "owner_id": owner,
            "bot_id": bot_id,
            "bot_username": username,
            "bot_name": name,
            "token": self._keyring.encrypt(tenant, TOKEN_COLUMN, token.encode()),
            "state": "stopped" if mode is None else "setup",
            "plan": self._plan,
            "mode": mode or Mode.POLLING,
        }
        try:
            async with self._database.tenant(tenant) as unit:
                row = (await unit.execute(insert(tenants).values(values).returning(*_COLUMNS))).one()
                await unit.execute(insert(intakes).values(tenant_id=tenant))
                unit.notify(shard_channel(shard), str(tenant))
        except IntegrityError as error:
            if violated(error) == "uq_tenants_bot_id":
                raise Conflict(f"@{username} is already connected.", code="already_connected") from None
            raise
        return _read(row)

    async def list_tenants(
        self, owner: UserId, *, after: TenantId | None = None, limit: int | None = None
    ) -> list[Tenant]:
        """Oldest first (ids are UUIDv7): all, or the page of `limit` that follows the tenant `after`."""
        mine = (tenants.c.owner_id == owner) & _NOT_ERASED
        query = select(*_COLUMNS).where(mine).order_by(tenants.c.id).limit(limit)
        if after is not None:
            query = query.where(tenants.c.id > after)
        async with self._database.owner(owner) as unit:
            return [_read(row) for row in await unit.execute(query)]

    async def find(self, owner: UserId, tenant: TenantId) -> Tenant | None:
        async with self._database.owner(owner) as unit:
            return await _find(unit, owner, tenant)

    async def get(self, owner: UserId, tenant: TenantId) -> Tenant:
        """Raises `NotFound`, also for another owner's."""
        found = await self.find(owner, tenant)
        if found is None:
            raise NotFound("connection")
        return found

    async def find_for_notice(self, tenant: TenantId) -> Tenant | None:
        """Whoever owns it: for what the system tells owners by itself, never for what somebody asks."""
        async with self._database.tenant(tenant) as unit:
            row = (await unit.execute(select(*_COLUMNS).where(tenants.c.id == tenant, _NOT_ERASED))).first()
        return None if row is None else _read(row)

    async def problem(self, owner: UserId, tenant: TenantId) -> str | None:
        """What keeps the session from receiving, or messages out of the group, as a sentence."""
        found = await self.get(owner, tenant)
        if found.mode is Mode.PARALLEL and not self.offers_parallel:
            return NOT_OFFERED
        async with self._database.tenant(tenant) as unit:
            query = select(func.coalesce(intakes.c.problem, intakes.c.group_problem)).where(
                intakes.c.tenant_id == tenant
            )
            return (await unit.execute(query)).scalar_one_or_none()

    async def is_listening(self, owner: UserId, tenant: TenantId) -> bool:
        """Whether its session has begun to receive, in the mode that it has now."""
        await self.get(owner, tenant)
        async with self._database.tenant(tenant) as unit:
            query = select(intakes.c.cursor.is_not(None)).where(intakes.c.tenant_id == tenant)
            return bool((await unit.execute(query)).scalar_one_or_none())

    async def token(self, owner: UserId, tenant: TenantId) -> str:
        """For a session's use, never for showing."""
        await self.get(owner, tenant)
        async with self._database.tenant(tenant) as unit:
            return await read_token(unit, tenant, self._keyring)

    async def make_group_link(self, owner: UserId, tenant: TenantId) -> str:
        """A one-time word for `?startgroup=`, alive for ten minutes and for this owner only. Replaces the last."""
        await self.get(owner, tenant)
        word = secrets.token_urlsafe(24)
        values = {
            "tenant_id": tenant,
            "digest": _digest(word),
            "user_id": owner,
            "expires_at": func.now() + LINK_LIVES,
        }
        async with self._database.tenant(tenant) as unit:
            await unit.execute(delete(group_links).where(group_links.c.tenant_id == tenant))
            await unit.execute(insert(group_links).values(values))
        return word

    async def find_proposed_group(self, owner: UserId, tenant: TenantId) -> ProposedGroup | None:
        await self.get(owner, tenant)
        async with self._database.tenant(tenant) as unit:
            query = select(group_links).where(group_links.c.tenant_id == tenant, group_links.c.chat_id.is_not(None))
            row = (await unit.execute(query)).first()
        return None if row is None else ProposedGroup(tenant, row.chat_id, row.chat_title, row.user_id)

    async def attach_group(self, owner: UserId, proposed: ProposedGroup, *, title: str) -> Tenant:
        """The group becomes the desk and the tenant runs. The caller has verified forum and rights."""
        found = await self.get(owner, proposed.tenant)
        await self._refuse_foreign_desk(owner, proposed.chat)
        async with self._database.tenant(found.id) as unit:
            query = select(group_links.c.chat_id).where(group_links.c.tenant_id == found.id)
            if (await unit.execute(query)).scalar_one_or_none() != proposed.chat:
                raise Conflict("The group link was replaced meanwhile: use the newest one.")
            await unit.execute(delete(group_links).where(group_links.c.tenant_id == found.id))
            if found.group_id != proposed.chat:
                await _forget_topics(unit, found.id)
            values = {"group_id": proposed.chat, "group_title": title, "state": "running"}
            return await _change(unit, found, values)

    async def _refuse_foreign_desk(self, owner: UserId, group: ChatId) -> None:
        """Connections of one owner may share a group; the customers of two owners must not meet."""
        async with self._database.fleet() as unit:
            if (await unit.execute(_FOREIGN_DESK, {"group": group, "owner": owner})).scalar_one():
                raise Conflict("That group is another owner's desk: choose another group.", code="foreign_desk")

    async def set_running(self, owner: UserId, tenant: TenantId, *, running: bool) -> Tenant:
        found = await self.get(owner, tenant)
        if running and found.group_id is None:
            raise Invalid("Connect a group first: without one there is nowhere to relay to.")
        _require_living(found)
        async with self._database.tenant(tenant) as unit:
            return await _change(unit, found, {"state": "running" if running else "stopped"})

    async def set_mode(self, owner: UserId, tenant: TenantId, mode: Mode) -> Tenant:
        """The running session follows within a second. Raises `Invalid` for a mode that is not offered."""
        found = await self.get(owner, tenant)
        if found.mode is mode and not found.is_undecided:
            return found
        self._require_offered(mode)
        _require_living(found)
        values = {
            "mode": mode,
            "mode_changed_at": func.now(),
            "state": "setup" if found.is_undecided else found.state,
        }
        async with self._database.tenant(tenant) as unit:
            await begin_anew(unit, tenant)
            changed = await _change(unit, found, values)
            if mode is not Mode.PARALLEL:
                await leave_parallel(unit, tenant, self._keyring)
            return changed

    def _require_offered(self, mode: Mode | None) -> None:
        if mode is Mode.PARALLEL and not self.offers_parallel:
            raise Invalid(NOT_OFFERED, field="mode", code="parallel_not_offered")

    async def save_overrides(self, owner: UserId, found: Tenant, overrides: dict[str, Any]) -> Tenant:
        """Raises `Conflict` where somebody else saved since `found` was read."""
        if found.owner_id != owner:
            raise Forbidden("That is not yours.")
        async with self._database.tenant(found.id) as unit:
            return await _change(unit, found, {"settings": overrides}, strictly=True)

    async def erase(self, owner: UserId, tenant: TenantId) -> None:
        """The connection is gone at once, with its token and settings; a job deletes the rest that is stored for it:
        dialogs, queue, message map.
        """
        found = await self.get(owner, tenant)
        nothing: dict[str, Any] = {
            "token": self._keyring.encrypt(tenant, TOKEN_COLUMN, b""),
            "settings": {},
            "group_id": None,
            "group_title": None,
            "state": "stopped",
            "erased_at": func.now(),
        }
        async with self._database.tenant(tenant) as unit:
            await _change(unit, found, nothing)
            await unit.execute(delete(group_links).where(group_links.c.tenant_id == tenant))
            await leave_parallel(unit, tenant, self._keyring)
            await enqueue_job(unit, "erase_tenant", tenant, {})


_NOT_ERASED = tenants.c.erased_at.is_(None)
_FOREIGN_DESK = text("SELECT EXISTS (SELECT FROM tenants WHERE group_id = :group AND owner_id <> :owner)")


def _require_living(found: Tenant) -> None:
    if found.state == "revoked":
        raise Conflict("The bot's token was revoked: delete the connection and connect the bot anew.")


async def _find(unit: UnitOfWork, owner: UserId, tenant: TenantId) -> Tenant | None:
    query = select(*_COLUMNS).where(tenants.c.id == tenant, tenants.c.owner_id == owner, _NOT_ERASED)
    row = (await unit.execute(query)).first()
    return None if row is None else _read(row)


async def _forget_topics(unit: UnitOfWork, tenant: TenantId) -> None:
    """Topic ids count in one group: in another the same id is somebody else's topic."""
    values: dict[str, Any] = {"topic_id": None, "topic_status": None, "topic_open": True, "topic_asked_at": None}
    values["topic_number"] = dialogs.c.topic_number + 1
    await unit.execute(update(dialogs).where(dialogs.c.tenant_id == tenant).values(values))


async def _change(unit: UnitOfWork, found: Tenant, values: dict[str, Any], *, strictly: bool = False) -> Tenant:
    condition = (tenants.c.id == found.id) & _NOT_ERASED
    if strictly:
        condition = condition & (tenants.c.version == found.version)
    statement = update(tenants).where(condition).values(**values, version=tenants.c.version + 1)
    row = (await unit.execute(statement.returning(*_COLUMNS))).first()
    if row is None:
        raise changed_meanwhile()
    unit.notify(shard_channel(found.shard), str(found.id))
    return _read(row)


def changed_meanwhile() -> Conflict:
    return Conflict("Somebody else changed this meanwhile: look at it again, then repeat your change.")


async def read_token(unit: UnitOfWork, tenant: TenantId, keyring: Keyring) -> str:
    query = select(tenants.c.token).where(tenants.c.id == tenant, _NOT_ERASED)
    sealed = (await unit.execute(query)).scalar_one_or_none()
    if sealed is None:
        raise NotFound("connection")
    return keyring.decrypt(tenant, TOKEN_COLUMN, sealed).decode()


async def mark_revoked(unit: UnitOfWork, tenant: TenantId) -> None:
    """The session has stopped for good; the owner is told, once."""
    alive = (tenants.c.id == tenant) & (tenants.c.state != "revoked") & _NOT_ERASED
    statement = update(tenants).where(alive).values(state="revoked").returning(tenants.c.version)
    version = (await unit.execute(statement)).scalar_one_or_none()
    if version is not None:
        await enqueue_notice(unit, tenant, REVOKED, key=f"{REVOKED}:{tenant}:{version}")


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
        await _forget_topics(unit, tenant)
        unit.notify(shard_channel(shard), str(tenant))


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
