"""What became of one message in the group, read off the rows that exist anyway: nothing is written for it.

A message is an operator's answer, the copy of what a customer wrote, or a line of ours. Rows of delivered messages
are kept for 48 hours, those of buried ones for seven days.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import text

from tenants.db import UnitOfWork
from tenants.dead_letters import OUR_FAULT, DeadLetterId, Direction, Reason, read_reason
from tenants.ids import ChatId, DialogId, MessageId, TenantId, UpdateId

State = Literal["waiting", "sending", "delivered", "buried", "dropped", "set_aside"]
Obstacle = Literal["order", "topic", "group", "lane", "album", "turn"]


@dataclass(frozen=True, slots=True)
class Wait:
    """What it waits for: the messages before it, its topic, the group's or its lane's rest, the rest of its album,
    or simply its turn. `ahead`: how many go before it.
    """

    obstacle: Obstacle
    until: datetime | None = None
    ahead: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """The newest edit, reaction or deletion that went that way. `at`: when it ended, or when it came."""

    kind: Literal["edit", "reaction", "deletion"]
    direction: Direction
    state: State
    at: datetime
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """`reason`: why it did not arrive, or why the last attempt failed. `dead`: what a retry would replay;
    `asked_at`: when one was asked for that has yet to happen. `dropped`: it was taken back before it was sent.
    """

    direction: Direction
    state: State
    received_at: datetime
    told_at: datetime
    attempts: int = 1
    tried_at: datetime | None = None
    ended_at: datetime | None = None
    waits: tuple[Wait, ...] = ()
    reason: Reason | None = None
    replays: int = 0
    dead: tuple[DeadLetterId, ...] = ()
    asked_at: datetime | None = None
    changes: tuple[Change, ...] = ()


_COLUMNS = """
    SELECT o.id, o.kind, o.state, o.update_id, o.reply_to, o.attempts, o.error, o.error_text, o.generation,
        o.not_before, o.tried_at, o.ended_at, o.source_chat_id, o.source_message_id, o.result_message_id, d.chat_id,
        l.direction, l.blocked_until, clock_timestamp() AS now,
        coalesce(u.received_at, o.created_at) AS received_at,
        l.direction = 'topic' AND d.topic_id IS NULL AS lacks_topic,
        (SELECT count(*) FROM outbox b WHERE b.lane_id = o.lane_id AND b.lane_seq < o.lane_seq
            AND b.state IN ('waiting', 'sending')) AS ahead,
        (SELECT p.until FROM pauses p WHERE p.tenant_id = o.tenant_id AND p.chat_id = :group
            AND l.direction = 'topic') AS paused_until
    FROM lanes l JOIN outbox o ON o.lane_id = l.id JOIN dialogs d ON d.tenant_id = l.tenant_id AND d.id = l.dialog_id
    LEFT JOIN updates u ON u.tenant_id = o.tenant_id AND u.update_id = o.update_id
    WHERE l.tenant_id = :tenant AND l.dialog_id = :dialog AND o.tenant_id = :tenant
        AND (o.state <> 'dropped' OR o.error = 'taken_back')
"""
_BY_MESSAGE = text(
    f"""
    WITH found AS (
        SELECT o.id, o.album FROM lanes l JOIN outbox o ON o.lane_id = l.id
        WHERE l.tenant_id = :tenant AND l.dialog_id = :dialog
            AND ((l.direction = 'topic' AND o.result_message_id = :message) OR (l.direction = 'customer'
                AND o.source_chat_id = :group AND o.source_message_id = :message))
        UNION
        SELECT o.id, o.album FROM lanes l JOIN outbox e ON e.lane_id = l.id JOIN outbox o ON o.lane_id = l.id
            AND o.source_chat_id = e.source_chat_id AND o.source_message_id = e.source_message_id
        WHERE l.tenant_id = :tenant AND l.dialog_id = :dialog AND l.direction = 'topic' AND e.kind = 'edit'
            AND e.result_message_id = :message
    )
    {_COLUMNS} AND (o.kind NOT IN ('edit', 'reaction', 'deletion') OR o.error = 'taken_back')
        AND (o.id IN (SELECT id FROM found) OR o.album IN (SELECT album FROM found)) ORDER BY o.lane_seq
    """  # noqa: S608  # a constant of ours
)
_BY_UPDATE = text(
    f"{_COLUMNS} AND o.update_id = :update AND o.kind IN ('copy', 'forward', 'line', 'answer', 'mirror', 'edit') "
    "ORDER BY o.lane_seq"
)
_CHANGES = text(
    """
    SELECT DISTINCT ON (o.kind, l.direction) o.kind, o.state, o.error, o.error_text, l.direction,
        coalesce(o.ended_at, o.created_at) AS at
    FROM unnest(CAST(:chats AS bigint[]), CAST(:messages AS bigint[])) AS w(chat, message)
    JOIN outbox o ON o.tenant_id = :tenant AND o.source_chat_id = w.chat AND o.source_message_id = w.message
        AND o.kind IN ('edit', 'reaction', 'deletion')
    JOIN lanes l ON l.tenant_id = o.tenant_id AND l.id = o.lane_id AND l.dialog_id = :dialog
    ORDER BY o.kind, l.direction, o.id DESC
    """
)
_SET_ASIDE = text(
    """
    SELECT update_id, received_at, replay_at, clock_timestamp() AS now FROM updates
    WHERE tenant_id = :tenant AND disposition = 'failed' AND chat_id = :group AND message_id = :message
    """
)


async def find_story(
    unit: UnitOfWork, tenant: TenantId, dialog: DialogId, group: ChatId, message: MessageId
) -> Story | None:
    """Of a message in the dialog's topic. One of our notices that tells of another message leads to that one's."""
    place = {"tenant": tenant, "dialog": dialog, "group": group}
    rows = (await unit.execute(_BY_MESSAGE, {**place, "message": message})).all()
    if rows and rows[0].kind == "notice":
        rows = await _find_subject(unit, place, rows[0]) or rows
    if rows:
        return replace(_read(rows), changes=await _find_changes(unit, place, rows))
    row = (await unit.execute(_SET_ASIDE, {"tenant": tenant, "group": group, "message": message})).first()
    if row is None:
        return None
    dead = () if row.replay_at else (UpdateId(row.update_id),)
    return Story(
        direction="customer",
        state="set_aside",
        received_at=row.received_at,
        told_at=row.now,
        reason=OUR_FAULT,
        dead=dead,
        asked_at=row.replay_at,
    )


async def _find_changes(unit: UnitOfWork, place: dict[str, Any], rows: Sequence[Any]) -> tuple[Change, ...]:
    """Of the message itself, and of its counterpart."""
    own = {(row.source_chat_id, row.source_message_id) for row in rows}
    own |= {(place["group"] if row.direction == "topic" else row.chat_id, row.result_message_id) for row in rows}
    known = [(chat, message) for chat, message in own if message is not None]
    values = {"tenant": place["tenant"], "dialog": place["dialog"]}
    values |= {"chats": [chat for chat, _ in known], "messages": [message for _, message in known]}
    return tuple(
        Change(
            kind=row.kind,
            direction="customer" if row.direction == "customer" else "team",
            state=row.state,
            at=row.at,
            reason=None if row.error is None else read_reason(row.error, row.error_text),
        )
        for row in await unit.execute(_CHANGES, values)
    )


async def _find_subject(unit: UnitOfWork, place: dict[str, Any], notice: Any) -> Sequence[Any]:
    if notice.update_id is not None:
        return (await unit.execute(_BY_UPDATE, {**place, "update": notice.update_id})).all()
    if notice.reply_to is not None:
        return (await unit.execute(_BY_MESSAGE, {**place, "message": notice.reply_to})).all()
    return ()


_WORST_FIRST: tuple[State, ...] = ("buried", "waiting", "sending", "delivered", "dropped")


def _read(rows: Sequence[Any]) -> Story:
    """Several rows are the pieces of one album or of one joined text: the worst of them counts."""
    worst = min(rows, key=lambda row: _WORST_FIRST.index(row.state))
    refusal = None if worst.state == "dropped" else worst.error
    return Story(
        direction="customer" if worst.direction == "customer" else "team",
        state=worst.state,
        received_at=min(row.received_at for row in rows),
        told_at=worst.now,
        attempts=worst.attempts,
        tried_at=worst.tried_at,
        ended_at=worst.ended_at,
        waits=_waits(worst) if worst.state == "waiting" else (),
        reason=None if refusal is None else read_reason(refusal, worst.error_text),
        replays=worst.generation,
        dead=tuple(row.id for row in rows if row.state == "buried"),
    )


def _waits(row: Any) -> tuple[Wait, ...]:
    waits = []
    if row.ahead:
        waits.append(Wait("order", ahead=row.ahead))
    if row.lacks_topic:
        waits.append(Wait("topic"))
    later: tuple[tuple[Obstacle, datetime | None], ...] = (
        ("group", row.paused_until),
        ("lane", row.blocked_until),
        ("album", row.not_before),
    )
    waits += [Wait(obstacle, until) for obstacle, until in later if until is not None and until > row.now]
    return tuple(waits) or (Wait("turn"),)
