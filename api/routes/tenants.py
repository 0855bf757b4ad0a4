"""The owner's connections: listing, starting, stopping, erasing."""

from typing import Annotated
from uuid import UUID

from litestar import Router, delete, get, patch, put
from litestar.params import FromPath, JSONBody, QueryParameter

from api.deps import TheConnections, TheOwner
from api.models import ModeChange, TenantChange, TenantDetail, TenantPage, detail, summary
from api.openapi import Documented
from tenants.errors import Invalid
from tenants.ids import TenantId

_Limit = Annotated[int, QueryParameter(ge=1, le=100, description="How many at most.")]
_Cursor = Annotated[str | None, QueryParameter(description="`next` of the page before.")]


@get("/", operation_class=Documented, summary="List connections")
async def list_tenants(
    owner: TheOwner, connections: TheConnections, limit: _Limit = 50, cursor: _Cursor = None
) -> TenantPage:
    """Your connections, oldest first."""
    found = await connections.list_tenants(owner, after=_position(cursor), limit=limit + 1)
    page = found[:limit]
    more = str(page[-1].id) if len(found) > limit else None
    return TenantPage(items=[summary(tenant) for tenant in page], next=more)


def _position(cursor: str | None) -> TenantId | None:
    try:
        return None if cursor is None else TenantId(UUID(cursor))
    except ValueError:
        raise Invalid("This cursor is none of ours: use `next` of the page before.", field="cursor") from None


@get("/{tenant_id:uuid}", operation_class=Documented, summary="Get a connection")
async def show_tenant(owner: TheOwner, connections: TheConnections, tenant_id: FromPath[UUID]) -> TenantDetail:
    tenant = await connections.get(owner, TenantId(tenant_id))
    return detail(tenant, await connections.problem(owner, tenant.id))


@patch("/{tenant_id:uuid}", operation_class=Documented, summary="Start or stop a connection")
async def change_tenant(
    owner: TheOwner, connections: TheConnections, tenant_id: FromPath[UUID], data: JSONBody[TenantChange]
) -> TenantDetail:
    tenant = await connections.set_running(owner, TenantId(tenant_id), running=data.running)
    return detail(tenant, await connections.problem(owner, tenant.id))


@put("/{tenant_id:uuid}/mode", operation_class=Documented, summary="Choose how a connection receives")
async def change_mode(
    owner: TheOwner, connections: TheConnections, tenant_id: FromPath[UUID], data: JSONBody[ModeChange]
) -> TenantDetail:
    """It counts within a second. In parallel mode a program of yours goes on to drive the bot."""
    tenant = await connections.set_mode(owner, TenantId(tenant_id), data.mode)
    return detail(tenant, await connections.problem(owner, tenant.id))


@delete("/{tenant_id:uuid}", operation_class=Documented, summary="Erase a connection")
async def erase_tenant(owner: TheOwner, connections: TheConnections, tenant_id: FromPath[UUID]) -> None:
    """The connection is gone at once, what is stored for it within minutes. This can't be undone."""
    await connections.erase(owner, TenantId(tenant_id))


router = Router(
    "/tenants",
    route_handlers=[list_tenants, show_tenant, change_tenant, change_mode, erase_tenant],
    tags=["tenants"],
)
