"""Updates whose processing raised: kept encrypted for seven days, asked for again by a person, then processed again.

A worker claims what was asked for, decides about it as about any update, and stores the new disposition in the
transaction of its effects. So received = the sum of the dispositions at every moment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from tenants.crypto import Keyring
from tenants.db import UnitOfWork, shard_channel
from tenants.errors import Conflict, NotFound
from tenants.ids import TenantId, UpdateId
from tenants.intake import UPDATE_BODY, Disposition
from tenants.leases import Lease, require, shard_of

_FIND = text(
    """
    SELECT disposition, replay_at FROM updates WHERE tenant_id = :tenant AND update_id = ANY(:ids)
    ORDER BY update_id FOR NO KEY UPDATE
    """
)
_REQUEST = text("UPDATE updates SET replay_at = now() WHERE tenant_id = :tenant AND update_id = ANY(:ids)")
_CLAIM = text(
    """
    SELECT update_id, body, received_at FROM updates
    WHERE tenant_id = :tenant AND replay_at IS NOT NULL AND disposition = 'failed' AND body IS NOT NULL
    ORDER BY received_at, update_id LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
    """
)
_FINISH = text(
    """
    UPDATE updates SET disposition = :disposition, reason = :reason, replay_at = NULL,
        body = CASE WHEN :disposition = 'failed' THEN body END,
        chat_id = CASE WHEN :disposition = 'failed' THEN chat_id END,
        message_id = CASE WHEN :disposition = 'failed' THEN message_id END,
        topic_id = CASE WHEN :disposition = 'failed' THEN topic_id END
    WHERE tenant_id = :tenant AND update_id = :update AND disposition = 'failed'
    """
)
_ASKED_FOR = text(
    """
    SELECT DISTINCT u.tenant_id FROM updates u JOIN tenants t ON t.id = u.tenant_id
    WHERE t.shard = ANY(:shards) AND u.replay_at IS NOT NULL AND u.disposition = 'failed'
    """
)


@dataclass(frozen=True, slots=True)
class Replay:
    """An update to be processed again: as it was received, and when."""

    update_id: UpdateId
    raw: bytes
    received_at: datetime


async def request_replay(unit: UnitOfWork, tenant: TenantId, updates: Sequence[UpdateId]) -> None:
    """All of them or none. Raises `NotFound`, or `Conflict` where one is not set aside or was asked for already."""
    ids = list(dict.fromkeys(updates))
    found = (await unit.execute(_FIND, {"tenant": tenant, "ids": ids})).all()
    if len(found) != len(ids):
        raise NotFound("dead letter")
    if any(row.disposition != "failed" for row in found):
        raise Conflict("It has been processed meanwhile: there is nothing to try again.", code="not_dead")
    if any(row.replay_at is not None for row in found):
        raise Conflict("It is being tried again already.", code="not_dead")
    await unit.execute(_REQUEST, {"tenant": tenant, "ids": ids})
    unit.notify(shard_channel(shard_of(tenant)), str(tenant))


async def claim_replays(unit: UnitOfWork, tenant: TenantId, keyring: Keyring, *, limit: int) -> list[Replay]:
    """What was asked for, oldest first, locked until the unit ends. Nobody else is given it meanwhile."""
    rows = await unit.execute(_CLAIM, {"tenant": tenant, "limit": limit})
    return [Replay(row.update_id, keyring.decrypt(tenant, UPDATE_BODY, row.body), row.received_at) for row in rows]


async def finish_replay(
    unit: UnitOfWork, tenant: TenantId, lease: Lease, update: UpdateId, disposition: Disposition
) -> None:
    """The new disposition, in the unit that appends its rows. `Failed` keeps the body, to be asked for once more.

    Raises `LeaseLost`. An update that is past its seven days meanwhile is gone, and that is no error.
    """
    await require(unit, lease)
    values = {"tenant": tenant, "update": update, "disposition": disposition.name, "reason": disposition.reason}
    await unit.execute(_FINISH, values)


async def list_with_replays(unit: UnitOfWork, shards: list[int]) -> list[TenantId]:
    """The tenants of some shards for which replays were asked, in a fleet unit: a lost NOTIFY loses nothing."""
    return list((await unit.execute(_ASKED_FOR, {"shards": shards})).scalars())
