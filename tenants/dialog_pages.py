"""Dialogs as an owner lists them: page by page, the one that was active last first, named as the team knows them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from tenants.connections import Connections, Tenant
from tenants.db import Database
from tenants.dialogs import Status
from tenants.errors import NotFound
from tenants.identity import shown_name
from tenants.ids import ChatId, DialogId, TenantId, TopicId, UserId
from tenants.settings.catalog import effective
from tenants.settings.schema import Settings


@dataclass(frozen=True, slots=True)
class Listed:
    """`chat` is None where HIDE_INFO hides what leads to a profile. `active_at`: when a message was relayed last, in
    either direction, or the dialog was opened.
    """

    id: DialogId
    customer: str
    chat: ChatId | None
    kind: str
    status: Status
    topic: TopicId | None
    operator: str | None
    waiting_since: datetime | None
    created_at: datetime
    active_at: datetime


@dataclass(frozen=True, slots=True)
class Position:
    active_at: datetime
    id: DialogId


_COLUMNS = """
    SELECT d.id, d.name, d.chat_id, d.kind, d.status, d.topic_id, d.waiting_since, d.created_at, l.active_at,
        CASE WHEN d.owned_until > now() THEN d.owner_name END AS operator
"""
_LIST = text(
    f"""
    {_COLUMNS}
    FROM (
        SELECT dialog_id, max(served_at) AS active_at FROM lanes
        WHERE tenant_id = :tenant AND dialog_id IS NOT NULL GROUP BY dialog_id
    ) l JOIN dialogs d ON d.tenant_id = :tenant AND d.id = l.dialog_id
    WHERE (CAST(:status AS text) IS NULL OR d.status = :status)
        AND (CAST(:moment AS timestamptz) IS NULL OR (l.active_at, d.id) < (:moment, CAST(:id AS uuid)))
    ORDER BY l.active_at DESC, d.id DESC LIMIT :limit
    """  # noqa: S608  # two literals of our own
)
_GET = text(
    f"""
    {_COLUMNS}
    FROM dialogs d CROSS JOIN LATERAL (
        SELECT max(served_at) AS active_at FROM lanes WHERE tenant_id = d.tenant_id AND dialog_id = d.id
    ) l
    WHERE d.tenant_id = :tenant AND d.id = :id
    """  # noqa: S608  # the same
)


class DialogPages:
    def __init__(self, database: Database, connections: Connections) -> None:
        self._database = database
        self._connections = connections

    async def list_page(
        self,
        person: UserId,
        tenant: TenantId,
        *,
        status: Status | None = None,
        after: Position | None = None,
        limit: int,
    ) -> list[Listed]:
        """The page of `limit` that follows the dialog `after`. One that becomes active meanwhile moves to the front,
        and is not on the pages that follow.
        """
        found = await self._connections.get(person, tenant)
        values = {
            "tenant": tenant,
            "status": status,
            "moment": after and after.active_at,
            "id": after and after.id,
            "limit": limit,
        }
        async with self._database.tenant(tenant) as unit:
            return [_read(row, _settings(found)) for row in await unit.execute(_LIST, values)]

    async def get(self, person: UserId, tenant: TenantId, dialog: DialogId) -> Listed:
        """Raises `NotFound`."""
        found = await self._connections.get(person, tenant)
        async with self._database.tenant(tenant) as unit:
            row = (await unit.execute(_GET, {"tenant": tenant, "id": dialog})).first()
        if row is None:
            raise NotFound("dialog")
        return _read(row, _settings(found))


def _settings(tenant: Tenant) -> Settings:
    return effective(tenant.overrides, tenant.plan)


def _read(row: Any, settings: Settings) -> Listed:
    return Listed(
        id=row.id,
        customer=shown_name(settings, row.id, row.chat_id, row.name),
        chat=None if "link" in settings.HIDE_INFO else row.chat_id,
        kind=row.kind,
        status=Status(row.status),
        topic=row.topic_id,
        operator=row.operator,
        waiting_since=row.waiting_since,
        created_at=row.created_at,
        active_at=row.active_at,
    )
