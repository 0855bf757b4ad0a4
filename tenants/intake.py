"""What enters: updates in, each with exactly one disposition, and the cursor in the same transaction.

Conservation: received = relayed + handled + ignored + waiting + failed + buried. `queued` is stored for an update
that put a message into the outbox; the view `dispositions` reads off the rows what became of it. `held` is one that
waits for the plan's limit: it is stored a second time when it is handled.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import text

from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.errors import LeaseLost
from tenants.groups import Trouble
from tenants.ids import ChatId, MessageId, TenantId, TopicId, UpdateId, UserId
from tenants.leases import HELD_BY_ALL, Lease, lease_values
from tenants.outbox.queue import APPEND_WHERE_HELD, append_values
from tenants.outbox.rows import NewRow
from tenants.owner_notices import tell_conflict, tell_group_news
from tenants.parallel import Mode
from tenants.plans import TERMS, Plan, TermsByPlan
from tenants.settings.catalog import effective
from tenants.settings.schema import Settings
from tenants.usage.counting import COUNTED, DAY_TURNS, JOIN_DAY, USED
from tenants.usage.limits import UNLIMITED, Allotment

UPDATE_BODY = "updates.body"
"""The column, as associated data of its ciphertext."""
OVER_LIMIT = "over_limit"
"""Why an update waits, and why one was set aside that had waited too long."""


@dataclass(frozen=True, slots=True)
class Queued:
    """It put a message into the outbox."""

    name: Literal["queued"] = "queued"
    reason: None = None


@dataclass(frozen=True, slots=True)
class Handled:
    """It did what it was for and is no message: a command, a topic closed by hand."""

    reason: str
    name: Literal["handled"] = "handled"


@dataclass(frozen=True, slots=True)
class Ignored:
    reason: str
    name: Literal["ignored"] = "ignored"


@dataclass(frozen=True, slots=True)
class Failed:
    """Processing it raised. Its body is kept, encrypted, to be replayed."""

    reason: str
    name: Literal["failed"] = "failed"


@dataclass(frozen=True, slots=True)
class Held:
    """It waits for the plan's limit. Its body is kept, encrypted, to be handled then."""

    reason: str = OVER_LIMIT
    name: Literal["held"] = "held"


Disposition = Queued | Handled | Ignored | Failed | Held


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where an update belongs that has yet to be handled, so that a person can be told which one it is."""

    chat: ChatId
    message: MessageId | None = None
    topic: TopicId | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    update_id: UpdateId
    kind: str
    disposition: Disposition
    body: bytes | None = None
    at: Whereabouts | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """One tenant as its session sees it at the start of a transaction.

    `known` are those of the received updates that were handled before: found by id, never by order, since ids
    restart at random after a quiet week (Bot API: Update). `is_warm`: Telegram has had the token loaded within the
    hour. `is_housekept`: the setup bot may manage the group's topics. `switched_at`: when it began to receive another
    way, within the last 48 hours: what came the old way may come again, as another update. `token_version` counts the
    tokens that it has had. `held` are those of the received updates that wait; `holds`: some do.
    """

    tenant: TenantId
    owner_id: UserId
    bot_id: UserId
    bot_username: str
    group_id: ChatId | None
    state: str
    plan: Plan
    settings: Settings
    cursor: str | None
    now: datetime
    known: frozenset[UpdateId]
    is_warm: bool
    is_housekept: bool
    switched_at: datetime | None = None
    mode: Mode = Mode.POLLING
    token_version: int = 1
    allotment: Allotment = UNLIMITED
    holds: bool = False
    held: frozenset[UpdateId] = frozenset()
    group_troubles: frozenset[Trouble] = frozenset()


_OPEN = text(
    f"""
    WITH held AS ({HELD_BY_ALL})
    SELECT t.id, t.owner_id, t.bot_id, t.bot_username, t.group_id, t.state, t.plan, t.settings, i.cursor,
        now() AS now, k.known, coalesce(i.alive_at > now() - interval '1 hour', false) AS is_warm,
        EXISTS (SELECT FROM housekeepers g WHERE g.group_id = t.group_id) AS is_housekept,
        CASE WHEN t.mode_changed_at > now() - interval '48 hours' THEN t.mode_changed_at END AS switched_at, t.mode,
        t.token_version, i.group_troubles, k.held, {USED},
        i.release_at IS NOT NULL
            AND EXISTS (SELECT FROM updates w WHERE w.tenant_id = t.id AND w.disposition = 'held') AS holds
    FROM held h JOIN tenants t ON t.id = h.tenant AND t.shard = h.shard AND t.erased_at IS NULL
    JOIN intakes i ON i.tenant_id = t.id
    LEFT JOIN (
        SELECT u.tenant_id, array_agg(u.update_id) AS known,
            array_agg(u.update_id) FILTER (WHERE u.disposition = 'held') AS held
        FROM unnest(CAST(:of AS uuid[]), CAST(:ids AS bigint[])) AS r(tenant, id)
        JOIN updates u ON u.tenant_id = r.tenant AND u.update_id = r.id
        GROUP BY u.tenant_id
    ) k ON k.tenant_id = t.id
    {JOIN_DAY}
    ORDER BY t.id FOR NO KEY UPDATE OF i
    """  # noqa: S608  # a constant of ours
)
_STORE = text(
    f"""
    WITH held AS ({HELD_BY_ALL}),
    {APPEND_WHERE_HELD},
    brought AS (
        SELECT * FROM unnest(
            CAST(:tenants AS uuid[]), CAST(:cursors AS text[]), CAST(:modes AS text[]), CAST(:handled AS integer[]),
            CAST(:allowances AS integer[]), CAST(:rooms AS boolean[]), CAST(:holding AS boolean[])
        ) AS b(tenant, cursor, mode, handled, allowed, has_room, holds)
    ),
    noted AS (
        INSERT INTO updates (
            tenant_id, update_id, kind, disposition, reason, body, chat_id, message_id, topic_id, place)
        SELECT h.tenant, o.id, o.kind, o.disposition, o.reason, o.body, o.chat, o.message, o.topic,
            CASE WHEN o.disposition = 'held' THEN o.place END
        FROM held h JOIN unnest(
            CAST(:of AS uuid[]), CAST(:ids AS bigint[]), CAST(:kinds AS text[]), CAST(:dispositions AS text[]),
            CAST(:reasons AS text[]), CAST(:bodies AS bytea[]), CAST(:chats AS bigint[]), CAST(:messages AS bigint[]),
            CAST(:topics AS bigint[])
        ) WITH ORDINALITY AS o(tenant, id, kind, disposition, reason, body, chat, message, topic, place)
            ON o.tenant = h.tenant
        ON CONFLICT (tenant_id, update_id) DO UPDATE SET disposition = excluded.disposition,
            reason = excluded.reason, body = excluded.body, chat_id = excluded.chat_id,
            message_id = excluded.message_id, topic_id = excluded.topic_id, place = NULL
            WHERE updates.disposition = 'held'
        RETURNING tenant_id
    ),
    {COUNTED}
    UPDATE intakes i SET cursor = CASE WHEN t.mode = c.mode THEN coalesce(c.cursor, i.cursor) ELSE i.cursor END,
        received_at = CASE WHEN c.cursor IS NULL THEN i.received_at ELSE now() END,
        problem = CASE WHEN c.cursor IS NULL THEN i.problem END,
        problem_at = CASE WHEN c.cursor IS NULL THEN i.problem_at END,
        release_at = CASE
            WHEN i.release_at IS NULL AND NOT c.holds THEN NULL
            WHEN NOT c.holds AND NOT EXISTS (
                SELECT FROM updates w WHERE w.tenant_id = i.tenant_id AND w.disposition = 'held'
                    AND w.update_id <> ALL(CAST(:ids AS bigint[]))
            ) THEN NULL
            WHEN c.has_room THEN now()
            ELSE {DAY_TURNS}
        END
    FROM held h JOIN brought c ON c.tenant = h.tenant JOIN tenants t ON t.id = h.tenant
    LEFT JOIN counted u ON u.tenant_id = h.tenant
    LEFT JOIN (SELECT tenant_id, count(*) AS number FROM noted GROUP BY tenant_id) n ON n.tenant_id = h.tenant
    WHERE i.tenant_id = h.tenant
    RETURNING i.tenant_id, coalesce(u.updates, 0) AS used, coalesce(n.number, 0) AS noted,
        i.release_at IS NOT NULL AS waits
    """  # noqa: S608  # a constant of ours
)
_PROBLEM = text(
    """
    UPDATE intakes SET problem = :problem, problem_at = now()
    WHERE tenant_id = :tenant AND problem IS DISTINCT FROM :problem
    RETURNING 1
    """
)
_GROUP_PROBLEM = text(
    """
    UPDATE intakes SET group_problem = :problem
    WHERE tenant_id = :tenant AND group_problem IS DISTINCT FROM :problem
    RETURNING 1
    """
)
_FORGET = (
    text(
        """
        DELETE FROM updates WHERE received_at < now() - interval '48 hours' AND disposition <> 'held'
            AND (disposition <> 'failed' OR coalesce(aside_at, received_at) < now() - interval '7 days')
        """
    ),
    text(
        """
        DELETE FROM outbox WHERE (state IN ('delivered', 'dropped') AND ended_at < now() - interval '48 hours')
            OR (state = 'buried' AND ended_at < now() - interval '7 days')
        """
    ),
)
_COUNT = text(
    "SELECT coalesce(disposition, 'unaccounted') AS disposition, count(*) AS n FROM dispositions GROUP BY 1"
)


@dataclass(frozen=True, slots=True)
class Opening:
    """`received` are the updates whose effects are to be stored."""

    tenant: TenantId
    lease: Lease
    received: Sequence[UpdateId] = ()


async def open_desks(
    unit: UnitOfWork, openings: Sequence[Opening], terms: TermsByPlan = TERMS
) -> dict[TenantId, Desk]:
    """Holds the leases and the cursors until the unit ends. A tenant whose lease does not hold is missing."""
    values = {
        **lease_values([(opening.tenant, opening.lease) for opening in openings]),
        "of": [opening.tenant for opening in openings for _ in opening.received],
        "ids": [update for opening in openings for update in opening.received],
    }
    return {row.id: _read_desk(row, terms) for row in await unit.execute(_OPEN, values)}


async def open_desk(unit: UnitOfWork, tenant: TenantId, lease: Lease, *, received: Iterable[UpdateId] = ()) -> Desk:
    """Raises `LeaseLost`; holds the lease and the cursor until the unit ends."""
    desks = await open_desks(unit, [Opening(tenant, lease, list(received))])
    if tenant not in desks:
        raise LeaseLost
    return desks[tenant]


def _read_desk(row: Any, terms: TermsByPlan) -> Desk:
    plan = Plan(row.plan)
    limit = terms[plan]
    return Desk(
        tenant=row.id,
        owner_id=row.owner_id,
        bot_id=row.bot_id,
        bot_username=row.bot_username,
        group_id=row.group_id,
        state=row.state,
        plan=plan,
        settings=effective(row.settings, plan),
        cursor=row.cursor,
        now=row.now,
        known=frozenset(row.known or ()),
        is_warm=row.is_warm,
        is_housekept=row.is_housekept,
        switched_at=row.switched_at,
        mode=Mode(row.mode),
        token_version=row.token_version,
        allotment=Allotment(
            row.used, max(row.allowed, limit.updates_a_day), row.days_over, tolerated=limit.tolerated_days
        ),
        holds=row.holds,
        held=frozenset(row.held or ()),
        group_troubles=frozenset(map(Trouble, row.group_troubles)),
    )


@dataclass(frozen=True, slots=True)
class Intake:
    """What one tenant's batch leads to. `mode` is how it was received: a cursor of another one is not stored. Without
    a cursor nothing was received: what waited is handled. `handled` updates count for the day, which allows so many
    and has room for more or not.
    """

    tenant: TenantId
    lease: Lease
    outcomes: Sequence[Outcome]
    rows: Sequence[NewRow]
    cursor: str | None
    mode: Mode = Mode.POLLING
    handled: int = 0
    allowed: int = 0
    has_room: bool = True

    @property
    def holds(self) -> bool:
        return any(outcome.disposition.name == "held" for outcome in self.outcomes)


@dataclass(frozen=True, slots=True)
class Stored:
    """`used` updates were handled today, 0 where none was now; whether something `waits` for the plan's limit."""

    used: int
    waits: bool


async def store(unit: UnitOfWork, intakes: Sequence[Intake], keyring: Keyring) -> dict[TenantId, Stored]:
    """The outcomes, the rows, the cursors and the counts, in one statement that the leases' terms guard. Those it
    stored. Raises `RuntimeError` for an update that was handled before.
    """
    values = {
        **lease_values([(intake.tenant, intake.lease) for intake in intakes]),
        **await append_values(unit, [(intake.tenant, row) for intake in intakes for row in intake.rows], keyring),
        "cursors": [intake.cursor for intake in intakes],
        "modes": [intake.mode for intake in intakes],
        "handled": [intake.handled for intake in intakes],
        "allowances": [intake.allowed for intake in intakes],
        "rooms": [intake.has_room for intake in intakes],
        "holding": [intake.holds for intake in intakes],
        **_outcome_values([(intake.tenant, one) for intake in intakes for one in intake.outcomes], keyring),
    }
    stored = {row.tenant_id: row for row in await unit.execute(_STORE, values)}
    for intake in intakes:
        if intake.tenant in stored and stored[intake.tenant].noted != len(intake.outcomes):
            raise RuntimeError("An update was to be stored that had been handled before.")
    return {tenant: Stored(row.used, row.waits) for tenant, row in stored.items()}


def _outcome_values(outcomes: Sequence[tuple[TenantId, Outcome]], keyring: Keyring) -> dict[str, Any]:
    places = [outcome.at for _, outcome in outcomes]
    return {
        "of": [tenant for tenant, _ in outcomes],
        "ids": [outcome.update_id for _, outcome in outcomes],
        "kinds": [outcome.kind for _, outcome in outcomes],
        "dispositions": [outcome.disposition.name for _, outcome in outcomes],
        "reasons": [outcome.disposition.reason for _, outcome in outcomes],
        "bodies": [
            None if outcome.body is None else keyring.encrypt(tenant, UPDATE_BODY, outcome.body)
            for tenant, outcome in outcomes
        ],
        "chats": [None if at is None else at.chat for at in places],
        "messages": [None if at is None else at.message for at in places],
        "topics": [None if at is None else at.topic for at in places],
    }


_ALIVE = text("UPDATE intakes SET alive_at = now() WHERE tenant_id = ANY(:tenants)")


async def note_alive(unit: UnitOfWork, tenants: Sequence[TenantId]) -> None:
    """Telegram has just answered these bots, in a fleet unit."""
    await unit.execute(_ALIVE, {"tenants": list(tenants)})


async def note_problem(unit: UnitOfWork, tenant: TenantId, problem: str | None) -> bool:
    """What keeps the session from receiving, for the owner to read; None once it receives. Whether that is news."""
    news = (await unit.execute(_PROBLEM, {"tenant": tenant, "problem": problem})).first() is not None
    if not news and problem is not None:
        await tell_conflict(unit, tenant, problem)
    return news


async def note_group_problem(unit: UnitOfWork, tenant: TenantId, problem: str | None) -> bool:
    """What keeps messages out of the group, for the owner to read; None once one got through."""
    news = (await unit.execute(_GROUP_PROBLEM, {"tenant": tenant, "problem": problem})).first() is not None
    if news:
        await tell_group_news(unit, tenant, problem)
    return news


async def forget_the_past(unit: UnitOfWork) -> None:
    """What is done with is kept for 48 h, twice as long as Telegram keeps an unconfirmed update (Bot API:
    getUpdates); what failed for 7 days, to be replayed.
    """
    for statement in _FORGET:
        await unit.execute(statement)


async def count_dispositions(unit: UnitOfWork) -> Mapping[str, int]:
    """How many of the stored updates ended in each disposition. `unaccounted` must not be there."""
    rows = (await unit.execute(_COUNT)).all()
    return {row.disposition: row.n for row in rows}
