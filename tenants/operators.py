"""The people of a tenant's group, as they wrote there: the Bot API does not let bots look up a person by name."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from tenants.db import UnitOfWork
from tenants.ids import TenantId, UserId


@dataclass(frozen=True, slots=True)
class Operator:
    tenant: TenantId
    id: UserId
    username: str | None
    name: str


_NOTE = text(
    """
    INSERT INTO operators AS o (tenant_id, user_id, username, name)
    SELECT w.tenant, w.id, w.username, w.name
    FROM unnest(CAST(:tenants AS uuid[]), CAST(:ids AS bigint[]), CAST(:usernames AS text[]), CAST(:names AS text[]))
        AS w(tenant, id, username, name)
    ORDER BY w.tenant, w.id
    ON CONFLICT (tenant_id, user_id) DO UPDATE
        SET username = excluded.username, name = excluded.name, seen_at = now()
        WHERE (o.username, o.name) IS DISTINCT FROM (excluded.username, excluded.name)
            OR o.seen_at < now() - interval '1 day'
    """
)


async def note_operators(unit: UnitOfWork, operators: Sequence[Operator]) -> None:
    """As they are called now. Each at most once."""
    if not operators:
        return
    values = {
        "tenants": [operator.tenant for operator in operators],
        "ids": [operator.id for operator in operators],
        "usernames": [operator.username for operator in operators],
        "names": [operator.name for operator in operators],
    }
    await unit.execute(_NOTE, values)


_FIND = text(
    """
    SELECT user_id FROM operators WHERE tenant_id = :tenant AND lower(username) = lower(:username)
    ORDER BY seen_at DESC LIMIT 1
    """
)


async def find_operator(unit: UnitOfWork, tenant: TenantId, username: str) -> UserId | None:
    """Who wrote under this name last. It may be somebody else's by now: Telegram knows."""
    found = (await unit.execute(_FIND, {"tenant": tenant, "username": username})).scalar_one_or_none()
    return None if found is None else UserId(found)
