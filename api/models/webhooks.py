"""Webhook deliveries as they are sent, and the secret that signs them, which is shown once."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.models.dead_letters import DeadLetterReason
from api.pages import Page
from tenants.webhooks.deliveries import REASONS, State
from tenants.webhooks.deliveries import Shown as Delivery


class DeliveryView(BaseModel):
    """An event on its way to one of your addresses. Kept for seven days."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="The `webhook-id` of every attempt.")
    event: str
    url: str
    payload: dict[str, Any] = Field(description="The body that is posted.")
    state: State = Field(description="waiting (for its first attempt or the next one), delivered, or failed.")
    attempts: int
    created_at: datetime
    tried_at: datetime | None = Field(description="When the last attempt began.")
    next_at: datetime | None = Field(description="When the next attempt is. null = there is none to come.")
    ended_at: datetime | None
    status: int | None = Field(description="The HTTP status of the last answer. null = there was none.")
    reason: DeadLetterReason | None = Field(description="Why the last attempt failed.")


class DeliveryPage(Page[DeliveryView]):
    pass


class ReplayedDelivery(BaseModel):
    id: UUID


class SecretView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    made_at: datetime | None = Field(description="null = there is none so far.")
    former_until: datetime | None = Field(description="Until when the one before signs, too. null = it does not.")


class NewSecret(BaseModel):
    secret: str = Field(description="whsec_ and base64, as libraries for Standard Webhooks take it. Keep it.")


def delivery_view(delivery: Delivery) -> DeliveryView:
    code = delivery.error
    reason = None if code is None else DeadLetterReason(code=code, text=REASONS.get(code, "It failed."))
    return DeliveryView.model_validate({**asdict(delivery), "reason": reason})
