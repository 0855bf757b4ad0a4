"""What owners are told of their plan's limit: once for each day or episode, in the transaction that counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tenants.db import UnitOfWork
from tenants.ids import TenantId
from tenants.owner_notices import USAGE_FLOWS, USAGE_FULL, USAGE_NEAR, USAGE_WAITS, enqueue_notice, was_told
from tenants.usage.limits import WARN_AT, Allotment


@dataclass(frozen=True, slots=True)
class Counted:
    """One tenant's turn: `handled` updates made it `used` today. `waited` and `waits`: whether something waited for
    the limit before and after; `at` is now.
    """

    tenant: TenantId
    allotment: Allotment
    handled: int
    used: int
    waited: bool
    waits: bool
    at: datetime

    @property
    def news(self) -> Sequence[str]:
        """Kinds of notices. A day without a tolerated one is full when the first has to wait."""
        allotment, before = self.allotment, self.used - self.handled
        kinds = []
        if self.handled and allotment.crosses(before, self.used, WARN_AT) and self.used < allotment.allowed:
            kinds.append(USAGE_NEAR)
        if self.handled and allotment.is_tolerated and allotment.crosses(before, self.used):
            kinds.append(USAGE_FULL)
        if self.waits != self.waited:
            kinds.append(USAGE_WAITS if self.waits else USAGE_FLOWS)
        return kinds

    @property
    def params(self) -> dict[str, Any]:
        allotment = self.allotment
        return {
            "used": self.used,
            "allowed": allotment.allowed,
            "days_over": min(allotment.days_over, allotment.tolerated),
            "tolerated": allotment.tolerated,
        }


async def tell(unit: UnitOfWork, counted: Sequence[Counted]) -> None:
    for one in counted:
        for kind in one.news:
            await _tell(unit, one, kind)


async def _tell(unit: UnitOfWork, counted: Counted, kind: str) -> None:
    if kind == USAGE_FLOWS:
        if await was_told(unit, counted.tenant, USAGE_WAITS, mended=USAGE_FLOWS):
            await enqueue_notice(unit, counted.tenant, kind)
        return
    key = f"{kind}:{counted.tenant}:{counted.at.astimezone(UTC).date()}"
    await enqueue_notice(unit, counted.tenant, kind, key=key, params=counted.params)
