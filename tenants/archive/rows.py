"""The rows of the archive: written with the message that they keep, forgotten when the setting says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import text

from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.ids import ChatId, DialogId, MessageId, TenantId, UserId, new_id
from tenants.outbox import Body

BODY = "archive.body"
"""The column, as associated data of its ciphertext."""
PIECE = 5000
"""Rows that one transaction forgets."""


class Direction(StrEnum):
    """Who wrote it."""

    CUSTOMER = "customer"
    TEAM = "team"
    PROGRAM = "program"


Source = tuple[ChatId, MessageId]


@dataclass(frozen=True, slots=True)
class Kept:
    """A message as it is now. `source` is where it was written, `author` the operator who wrote it, if known."""

    dialog: DialogId
    direction: Direction
    source: Source
    body: Body = field(repr=False)
    author: UserId | None = None
    is_edit: bool = False


@dataclass(slots=True)
class Keeping:
    """What one batch leads to: versions in the order in which they came, and messages that were taken back."""

    versions: list[Kept] = field(default_factory=list)
    taken_back: list[Source] = field(default_factory=list)


_KEEP = text(
    """
    INSERT INTO archive (id, tenant_id, dialog_id, direction, chat_id, message_id, version, author_id, content, body)
    SELECT k.id, k.tenant, k.dialog, k.direction, k.chat, k.message,
        coalesce(
            (SELECT max(a.version) FROM archive a
             WHERE a.tenant_id = k.tenant AND a.chat_id = k.chat AND a.message_id = k.message),
            (first_value(k.is_edit) OVER same)::int
        ) + row_number() OVER same,
        k.author, k.content, k.body
    FROM unnest(
        CAST(:ids AS uuid[]), CAST(:tenants AS uuid[]), CAST(:dialogs AS uuid[]), CAST(:directions AS text[]),
        CAST(:chats AS bigint[]), CAST(:messages AS bigint[]), CAST(:authors AS bigint[]), CAST(:edits AS boolean[]),
        CAST(:contents AS text[]), CAST(:bodies AS bytea[])
    ) WITH ORDINALITY
        AS k(id, tenant, dialog, direction, chat, message, author, is_edit, content, body, place)
    WINDOW same AS (PARTITION BY k.tenant, k.chat, k.message ORDER BY k.place)
    """
)
"""A message of which only an edit was kept begins with version 2."""
_TAKE_BACK = text(
    """
    UPDATE archive a SET deleted_at = now()
    FROM unnest(CAST(:tenants AS uuid[]), CAST(:chats AS bigint[]), CAST(:messages AS bigint[]))
        AS t(tenant, chat, message)
    WHERE a.tenant_id = t.tenant AND a.chat_id = t.chat AND a.message_id = t.message AND a.deleted_at IS NULL
    """
)
_FORGET_MIRRORED = text(
    """
    DELETE FROM archive a
    USING unnest(CAST(:chats AS bigint[]), CAST(:messages AS bigint[])) AS s(chat, message)
    WHERE a.tenant_id = :tenant AND a.chat_id = s.chat AND a.message_id = s.message AND a.direction = 'program'
    """
)
_FORGET = text(
    """
    DELETE FROM archive WHERE id = ANY(ARRAY(
        SELECT old.id FROM tenants t CROSS JOIN LATERAL (
            SELECT a.id FROM archive a
            WHERE a.tenant_id = t.id AND a.at < now() - make_interval(days => coalesce(t.archive_days, 0))
            ORDER BY a.at LIMIT :most
        ) old
        LIMIT :most
    ))
    """
)


async def keep(unit: UnitOfWork, all_of: Mapping[TenantId, Keeping], keyring: Keyring) -> None:
    """Of many tenants, each of whose batches is stored by one transaction at a time. No statement where there is
    nothing.
    """
    versions = [(tenant, one) for tenant, keeping in all_of.items() for one in keeping.versions]
    if versions:
        await unit.execute(_KEEP, _values(versions, keyring))
    taken = [(tenant, *source) for tenant, keeping in all_of.items() for source in keeping.taken_back]
    if taken:
        tenants, chats, messages = zip(*taken, strict=True)
        values = {"tenants": list(tenants), "chats": list(chats), "messages": list(messages)}
        await unit.execute(_TAKE_BACK, values)


def _values(versions: Sequence[tuple[TenantId, Kept]], keyring: Keyring) -> dict[str, Any]:
    return {
        "ids": sorted(new_id() for _ in versions),
        "tenants": [tenant for tenant, _ in versions],
        "dialogs": [one.dialog for _, one in versions],
        "directions": [one.direction for _, one in versions],
        "chats": [one.source[0] for _, one in versions],
        "messages": [one.source[1] for _, one in versions],
        "authors": [one.author for _, one in versions],
        "edits": [one.is_edit for _, one in versions],
        "contents": [one.body.content for _, one in versions],
        "bodies": [keyring.encrypt(tenant, BODY, one.body.dump()) for tenant, one in versions],
    }


async def forget_mirrored(unit: UnitOfWork, tenant: TenantId, sources: Sequence[Source]) -> None:
    """What was taken for a program's and turned out to be our own, which is kept as what was answered."""
    chats, messages = zip(*sources, strict=True)
    values = {"tenant": tenant, "chats": list(chats), "messages": list(messages)}
    await unit.execute(_FORGET_MIRRORED, values)


async def forget_old(unit: UnitOfWork, *, most: int = PIECE) -> bool:
    """Of all tenants, in a fleet unit: what is older than ARCHIVE says, all where it is 0. Whether nothing is left.

    What is stored counts, whatever the plan: a downgrade deletes nothing.
    """
    return (await unit.execute(_FORGET, {"most": most})).rowcount < most
