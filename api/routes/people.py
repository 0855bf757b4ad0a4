"""Who manages a connection beside its owner, and whose it becomes."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from litestar import Router, delete, get, post
from litestar.params import FromPath, JSONBody, PathParameter

from api.access import Needs
from api.deps import TheAdministrators, TheConnections, TheOwner, TheSetupBot
from api.etags import IfMatch, read_version
from api.models.people import AdministratorList, Invitation, Transfer, administrator_list
from api.openapi import Documented, Repeatable
from api.routes.tenants import Detail, answer
from connecting.links import invitation_link
from tenants.access.administrators import INVITATION_LIVES
from tenants.ids import TenantId, UserId

_User = Annotated[int, PathParameter(ge=1, le=2**52, description="A Telegram user's id.")]


@get("/administrators", operation_class=Documented, summary="List who manages a connection")
async def list_administrators(
    owner: TheOwner, connections: TheConnections, administrators: TheAdministrators, tenant_id: FromPath[UUID]
) -> AdministratorList:
    tenant = await connections.get(owner, TenantId(tenant_id))
    others = await administrators.list_administrators(owner, tenant.id)
    return administrator_list(tenant.owner_id, list(others))


@post(
    "/invitations",
    operation_class=Repeatable,
    summary="Invite a co-administrator",
    opt={Needs.ACCOUNT_KEY: True},
)
async def invite_administrator(
    owner: TheOwner, administrators: TheAdministrators, setup_bot: TheSetupBot, tenant_id: FromPath[UUID]
) -> Invitation:
    """For a day and for whoever opens it first. It replaces the last one. Only the owner can do that."""
    username = await setup_bot.get_username()
    word = await administrators.invite(owner, TenantId(tenant_id))
    return Invitation(link=invitation_link(username, word), expires_at=datetime.now(UTC) + INVITATION_LIVES)


@delete(
    "/administrators/{user_id:int}",
    operation_class=Documented,
    summary="Remove a co-administrator",
    opt={Needs.ACCOUNT_KEY: True},
)
async def remove_administrator(
    owner: TheOwner, administrators: TheAdministrators, tenant_id: FromPath[UUID], user_id: _User
) -> None:
    """The owner removes anybody, everybody else themselves."""
    await administrators.remove(owner, TenantId(tenant_id), UserId(user_id))


@post(
    "/transfer",
    operation_class=Repeatable,
    summary="Make a co-administrator the owner",
    status_code=HTTPStatus.OK,
    opt={Needs.ACCOUNT_KEY: True},
)
async def transfer_tenant(
    *,
    owner: TheOwner,
    connections: TheConnections,
    administrators: TheAdministrators,
    tenant_id: FromPath[UUID],
    data: JSONBody[Transfer],
    if_match: IfMatch = None,
) -> Detail:
    """You become a co-administrator. Only the owner can do that."""
    found = await connections.get_own(owner, TenantId(tenant_id))
    version = read_version(if_match)
    tenant = await administrators.transfer(
        owner, found.id, UserId(data.to), name=data.name, version=found.version if version is None else version
    )
    return await answer(owner, connections, tenant)


router = Router(
    "/tenants/{tenant_id:uuid}",
    route_handlers=[list_administrators, invite_administrator, remove_administrator, transfer_tenant],
    tags=["administrators"],
)
