"""Whose sessions should run: what the fleet's sweeps read of the connections, a shard at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from tenants.db import UnitOfWork
from tenants.ids import ChatId, TenantId
from tenants.parallel import Mode


@dataclass(frozen=True, slots=True)
class Runnable:
    """What a session needs a new start for, or must hear of: everything else is read with each batch."""

    tenant: TenantId
    shard: int
    group: ChatId | None
    is_housekept: bool
    mode: Mode = Mode.POLLING
    token_version: int = 1


_RUNNABLE = text(
    """
    SELECT t.id, t.shard, t.group_id, h.group_id IS NOT NULL AS is_housekept, t.mode, t.token_version
    FROM tenants t LEFT JOIN housekeepers h ON h.group_id = t.group_id
    WHERE t.shard = ANY(:shards) AND t.state IN ('setup', 'running') AND t.mode = ANY(:modes)
        AND (CAST(:only AS uuid) IS NULL OR t.id = :only)
    ORDER BY t.id
    """
)


async def list_runnable(
    unit: UnitOfWork,
    shards: Sequence[int],
    *,
    only: TenantId | None = None,
    modes: Sequence[Mode] = tuple(Mode),
) -> dict[TenantId, Runnable]:
    """The tenants of some shards, or `only` one of them, whose sessions should run, in a fleet unit."""
    rows = await unit.execute(_RUNNABLE, {"shards": list(shards), "only": only, "modes": list(modes)})
    return {
        row.id: Runnable(row.id, row.shard, row.group_id, row.is_housekept, Mode(row.mode), row.token_version)
        for row in rows
    }


_DUE = text(
    """
    SELECT DISTINCT d.tenant_id FROM dialogs d JOIN tenants t ON t.id = d.tenant_id
    WHERE t.shard = ANY(:shards) AND d.close_at <= now() AND d.status = 'support_answered'
    """
)


async def list_with_dialogs_to_close(unit: UnitOfWork, shards: list[int]) -> list[TenantId]:
    return list((await unit.execute(_DUE, {"shards": shards})).scalars())
