"""How much of its plan a connection has used."""

from uuid import UUID

from litestar import Router, get
from litestar.params import FromPath

from api.access import Needs
from api.deps import TheMeter, TheOwner
from api.models.usage import UsageView, usage_view
from api.openapi import Documented
from tenants.ids import TenantId


@get("/", operation_class=Documented, summary="See the usage", opt={Needs.ANY_PLAN: True})
async def show_usage(owner: TheOwner, meter: TheMeter, tenant_id: FromPath[UUID]) -> UsageView:
    """Updates of today and of this month, what the plan allows, and what waits."""
    return usage_view(await meter.read(owner, TenantId(tenant_id)))


router = Router("/tenants/{tenant_id:uuid}/usage", route_handlers=[show_usage], tags=["usage"])
