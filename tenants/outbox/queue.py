"""Appending to lanes."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, text

from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.ids import LaneId, MessageId, TenantId, new_id
from tenants.models import outbox
from tenants.outbox.rows import ALBUM_SETTLES, BODY, NewRow

_NUMBER = text(
    """
    UPDATE lanes l SET next_seq = l.next_seq + n.size
    FROM unnest(CAST(:lanes AS uuid[]), CAST(:sizes AS bigint[])) AS n(id, size)
    WHERE l.tenant_id = :tenant AND l.id = n.id
    RETURNING l.id, l.next_seq - n.size AS first
    """
)
_SETTLE_ALBUMS = text(
    """
    UPDATE outbox SET not_before = clock_timestamp() + :settles
    WHERE tenant_id = :tenant AND album = ANY(:albums) AND state = 'waiting' AND attempts = 0
    """
)
_SENT_ALBUMS = text(
    """
    SELECT DISTINCT ON (album) album, source_message_id FROM outbox
    WHERE tenant_id = :tenant AND album = ANY(:albums) AND state <> 'waiting'
    ORDER BY album, lane_seq
    """
)


async def enqueue(unit: UnitOfWork, tenant: TenantId, rows: Sequence[NewRow], keyring: Keyring) -> None:
    """Appends rows to their lanes, in order. Numbers are allocated by updating the lanes' own rows."""
    if not rows:
        return
    sizes = Counter(row.lane for row in rows)
    lanes = sorted(sizes)
    values = {"tenant": tenant, "lanes": lanes, "sizes": [sizes[lane] for lane in lanes]}
    numbers = {row.id: row.first for row in await unit.execute(_NUMBER, values)}
    late = await _late_albums(unit, tenant, rows)
    stored = []
    for row in rows:
        stored.append(_stored(tenant, row, numbers[row.lane], late, keyring))
        numbers[row.lane] += 1
    await unit.execute(insert(outbox), stored)
    albums = {row.album for row in rows if row.album is not None} - set(late)
    if albums:
        settling = {"tenant": tenant, "albums": list(albums), "settles": ALBUM_SETTLES}
        await unit.execute(_SETTLE_ALBUMS, settling)


async def _late_albums(unit: UnitOfWork, tenant: TenantId, rows: Sequence[NewRow]) -> dict[str, MessageId]:
    albums = {row.album for row in rows if row.album is not None}
    if not albums:
        return {}
    found = await unit.execute(_SENT_ALBUMS, {"tenant": tenant, "albums": list(albums)})
    return {row.album: row.source_message_id for row in found}


def _stored(tenant: TenantId, row: NewRow, seq: int, late: dict[str, MessageId], keyring: Keyring) -> dict[str, Any]:
    is_late = row.album in late
    return {
        "id": new_id(),
        "tenant_id": tenant,
        "lane_id": row.lane,
        "lane_seq": seq,
        "kind": row.kind,
        "update_id": row.update_id,
        "source_chat_id": row.source[0] if row.source else None,
        "source_message_id": row.source[1] if row.source else None,
        "reply_to": late[row.album] if is_late and row.album else row.reply_to,
        "album": None if is_late else row.album,
        "body": keyring.encrypt(tenant, BODY, row.body.dump()),
    }


_GENERAL = text(
    """
    INSERT INTO lanes (id, tenant_id, direction) VALUES (:id, :tenant, 'general')
    ON CONFLICT (tenant_id, dialog_id, direction) DO UPDATE SET direction = excluded.direction
    RETURNING id
    """
)


async def general_lane(unit: UnitOfWork, tenant: TenantId) -> LaneId:
    """The lane into the group's General topic."""
    values = {"tenant": tenant, "id": new_id()}
    return LaneId((await unit.execute(_GENERAL, values)).scalar_one())
