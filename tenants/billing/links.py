"""Links to the pay page: sealed, so that nobody makes one up, and dead after an hour."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from datetime import datetime, timedelta
from uuid import UUID

from tenants.config import ConfigError
from tenants.crypto import Keyring
from tenants.errors import Invalid
from tenants.ids import TenantId, UserId

LIVES = timedelta(hours=1)
_WHAT = "pay_link"
_ID_BYTES = 16


def make_pay_link(keyring: Keyring, tenant: TenantId, person: UserId, now: datetime) -> str:
    """The last part of the page's address, for this person and this connection."""
    until = int((now + LIVES).timestamp())
    sealed = keyring.encrypt(tenant, _WHAT, f"{person}:{until}".encode())
    return urlsafe_b64encode(tenant.bytes + sealed).rstrip(b"=").decode()


def read_pay_link(keyring: Keyring, link: str, now: datetime) -> tuple[TenantId, UserId]:
    """Raises `Invalid` for one that is too old, was changed, or never was one."""
    unknown = Invalid("This link is not complete: open it from the setup bot again.", code="bad_link")
    try:
        raw = urlsafe_b64decode(link + "=" * (-len(link) % 4))
        tenant = TenantId(UUID(bytes=raw[:_ID_BYTES]))
        person, until = keyring.decrypt(tenant, _WHAT, raw[_ID_BYTES:]).decode().split(":")
    except (Error, ValueError, ConfigError):
        raise unknown from None
    if now.timestamp() >= int(until):
        raise Invalid("This link is older than an hour: open it from the setup bot again.", code="old_link")
    return tenant, UserId(int(person))
