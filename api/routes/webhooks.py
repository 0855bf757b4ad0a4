"""Webhooks of a connection: what was delivered, what was not, and the secret that signs. Addresses are a setting."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from litestar import Router, get, post
from litestar.params import FromPath, QueryParameter

from api.deps import TheOwner, TheWebhooks
from api.models.webhooks import DeliveryPage, NewSecret, ReplayedDelivery, SecretView, delivery_view
from api.openapi import Documented, Repeatable
from api.pages import Cursor, Limit, cut, read_id
from tenants.ids import TenantId
from tenants.webhooks.deliveries import State

_Only = Annotated[State | None, QueryParameter(description="Only those that wait, were delivered, or failed.")]


@get("/deliveries", operation_class=Documented, summary="List webhook deliveries")
async def list_deliveries(
    *,
    owner: TheOwner,
    webhooks: TheWebhooks,
    tenant_id: FromPath[UUID],
    limit: Limit = 50,
    cursor: Cursor = None,
    only: _Only = None,
) -> DeliveryPage:
    """What was told to your addresses in the last seven days, newest first."""
    found = await webhooks.list_page(owner, TenantId(tenant_id), after=read_id(cursor), limit=limit + 1, state=only)
    page, more = cut(found, limit, lambda one: str(one.id))
    return DeliveryPage(items=[delivery_view(one) for one in page], next=more)


@post(
    "/deliveries/{delivery_id:uuid}/replay",
    operation_class=Repeatable,
    summary="Send a webhook delivery again",
    status_code=HTTPStatus.ACCEPTED,
)
async def replay_delivery(
    owner: TheOwner, webhooks: TheWebhooks, tenant_id: FromPath[UUID], delivery_id: FromPath[UUID]
) -> ReplayedDelivery:
    """Under the same id, and for another day where it fails."""
    await webhooks.replay(owner, TenantId(tenant_id), delivery_id)
    return ReplayedDelivery(id=delivery_id)


@get("/secret", operation_class=Documented, summary="Get the state of the signing secret")
async def show_secret(owner: TheOwner, webhooks: TheWebhooks, tenant_id: FromPath[UUID]) -> SecretView:
    """Since when it signs. The secret itself is shown once, when it is made."""
    return SecretView.model_validate(await webhooks.get_secret_state(owner, TenantId(tenant_id)))


@post("/secret", operation_class=Repeatable, summary="Make a new signing secret")
async def make_secret(owner: TheOwner, webhooks: TheWebhooks, tenant_id: FromPath[UUID]) -> NewSecret:
    """It is shown this once. For a day everything is signed with the one before, too."""
    return NewSecret(secret=await webhooks.renew_secret(owner, TenantId(tenant_id)))


router = Router(
    "/tenants/{tenant_id:uuid}/webhooks",
    route_handlers=[list_deliveries, replay_delivery, show_secret, make_secret],
    tags=["webhooks"],
)
