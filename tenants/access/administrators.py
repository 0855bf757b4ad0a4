"""Co-administrators of a connection: invited by its owner, they may do all that the owner may, but give it away."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select, text

from tenants.access.tables import administrators, invitations
from tenants.audit import Act, Action, record
from tenants.connections import Connections, Tenant, change_tenant
from tenants.db import Database
from tenants.dialogs import clean_name
from tenants.errors import Conflict, Invalid, NotFound
from tenants.groups import drop_link
from tenants.ids import TenantId, UserId
from tenants.owner_notices import ADMINISTRATOR_JOINED, TRANSFERRED, enqueue_notice
from tenants.phrases import Phrase

INVITATION_LIVES = timedelta(days=1)
MOST = 20
"""Co-administrators of one connection."""
_NAME_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Administrator:
    user: UserId
    name: str
    added_at: datetime


_FIND = text("SELECT tenant_id FROM invitations WHERE digest = :digest AND expires_at > now()")
_SHARES_DESK = text(
    """
    SELECT EXISTS (
        SELECT FROM tenants WHERE group_id = (SELECT group_id FROM tenants WHERE id = :tenant) AND id <> :tenant
    )
    """
)


class Administrators:
    def __init__(self, database: Database, connections: Connections) -> None:
        self._database = database
        self._connections = connections

    async def list_administrators(self, person: UserId, tenant: TenantId) -> Sequence[Administrator]:
        """Without the owner, the longest serving first."""
        await self._connections.get(person, tenant)
        query = select(administrators.c.user_id, administrators.c.name, administrators.c.added_at)
        mine = query.where(administrators.c.tenant_id == tenant).order_by(
            administrators.c.added_at, administrators.c.user_id
        )
        async with self._database.tenant(tenant) as unit:
            return [Administrator(row.user_id, row.name, row.added_at) for row in await unit.execute(mine)]

    async def invite(self, owner: UserId, tenant: TenantId) -> str:
        """A word that makes whoever sends it first within a day a co-administrator. Replaces the last one."""
        await self._connections.get_own(owner, tenant)
        word = secrets.token_urlsafe(24)
        values = {
            "tenant_id": tenant,
            "digest": _digest(word),
            "invited_by": owner,
            "expires_at": func.now() + INVITATION_LIVES,
        }
        async with self._database.tenant(tenant) as unit:
            await unit.execute(delete(invitations).where(invitations.c.tenant_id == tenant))
            await unit.execute(insert(invitations).values(values))
        return word

    async def find_invited(self, word: str) -> Tenant | None:
        """The connection that a word invites to. None for one that was used, replaced, forged, or is too old."""
        async with self._database.fleet() as unit:
            tenant = (await unit.execute(_FIND, {"digest": _digest(word)})).scalar_one_or_none()
        return None if tenant is None else await self._connections.find_for_notice(TenantId(tenant))

    async def accept(self, person: UserId, name: str, word: str) -> Tenant:
        """Raises `Invalid` for a word that invites nobody (any more), `Conflict` where there are too many."""
        found = await self.find_invited(word)
        if found is None:
            raise Invalid("This invitation was used already, or is older than a day: ask for a new one.")
        if found.owner_id == person:
            raise Conflict(Phrase("@{bot} is yours already: send the link to somebody else.", bot=found.bot_username))
        shown = _tidy(name)
        values = {"tenant_id": found.id, "user_id": person, "name": shown, "added_by": found.owner_id}
        used = delete(invitations).where(
            invitations.c.tenant_id == found.id,
            invitations.c.digest == _digest(word),
            invitations.c.expires_at > func.now(),
        )
        async with self._database.tenant(found.id) as unit:
            if (await unit.execute(used.returning(invitations.c.tenant_id))).first() is None:
                raise Invalid("This invitation was used already, or is older than a day: ask for a new one.")
            there = select(administrators.c.user_id).where(administrators.c.tenant_id == found.id)
            others = set((await unit.execute(there)).scalars())
            if person not in others:
                if len(others) >= MOST:
                    full = "@{bot} has {count} co-administrators: remove one first."
                    raise Conflict(Phrase(full, bot=found.bot_username, count=MOST))
                await unit.execute(insert(administrators).values(values))
                actor = self._connections.actor(person)
                await record(unit, found.id, Act(Action.ADMINISTRATOR_ADDED, actor, str(person)))
                await enqueue_notice(unit, found.id, ADMINISTRATOR_JOINED, params={"name": shown})
        return await self._connections.get(person, found.id)

    async def remove(self, person: UserId, tenant: TenantId, who: UserId) -> None:
        """The owner removes anybody, everybody else themselves. Raises `NotFound` where there is no such."""
        if who == person:
            found = await self._connections.get(person, tenant)
        else:
            found = await self._connections.get_own(person, tenant)
        gone = delete(administrators).where(administrators.c.tenant_id == found.id, administrators.c.user_id == who)
        async with self._database.tenant(found.id) as unit:
            if (await unit.execute(gone.returning(administrators.c.user_id))).first() is None:
                raise NotFound("co-administrator")
            await drop_link(unit, found.id)
            await record(unit, found.id, Act(Action.ADMINISTRATOR_REMOVED, self._connections.actor(person), str(who)))

    async def transfer(self, owner: UserId, tenant: TenantId, to: UserId, *, name: str, version: int) -> Tenant:
        """A co-administrator becomes the owner, and the owner, of this name, a co-administrator. Raises `NotFound`
        where `to` is none, `Conflict` where the desk is another connection's, too, or something changed since
        `version`.
        """
        found = await self._connections.get_own(owner, tenant)
        heir = next((one for one in await self.list_administrators(owner, tenant) if one.user == to), None)
        if heir is None:
            raise NotFound("co-administrator")
        async with self._database.fleet() as unit:
            if (await unit.execute(_SHARES_DESK, {"tenant": tenant})).scalar_one():
                raise Conflict(
                    "This group is the desk of another connection of yours, too: choose another group for one of "
                    "them first.",
                    code="shared_desk",
                )
        former = {"tenant_id": tenant, "user_id": owner, "name": _tidy(name), "added_by": to}
        async with self._database.tenant(tenant) as unit:
            await unit.execute(
                delete(administrators).where(administrators.c.tenant_id == tenant, administrators.c.user_id == to)
            )
            await unit.execute(insert(administrators).values(former))
            await unit.execute(delete(invitations).where(invitations.c.tenant_id == tenant))
            by = self._connections.actor(owner)
            await record(unit, tenant, Act(Action.TRANSFERRED, by, str(to), {"old": owner}))
            changed = await change_tenant(unit, found, {"owner_id": to}, version=version)
            await enqueue_notice(unit, tenant, TRANSFERRED)
            return changed


def _tidy(name: str) -> str:
    return clean_name(name, "…")[:_NAME_LENGTH]


def _digest(word: str) -> bytes:
    return hashlib.sha256(word.encode()).digest()
