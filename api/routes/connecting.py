"""Connecting a bot and giving its connection a new token. Telegram is asked first; the token is never shown again."""

from uuid import UUID

from litestar import Router, post, put
from litestar.params import FromPath, JSONBody

from api.access import Needs
from api.deps import TheBots, TheConnections, TheOwner
from api.etags import IfMatch, read_version
from api.models.tenants import NewTenant, TokenChange
from api.openapi import Documented, Repeatable
from api.routes.tenants import Detail, answer
from tenants.connections import require_version
from tenants.ids import TenantId


@post("/", operation_class=Repeatable, summary="Connect a bot", opt={Needs.ACCOUNT_KEY: True})
async def connect_bot(
    owner: TheOwner, bots: TheBots, connections: TheConnections, data: JSONBody[NewTenant]
) -> Detail:
    """It is yours, whoever owns the bot. Next: POST …/group-link for the group in which your team answers."""
    tenant = await bots.connect(owner, data.token.get_secret_value(), mode=data.mode)
    return await answer(owner, connections, tenant)


@put("/{tenant_id:uuid}/token", operation_class=Documented, summary="Give a connection the bot's new token")
async def replace_token(
    *,
    owner: TheOwner,
    bots: TheBots,
    connections: TheConnections,
    tenant_id: FromPath[UUID],
    data: JSONBody[TokenChange],
    if_match: IfMatch = None,
) -> Detail:
    """Everything else is kept, and a relay that had ended with the old token goes on."""
    require_version(await connections.get(owner, TenantId(tenant_id)), read_version(if_match))
    tenant = await bots.reconnect(owner, TenantId(tenant_id), data.token.get_secret_value())
    return await answer(owner, connections, tenant)


router = Router("/tenants", route_handlers=[connect_bot, replace_token], tags=["tenants"])
