"""What happens to a dialog outside of a batch: its hour has come, a delivery failed, its chat moved."""

from dataclasses import dataclass

from sqlalchemy import text

from tenants.audit import SYSTEM, Act, Action, record
from tenants.db import UnitOfWork
from tenants.ids import ChatId, DialogId, LaneId, TenantId
from tenants.webhooks.happenings import tell_closed

_CLOSE_DUE = text(
    """
    UPDATE dialogs d SET status = 'closed', close_at = NULL, opened_by_team = false, waiting_since = NULL,
        owner_id = NULL, owner_name = NULL, owned_until = NULL
    WHERE d.tenant_id = :tenant AND d.close_at <= now() AND d.status = 'support_answered'
    RETURNING d.id
    """
)


async def close_due(unit: UnitOfWork, tenant: TenantId) -> int:
    """AUTOCLOSE: closes the dialogs whose hour has come. How many."""
    closed = (await unit.execute(_CLOSE_DUE, {"tenant": tenant})).scalars().all()
    how = {"how": "autoclose"}
    await record(unit, tenant, *(Act(Action.DIALOG_CLOSED, SYSTEM, str(dialog), how) for dialog in closed))
    await tell_closed(unit, tenant, closed)
    return len(closed)


_TOPIC_LANE = text("SELECT id FROM lanes WHERE tenant_id = :tenant AND dialog_id = :dialog AND direction = 'topic'")


async def get_topic_lane(unit: UnitOfWork, tenant: TenantId, dialog: DialogId) -> LaneId:
    return LaneId((await unit.execute(_TOPIC_LANE, {"tenant": tenant, "dialog": dialog})).scalar_one())


_FOLLOW = text(
    """
    UPDATE dialogs SET chat_id = :to WHERE tenant_id = :tenant AND id = :dialog
        AND NOT EXISTS (SELECT FROM dialogs o WHERE o.tenant_id = :tenant AND o.chat_id = :to)
    """
)


async def follow_chat(unit: UnitOfWork, tenant: TenantId, dialog: DialogId, to: ChatId) -> None:
    """A customer's group has another id now, as an answer of Telegram's says before the update does."""
    await unit.execute(_FOLLOW, {"tenant": tenant, "dialog": dialog, "to": to})


@dataclass(frozen=True, slots=True)
class Failure:
    was_unreachable: bool
    topic_lane: LaneId


_NOTE_FAILURE = text(
    """
    WITH before AS (
        SELECT id, unreachable_at FROM dialogs WHERE tenant_id = :tenant AND id = :dialog FOR NO KEY UPDATE
    ),
    noted AS (
        UPDATE dialogs d SET
            unreachable_at = CASE WHEN :unreachable THEN coalesce(d.unreachable_at, now()) ELSE d.unreachable_at END,
            status = CASE WHEN :answer AND d.status = 'support_answered' THEN 'user_answered' ELSE d.status END,
            waiting_since = CASE WHEN :answer AND d.status = 'support_answered' THEN now() ELSE d.waiting_since END,
            close_at = CASE WHEN :answer THEN NULL ELSE d.close_at END
        FROM before b WHERE d.id = b.id AND d.tenant_id = :tenant
    )
    SELECT b.unreachable_at IS NOT NULL AS was_unreachable, l.id AS topic_lane
    FROM before b JOIN lanes l ON l.tenant_id = :tenant AND l.dialog_id = b.id AND l.direction = 'topic'
    """
)


async def note_failure(
    unit: UnitOfWork, tenant: TenantId, dialog: DialogId, *, unreachable: bool, answer: bool
) -> Failure:
    """Something could not be delivered. An answer that did not arrive leaves the customer waiting."""
    values = {"tenant": tenant, "dialog": dialog, "unreachable": unreachable, "answer": answer}
    row = (await unit.execute(_NOTE_FAILURE, values)).one()
    return Failure(row.was_unreachable, row.topic_lane)
