"""API keys: of all connections that a person manages, or of one. Shown once, when they are made."""

from uuid import UUID

from litestar import Router, delete, get, post
from litestar.params import FromPath, JSONBody

from api.access import Needs
from api.deps import TheConnections, TheKey, TheKeys, TheOwner
from api.models.people import KeyList, MadeKey, NewKey, key_list
from api.openapi import Documented, Repeatable
from tenants.errors import NotFound
from tenants.ids import TenantId


@get("/keys", operation_class=Documented, summary="List your keys")
async def list_keys(owner: TheOwner, key: TheKey, keys: TheKeys) -> KeyList:
    """A key of one connection sees those of that connection."""
    return key_list(list(await keys.list_keys(owner, key.only)))


@post("/keys", operation_class=Repeatable, summary="Make a key to all connections", opt={Needs.ACCOUNT_KEY: True})
async def make_key(owner: TheOwner, keys: TheKeys, data: JSONBody[NewKey]) -> MadeKey:
    """It opens all connections that you manage, also later ones."""
    return MadeKey(key=await keys.create(owner, data.label))


@delete("/keys/{key_id:uuid}", operation_class=Documented, summary="Revoke a key", opt={Needs.ACCOUNT_KEY: True})
async def revoke_key(owner: TheOwner, keys: TheKeys, key_id: FromPath[UUID]) -> None:
    """It is worth nothing from then on, also where it is the one that you ask with."""
    await keys.revoke(owner, key_id)


@get("/tenants/{tenant_id:uuid}/keys", operation_class=Documented, summary="List your keys to a connection")
async def list_tenant_keys(
    owner: TheOwner, connections: TheConnections, keys: TheKeys, tenant_id: FromPath[UUID]
) -> KeyList:
    tenant = await connections.get(owner, TenantId(tenant_id))
    return key_list(list(await keys.list_keys(owner, tenant.id)))


@post(
    "/tenants/{tenant_id:uuid}/keys",
    operation_class=Repeatable,
    summary="Make a new key to a connection",
    opt={Needs.ACCOUNT_KEY: True},
)
async def renew_tenant_key(
    owner: TheOwner, keys: TheKeys, tenant_id: FromPath[UUID], data: JSONBody[NewKey]
) -> MadeKey:
    """It opens this connection and nothing else. Your earlier ones to it are worth nothing from then on."""
    return MadeKey(key=await keys.renew(owner, TenantId(tenant_id), data.label))


@delete(
    "/tenants/{tenant_id:uuid}/keys/{key_id:uuid}",
    operation_class=Documented,
    summary="Revoke a key to a connection",
    opt={Needs.ACCOUNT_KEY: True},
)
async def revoke_tenant_key(
    owner: TheOwner, keys: TheKeys, tenant_id: FromPath[UUID], key_id: FromPath[UUID]
) -> None:
    if key_id not in {one.id for one in await keys.list_keys(owner, TenantId(tenant_id))}:
        raise NotFound("key")
    await keys.revoke(owner, key_id)


router = Router(
    "/",
    route_handlers=[list_keys, make_key, revoke_key, list_tenant_keys, renew_tenant_key, revoke_tenant_key],
    tags=["keys"],
)
