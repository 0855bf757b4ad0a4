"""The rows of the audit log: written with what they tell of, read page by page, forgotten when the plan says so."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, text

from tenants.audit.acts import Act, Action, Actor, ActorKind
from tenants.db import UnitOfWork
from tenants.ids import TenantId, UserId, new_id
from tenants.models import audit
from tenants.plans import AUDIT_LIVES
from tenants.settings.catalog import get_entry
from tenants.settings.schema import LONGEST_AUDIT_DAYS

_RECORD = text(
    """
    INSERT INTO audit (id, tenant_id, actor_kind, actor_id, actor_name, action, subject, params)
    SELECT a.id, a.tenant, a.actor_kind, a.actor_id, a.actor_name, a.action, a.subject, CAST(a.params AS jsonb)
    FROM unnest(
        CAST(:ids AS uuid[]), CAST(:tenants AS uuid[]), CAST(:kinds AS text[]), CAST(:actors AS bigint[]),
        CAST(:names AS text[]), CAST(:actions AS text[]), CAST(:subjects AS text[]), CAST(:params AS text[])
    ) AS a(id, tenant, actor_kind, actor_id, actor_name, action, subject, params)
    """
)
_FORGET = text(
    """
    DELETE FROM audit a
    USING tenants t JOIN unnest(CAST(:plans AS text[]), CAST(:days AS int[]), CAST(:most AS int[]))
        AS p(plan, days, most) ON p.plan = t.plan
    WHERE a.tenant_id = t.id AND a.at < now()
        - make_interval(days => least(coalesce(nullif(t.audit_days, 0), p.days), p.most))
    """
)


async def record(unit: UnitOfWork, tenant: TenantId, *acts: Act) -> None:
    await record_all(unit, {tenant: acts})


async def record_all(unit: UnitOfWork, acts: Mapping[TenantId, Sequence[Act]]) -> None:
    """Acts of many tenants, in the order of each one's."""
    rows = [(tenant, act) for tenant, those in acts.items() for act in those]
    if not rows:
        return
    values = {
        "ids": sorted(new_id() for _ in rows),
        "tenants": [tenant for tenant, _ in rows],
        "kinds": [act.by.kind for _, act in rows],
        "actors": [act.by.id for _, act in rows],
        "names": [act.by.name for _, act in rows],
        "actions": [act.action for _, act in rows],
        "subjects": [act.subject for _, act in rows],
        "params": [json.dumps(dict(act.params), ensure_ascii=False) for _, act in rows],
    }
    await unit.execute(_RECORD, values)


_SENTENCES: Mapping[str, str] = {str(action): action.sentence for action in Action}


@dataclass(frozen=True, slots=True)
class Entry:
    """An act as it is kept. `action` may be one that a newer version of ours has declared."""

    id: UUID
    at: datetime
    by: Actor
    action: str
    subject: str
    params: Mapping[str, Any]

    @property
    def sentence(self) -> str:
        return _SENTENCES.get(self.action, "")


async def list_page(
    unit: UnitOfWork,
    tenant: TenantId,
    *,
    after: UUID | None = None,
    limit: int,
    action: Action | None = None,
    actor: UserId | None = None,
    since: datetime | None = None,
) -> list[Entry]:
    """Newest first: the page of `limit` that follows the entry `after`, of one action, one person, one time on."""
    query = select(audit).where(audit.c.tenant_id == tenant).order_by(audit.c.id.desc()).limit(limit)
    if after is not None:
        query = query.where(audit.c.id < after)
    if action is not None:
        query = query.where(audit.c.action == action)
    if actor is not None:
        query = query.where(audit.c.actor_id == actor)
    if since is not None:
        query = query.where(audit.c.at >= since)
    return [_read(row) for row in await unit.execute(query)]


def _read(row: Any) -> Entry:
    by = Actor(ActorKind(row.actor_kind), row.actor_id, row.actor_name)
    return Entry(row.id, row.at, by, row.action, row.subject, row.params)


async def forget_old(unit: UnitOfWork) -> None:
    """Of all tenants, in a fleet unit: what is older than the plan says, or AUDIT_DAYS as far as the plan allows."""
    entry = get_entry("AUDIT_DAYS")
    values = {
        "plans": list(AUDIT_LIVES),
        "days": [kept.days for kept in AUDIT_LIVES.values()],
        "most": [entry.clamp(LONGEST_AUDIT_DAYS, plan) for plan in AUDIT_LIVES],
    }
    await unit.execute(_FORGET, values)


async def forget_settings(unit: UnitOfWork, tenant: TenantId) -> None:
    """What the settings were goes when they go, at once; the rest of an erased tenant's log follows in pieces."""
    told = audit.c.action.in_([Action.SETTING_CHANGED, Action.SETTING_RESET])
    await unit.execute(delete(audit).where(audit.c.tenant_id == tenant, told))
