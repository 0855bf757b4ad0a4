"""A bot's token: found in what its owner sends, kept sealed, and worthless once Telegram says so."""

import re

from sqlalchemy import select, update

from tenants.audit import SYSTEM, Act, Action, record
from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.errors import Invalid, NotFound
from tenants.ids import TenantId
from tenants.models import tenants
from tenants.owner_notices import REVOKED, enqueue_notice

TOKEN_COLUMN = "tenants.token"  # noqa: S105  # a column's name
_TOKEN = re.compile(r"\b\d{5,15}:[A-Za-z0-9_-]{30,60}(?![A-Za-z0-9_-])")
_NOT_ERASED = tenants.c.erased_at.is_(None)


def find_token(typed: str) -> str:
    """The token in a message, as @BotFather sends it or alone. Raises `Invalid`."""
    found = _TOKEN.search(typed)
    if found is None:
        raise Invalid(
            "That is not a bot token. Open @BotFather, choose your bot, press API Token, "
            "and send me the line that looks like 123456789:AAE…",
            code="bad_token",
        )
    return found.group()


def seal_token(tenant: TenantId, token: str, keyring: Keyring) -> bytes:
    """As it is stored; an empty one wipes it."""
    return keyring.encrypt(tenant, TOKEN_COLUMN, token.encode())


async def read_token(unit: UnitOfWork, tenant: TenantId, keyring: Keyring) -> str:
    query = select(tenants.c.token).where(tenants.c.id == tenant, _NOT_ERASED)
    sealed = (await unit.execute(query)).scalar_one_or_none()
    if sealed is None:
        raise NotFound("connection")
    return keyring.decrypt(tenant, TOKEN_COLUMN, sealed).decode()


async def mark_revoked(unit: UnitOfWork, tenant: TenantId, token_version: int | None = None) -> None:
    """The session has stopped for good; the owner is told, once. `token_version`: of the token that Telegram refused,
    which may have been replaced meanwhile.
    """
    alive = (tenants.c.id == tenant) & (tenants.c.state != "revoked") & _NOT_ERASED
    if token_version is not None:
        alive = alive & (tenants.c.token_version == token_version)
    statement = update(tenants).where(alive).values(state="revoked").returning(tenants.c.version)
    version = (await unit.execute(statement)).scalar_one_or_none()
    if version is not None:
        await record(unit, tenant, Act(Action.REVOKED, SYSTEM))
        await enqueue_notice(unit, tenant, REVOKED, key=f"{REVOKED}:{tenant}:{version}")
