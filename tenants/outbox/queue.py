"""Appending to lanes."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text

from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.ids import LaneId, MessageId, TenantId, new_id
from tenants.outbox.rows import ALBUM_SETTLES, BODY, NewRow, Rows, joined_units

_APPEND = """
    numbered AS (
        UPDATE lanes l SET next_seq = l.next_seq + n.size
        FROM unnest(CAST(:lanes AS uuid[]), CAST(:lane_tenants AS uuid[]), CAST(:sizes AS bigint[]))
            AS n(id, tenant, size)
        WHERE l.tenant_id = n.tenant AND l.id = n.id {guard}
        RETURNING l.id, l.tenant_id, l.next_seq - n.size AS first
    ),
    queued AS (
        INSERT INTO outbox (id, tenant_id, lane_id, lane_seq, kind, update_id, source_chat_id, source_message_id,
            reply_to, reply_at, album, units, body, digest, author_id, thread_id, is_loose, not_before)
        SELECT r.id, n.tenant_id, n.id, n.first + r.behind, r.kind, r.update_id, r.source_chat, r.source_message,
            r.reply_to, r.reply_at, r.album, r.units, r.body, r.digest, r.author, r.thread, r.is_loose,
            greatest(r.not_before,
                now() + CASE WHEN r.album IS NULL THEN interval '0' ELSE CAST(:settles AS interval) END)
        FROM unnest(CAST(:row_ids AS uuid[]), CAST(:row_lanes AS uuid[]), CAST(:behind AS bigint[]),
            CAST(:row_kinds AS text[]), CAST(:row_updates AS bigint[]), CAST(:source_chats AS bigint[]),
            CAST(:source_messages AS bigint[]), CAST(:replies AS bigint[]), CAST(:replies_at AS integer[]),
            CAST(:albums AS text[]), CAST(:units AS integer[]), CAST(:row_bodies AS bytea[]),
            CAST(:digests AS bytea[]), CAST(:not_before AS timestamptz[]),
            CAST(:authors AS bigint[]), CAST(:threads AS bigint[]), CAST(:loose AS boolean[]))
            AS r(id, lane, behind, kind, update_id, source_chat, source_message, reply_to, reply_at, album, units,
                body, digest, not_before, author, thread, is_loose)
        JOIN numbered n ON n.id = r.lane
    )
"""
APPEND = _APPEND.format(guard="")
"""Numbers are allocated by updating the lanes' own rows, in the statement that inserts. Takes `append_values`."""
APPEND_WHERE_HELD = _APPEND.format(guard="AND n.tenant IN (SELECT tenant FROM held)")

_SETTLE_ALBUMS = text(
    """
    UPDATE outbox o SET not_before = now() + CAST(:settles AS interval)
    FROM unnest(CAST(:of AS uuid[]), CAST(:albums AS text[])) AS a(tenant, album)
    WHERE o.tenant_id = a.tenant AND o.album = a.album AND o.state = 'waiting' AND o.attempts = 0
    """
)
_SENT_ALBUMS = text(
    """
    SELECT DISTINCT ON (o.tenant_id, o.album) o.tenant_id, o.album, o.source_message_id
    FROM unnest(CAST(:of AS uuid[]), CAST(:albums AS text[])) AS a(tenant, album)
    JOIN outbox o ON o.tenant_id = a.tenant AND o.album = a.album AND o.state <> 'waiting'
    ORDER BY o.tenant_id, o.album, o.lane_seq
    """
)
_APPEND_ONLY = text(f"WITH {APPEND} SELECT count(*) FROM numbered")  # noqa: S608  # a constant of ours

Late = dict[tuple[TenantId, str], MessageId]


async def append_values(unit: UnitOfWork, rows: Rows, keyring: Keyring) -> dict[str, Any]:
    """What `APPEND` takes. Looks up albums: a part that comes after its album was sent follows it as a reply."""
    sizes: Counter[tuple[TenantId, LaneId]] = Counter()
    for tenant, row in rows:
        sizes[tenant, row.lane] += 0 if row.later else 1
    late = await _late_albums(unit, rows)
    ahead: Counter[LaneId] = Counter()
    behind: list[int | None] = []
    for _, row in rows:
        behind.append(None if row.later else ahead[row.lane])
        ahead[row.lane] += 0 if row.later else 1
    is_late = [row.album is not None and (tenant, row.album) in late for tenant, row in rows]
    return {
        "lanes": [lane for _, lane in sizes],
        "lane_tenants": [tenant for tenant, _ in sizes],
        "sizes": list(sizes.values()),
        "row_ids": [new_id() for _ in rows],
        "row_lanes": [row.lane for _, row in rows],
        "behind": behind,
        "row_kinds": [row.kind for _, row in rows],
        "row_updates": [row.update_id for _, row in rows],
        "source_chats": [row.source[0] if row.source else None for _, row in rows],
        "source_messages": [row.source[1] if row.source else None for _, row in rows],
        "replies": [
            late[tenant, row.album or ""] if comes_late else row.reply_to
            for (tenant, row), comes_late in zip(rows, is_late, strict=True)
        ],
        "replies_at": [row.reply_at for _, row in rows],
        "albums": [None if comes_late else row.album for (_, row), comes_late in zip(rows, is_late, strict=True)],
        "units": [joined_units(row) for _, row in rows],
        "authors": [row.author for _, row in rows],
        "threads": [row.thread for _, row in rows],
        "loose": [row.loose for _, row in rows],
        "row_bodies": [keyring.encrypt(tenant, BODY, row.body.dump()) for tenant, row in rows],
        "digests": [bytes.fromhex(row.digest) or None for _, row in rows],
        "not_before": [row.not_before for _, row in rows],
        "settles": ALBUM_SETTLES,
    }


async def enqueue(unit: UnitOfWork, tenant: TenantId, rows: Sequence[NewRow], keyring: Keyring) -> None:
    """Appends rows to their lanes, in order."""
    if rows:
        await unit.execute(_APPEND_ONLY, await append_values(unit, [(tenant, row) for row in rows], keyring))


async def _late_albums(unit: UnitOfWork, rows: Rows) -> Late:
    albums = {(tenant, row.album) for tenant, row in rows if row.album is not None}
    if not albums:
        return {}
    values = {"of": [tenant for tenant, _ in albums], "albums": [album for _, album in albums]}
    sent = await unit.execute(_SENT_ALBUMS, values)
    late: Late = {(row.tenant_id, row.album): row.source_message_id for row in sent}
    await unit.execute(_SETTLE_ALBUMS, {**values, "settles": ALBUM_SETTLES})
    return late


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
