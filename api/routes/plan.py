"""What a connection pays, and the way to the page on which it is paid."""

from uuid import UUID

from litestar import Router, get, post
from litestar.params import FromPath

from api.access import Needs
from api.deps import TheAccounts, TheOwner
from api.models.plan import PayLink, PlanView, plan_view
from api.openapi import Documented, Repeatable
from tenants.ids import TenantId


@get("/", operation_class=Documented, summary="See the plan", opt={Needs.ANY_PLAN: True})
async def show_plan(owner: TheOwner, accounts: TheAccounts, tenant_id: FromPath[UUID]) -> PlanView:
    """Which plan counts, since when and why, and until when it is paid."""
    return plan_view(await accounts.read(owner, TenantId(tenant_id)))


@post("/link", operation_class=Repeatable, summary="Make a link to the pay page", opt={Needs.ANY_PLAN: True})
async def make_link(owner: TheOwner, accounts: TheAccounts, tenant_id: FromPath[UUID]) -> PayLink:
    """409 where this deployment takes no cards."""
    return PayLink(url=await accounts.make_page_link(owner, TenantId(tenant_id)))


router = Router("/tenants/{tenant_id:uuid}/plan", route_handlers=[show_plan, make_link], tags=["plan"])
