"""What enters: updates in, each with exactly one disposition, and the cursor in the same transaction.

Conservation: received = relayed + handled + ignored + waiting + failed + buried. `queued` is stored for an update
that put a message into the outbox; the view `dispositions` reads off the rows what became of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import text

from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.errors import LeaseLost
from tenants.ids import ChatId, TenantId, UpdateId, UserId
from tenants.leases import HELD, Lease
from tenants.plans import Plan
from tenants.settings.catalog import effective
from tenants.settings.schema import Settings


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
    restart at random after a quiet week (Bot API: Update).
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


_OPEN = text(
    """
    SELECT t.owner_id, t.bot_id, t.bot_username, t.group_id, t.state, t.plan, t.settings, i.cursor, now() AS now,
        ARRAY(SELECT u.update_id FROM updates u WHERE u.tenant_id = t.id AND u.update_id = ANY(:ids)) AS known
    FROM leases l JOIN tenants t ON t.shard = l.shard JOIN intakes i ON i.tenant_id = t.id
    WHERE l.shard = :shard AND l.holder = :holder AND l.term = :term AND l.expires_at > clock_timestamp()
        AND t.id = :tenant
    FOR KEY SHARE OF l FOR NO KEY UPDATE OF i
    """
)
_STORE = text(
    f"""
    WITH held AS ({HELD}),
    noted AS (
        INSERT INTO updates (tenant_id, update_id, kind, disposition, reason, body)
        SELECT :tenant, o.* FROM unnest(
            CAST(:ids AS bigint[]), CAST(:kinds AS text[]), CAST(:dispositions AS text[]),
            CAST(:reasons AS text[]), CAST(:bodies AS bytea[])
        ) AS o WHERE EXISTS (SELECT FROM held)
    )
    UPDATE intakes SET cursor = :cursor, received_at = now(), problem = NULL, problem_at = NULL
    WHERE tenant_id = :tenant AND EXISTS (SELECT FROM held)
    RETURNING 1
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
        DELETE FROM outbox WHERE (state = 'delivered' AND ended_at < now() - interval '48 hours')
            OR (state = 'buried' AND ended_at < now() - interval '7 days')
        """
    ),
)
_COUNT = text(
    "SELECT coalesce(disposition, 'unaccounted') AS disposition, count(*) AS n FROM dispositions GROUP BY 1"
)


async def open_desk(unit: UnitOfWork, tenant: TenantId, lease: Lease, *, received: Iterable[UpdateId] = ()) -> Desk:
    """Raises `LeaseLost`; holds the lease and the cursor until the unit ends."""
    row = (await unit.execute(_OPEN, {"tenant": tenant, "ids": list(received), **lease.values()})).first()
    if row is None:
        raise LeaseLost
    plan = Plan(row.plan)
    return Desk(
        tenant=tenant,
        owner_id=row.owner_id,
        bot_id=row.bot_id,
        bot_username=row.bot_username,
        group_id=row.group_id,
        state=row.state,
        plan=plan,
        settings=effective(row.settings, plan),
        cursor=row.cursor,
        now=row.now,
        known=frozenset(row.known),
    )


async def store_outcomes(
    unit: UnitOfWork,
    tenant: TenantId,
    lease: Lease,
    outcomes: Sequence[Outcome],
    *,
    cursor: str,
    keyring: Keyring,
) -> None:
    """The outcomes and the cursor, in one statement that the lease's term guards. Raises `LeaseLost`."""
    bodies = [None if o.body is None else keyring.encrypt(tenant, "updates.body", o.body) for o in outcomes]
    values = {
        "tenant": tenant,
        "cursor": cursor,
        "ids": [o.update_id for o in outcomes],
        "kinds": [o.kind for o in outcomes],
        "dispositions": [o.disposition.name for o in outcomes],
        "reasons": [o.disposition.reason for o in outcomes],
        "bodies": bodies,
        **lease.values(),
    }
    if (await unit.execute(_STORE, values)).first() is None:
        raise LeaseLost


async def note_problem(unit: UnitOfWork, tenant: TenantId, problem: str) -> bool:
    """What keeps the session from receiving, for the owner to read. Whether that is news."""
    return (await unit.execute(_PROBLEM, {"tenant": tenant, "problem": problem})).first() is not None


async def note_group_problem(unit: UnitOfWork, tenant: TenantId, problem: str | None) -> bool:
    """What keeps messages out of the group, for the owner to read; None once one got through."""
    return (await unit.execute(_GROUP_PROBLEM, {"tenant": tenant, "problem": problem})).first() is not None


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
