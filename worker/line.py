"""What relay and sender of one tenant work with."""

from dataclasses import dataclass, field

from sessions.port import Session
from tenants.ids import ChatId, TenantId
from tenants.leases import Lease
from tenants.parallel import Mode
from worker.decisions.albums import Albums
from worker.inquiries import Rights


@dataclass(frozen=True, slots=True)
class Line:
    tenant: TenantId
    lease: Lease
    session: Session
    group: ChatId | None
    mode: Mode = Mode.POLLING
    rights: Rights = field(default_factory=Rights)
    albums: Albums = field(default_factory=Albums)
