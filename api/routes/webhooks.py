"""Webhooks of a connection: what was delivered, what was not, and the secret that signs. Addresses are a setting."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from litestar import Router, get, post
from litestar.params import FromPath, QueryParameter

from api.deps import TheOwner, TheWebhooks
from api.models import (
    DeliveryPage,
    NewSecret,
    ReplayedDelivery,
    SecretView,
    delivery_view,
)
from api.openapi import Documented
from tenants.errors import Invalid
from tenants.ids import TenantId
from tenants.webhooks.deliveries import State

_Limit = Annotated[int, QueryParameter(ge=1, le=100, description="How many at most.")]
_Cursor = Annotated[str | None, QueryParameter(description="`next` of the page before.")]
_Only = Annotated[State | None, QueryParameter(description="Only those that wait, were delivered, or failed.")]


@get("/deliveries", operation_class=Documented, summary="List webhook deliveries")
async def list_deliveries(
    *,
    owner: TheOwner,
    webhooks: TheWebhooks,
    tenant_id: FromPath[UUID],
    limit: _Limit = 50,
    cursor: _Cursor = None,
    only: _Only = None,
) -> DeliveryPage:
    """What was told to your addresses in the last seven days, newest first."""
    found = await webhooks.list_page(owner, TenantId(tenant_id), after=_position(cursor), limit=limit + 1, state=only)
    page = found[:limit]
    more = str(page[-1].id) if len(found) > limit else None
    return DeliveryPage(items=[delivery_view(one) for one in page], next=more)


@post(
    "/deliveries/{delivery_id:uuid}/replay",
    operation_class=Documented,
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


@post("/secret", operation_class=Documented, summary="Make a new signing secret")
async def make_secret(owner: TheOwner, webhooks: TheWebhooks, tenant_id: FromPath[UUID]) -> NewSecret:
    """It is shown this once. For a day everything is signed with the one before, too."""
    return NewSecret(secret=await webhooks.renew_secret(owner, TenantId(tenant_id)))


def _position(cursor: str | None) -> UUID | None:
    try:
        return None if cursor is None else UUID(cursor)
    except ValueError:
        raise Invalid("This cursor is none of ours: use `next` of the page before.", field="cursor") from None


router = Router(
    "/tenants/{tenant_id:uuid}/webhooks",
    route_handlers=[list_deliveries, replay_delivery, show_secret, make_secret],
    tags=["webhooks"],
)
