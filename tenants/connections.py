"""Connections: a bot token becomes a tenant, the tenant gets its group, runs, stops and is erased.

Whoever asks is its owner or a co-administrator; to everybody else a tenant is as good as none.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from tenants.access.tables import administrators
from tenants.audit import Act, Action, Actor, ActorKind, forget_settings, record
from tenants.billing.books import begin_ledger
from tenants.billing.endings import want_none
from tenants.crypto import Keyring
from tenants.db import Database, UnitOfWork, shard_channel, violated
from tenants.errors import ChangedMeanwhile, Conflict, Forbidden, Invalid, NotFound
from tenants.groups import (
    ProposedGroup,
    attached,
    drop_link,
    find_proposed,
    forget_topics,
    make_link,
    refuse_foreign_desk,
    spend_link,
)
from tenants.housekeepers import is_housekept
from tenants.ids import ChatId, TenantId, UserId, new_id
from tenants.jobs import enqueue_job
from tenants.leases import shard_of
from tenants.models import intakes, message_map, tenants
from tenants.parallel import Mode, begin_anew, forget_login, leave_parallel
from tenants.phrases import Phrase
from tenants.plans import Plan
from tenants.settings.acts import setting_acts
from tenants.tokens import read_token, seal_token

NOT_OFFERED = "Parallel mode is switched off here: ask whoever runs this Backline to switch it on."


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


_COLUMNS = tuple(tenants.c["settings" if one.name == "overrides" else one.name] for one in fields(Tenant))


def _read(row: Any) -> Tenant:
    values = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
    values["plan"] = Plan(values["plan"])
    values["mode"] = Mode(values["mode"])
    values["overrides"] = values.pop("settings")
    return Tenant(**values)


class Connections:
    """What an owner can do, each call one transaction. `parallel`: whether this deployment offers that mode.
    `acts_as`: whether it is the owner who asks here, or a program that has the owner's key.
    """

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        *,
        plan: Plan,
        parallel: bool = False,
        acts_as: ActorKind = ActorKind.OWNER,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._plan = plan
        self._acts_as = acts_as
        self.offers_parallel = parallel

    def actor(self, owner: UserId) -> Actor:
        """Whoever asks, as the audit log names them."""
        return Actor(self._acts_as, owner)

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
            "token": seal_token(tenant, token, self._keyring),
            "state": "stopped" if mode is None else "setup",
            "plan": self._plan,
            "mode": mode or Mode.POLLING,
        }
        try:
            async with self._database.tenant(tenant) as unit:
                row = (await unit.execute(insert(tenants).values(values).returning(*_COLUMNS))).one()
                await unit.execute(insert(intakes).values(tenant_id=tenant))
                await begin_ledger(unit, tenant)
                await record(unit, tenant, Act(Action.CONNECTED, self.actor(owner), f"@{username}", {"mode": mode}))
                unit.notify(shard_channel(shard), str(tenant))
        except IntegrityError as error:
            if violated(error) == "uq_tenants_bot_id":
                raise Conflict(
                    Phrase("@{bot} is already connected.", bot=username), code="already_connected"
                ) from None
            raise
        return _read(row)

    async def list_tenants(
        self, person: UserId, *, after: TenantId | None = None, limit: int | None = None
    ) -> list[Tenant]:
        """Oldest first (ids are UUIDv7): all, or the page of `limit` that follows the tenant `after`."""
        query = select(*_COLUMNS).where(_managed_by(person)).order_by(tenants.c.id).limit(limit)
        if after is not None:
            query = query.where(tenants.c.id > after)
        async with self._database.owner(person) as unit:
            return [_read(row) for row in await unit.execute(query)]

    async def find(self, person: UserId, tenant: TenantId) -> Tenant | None:
        query = select(*_COLUMNS).where(tenants.c.id == tenant, _managed_by(person))
        async with self._database.owner(person) as unit:
            row = (await unit.execute(query)).first()
        return None if row is None else _read(row)

    async def get(self, person: UserId, tenant: TenantId) -> Tenant:
        """Raises `NotFound`, also for one that is somebody else's."""
        found = await self.find(person, tenant)
        if found is None:
            raise NotFound("connection")
        return found

    async def get_own(self, owner: UserId, tenant: TenantId) -> Tenant:
        """The same for what only the owner may do. Raises `Forbidden` for a co-administrator."""
        found = await self.get(owner, tenant)
        if found.owner_id != owner:
            only = Phrase("Only the owner of @{bot} can do that.", bot=found.bot_username)
            raise Forbidden(only, code="owner_only")
        return found

    async def find_for_notice(self, tenant: TenantId) -> Tenant | None:
        """Whoever owns it: for what the system tells owners by itself, never for what somebody asks."""
        async with self._database.tenant(tenant) as unit:
            row = (await unit.execute(select(*_COLUMNS).where(tenants.c.id == tenant, _NOT_ERASED))).first()
        return None if row is None else _read(row)

    async def find_by_bot(self, bot: UserId) -> Tenant | None:
        """Whoever owns it: for what Telegram tells about a bot, never for what somebody asks."""
        async with self._database.fleet() as unit:
            tenant = (await unit.execute(_BY_BOT, {"bot": bot})).scalar_one_or_none()
        return None if tenant is None else await self.find_for_notice(TenantId(tenant))

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

    async def is_housekept(self, person: UserId, tenant: TenantId) -> bool:
        """Whether the setup bot keeps house in its group."""
        found = await self.get(person, tenant)
        async with self._database.fleet() as unit:
            return found.group_id is not None and await is_housekept(unit, found.group_id)

    async def has_relayed(self, person: UserId, tenant: TenantId) -> bool:
        """Whether a message has got through so far, either way."""
        await self.get(person, tenant)
        async with self._database.tenant(tenant) as unit:
            query = select(select(message_map.c.tenant_id).where(message_map.c.tenant_id == tenant).exists())
            return bool((await unit.execute(query)).scalar_one())

    async def token(self, owner: UserId, tenant: TenantId) -> str:
        """For a session's use, never for showing."""
        await self.get(owner, tenant)
        async with self._database.tenant(tenant) as unit:
            return await read_token(unit, tenant, self._keyring)

    async def replace_token(
        self, person: UserId, tenant: TenantId, token: str, *, username: str, name: str, version: int
    ) -> Tenant:
        """A new token of the same bot, which Telegram has accepted. Everything else is kept, and a relay that had
        ended with the old token goes on. Raises `Conflict` where somebody else changed the tenant since `version`.
        """
        found = await self.get(person, tenant)
        values: dict[str, Any] = {
            "token": seal_token(tenant, token, self._keyring),
            "token_version": tenants.c.token_version + 1,
            "bot_username": username,
            "bot_name": name,
        }
        if found.state == "revoked":
            values["state"] = "setup" if found.group_id is None else "running"
        async with self._database.tenant(tenant) as unit:
            await record(unit, tenant, Act(Action.TOKEN_REPLACED, self.actor(person)))
            await forget_login(unit, tenant)  # it ended with the old token
            return await change_tenant(unit, found, values, version=version)

    async def make_group_link(self, owner: UserId, tenant: TenantId) -> str:
        """A one-time word for `?startgroup=`, alive for ten minutes and for this owner only. Replaces the last."""
        await self.get(owner, tenant)
        async with self._database.tenant(tenant) as unit:
            return await make_link(unit, tenant, owner)

    async def find_proposed_group(self, owner: UserId, tenant: TenantId) -> ProposedGroup | None:
        await self.get(owner, tenant)
        async with self._database.tenant(tenant) as unit:
            return await find_proposed(unit, tenant)

    async def attach_group(
        self, owner: UserId, proposed: ProposedGroup, *, title: str, version: int | None = None
    ) -> Tenant:
        """The group becomes the desk and the tenant runs. The caller has verified forum and rights. Like all that
        takes a `version`, it raises `ChangedMeanwhile` where that is not the current one.
        """
        found = await self.get(owner, proposed.tenant)
        async with self._database.fleet() as unit:
            await refuse_foreign_desk(unit, found.owner_id, proposed.chat)
        async with self._database.tenant(found.id) as unit:
            await spend_link(unit, proposed)
            if found.group_id != proposed.chat:
                await forget_topics(unit, found.id)
            values = {"group_id": proposed.chat, "group_title": title, "state": "running"}
            await record(unit, found.id, attached(self.actor(owner), proposed.chat, found.group_id))
            await unit.execute(update(intakes).where(intakes.c.tenant_id == found.id).values(group_troubles=[]))
            return await change_tenant(unit, found, values, version=version)

    async def set_running(
        self, owner: UserId, tenant: TenantId, *, running: bool, version: int | None = None
    ) -> Tenant:
        found = await self.get(owner, tenant)
        if running and found.group_id is None:
            raise Invalid("Connect a group first: without one there is nowhere to relay to.")
        _require_living(found)
        state = "running" if running else "stopped"
        async with self._database.tenant(tenant) as unit:
            if found.state != state:
                action = Action.STARTED if running else Action.STOPPED
                await record(unit, tenant, Act(action, self.actor(owner)))
            return await change_tenant(unit, found, {"state": state}, version=version)

    async def set_mode(self, owner: UserId, tenant: TenantId, mode: Mode, *, version: int | None = None) -> Tenant:
        """The running session follows within a second. Raises `Invalid` for a mode that is not offered."""
        found = await self.get(owner, tenant)
        require_version(found, version)
        if found.mode is mode and not found.is_undecided:
            return found
        self._require_offered(mode)
        _require_living(found)
        values = {
            "mode": mode,
            "mode_changed_at": func.now(),
            "state": "setup" if found.is_undecided else found.state,
        }
        modes = {"old": None if found.is_undecided else found.mode, "new": mode}
        async with self._database.tenant(tenant) as unit:
            await record(unit, tenant, Act(Action.MODE_CHANGED, self.actor(owner), params=modes))
            await begin_anew(unit, tenant)
            changed = await change_tenant(unit, found, values, version=version)
            if mode is not Mode.PARALLEL:
                await leave_parallel(unit, tenant, self._keyring)
            return changed

    def _require_offered(self, mode: Mode | None) -> None:
        if mode is Mode.PARALLEL and not self.offers_parallel:
            raise Invalid(NOT_OFFERED, field="mode", code="parallel_not_offered")

    async def save_overrides(self, owner: UserId, found: Tenant, overrides: dict[str, Any]) -> Tenant:
        """Raises `Conflict` where somebody else saved since `found` was read."""
        await self.get(owner, found.id)
        async with self._database.tenant(found.id) as unit:
            await record(unit, found.id, *setting_acts(self.actor(owner), found.overrides, overrides))
            return await change_tenant(unit, found, {"settings": overrides}, version=found.version)

    async def erase(self, owner: UserId, tenant: TenantId, *, version: int | None = None) -> None:
        """The connection is gone at once, with its token and settings; a job deletes the rest that is stored for it:
        dialogs, queue, message map, audit log. So no row says who erased it: nothing of a tenant outlives it. Raises
        `Forbidden` for a co-administrator.
        """
        found = await self.get_own(owner, tenant)
        nothing: dict[str, Any] = {
            "token": seal_token(tenant, "", self._keyring),
            "settings": {},
            "group_id": None,
            "group_title": None,
            "state": "stopped",
            "erased_at": func.now(),
        }
        async with self._database.tenant(tenant) as unit:
            await change_tenant(unit, found, nothing, version=version)
            await drop_link(unit, tenant)
            await forget_settings(unit, tenant)
            await leave_parallel(unit, tenant, self._keyring)
            await want_none(unit, tenant)
            await enqueue_job(unit, "erase_tenant", tenant, {})


_BY_BOT = text("SELECT id FROM tenants WHERE bot_id = :bot AND erased_at IS NULL")
_NOT_ERASED = tenants.c.erased_at.is_(None)


def _require_living(found: Tenant) -> None:
    if found.state == "revoked":
        raise Conflict("The bot's token was revoked: reconnect it with its current token first.", code="revoked")


def _managed_by(person: UserId) -> ColumnElement[bool]:
    theirs = select(administrators.c.tenant_id).where(administrators.c.user_id == person)
    return _NOT_ERASED & ((tenants.c.owner_id == person) | tenants.c.id.in_(theirs))


async def change_tenant(
    unit: UnitOfWork, found: Tenant, values: dict[str, Any], *, version: int | None = None
) -> Tenant:
    """Running sessions hear of it. Raises `ChangedMeanwhile` where somebody else changed it since `version`."""
    condition = (tenants.c.id == found.id) & _NOT_ERASED
    if version is not None:
        condition = condition & (tenants.c.version == version)
    statement = update(tenants).where(condition).values(**values, version=tenants.c.version + 1)
    row = (await unit.execute(statement.returning(*_COLUMNS))).first()
    if row is None:
        raise ChangedMeanwhile
    unit.notify(shard_channel(found.shard), str(found.id))
    return _read(row)


def require_version(found: Tenant, version: int | None) -> None:
    if version not in {None, found.version}:
        raise ChangedMeanwhile
