"""The owner's connections: listing, starting, stopping, erasing."""

from uuid import UUID

from litestar import Response, Router, delete, get, patch, put
from litestar.params import FromPath, JSONBody

from api.access import Needs
from api.deps import TheConnections, TheKey, TheOwner
from api.etags import IfMatch, etag, read_version
from api.models.tenants import ModeChange, TenantChange, TenantDetail, TenantPage, detail, summary
from api.openapi import Documented
from api.pages import Cursor, Limit, cut, read_id
from tenants.connections import Connections, Tenant
from tenants.ids import TenantId, UserId

Detail = Response[TenantDetail]


@get("/", operation_class=Documented, summary="List connections")
async def list_tenants(
    owner: TheOwner, key: TheKey, connections: TheConnections, limit: Limit = 50, cursor: Cursor = None
) -> TenantPage:
    """The connections that you own or manage, oldest first. A key of one connection sees that one."""
    after = read_id(cursor)
    if key.only is not None:
        found = [one for one in [await connections.find(owner, key.only)] if one and after != one.id]
    else:
        position = None if after is None else TenantId(after)
        found = await connections.list_tenants(owner, after=position, limit=limit + 1)
    page, more = cut(found, limit, lambda tenant: str(tenant.id))
    return TenantPage(items=[summary(tenant) for tenant in page], next=more)


@get("/{tenant_id:uuid}", operation_class=Documented, summary="Get a connection", opt={Needs.ANY_PLAN: True})
async def show_tenant(owner: TheOwner, connections: TheConnections, tenant_id: FromPath[UUID]) -> Detail:
    return await answer(owner, connections, await connections.get(owner, TenantId(tenant_id)))


@patch("/{tenant_id:uuid}", operation_class=Documented, summary="Start or stop a connection")
async def change_tenant(
    *,
    owner: TheOwner,
    connections: TheConnections,
    tenant_id: FromPath[UUID],
    data: JSONBody[TenantChange],
    if_match: IfMatch = None,
) -> Detail:
    version = read_version(if_match)
    changed = await connections.set_running(owner, TenantId(tenant_id), running=data.running, version=version)
    return await answer(owner, connections, changed)


@put("/{tenant_id:uuid}/mode", operation_class=Documented, summary="Choose how a connection receives")
async def change_mode(
    *,
    owner: TheOwner,
    connections: TheConnections,
    tenant_id: FromPath[UUID],
    data: JSONBody[ModeChange],
    if_match: IfMatch = None,
) -> Detail:
    """It counts within a second. In parallel mode a program of yours goes on to drive the bot."""
    version = read_version(if_match)
    return await answer(
        owner, connections, await connections.set_mode(owner, TenantId(tenant_id), data.mode, version=version)
    )


@delete(
    "/{tenant_id:uuid}",
    operation_class=Documented,
    summary="Erase a connection",
    opt={Needs.ANY_PLAN: True, Needs.ACCOUNT_KEY: True},
)
async def erase_tenant(
    owner: TheOwner, connections: TheConnections, tenant_id: FromPath[UUID], if_match: IfMatch = None
) -> None:
    """The connection is gone at once, what is stored for it within minutes. This can't be undone. Only its owner
    can do that.
    """
    await connections.erase(owner, TenantId(tenant_id), version=read_version(if_match))


async def answer(owner: UserId, connections: Connections, tenant: Tenant) -> Detail:
    return Response(detail(tenant, await connections.problem(owner, tenant.id)), headers=etag(tenant))


router = Router(
    "/tenants",
    route_handlers=[list_tenants, show_tenant, change_tenant, change_mode, erase_tenant],
    tags=["tenants"],
)
