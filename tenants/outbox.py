"""What leaves: rows in lanes. A lane is one dialog in one direction; `lane_seq` orders it, its head is sent first.

A claim locks lanes, not rows: a head that must wait blocks its own lane and no other. Claims and results join on
the lease's term. A row that a dead worker was sending belongs to an older term and is claimed again: its attempts
say so.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import insert, text

from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.errors import LeaseLost
from tenants.ids import ChatId, DialogId, LaneId, MessageId, RowId, TenantId, TopicId, UpdateId, new_id
from tenants.leases import HELD, Lease
from tenants.models import outbox

Kind = Literal["copy", "answer", "text", "welcome", "notice"]
ALBUM_SETTLES = timedelta(seconds=1)
"""An album's parts come as separate updates, usually within this time."""
_BODY = "outbox.body"


@dataclass(frozen=True, slots=True)
class Body:
    """The words of a row. For a copy: what is said instead when the message can't be copied any more."""

    text: str
    markdown: bool = False
    content: str = "text"

    def dump(self) -> bytes:
        return json.dumps([self.text, self.markdown, self.content], ensure_ascii=False).encode()

    @classmethod
    def load(cls, dumped: bytes) -> "Body":
        return cls(*json.loads(dumped))


@dataclass(frozen=True, slots=True)
class NewRow:
    """`reply_to` is in the source's numbering for a copy or an answer, in the target's for a text of ours."""

    lane: LaneId
    kind: Kind
    body: Body
    update_id: UpdateId | None = None
    source: tuple[ChatId, MessageId] | None = None
    reply_to: MessageId | None = None
    album: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A claimed row, with where it goes."""

    id: RowId
    lane: LaneId
    seq: int
    kind: Kind
    direction: Literal["topic", "customer", "general"]
    dialog: DialogId | None
    customer: ChatId | None
    topic: TopicId | None
    source: tuple[ChatId, MessageId] | None
    reply_to: MessageId | None
    album: str | None
    attempts: int
    body: Body


@dataclass(frozen=True, slots=True)
class Delivered:
    row: RowId
    message: MessageId


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
        "body": keyring.encrypt(tenant, _BODY, row.body.dump()),
    }


_CLAIM = text(
    f"""
    WITH held AS ({HELD}),
    team AS (
        SELECT l.id, l.head_seq FROM lanes l LEFT JOIN dialogs d ON d.tenant_id = l.tenant_id AND d.id = l.dialog_id
        WHERE l.tenant_id = :tenant AND l.direction IN ('topic', 'general') AND l.head_seq < l.next_seq
            AND l.blocked_until <= now() AND (d.topic_id IS NOT NULL OR l.dialog_id IS NULL)
            AND l.id <> ALL(:busy) AND :team > 0
            AND NOT EXISTS (SELECT FROM pauses p WHERE p.tenant_id = l.tenant_id AND p.chat_id = :group
                AND p.until > now())
        ORDER BY l.served_at LIMIT :team FOR UPDATE OF l SKIP LOCKED
    ),
    customers AS (
        SELECT l.id, l.head_seq FROM lanes l
        WHERE l.tenant_id = :tenant AND l.direction = 'customer' AND l.head_seq < l.next_seq
            AND l.blocked_until <= now() AND l.id <> ALL(:busy)
        ORDER BY l.served_at LIMIT :customers FOR UPDATE OF l SKIP LOCKED
    ),
    heads AS (
        SELECT h.lane_id, h.lane_seq, h.album FROM (SELECT * FROM team UNION ALL SELECT * FROM customers) f
        JOIN outbox h ON h.lane_id = f.id AND h.lane_seq = f.head_seq
        WHERE h.not_before <= clock_timestamp() AND EXISTS (SELECT FROM held) AND NOT (
            h.kind = 'answer' AND h.reply_to IS NOT NULL AND h.created_at > now() - interval '2 seconds'
            AND NOT EXISTS (SELECT FROM message_map m WHERE m.tenant_id = :tenant
                AND m.group_id = h.source_chat_id AND m.topic_message_id = h.reply_to))
    ),
    picked AS (
        SELECT o.id FROM heads h JOIN outbox o ON o.lane_id = h.lane_id AND o.lane_seq >= h.lane_seq
            AND o.lane_seq < h.lane_seq + CASE WHEN h.album IS NULL THEN 1 ELSE 10 END
        WHERE o.lane_seq = h.lane_seq OR (o.album = h.album AND NOT EXISTS (
            SELECT FROM outbox g WHERE g.lane_id = h.lane_id AND g.lane_seq > h.lane_seq
                AND g.lane_seq < o.lane_seq AND g.album IS DISTINCT FROM h.album))
    )
    UPDATE outbox o SET state = 'sending', attempts = o.attempts + 1, term = :term, tried_at = clock_timestamp()
    FROM picked p, lanes l LEFT JOIN dialogs d ON d.tenant_id = l.tenant_id AND d.id = l.dialog_id
    WHERE o.id = p.id AND o.tenant_id = :tenant AND l.id = o.lane_id
    RETURNING o.id, o.lane_id, o.lane_seq, o.kind, l.direction, l.dialog_id, d.chat_id, d.topic_id,
        o.source_chat_id, o.source_message_id, o.album, o.attempts, o.body,
        CASE WHEN o.source_message_id IS NULL THEN o.reply_to
            WHEN l.direction = 'customer' THEN (SELECT m.message_id FROM message_map m WHERE m.tenant_id = :tenant
                AND m.group_id = o.source_chat_id AND m.topic_message_id = o.reply_to)
            ELSE (SELECT m.topic_message_id FROM message_map m WHERE m.tenant_id = :tenant
                AND m.chat_id = o.source_chat_id AND m.message_id = o.reply_to AND m.group_id = :group)
        END AS reply_to
    """  # noqa: S608  # a constant of ours
)


async def claim(
    unit: UnitOfWork,
    tenant: TenantId,
    lease: Lease,
    keyring: Keyring,
    *,
    group: ChatId | None,
    team: int,
    customers: int,
    busy: Sequence[LaneId],
) -> list[list[Row]]:
    """The heads of up to `team` lanes into the group and `customers` lanes out of it; an album is one head.

    Each inner list goes out as one call. The attempt is recorded. `busy` lanes are left out: they are being sent.
    """
    values = {
        "tenant": tenant,
        "group": group,
        "team": team if group is not None else 0,
        "customers": customers,
        "busy": list(busy),
        **lease.values(),
    }
    runs: dict[LaneId, list[Row]] = {}
    found = (await unit.execute(_CLAIM, values)).all()
    for row in sorted(found, key=lambda item: item.lane_seq):
        runs.setdefault(row.lane_id, []).append(_read(tenant, row, keyring))
    return list(runs.values())


def _read(tenant: TenantId, row: Any, keyring: Keyring) -> Row:
    return Row(
        id=row.id,
        lane=row.lane_id,
        seq=row.lane_seq,
        kind=row.kind,
        direction=row.direction,
        dialog=row.dialog_id,
        customer=row.chat_id,
        topic=row.topic_id,
        source=None if row.source_message_id is None else (row.source_chat_id, row.source_message_id),
        reply_to=row.reply_to,
        album=row.album,
        attempts=row.attempts,
        body=Body.load(keyring.decrypt(tenant, _BODY, row.body)),
    )


_DELIVER = text(
    f"""
    WITH held AS ({HELD}),
    done AS (
        UPDATE outbox o SET state = 'delivered', ended_at = clock_timestamp(), error = NULL, body = NULL,
            result_message_id = r.message_id
        FROM unnest(CAST(:rows AS uuid[]), CAST(:messages AS bigint[])) AS r(id, message_id)
        WHERE o.id = r.id AND o.tenant_id = :tenant AND o.term = :term AND o.state = 'sending'
            AND EXISTS (SELECT FROM held)
        RETURNING o.lane_id, o.lane_seq, o.kind, o.source_chat_id, o.source_message_id, o.result_message_id
    ),
    moved AS (
        UPDATE lanes l SET head_seq = d.last + 1, served_at = clock_timestamp()
        FROM (SELECT lane_id, max(lane_seq) AS last FROM done GROUP BY lane_id) d
        WHERE l.id = d.lane_id AND l.tenant_id = :tenant
    ),
    mapped AS (
        INSERT INTO message_map (tenant_id, chat_id, message_id, group_id, topic_message_id)
        SELECT :tenant, d.chat_id,
            CASE WHEN n.kind = 'copy' THEN n.source_message_id ELSE n.result_message_id END,
            CAST(:group AS bigint),
            CASE WHEN n.kind = 'copy' THEN n.result_message_id ELSE n.source_message_id END
        FROM done n JOIN lanes l ON l.id = n.lane_id JOIN dialogs d ON d.tenant_id = :tenant AND d.id = l.dialog_id
        WHERE n.kind IN ('copy', 'answer') AND :group IS NOT NULL
        ON CONFLICT DO NOTHING
    )
    SELECT count(*) FROM done
    """  # noqa: S608  # a constant of ours
)


async def record_delivered(
    unit: UnitOfWork, tenant: TenantId, lease: Lease, results: Sequence[Delivered], *, group: ChatId | None
) -> None:
    """Stores what Telegram accepted, moves the lanes on, and maps the two messages. Raises `LeaseLost`."""
    values = {
        "tenant": tenant,
        "group": group,
        "rows": [result.row for result in results],
        "messages": [result.message for result in results],
        **lease.values(),
    }
    if (await unit.execute(_DELIVER, values)).scalar_one() != len(results):
        raise LeaseLost


_SNOOZE = text(
    f"""
    WITH held AS ({HELD}),
    back AS (
        UPDATE outbox SET state = 'waiting', error = :error,
            attempts = attempts - CASE WHEN :counted THEN 0 ELSE 1 END
        WHERE id = ANY(:rows) AND tenant_id = :tenant AND term = :term AND EXISTS (SELECT FROM held)
        RETURNING lane_id
    )
    UPDATE lanes SET blocked_until = clock_timestamp() + :delay
    WHERE tenant_id = :tenant AND id IN (SELECT lane_id FROM back)
    RETURNING id
    """  # noqa: S608  # a constant of ours
)


async def snooze(
    unit: UnitOfWork,
    tenant: TenantId,
    lease: Lease,
    rows: Sequence[Row],
    *,
    delay: timedelta,
    error: str,
    counted: bool,
) -> None:
    """Puts rows back and blocks their lane for a while. `counted` = Telegram may have seen the attempt."""
    ids = [row.id for row in rows]
    values = {"tenant": tenant, "rows": ids, "delay": delay, "error": error, "counted": counted, **lease.values()}
    if (await unit.execute(_SNOOZE, values)).first() is None:
        raise LeaseLost


_BURY = text(
    f"""
    WITH held AS ({HELD}),
    dead AS (
        UPDATE outbox SET state = 'buried', error = :error, ended_at = clock_timestamp()
        WHERE id = ANY(:rows) AND tenant_id = :tenant AND term = :term AND EXISTS (SELECT FROM held)
        RETURNING lane_id, lane_seq
    )
    UPDATE lanes l SET head_seq = d.last + 1, served_at = clock_timestamp()
    FROM (SELECT lane_id, max(lane_seq) AS last FROM dead GROUP BY lane_id) d
    WHERE l.id = d.lane_id AND l.tenant_id = :tenant
    RETURNING l.id
    """  # noqa: S608  # a constant of ours
)


async def bury(unit: UnitOfWork, tenant: TenantId, lease: Lease, rows: Sequence[Row], *, error: str) -> None:
    """Gives rows up for good and moves their lane on. The bodies stay, encrypted, for a replay."""
    ids = [row.id for row in rows]
    values = {"tenant": tenant, "rows": ids, "error": error, **lease.values()}
    if (await unit.execute(_BURY, values)).first() is None:
        raise LeaseLost


_PAUSE = text(
    """
    INSERT INTO pauses (tenant_id, chat_id, until) VALUES (:tenant, :chat, clock_timestamp() + :delay)
    ON CONFLICT (tenant_id, chat_id) DO UPDATE SET until = greatest(pauses.until, excluded.until)
    """
)


async def pause_group(unit: UnitOfWork, tenant: TenantId, group: ChatId, delay: timedelta) -> None:
    await unit.execute(_PAUSE, {"tenant": tenant, "chat": group, "delay": delay})


_NEXT_DUE = text(
    """
    SELECT extract(epoch FROM min(greatest(l.blocked_until, h.not_before, CASE WHEN l.direction <> 'customer'
        THEN (SELECT p.until FROM pauses p WHERE p.tenant_id = l.tenant_id AND p.chat_id = :group) END))
        - clock_timestamp())
    FROM lanes l JOIN outbox h ON h.lane_id = l.id AND h.lane_seq = l.head_seq
    WHERE l.tenant_id = :tenant AND l.head_seq < l.next_seq AND l.id <> ALL(:busy)
    """
)


async def seconds_until_due(
    unit: UnitOfWork, tenant: TenantId, *, group: ChatId | None, busy: Sequence[LaneId]
) -> float | None:
    """When the next lane may go on, in seconds from now; None where nothing waits."""
    values = {"tenant": tenant, "group": group, "busy": list(busy)}
    due = (await unit.execute(_NEXT_DUE, values)).scalar_one()
    return None if due is None else float(due)


_RECENT = text(
    """
    SELECT extract(epoch FROM clock_timestamp() - coalesce(o.ended_at, o.tried_at)) AS age
    FROM outbox o JOIN lanes l ON l.id = o.lane_id
    WHERE o.tenant_id = :tenant AND l.direction <> 'customer' AND o.tried_at > now() - interval '1 minute'
    """
)


async def ages_of_recent_sends(unit: UnitOfWork, tenant: TenantId) -> list[float]:
    """Seconds since each message into the group in the last minute: what a restarted sender has to know."""
    return [float(age) for age in (await unit.execute(_RECENT, {"tenant": tenant})).scalars()]


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
