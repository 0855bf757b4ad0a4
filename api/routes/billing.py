"""What Stripe tells: verified, noted once, answered at once. What follows is done by a job."""

from http import HTTPStatus
from typing import Annotated

from litestar import Request, Router, post
from litestar.datastructures import State
from litestar.params import HeaderParameter

from tenants.billing.books import note_fact
from tenants.billing.gateway import StripeGateway
from tenants.db import Database
from tenants.errors import Invalid

EVENT_LIMIT = 1024 * 1024
"""Bytes. An event holds one object with what belongs to it."""


def router(gateway: StripeGateway, database: Database) -> Router:
    @post("/stripe", include_in_schema=False, status_code=HTTPStatus.NO_CONTENT, request_max_body_size=EVENT_LIMIT)
    async def note_event(
        request: Request[object, object, State],
        signature: Annotated[str | None, HeaderParameter(name="Stripe-Signature")] = None,
    ) -> None:
        if signature is None:
            raise Invalid("This is not signed by Stripe, or was signed too long ago.", code="bad_signature")
        fact = gateway.read_event(await request.body(), signature)
        async with database.fleet() as unit:
            await note_fact(unit, fact)

    return Router("/billing", route_handlers=[note_event])
