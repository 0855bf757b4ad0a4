"""Dead letters: rows that were buried and updates that were set aside, to be seen and tried again.

Both are kept for seven days, their bodies encrypted. A replayed row goes to the end of its lane.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text

from tenants.audit import Act, Action, record
from tenants.connections import Connections
from tenants.crypto import Keyring
from tenants.db import Database, UnitOfWork, shard_channel
from tenants.errors import Conflict, Invalid, NotFound
from tenants.identity import shown_name
from tenants.ids import LaneId, RowId, TenantId, TopicId, UpdateId, UserId
from tenants.intake import OVER_LIMIT
from tenants.leases import shard_of
from tenants.outbox import Body, NewRow, enqueue
from tenants.phrases import Phrase
from tenants.set_aside import request_replay
from tenants.settings.catalog import effective
from tenants.settings.schema import Settings

DeadLetterId = RowId | UpdateId
What = Literal["message", "answer", "welcome", "notice", "update"]
Direction = Literal["team", "customer"]
AT_ONCE = 500
"""Dead letters that are replayed in one transaction."""
LATE_KINDS = ("copy", "forward", "line", "mirror")
"""What people or programs wrote to each other: a topic is told where it comes late."""
_LONGEST_NUMBER = 18
"""Digits that surely fit into 64 bits."""

HOPELESS = ("bad_formatting", "deactivated", "empty", "too_long")
"""Codes of refusals that would come again whatever anybody does meanwhile."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something did not arrive: `code` is for programs, `text` is one sentence for a person."""

    code: str
    text: str
    retry_helps: bool


OUR_FAULT = Reason("processing_failed", "It could not be processed: the fault is ours.", retry_helps=True)
WAITED = Reason(OVER_LIMIT, "It waited for seven days, since the plan's limit was reached.", retry_helps=True)


def read_reason(code: str | None, sentence: str | None) -> Reason:
    """Of an outbox row: the sentence is stored beside the code when the row is refused."""
    return Reason(code or "unknown", sentence or "Telegram did not take it.", code not in HOPELESS)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page begins: behind this dead letter, newest first."""

    since: datetime
    id: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """`customer` is what the team calls them. `asked_at`: when a replay was asked for that has yet to happen (updates
    only).
    """

    id: DeadLetterId
    what: What
    direction: Direction | None
    customer: str | None
    topic: TopicId | None
    since: datetime
    reason: Reason
    attempts: int
    asked_at: datetime | None

    @property
    def position(self) -> Position:
        return Position(self.since, str(self.id))


def read_id(typed: str) -> DeadLetterId:
    """Raises `Invalid`."""
    if typed.isascii() and typed.isdigit() and len(typed) <= _LONGEST_NUMBER:
        return UpdateId(int(typed))
    try:
        return RowId(UUID(typed))
    except ValueError:
        raise Invalid(
            Phrase("{typed} is no id of a dead letter: send ids as the list shows them.", typed=repr(typed[:40])),
            field="ids",
        ) from None


_LIST = text(
    """
    SELECT x.*, d.id AS dialog, d.chat_id AS chat, d.name AS customer, d.topic_id AS topic FROM (
        (SELECT o.id AS row_id, CAST(NULL AS bigint) AS update_id, o.id::text AS key, o.kind, o.ended_at AS since,
            l.direction, l.dialog_id, o.attempts, o.error, o.error_text, CAST(NULL AS timestamptz) AS asked_at
        FROM outbox o JOIN lanes l ON l.tenant_id = o.tenant_id AND l.id = o.lane_id
        WHERE o.tenant_id = :tenant AND o.state = 'buried'
            AND (o.ended_at, o.id::text) < (coalesce(CAST(:since AS timestamptz), 'infinity'), CAST(:key AS text))
        ORDER BY o.ended_at DESC, o.id::text DESC LIMIT :limit)
        UNION ALL
        (SELECT NULL, u.update_id, u.update_id::text, 'update', u.received_at,
            CASE WHEN u.chat_id = t.group_id THEN 'customer' WHEN u.chat_id IS NOT NULL THEN 'topic' END,
            (SELECT c.id FROM dialogs c WHERE c.tenant_id = u.tenant_id
                AND (c.chat_id = u.chat_id OR (u.chat_id = t.group_id AND c.topic_id = u.topic_id)) LIMIT 1),
            1, u.reason, NULL, u.replay_at
        FROM updates u JOIN tenants t ON t.id = u.tenant_id
        WHERE u.tenant_id = :tenant AND u.disposition = 'failed' AND (u.received_at, u.update_id::text)
            < (coalesce(CAST(:since AS timestamptz), 'infinity'), CAST(:key AS text))
        ORDER BY u.received_at DESC, u.update_id::text DESC LIMIT :limit)
    ) x LEFT JOIN dialogs d ON d.tenant_id = :tenant AND d.id = x.dialog_id
    ORDER BY x.since DESC, x.key DESC LIMIT :limit
    """
)
_KINDS: dict[str, What] = {
    "copy": "message",
    "forward": "message",
    "line": "message",
    "mirror": "message",
    "edit": "message",
    "deletion": "notice",
    "text": "notice",
    "lookup": "notice",
}


async def list_dead_letters(
    unit: UnitOfWork, tenant: TenantId, settings: Settings, *, after: Position | None = None, limit: int
) -> list[DeadLetter]:
    """Newest first: the page of `limit` that follows `after`."""
    values = {"tenant": tenant, "limit": limit, "since": after and after.since, "key": after.id if after else ""}
    return [_read(row, settings) for row in await unit.execute(_LIST, values)]


def _read(row: Any, settings: Settings) -> DeadLetter:
    direction: Direction | None = "team" if row.direction else None
    return DeadLetter(
        id=row.update_id if row.row_id is None else row.row_id,
        what=_KINDS.get(row.kind, row.kind),
        direction="customer" if row.direction == "customer" else direction,
        customer=None if row.dialog is None else shown_name(settings, row.dialog, row.chat, row.customer),
        topic=row.topic,
        since=row.since,
        reason=_reason(row),
        attempts=row.attempts,
        asked_at=row.asked_at,
    )


def _reason(row: Any) -> Reason:
    if row.row_id is not None:
        return read_reason(row.error, row.error_text)
    return WAITED if row.error == OVER_LIMIT else OUR_FAULT


_LOOK = text(
    """
    SELECT o.kind, o.state, o.lane_id, o.created_at, l.direction
    FROM outbox o JOIN lanes l ON l.tenant_id = o.tenant_id AND l.id = o.lane_id
    WHERE o.tenant_id = :tenant AND o.id = ANY(:ids) ORDER BY o.id FOR NO KEY UPDATE OF o
    """
)
_REPLAY = text(
    """
    WITH picked AS (
        SELECT id, lane_id, row_number() OVER (PARTITION BY lane_id ORDER BY lane_seq) - 1 AS behind
        FROM outbox WHERE tenant_id = :tenant AND id = ANY(:ids)
    ),
    numbered AS (
        UPDATE lanes l SET next_seq = l.next_seq + n.size
        FROM (SELECT lane_id, count(*) AS size FROM picked GROUP BY lane_id) n
        WHERE l.tenant_id = :tenant AND l.id = n.lane_id
        RETURNING l.id, l.next_seq - n.size AS first
    )
    UPDATE outbox o SET lane_seq = n.first + p.behind, state = 'waiting', attempts = 0, error = NULL,
        error_text = NULL, ended_at = NULL, generation = o.generation + 1, not_before = now()
    FROM picked p JOIN numbered n ON n.id = p.lane_id WHERE o.tenant_id = :tenant AND o.id = p.id
    """
)


async def replay(unit: UnitOfWork, tenant: TenantId, ids: Sequence[DeadLetterId], keyring: Keyring) -> None:
    """All of them or none, in the order they had. Copies of what customers wrote are announced as late.

    Raises `NotFound`, or `Conflict` where one is not dead any more.
    """
    rows = [RowId(one) for one in dict.fromkeys(ids) if isinstance(one, UUID)]
    updates = [UpdateId(one) for one in dict.fromkeys(ids) if not isinstance(one, UUID)]
    if rows:
        await _replay_rows(unit, tenant, rows, keyring)
    if updates:
        await request_replay(unit, tenant, updates)


async def _replay_rows(unit: UnitOfWork, tenant: TenantId, rows: Sequence[RowId], keyring: Keyring) -> None:
    found = (await unit.execute(_LOOK, {"tenant": tenant, "ids": rows})).all()
    if len(found) != len(rows):
        raise NotFound("dead letter")
    if any(row.state != "buried" for row in found):
        raise Conflict("It is delivered or on its way: there is nothing to try again.", code="not_dead")
    written: dict[LaneId, list[datetime]] = defaultdict(list)
    for row in found:
        if row.kind in LATE_KINDS and row.direction == "topic":
            written[row.lane_id].append(row.created_at)
    notices = [late_notice(lane, min(times), number=len(times)) for lane, times in sorted(written.items())]
    await enqueue(unit, tenant, notices, keyring)
    await unit.execute(_REPLAY, {"tenant": tenant, "ids": rows})
    unit.notify(shard_channel(shard_of(tenant)), str(tenant))


def late_notice(lane: LaneId, written_at: datetime, *, number: int = 1) -> NewRow:
    """Goes into the topic right before what comes late."""
    at = f"{written_at:%Y-%m-%d %H:%M} UTC"
    which = f"The next message is late: it was written at {at}."
    if number > 1:
        which = f"The next {number} messages are late: the first was written at {at}."
    return NewRow(lane, "notice", Body(f"⏳ {which}"))


def mark_late(rows: Sequence[NewRow], written_at: datetime, announced: set[LaneId] | None = None) -> list[NewRow]:
    """What an update led to that was processed late: each lane's first copy is announced, unless it was `announced`
    before; afterwards it is.
    """
    marked: list[NewRow] = []
    lanes = set() if announced is None else announced
    for row in rows:
        if row.kind in LATE_KINDS and row.lane not in lanes:
            lanes.add(row.lane)
            marked.append(late_notice(row.lane, written_at))
        marked.append(row)
    return marked


_ALL_ROWS = text(
    """
    SELECT id FROM outbox
    WHERE tenant_id = :tenant AND state = 'buried' AND kind IN ('copy', 'forward', 'line', 'answer', 'mirror', 'edit')
        AND ended_at <= :until AND error <> ALL(:hopeless)
    ORDER BY lane_id, lane_seq LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
    """
)
_ALL_UPDATES = text(
    """
    SELECT update_id FROM updates WHERE tenant_id = :tenant AND disposition = 'failed' AND replay_at IS NULL
    ORDER BY update_id FOR NO KEY UPDATE SKIP LOCKED
    """
)
_NOW = text("SELECT clock_timestamp()")


class DeadLetters:
    """What an owner can see and try again."""

    def __init__(self, database: Database, connections: Connections, keyring: Keyring) -> None:
        self._database = database
        self._connections = connections
        self._keyring = keyring

    async def list_page(
        self, owner: UserId, tenant: TenantId, *, after: Position | None = None, limit: int
    ) -> list[DeadLetter]:
        found = await self._connections.get(owner, tenant)
        settings = effective(found.overrides, found.plan)
        async with self._database.tenant(tenant) as unit:
            return await list_dead_letters(unit, tenant, settings, after=after, limit=limit)

    async def replay(self, owner: UserId, tenant: TenantId, ids: Sequence[DeadLetterId]) -> int:
        """How many: all or none. Raises `NotFound` and `Conflict`."""
        await self._connections.get(owner, tenant)
        async with self._database.tenant(tenant) as unit:
            await replay(unit, tenant, ids, self._keyring)
            which = {"ids": [str(one) for one in dict.fromkeys(ids)]}
            await record(unit, tenant, Act(Action.REPLAYED, self._connections.actor(owner), params=which))
        return len(set(ids))

    async def replay_all(self, owner: UserId, tenant: TenantId) -> int:
        """Whatever people wrote that is dead now and may arrive if it is tried again: no greeting comes days late.
        How many.
        """
        await self._connections.get(owner, tenant)
        act = Act(Action.REPLAYED, self._connections.actor(owner), "all")
        async with self._database.tenant(tenant) as unit:
            until = (await unit.execute(_NOW)).scalar_one()
            updates = list((await unit.execute(_ALL_UPDATES, {"tenant": tenant})).scalars())
            await replay(unit, tenant, updates, self._keyring)
            if updates:
                await record(unit, tenant, act)
        total = len(updates)
        while number := await self._replay_some(tenant, until, None if total else act):
            total += number
        return total

    async def _replay_some(self, tenant: TenantId, until: datetime, act: Act | None) -> int:
        values = {"tenant": tenant, "until": until, "hopeless": list(HOPELESS), "limit": AT_ONCE}
        async with self._database.tenant(tenant) as unit:
            rows = list((await unit.execute(_ALL_ROWS, values)).scalars())
            await replay(unit, tenant, rows, self._keyring)
            if rows and act is not None:
                await record(unit, tenant, act)
        return len(rows)
