"""What relay and sender of one tenant work with."""

from dataclasses import dataclass

from sessions.port import Session
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.ids import TenantId
from tenants.leases import Lease


@dataclass(frozen=True, slots=True)
class Line:
    tenant: TenantId
    lease: Lease
    database: Database
    keyring: Keyring
    session: Session
    brand_link: str
