"""What a key opens: a key of one connection that connection and nothing else, and the API at all from a plan on."""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from tenants.access.keys import ApiKey
from tenants.connections import Connections
from tenants.errors import Forbidden, NotFound, PlanRequired
from tenants.ids import TenantId, UserId
from tenants.plans import API_FROM

Guard = Callable[[ASGIConnection[Any, UserId, ApiKey, Any], BaseRouteHandler], Awaitable[None]]
"""Runs behind the authentication and before anything of the request is read."""


class Needs(StrEnum):
    """What a route needs beside a key that opens its connection: an entry of its `opt`."""

    ACCOUNT_KEY = "needs_account_key"
    """It concerns other connections, or gives this one away: a key of one connection is not enough."""
    ANY_PLAN = "needs_no_plan"
    """It is open on every plan."""


def access(connections: Connections) -> Guard:
    async def require_access(connection: ASGIConnection[Any, UserId, ApiKey, Any], handler: BaseRouteHandler) -> None:
        key, tenant = connection.auth, connection.path_params.get("tenant_id")
        if tenant is not None and key.only not in {None, tenant}:
            raise NotFound("connection")
        if tenant is not None and not handler.opt.get(Needs.ANY_PLAN):
            found = await connections.get(key.owner, TenantId(tenant))
            if not found.plan.includes(API_FROM):
                raise PlanRequired(
                    f"The API is part of the {API_FROM} plan: @{found.bot_username} is on the {found.plan} plan.",
                    plan=API_FROM,
                )
        if key.only is not None and handler.opt.get(Needs.ACCOUNT_KEY):
            raise Forbidden(
                "This key opens one connection only: use a key of your whole account.", code="account_key_needed"
            )

    return require_access
