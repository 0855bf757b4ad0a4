"""Reading the archive: a dialog's messages page by page, each with what it was before it was edited."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import text

from tenants.archive.rows import BODY, Direction
from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.errors import NotFound
from tenants.ids import DialogId, TenantId, UserId
from tenants.outbox import Body

MOST_VERSIONS = 100
"""Of one message, the newest: a program may edit without end."""


@dataclass(frozen=True, slots=True)
class Version:
    number: int
    at: datetime
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Archived:
    """A message. `at` is when its oldest version here was stored; `author` is the operator, `member` how the member
    of a group is named who wrote it. `versions` are its texts, oldest first; `deleted_at`: it was taken back.
    """

    id: UUID
    direction: Direction
    content: str
    author: UserId | None
    member: str = field(repr=False)
    at: datetime
    deleted_at: datetime | None
    versions: Sequence[Version]

    @property
    def text(self) -> str:
        return self.versions[-1].text


_PAGE = text(
    """
    WITH page AS (
        SELECT a.id, a.chat_id, a.message_id, a.at FROM archive a
        WHERE a.tenant_id = :tenant AND a.dialog_id = :dialog
            AND (CAST(:after AS uuid) IS NULL OR a.id < CAST(:after AS uuid))
            AND NOT EXISTS (SELECT FROM archive b WHERE b.tenant_id = a.tenant_id AND b.chat_id = a.chat_id
                AND b.message_id = a.message_id AND b.version < a.version)
        ORDER BY a.id DESC LIMIT :limit
    )
    SELECT p.id AS first, p.at AS since, v.*
    FROM page p CROSS JOIN LATERAL (
        SELECT a.version, a.direction, a.author_id, a.content, a.body, a.at, a.deleted_at FROM archive a
        WHERE a.tenant_id = :tenant AND a.chat_id = p.chat_id AND a.message_id = p.message_id
        ORDER BY a.version DESC LIMIT :most
    ) v
    ORDER BY p.id DESC, v.version
    """
)
_DIALOG = text("SELECT 1 FROM dialogs WHERE tenant_id = :tenant AND id = :dialog")


async def list_page(
    unit: UnitOfWork, tenant: TenantId, dialog: DialogId, keyring: Keyring, *, after: UUID | None = None, limit: int
) -> list[Archived]:
    """Newest first: the page of `limit` that follows the message `after`. Raises `NotFound` where the tenant has no
    such dialog.
    """
    place = {"tenant": tenant, "dialog": dialog}
    if (await unit.execute(_DIALOG, place)).first() is None:
        raise NotFound("dialog")
    rows = await unit.execute(_PAGE, {**place, "after": after, "limit": limit, "most": MOST_VERSIONS})
    return [_read(tenant, list(those), keyring) for _, those in groupby(rows, lambda row: row.first)]


def _read(tenant: TenantId, rows: Sequence[Any], keyring: Keyring) -> Archived:
    bodies = [Body.load(keyring.decrypt(tenant, BODY, row.body)) for row in rows]
    newest = rows[-1]
    return Archived(
        id=newest.first,
        direction=Direction(newest.direction),
        content=newest.content,
        author=rows[0].author_id,
        member=bodies[0].by,
        at=newest.since,
        deleted_at=newest.deleted_at,
        versions=[Version(row.version, row.at, body.text) for row, body in zip(rows, bodies, strict=True)],
    )
