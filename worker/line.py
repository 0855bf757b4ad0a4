"""What relay and sender of one tenant work with."""

from dataclasses import dataclass

from sessions.port import Session
from tenants.ids import ChatId, TenantId
from tenants.leases import Lease
from tenants.parallel import Mode


@dataclass(frozen=True, slots=True)
class Line:
    tenant: TenantId
    lease: Lease
    session: Session
    group: ChatId | None
    mode: Mode = Mode.POLLING
