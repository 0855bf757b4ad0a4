"""Which rows may be sent now, and when the next ones may. One statement asks for many tenants."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.ids import ChatId, LaneId, TenantId
from tenants.leases import HELD_BY_ALL, Lease, lease_values
from tenants.outbox.rows import BODY, Body, Row

LONGEST_JOINED = 4096
"""UTF-16 units of a text (Bot API: sendMessage)."""
MOST_JOINED = 100
GATHER_SECONDS = 3
"""For which a text waits under backlog, so that what follows it comes along."""
BEHIND_SECONDS = 2
"""How soon it is looked again after a change that stands back behind messages of its lane."""
SAME_BREATH_SECONDS = 300
"""For so long a member of a group who writes again is not named again."""
MOST_COPIED = 10
"""Rows that go out as one album or one run of copies."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What one tenant's sender has room for: `team` lanes into the group, of whose budget `units` are left, and
    `customers` lanes out of it. Where units are `scarce`, texts that came just now may wait for more of their kind;
    after a long backlog `digests` hold replies and links of groups, too. Left out are `busy` lanes, which are being
    sent, and `resting` ones, whose chats must wait.
    """

    tenant: TenantId
    lease: Lease
    group: ChatId | None
    team: int
    units: int
    customers: int
    scarce: bool = False
    digests: bool = False
    busy: Sequence[LaneId] = ()
    resting: Sequence[LaneId] = ()


@dataclass(frozen=True, slots=True)
class Claimed:
    """Each run goes out as one call. `has_more`: the lanes with rows behind the claimed ones; `others_wait`:
    some lane with rows was not claimed, for want of budget or because it is not due. `later` rows stand back behind
    messages, which leave `spare` units of the group's budget.
    """

    runs: list[list[Row]] = field(default_factory=list)
    has_more: set[LaneId] = field(default_factory=set)
    others_wait: bool = False
    later: int = 0
    spare: int = 0


CUSTOMER_IN_DOUBT = """
    (SELECT {what} FROM lanes mine JOIN lanes c ON c.tenant_id = mine.tenant_id AND c.dialog_id = mine.dialog_id
        AND c.direction = 'customer' JOIN outbox q ON q.lane_id = c.id AND q.lane_seq = c.head_seq
    WHERE mine.id = {lane} AND q.attempts > 0 AND q.state IN ('waiting', 'sending'))
"""
"""What another program seems to have written may be what the dialog's customer lane is just sending. A value and no
EXISTS, which PostgreSQL may answer by reading the whole queue once.
"""
IS_OWN = """
    coalesce((SELECT true FROM lanes c JOIN outbox q ON q.lane_id = c.id WHERE c.tenant_id = l.tenant_id
            AND c.dialog_id = l.dialog_id AND c.direction = 'customer' AND q.result_message_id = o.source_message_id
            LIMIT 1),
        (SELECT true FROM message_map m WHERE m.tenant_id = o.tenant_id AND m.chat_id = o.source_chat_id
            AND m.message_id = o.source_message_id), false)
"""

JOINS = "({row}.units IS NOT NULL AND ({free}.digests OR NOT {row}.is_loose))"
COPIES = """
    ({row}.kind = 'copy' AND {row}.album IS NULL AND {row}.reply_to IS NULL AND {row}.units IS NULL
        AND {row}.author_id IS NULL)
"""
GOES_ON = f"""
    coalesce((SELECT q.author_id = o.author_id FROM outbox q
        WHERE q.lane_id = o.lane_id AND q.lane_seq = o.lane_seq - 1 AND q.state = 'delivered'
            AND q.ended_at > now() - interval '{SAME_BREATH_SECONDS} seconds'
            AND q.tried_at > coalesce((SELECT a.created_at FROM lanes c JOIN outbox a ON a.lane_id = c.id
                WHERE c.tenant_id = l.tenant_id AND c.dialog_id = l.dialog_id AND c.direction = 'customer'
                    AND a.kind = 'answer' ORDER BY a.lane_seq DESC LIMIT 1), '-infinity')), false)
"""  # noqa: S608  # a constant of ours
"""Nobody wrote in the topic since, as far as the outbox knows."""
THREAD = """
    CASE WHEN l.direction = 'customer' AND d.kind = 'group' THEN coalesce(
        (SELECT m.thread_id FROM message_map m WHERE m.tenant_id = o.tenant_id AND m.group_id = o.source_chat_id
            AND m.topic_message_id = o.reply_to AND m.chat_id = d.chat_id ORDER BY m.part_at DESC LIMIT 1),
        (SELECT m.thread_id FROM message_map m WHERE m.tenant_id = o.tenant_id AND m.chat_id = d.chat_id
            ORDER BY m.message_id DESC LIMIT 1))
    ELSE o.thread_id END
"""
"""The topic of what is replied to, else the one in which was written last."""

_CLAIM = text(
    f"""
    WITH held AS ({HELD_BY_ALL}),
    wished AS (
        SELECT h.tenant, h.term, w.chat, w.team, w.units, w.customers, w.scarce, w.digests,
            NOT EXISTS (SELECT FROM pauses p WHERE p.tenant_id = h.tenant AND p.chat_id = w.chat
                AND p.until > now()) AS group_is_free,
            l.lanes, l.for_team
        FROM held h
        JOIN unnest(CAST(:tenants AS uuid[]), CAST(:groups AS bigint[]), CAST(:team AS integer[]),
            CAST(:units AS integer[]), CAST(:customers AS integer[]), CAST(:scarce AS boolean[]),
            CAST(:digests AS boolean[])) AS w(tenant, chat, team, units, customers, scarce, digests)
            ON w.tenant = h.tenant
        CROSS JOIN LATERAL (
            SELECT count(*) AS lanes, coalesce(sum(next_seq - head_seq) FILTER (WHERE direction <> 'customer'), 0)
                AS for_team
            FROM lanes WHERE tenant_id = h.tenant AND head_seq < next_seq
        ) l
    ),
    free AS (
        SELECT w.tenant, w.term, w.chat, w.for_team > w.units AS is_backlog, w.scarce, w.digests, f.id, f.head_seq,
            greatest(1, w.units / greatest(1, w.lanes)) AS most
        FROM wished w CROSS JOIN LATERAL (
            SELECT l.id, l.head_seq
            FROM lanes l LEFT JOIN dialogs d ON d.tenant_id = l.tenant_id AND d.id = l.dialog_id
            WHERE l.tenant_id = w.tenant AND l.direction IN ('topic', 'general') AND l.head_seq < l.next_seq
                AND l.blocked_until <= now() AND (d.topic_id IS NOT NULL OR l.dialog_id IS NULL)
                AND l.id <> ALL(:busy) AND w.group_is_free
            ORDER BY l.served_at LIMIT w.team
        ) f
        UNION ALL
        SELECT w.tenant, w.term, w.chat, false, false, false, f.id, f.head_seq, 1
        FROM wished w CROSS JOIN LATERAL (
            SELECT l.id, l.head_seq FROM lanes l
            WHERE l.tenant_id = w.tenant AND l.direction = 'customer' AND l.head_seq < l.next_seq
                AND l.blocked_until <= now() AND l.id <> ALL(:busy)
            ORDER BY l.served_at LIMIT w.customers
        ) f
    ),
    heads AS (
        SELECT f.tenant, f.term, f.chat, f.is_backlog, f.digests, f.most, h.lane_id, h.lane_seq, h.album, h.kind,
            {JOINS.format(row="h", free="f")} AS joins, {COPIES.format(row="h")} AS is_copy
        FROM free f JOIN outbox h ON h.lane_id = f.id AND h.lane_seq = f.head_seq
        WHERE h.not_before <= clock_timestamp() AND NOT (
            f.is_backlog AND f.scarce AND {JOINS.format(row="h", free="f")}
            AND h.created_at > now() - interval '{GATHER_SECONDS} seconds'
        ) AND NOT (
            h.kind = 'answer' AND h.reply_to IS NOT NULL AND h.created_at > now() - interval '2 seconds'
            AND NOT EXISTS (SELECT FROM message_map m WHERE m.tenant_id = h.tenant_id
                AND m.group_id = h.source_chat_id AND m.topic_message_id = h.reply_to))
            AND CASE WHEN h.kind = 'mirror' THEN {CUSTOMER_IN_DOUBT.format(what="false", lane="h.lane_id")} END
                IS NOT FALSE
    ),
    picked AS (
        SELECT h.tenant, h.term, h.chat, o.id FROM heads h CROSS JOIN LATERAL (
            SELECT h.lane_seq AS seq
            UNION
            SELECT r.lane_seq FROM (
                SELECT o.lane_seq, bool_and(CASE
                    WHEN h.album IS NOT NULL THEN o.album IS NOT DISTINCT FROM h.album AND o.kind = h.kind
                    WHEN h.joins THEN {JOINS.format(row="o", free="h")}
                    ELSE {COPIES.format(row="o")}
                    END) OVER run AS fits,
                    sum(o.units + 1) OVER run AS length
                FROM outbox o WHERE o.lane_id = h.lane_id AND o.lane_seq >= h.lane_seq
                    AND o.lane_seq < h.lane_seq + CASE WHEN h.album IS NOT NULL THEN {MOST_COPIED}
                        WHEN h.joins THEN {MOST_JOINED} ELSE least({MOST_COPIED}, h.most) END
                WINDOW run AS (ORDER BY o.lane_seq)
            ) r
            WHERE r.fits AND (h.album IS NOT NULL
                OR (h.is_backlog AND (h.is_copy OR r.length <= {LONGEST_JOINED + 1})))
        ) s
        JOIN outbox o ON o.lane_id = h.lane_id AND o.lane_seq = s.seq
    ),
    claimed AS (
        UPDATE outbox o SET state = 'sending', attempts = o.attempts + 1, term = p.term, tried_at = clock_timestamp(),
            thread_id = {THREAD}
        FROM picked p, lanes l LEFT JOIN dialogs d ON d.tenant_id = l.tenant_id AND d.id = l.dialog_id
        WHERE o.id = p.id AND o.tenant_id = p.tenant AND l.id = o.lane_id AND o.state IN ('waiting', 'sending')
        RETURNING o.tenant_id, o.id, o.lane_id, o.lane_seq, o.kind, l.direction, l.dialog_id, d.chat_id, d.topic_id,
            o.source_chat_id, o.source_message_id, o.album, o.units, o.attempts, o.body, o.update_id,
            o.generation, l.next_seq, o.created_at, o.author_id, o.thread_id,
            o.author_id IS NOT NULL AND {GOES_ON} AS goes_on,
            CASE WHEN o.attempts > 1 THEN (SELECT max(q.result_message_id) FROM outbox q WHERE q.lane_id = o.lane_id)
                END AS sent_last,
            CASE WHEN o.kind = 'mirror' THEN {IS_OWN} ELSE false END AS is_own,
            CASE WHEN o.reply_to IS NULL OR o.source_message_id IS NULL THEN o.reply_to
                WHEN l.direction = 'customer' THEN (SELECT m.message_id FROM message_map m
                    WHERE m.tenant_id = o.tenant_id AND m.group_id = o.source_chat_id AND m.chat_id = d.chat_id
                        AND m.topic_message_id = o.reply_to AND (o.reply_at IS NULL OR m.part_at <= o.reply_at)
                    ORDER BY m.part_at DESC LIMIT 1)
                ELSE (SELECT m.topic_message_id FROM message_map m WHERE m.tenant_id = o.tenant_id
                    AND m.chat_id = o.source_chat_id AND m.message_id = o.reply_to AND m.group_id = p.chat)
            END AS reply_to,
            CASE WHEN o.kind = 'edit' AND l.direction <> 'customer' THEN (
                SELECT count(*) > 1 FROM message_map m JOIN message_map s ON s.tenant_id = m.tenant_id
                    AND s.group_id = m.group_id AND s.topic_message_id = m.topic_message_id
                WHERE m.tenant_id = o.tenant_id AND m.chat_id = o.source_chat_id AND m.message_id = o.reply_to
            ) ELSE false END AS is_shared
    )
    SELECT w.tenant, w.lanes AS waiting, w.for_team, (SELECT count(*) FROM outbox n WHERE n.tenant_id = w.tenant
        AND n.lane_seq IS NULL AND n.state = 'waiting') AS later, c.*
    FROM wished w LEFT JOIN claimed c ON c.tenant_id = w.tenant
    ORDER BY c.lane_seq
    """  # noqa: S608  # constants of ours
)


async def claim(unit: UnitOfWork, wishes: Sequence[Wish], keyring: Keyring) -> dict[TenantId, Claimed]:
    """The heads of lanes that are due, least recently served first; an album is one head, and under backlog so are
    plain texts that can be joined and a run of copies. The attempts are recorded. A lease that does not hold
    claims nothing.
    """
    values = {
        **lease_values([(wish.tenant, wish.lease) for wish in wishes]),
        "groups": [wish.group for wish in wishes],
        "team": [0 if wish.group is None else wish.team for wish in wishes],
        "units": [wish.units for wish in wishes],
        "customers": [wish.customers for wish in wishes],
        "scarce": [wish.scarce for wish in wishes],
        "digests": [wish.digests for wish in wishes],
        "busy": [lane for wish in wishes for lane in (*wish.busy, *wish.resting)],
    }
    found: dict[TenantId, list[Any]] = {wish.tenant: [] for wish in wishes}
    for row in await unit.execute(_CLAIM, values):
        found[row.tenant].append(row)
    return {wish.tenant: _read_claimed(found[wish.tenant], keyring, wish) for wish in wishes}


def _read_claimed(found: Sequence[Any], keyring: Keyring, wish: Wish) -> Claimed:
    runs: dict[LaneId, list[Row]] = {}
    ends: dict[LaneId, bool] = {}
    for row in found:
        if row.id is not None:
            runs.setdefault(row.lane_id, []).append(_read(row, keyring))
            ends[row.lane_id] = row.next_seq == row.lane_seq + 1
    has_more = {lane for lane, is_last in ends.items() if not is_last}
    if not found:
        return Claimed()
    first = found[0]
    return Claimed(
        list(runs.values()),
        has_more,
        others_wait=first.waiting > len(runs) + len(wish.busy),
        later=first.later,
        spare=max(0, wish.units - int(first.for_team)),
    )


def _read(row: Any, keyring: Keyring) -> Row:
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
        body=Body.load(keyring.decrypt(row.tenant_id, BODY, row.body)),
        update_id=row.update_id,
        generation=row.generation,
        joinable=row.units is not None,
        doubt=(row.sent_last, row.created_at) if row.attempts > 1 else None,
        is_own=row.is_own,
        is_shared=row.is_shared,
        author=row.author_id,
        goes_on=row.goes_on,
        thread=row.thread_id,
    )


_NEXT_DUE = text(
    f"""
    SELECT w.tenant, extract(epoch FROM min(d.due) - clock_timestamp()) AS seconds
    FROM unnest(CAST(:tenants AS uuid[]), CAST(:groups AS bigint[])) AS w(tenant, chat)
    CROSS JOIN LATERAL (
        SELECT min(greatest(l.blocked_until, h.not_before, CASE WHEN l.direction <> 'customer'
            THEN (SELECT p.until FROM pauses p WHERE p.tenant_id = l.tenant_id AND p.chat_id = w.chat) END,
            CASE WHEN h.kind = 'mirror' THEN {CUSTOMER_IN_DOUBT.format(what="c.blocked_until", lane="l.id")} END
        )) AS due
        FROM lanes l JOIN outbox h ON h.lane_id = l.id AND h.lane_seq = l.head_seq
        LEFT JOIN dialogs t ON t.tenant_id = l.tenant_id AND t.id = l.dialog_id
        WHERE l.tenant_id = w.tenant AND l.head_seq < l.next_seq AND l.id <> ALL(:busy)
            AND (l.direction = 'customer'
                OR w.chat IS NOT NULL AND (l.dialog_id IS NULL OR t.topic_id IS NOT NULL))
        UNION ALL
        SELECT greatest(o.not_before, l.blocked_until, CASE WHEN l.head_seq < l.next_seq
            THEN clock_timestamp() + interval '{BEHIND_SECONDS} seconds' END) AS due
        FROM outbox o JOIN lanes l ON l.id = o.lane_id
        LEFT JOIN dialogs t ON t.tenant_id = l.tenant_id AND t.id = l.dialog_id
        WHERE o.tenant_id = w.tenant AND o.lane_seq IS NULL AND o.state = 'waiting'
            AND (l.direction = 'customer' OR w.chat IS NOT NULL AND t.topic_id IS NOT NULL)
    ) d
    WHERE d.due IS NOT NULL GROUP BY w.tenant
    """  # noqa: S608  # constants of ours
)


async def seconds_until_due(
    unit: UnitOfWork, tenants: Sequence[tuple[TenantId, ChatId | None]], *, busy: Sequence[LaneId]
) -> dict[TenantId, float]:
    """When each tenant's next lane may go on, in seconds from now; a tenant where nothing waits is missing. What
    waits for a topic to be made waits for an errand.
    """
    values = {"tenants": [tenant for tenant, _ in tenants], "groups": [group for _, group in tenants]}
    rows = await unit.execute(_NEXT_DUE, {**values, "busy": list(busy)})
    return {row.tenant: float(row.seconds) for row in rows}


_RECENT = text(
    """
    SELECT extract(epoch FROM clock_timestamp() - max(coalesce(o.ended_at, o.tried_at))) AS age
    FROM outbox o JOIN lanes l ON l.id = o.lane_id
    WHERE o.tenant_id = :tenant AND l.direction <> 'customer' AND o.tried_at > now() - interval '1 minute'
    GROUP BY o.lane_id, CASE WHEN o.kind IN ('edit', 'reaction') THEN -o.lane_seq
        ELSE coalesce(o.result_message_id, -o.lane_seq) END
    UNION ALL
    SELECT extract(epoch FROM clock_timestamp() - errand_at) FROM dialogs
    WHERE tenant_id = :tenant AND errand_at > now() - interval '1 minute'
    """
)


async def ages_of_recent_sends(unit: UnitOfWork, tenant: TenantId) -> list[float]:
    """Seconds since each message and errand in the group in the last minute: what a restarted sender has to know."""
    return [float(age) for age in (await unit.execute(_RECENT, {"tenant": tenant})).scalars()]


_RECENT_IN_GROUPS = text(
    """
    SELECT l.id, extract(epoch FROM clock_timestamp() - coalesce(o.ended_at, o.tried_at)) AS age
    FROM outbox o JOIN lanes l ON l.id = o.lane_id JOIN dialogs d ON d.tenant_id = l.tenant_id AND d.id = l.dialog_id
    WHERE o.tenant_id = :tenant AND l.direction = 'customer' AND d.kind <> 'private' AND o.kind <> 'lookup'
        AND o.tried_at > now() - interval '1 minute'
    """
)


async def recent_sends_to_groups(unit: UnitOfWork, tenant: TenantId) -> list[tuple[LaneId, float]]:
    """The same for groups and channels that are customers: to which lane, and how many seconds ago."""
    found = await unit.execute(_RECENT_IN_GROUPS, {"tenant": tenant})
    return [(LaneId(row.id), float(row.age)) for row in found]


_WAITING = text(
    """
    SELECT DISTINCT t.id FROM tenants t JOIN lanes l ON l.tenant_id = t.id
    WHERE t.shard = ANY(:shards) AND l.head_seq < l.next_seq AND l.blocked_until <= now()
    """
)


async def list_waiting(unit: UnitOfWork, shards: Sequence[int]) -> list[TenantId]:
    """The tenants of some shards in whose lanes something waits that is not held up, in a fleet unit."""
    return list((await unit.execute(_WAITING, {"shards": list(shards)})).scalars())
