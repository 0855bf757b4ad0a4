"""Signatures by Standard Webhooks (standardwebhooks.com), and the secret of a tenant that makes them.

A new secret does not invalidate the one before for a day: what is sent meanwhile is signed with both.
"""

import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from tenants.crypto import Keyring
from tenants.db import UnitOfWork
from tenants.ids import TenantId

PREFIX = "whsec_"
_BYTES = 32
"""Standard Webhooks: between 24 and 64."""
NEWEST = "webhook_secrets.secret"
FORMER = "webhook_secrets.former"
"""The columns, as associated data of their ciphertexts."""


def make_secret() -> str:
    return PREFIX + b64encode(secrets.token_bytes(_BYTES)).decode()


def sign(secret: str, delivery: str, timestamp: int, body: bytes) -> str:
    """One signature, with its version."""
    key = b64decode(secret.removeprefix(PREFIX))
    signed = f"{delivery}.{timestamp}.".encode() + body
    return "v1," + b64encode(hmac.digest(key, signed, "sha256")).decode()


def headers(signing: Sequence[str], delivery: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """`timestamp` is in Unix seconds."""
    return {
        "webhook-id": delivery,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(sign(secret, delivery, timestamp, body) for secret in signing),
    }


@dataclass(frozen=True, slots=True)
class SecretState:
    """None: nobody has asked for one. `former_until`: until when the one before signs, too."""

    made_at: datetime | None = None
    former_until: datetime | None = None


_STATE = text(
    """
    SELECT made_at, CASE WHEN former_until > now() THEN former_until END AS former_until
    FROM webhook_secrets WHERE tenant_id = :tenant
    """
)


async def get_state(unit: UnitOfWork, tenant: TenantId) -> SecretState:
    row = (await unit.execute(_STATE, {"tenant": tenant})).first()
    return SecretState() if row is None else SecretState(row.made_at, row.former_until)


_FIND = text(
    """
    SELECT secret, CASE WHEN former_until > now() THEN former END AS former
    FROM webhook_secrets WHERE tenant_id = :tenant
    """
)
_ADD = text(
    "INSERT INTO webhook_secrets (tenant_id, secret) VALUES (:tenant, :secret) ON CONFLICT (tenant_id) DO NOTHING"
)


async def get_secrets(unit: UnitOfWork, tenant: TenantId, keyring: Keyring) -> list[str]:
    """What signs, the newest first; where nobody has asked for one, it is made."""
    row = (await unit.execute(_FIND, {"tenant": tenant})).first()
    if row is None:
        sealed = keyring.encrypt(tenant, NEWEST, make_secret().encode())
        await unit.execute(_ADD, {"tenant": tenant, "secret": sealed})
        row = (await unit.execute(_FIND, {"tenant": tenant})).one()
    return _open(row, tenant, keyring)


def _open(row: Any, tenant: TenantId, keyring: Keyring) -> list[str]:
    sealed = [(NEWEST, row.secret)] + ([(FORMER, row.former)] if row.former is not None else [])
    return [keyring.decrypt(tenant, column, secret).decode() for column, secret in sealed]


_LOCK = text("SELECT secret, NULL AS former FROM webhook_secrets WHERE tenant_id = :tenant FOR UPDATE")
_RENEW = text(
    """
    INSERT INTO webhook_secrets (tenant_id, secret) VALUES (:tenant, :secret)
    ON CONFLICT (tenant_id) DO UPDATE SET secret = :secret, made_at = now(), former = CAST(:former AS bytea),
        former_until = now() + interval '1 day'
    """
)


async def renew_secret(unit: UnitOfWork, tenant: TenantId, keyring: Keyring) -> str:
    """The new one, which is not shown again."""
    secret = make_secret()
    row = (await unit.execute(_LOCK, {"tenant": tenant})).first()
    former = None if row is None else keyring.encrypt(tenant, FORMER, _open(row, tenant, keyring)[0].encode())
    sealed = keyring.encrypt(tenant, NEWEST, secret.encode())
    await unit.execute(_RENEW, {"tenant": tenant, "secret": sealed, "former": former})
    return secret
