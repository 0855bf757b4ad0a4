"""What enters: updates in, each with exactly one disposition, and the cursor in the same transaction.

Conservation: received = relayed + handled + ignored + waiting + failed + buried. `queued` is stored for an update
that put a message into the outbox; the view `dispositions` reads off the rows what became of it.
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
from tenants.ids import ChatId, TenantId, UpdateId, UserId
from tenants.leases import HELD_BY_ALL, Lease, lease_values
from tenants.outbox.queue import APPEND_WHERE_HELD, append_values
from tenants.outbox.rows import NewRow
from tenants.owner_notices import tell_conflict, tell_group_news, tell_group_state
from tenants.parallel import Mode
from tenants.plans import Plan
from tenants.settings.catalog import effective
from tenants.settings.schema import Settings

UPDATE_BODY = "updates.body"
"""The column, as associated data of its ciphertext."""


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


Disposition = Queued | Handled | Ignored | Failed


@dataclass(frozen=True, slots=True)
class Outcome:
    update_id: UpdateId
    kind: str
    disposition: Disposition
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """One tenant as its session sees it at the start of a transaction.

    `known` are those of the received updates that were handled before: found by id, never by order, since ids
    restart at random after a quiet week (Bot API: Update). `is_warm`: Telegram has had the token loaded within the
    hour. `is_housekept`: the setup bot may manage the group's topics. `switched_at`: when it began to receive another
    way, within the last 48 hours: what came the old way may come again, as another update. `token_version` counts the
    tokens that it has had.
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
    group_troubles: frozenset[Trouble] = frozenset()


_OPEN = text(
    f"""
    WITH held AS ({HELD_BY_ALL})
    SELECT t.id, t.owner_id, t.bot_id, t.bot_username, t.group_id, t.state, t.plan, t.settings, i.cursor,
        now() AS now, k.known, coalesce(i.alive_at > now() - interval '1 hour', false) AS is_warm,
        EXISTS (SELECT FROM housekeepers g WHERE g.group_id = t.group_id) AS is_housekept,
        CASE WHEN t.mode_changed_at > now() - interval '48 hours' THEN t.mode_changed_at END AS switched_at, t.mode,
        t.token_version, i.group_troubles
    FROM held h JOIN tenants t ON t.id = h.tenant AND t.shard = h.shard AND t.erased_at IS NULL
    JOIN intakes i ON i.tenant_id = t.id
    LEFT JOIN (
        SELECT u.tenant_id, array_agg(u.update_id) AS known
        FROM unnest(CAST(:of AS uuid[]), CAST(:ids AS bigint[])) AS r(tenant, id)
        JOIN updates u ON u.tenant_id = r.tenant AND u.update_id = r.id
        GROUP BY u.tenant_id
    ) k ON k.tenant_id = t.id
    ORDER BY t.id FOR NO KEY UPDATE OF i
    """  # noqa: S608  # a constant of ours
)
_STORE = text(
    f"""
    WITH held AS ({HELD_BY_ALL}),
    {APPEND_WHERE_HELD},
    noted AS (
        INSERT INTO updates (tenant_id, update_id, kind, disposition, reason, body)
        SELECT h.tenant, o.id, o.kind, o.disposition, o.reason, o.body
        FROM held h JOIN unnest(
            CAST(:of AS uuid[]), CAST(:ids AS bigint[]), CAST(:kinds AS text[]), CAST(:dispositions AS text[]),
            CAST(:reasons AS text[]), CAST(:bodies AS bytea[])
        ) AS o(tenant, id, kind, disposition, reason, body) ON o.tenant = h.tenant
    )
    UPDATE intakes i SET cursor = CASE WHEN t.mode = c.mode THEN c.cursor ELSE i.cursor END,
        received_at = now(), problem = NULL, problem_at = NULL
    FROM held h JOIN unnest(CAST(:tenants AS uuid[]), CAST(:cursors AS text[]), CAST(:modes AS text[]))
        AS c(tenant, cursor, mode) ON c.tenant = h.tenant
    JOIN tenants t ON t.id = h.tenant
    WHERE i.tenant_id = h.tenant
    RETURNING i.tenant_id
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
        DELETE FROM updates WHERE received_at < now() - interval '7 days'
            OR (received_at < now() - interval '48 hours' AND disposition <> 'failed')
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


async def open_desks(unit: UnitOfWork, openings: Sequence[Opening]) -> dict[TenantId, Desk]:
    """Holds the leases and the cursors until the unit ends. A tenant whose lease does not hold is missing."""
    values = {
        **lease_values([(opening.tenant, opening.lease) for opening in openings]),
        "of": [opening.tenant for opening in openings for _ in opening.received],
        "ids": [update for opening in openings for update in opening.received],
    }
    return {row.id: _read_desk(row) for row in await unit.execute(_OPEN, values)}


async def open_desk(unit: UnitOfWork, tenant: TenantId, lease: Lease, *, received: Iterable[UpdateId] = ()) -> Desk:
    """Raises `LeaseLost`; holds the lease and the cursor until the unit ends."""
    desks = await open_desks(unit, [Opening(tenant, lease, list(received))])
    if tenant not in desks:
        raise LeaseLost
    return desks[tenant]


def _read_desk(row: Any) -> Desk:
    plan = Plan(row.plan)
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
        group_troubles=frozenset(map(Trouble, row.group_troubles)),
    )


@dataclass(frozen=True, slots=True)
class Intake:
    """What one tenant's batch leads to. `mode` is how it was received: a cursor of another one is not stored."""

    tenant: TenantId
    lease: Lease
    outcomes: Sequence[Outcome]
    rows: Sequence[NewRow]
    cursor: str
    mode: Mode = Mode.POLLING


async def store(unit: UnitOfWork, intakes: Sequence[Intake], keyring: Keyring) -> set[TenantId]:
    """The outcomes, the rows and the cursors, in one statement that the leases' terms guard. Those it stored."""
    outcomes = [(intake.tenant, outcome) for intake in intakes for outcome in intake.outcomes]
    values = {
        **lease_values([(intake.tenant, intake.lease) for intake in intakes]),
        **await append_values(unit, [(intake.tenant, row) for intake in intakes for row in intake.rows], keyring),
        "cursors": [intake.cursor for intake in intakes],
        "modes": [intake.mode for intake in intakes],
        "of": [tenant for tenant, _ in outcomes],
        "ids": [outcome.update_id for _, outcome in outcomes],
        "kinds": [outcome.kind for _, outcome in outcomes],
        "dispositions": [outcome.disposition.name for _, outcome in outcomes],
        "reasons": [outcome.disposition.reason for _, outcome in outcomes],
        "bodies": [
            None if outcome.body is None else keyring.encrypt(tenant, UPDATE_BODY, outcome.body)
            for tenant, outcome in outcomes
        ],
    }
    return set((await unit.execute(_STORE, values)).scalars())


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


_TROUBLES = text("UPDATE intakes SET group_troubles = :troubles WHERE tenant_id = :tenant")


async def note_group_troubles(unit: UnitOfWork, tenant: TenantId, troubles: frozenset[Trouble]) -> None:
    """What is wrong with the group, for its owner to read; nothing once all is well."""
    found = [trouble for trouble in Trouble if trouble in troubles]
    await unit.execute(_TROUBLES, {"tenant": tenant, "troubles": found})
    await tell_group_state(unit, tenant, found)


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
