"""What a parallel session keeps: its login, and the access hashes of the people and chats it has met.

A login that its tenant has no use for any more becomes a farewell: somebody has yet to log it out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import text

from tenants.config import ConfigError
from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.ids import ChatId, TenantId, new_id
from tenants.leases import shard_of

LOGIN = "logins.login"
HASH = "access_hashes.hash"
FAREWELL = "farewells.login"
"""The columns, as associated data of their ciphertexts."""


class Mode(StrEnum):
    """How a tenant's session receives: alone, or beside the program that drives the bot."""

    POLLING = "polling"
    PARALLEL = "parallel"


@dataclass(frozen=True, slots=True)
class StoredLogin:
    """A new login has to wait `wait` seconds. `tops` are the newest message ids that are known from before there was
    a cursor: of private chats under 0, of a supergroup under its channel id.
    """

    login: bytes | None = field(repr=False)
    wait: float
    tops: Mapping[int, int]
    group: ChatId | None


_LOAD = text(
    """
    SELECT l.login, greatest(extract(epoch FROM l.not_before - clock_timestamp()), 0)::float8 AS wait,
        t.group_id,
        i.cursor IS NULL AND coalesce(i.alive_at > t.mode_changed_at - interval '1 hour', false) AS goes_on
    FROM tenants t JOIN intakes i ON i.tenant_id = t.id LEFT JOIN logins l ON l.tenant_id = t.id
    WHERE t.id = :tenant
    """
)
_TOPS = text(
    """
    WITH known(chat, message) AS (
        SELECT chat_id, message_id FROM message_map WHERE tenant_id = :tenant
        UNION ALL SELECT group_id, topic_message_id FROM message_map WHERE tenant_id = :tenant
        UNION ALL SELECT source_chat_id, source_message_id FROM outbox WHERE tenant_id = :tenant
    )
    SELECT CASE WHEN k.chat > 0 THEN 0 ELSE -1000000000000 - k.chat END AS box, max(k.message) AS top
    FROM known k JOIN tenants t ON t.id = :tenant
    WHERE k.chat > 0 OR (k.chat = t.group_id AND k.chat < -1000000000000)
    GROUP BY 1
    """
)


async def load_login(unit: UnitOfWork, tenant: TenantId, keyring: Keyring) -> StoredLogin:
    """`tops` only where the tenant's own session received until the mode was changed: nothing else is a gap."""
    row = (await unit.execute(_LOAD, {"tenant": tenant})).one()
    tops = (await unit.execute(_TOPS, {"tenant": tenant})).all() if row.goes_on else []
    return StoredLogin(
        None if row.login is None else keyring.decrypt(tenant, LOGIN, row.login),
        row.wait or 0.0,
        {int(found.box): int(found.top) for found in tops},
        row.group_id,
    )


_IS_PARALLEL = text("SELECT 1 FROM tenants WHERE id = :tenant AND mode = 'parallel' AND erased_at IS NULL FOR SHARE")
_SAVE_LOGIN = text(
    """
    INSERT INTO logins (tenant_id, login) VALUES (:tenant, :login)
    ON CONFLICT (tenant_id) DO UPDATE SET login = excluded.login
    """
)
_FORGET = (
    text("DELETE FROM access_hashes WHERE tenant_id = :tenant"),
    text("DELETE FROM logins WHERE tenant_id = :tenant AND not_before <= clock_timestamp()"),
    text("UPDATE logins SET login = NULL WHERE tenant_id = :tenant"),
)
_POSTPONE = text(
    """
    INSERT INTO logins (tenant_id, not_before) VALUES (:tenant, clock_timestamp() + make_interval(secs => :seconds))
    ON CONFLICT (tenant_id) DO UPDATE SET not_before = excluded.not_before
    """
)


async def save_login(unit: UnitOfWork, tenant: TenantId, keyring: Keyring, login: bytes) -> bool:
    """Whether the tenant is still a parallel one, and stays it until the unit ends. If not, nothing was stored."""
    if (await unit.execute(_IS_PARALLEL, {"tenant": tenant})).first() is None:
        return False
    await unit.execute(_SAVE_LOGIN, {"tenant": tenant, "login": keyring.encrypt(tenant, LOGIN, login)})
    return True


async def forget_login(unit: UnitOfWork, tenant: TenantId) -> None:
    """With the access hashes. That a new login has to wait is not forgotten."""
    for statement in _FORGET:
        await unit.execute(statement, {"tenant": tenant})


async def postpone_login(unit: UnitOfWork, tenant: TenantId, seconds: float) -> None:
    await unit.execute(_POSTPONE, {"tenant": tenant, "seconds": seconds})


_SAVE_HASHES = text(
    """
    INSERT INTO access_hashes (tenant_id, chat_id, hash)
    SELECT * FROM unnest(CAST(:tenants AS uuid[]), CAST(:chats AS bigint[]), CAST(:hashes AS bytea[]))
    ON CONFLICT (tenant_id, chat_id) DO UPDATE SET hash = excluded.hash
    """
)
_FIND_HASHES = text("SELECT chat_id, hash FROM access_hashes WHERE tenant_id = :tenant AND chat_id = ANY(:chats)")


async def save_hashes(unit: UnitOfWork, keyring: Keyring, hashes: Mapping[TenantId, Mapping[int, int]]) -> None:
    """By the Bot API's chat id, encrypted, in the transaction of what came along with them."""
    rows = [(tenant, chat, number) for tenant, found in hashes.items() for chat, number in found.items()]
    values = {
        "tenants": [tenant for tenant, _, _ in rows],
        "chats": [chat for _, chat, _ in rows],
        "hashes": [keyring.encrypt(tenant, HASH, str(number).encode()) for tenant, _, number in rows],
    }
    await unit.execute(_SAVE_HASHES, values)


async def find_hashes(unit: UnitOfWork, tenant: TenantId, keyring: Keyring, chats: Sequence[int]) -> dict[int, int]:
    """By the Bot API's chat id; the unknown ones are missing."""
    rows = (await unit.execute(_FIND_HASHES, {"tenant": tenant, "chats": list(chats)})).all()
    return {row.chat_id: int(keyring.decrypt(tenant, HASH, row.hash)) for row in rows}


_TAKE_LOGIN = text("SELECT login FROM logins WHERE tenant_id = :tenant AND login IS NOT NULL FOR UPDATE")
_ADD_FAREWELL = text("INSERT INTO farewells (id, tenant_id, shard, login) VALUES (:id, :tenant, :shard, :login)")


async def leave_parallel(unit: UnitOfWork, tenant: TenantId, keyring: Keyring) -> None:
    """The login, if there is one, is to be logged out; nothing else of it is kept."""
    sealed = (await unit.execute(_TAKE_LOGIN, {"tenant": tenant})).scalar_one_or_none()
    await forget_login(unit, tenant)
    if sealed is None:
        return
    try:
        login = keyring.decrypt(tenant, LOGIN, sealed)
    except ConfigError:
        return  # nobody can use it any more, not even to log it out
    await add_farewell(unit, tenant, keyring, login)


async def add_farewell(unit: UnitOfWork, tenant: TenantId, keyring: Keyring, login: bytes) -> None:
    values = {"id": new_id(), "tenant": tenant, "shard": shard_of(tenant)}
    await unit.execute(_ADD_FAREWELL, {**values, "login": keyring.encrypt(tenant, FAREWELL, login)})


_BEGIN_ANEW = text("UPDATE intakes SET cursor = NULL, problem = NULL, problem_at = NULL WHERE tenant_id = :tenant")


async def begin_anew(unit: UnitOfWork, tenant: TenantId) -> None:
    """Before a change of the mode: a cursor belongs to one protocol. Waits for a turn that stores one."""
    await unit.execute(_BEGIN_ANEW, {"tenant": tenant})
