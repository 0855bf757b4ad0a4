"""Stripe, and the only place that asks it: checkout, changes, the portal, and what its events are worth.

Shapes are those of API version 2026-10-28.endive (docs.stripe.com/api), which the library names in every request.
"""

import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import stripe

from tenants.billing.events import LOOKUP, PERSON, TENANT, lookup_key, read_event, subscription_fact
from tenants.billing.facts import Fact, Provider
from tenants.billing.port import Order, Prices
from tenants.billing.prices import without_stars
from tenants.config import Config
from tenants.errors import Invalid, Unavailable
from tenants.phrases import Phrase
from tenants.plans import Plan

MISSING = "resource_missing"
"""Stripe's code for what is not there, or was deleted."""
OLDEST = 300
NEWEST = 60
"""Seconds that the timestamp of a signature may lie in the past, as in the library, and in the future, which the
library does not look at.
"""
_SOON = timedelta(minutes=1)
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError)
"""What reading something else than an event raises, in the library and here."""


class StripeGateway:
    """`api` is another server than Stripe's own, for trying."""

    provider = Provider.STRIPE
    tells_again = True

    def __init__(
        self,
        secret_key: str,
        webhook_secret: str,
        prices: Prices,
        *,
        api: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._webhook_secret = webhook_secret
        self._prices = prices
        self._clock = clock
        self._http = stripe.AIOHTTPClient(timeout=20)
        self._client = stripe.StripeClient(
            secret_key,
            http_client=self._http,
            base_addresses={"api": api} if api else {},
            max_network_retries=2,
        )

    async def close(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def open_checkout(self, order: Order) -> str:
        price = await self._find_price(order)
        named = {TENANT: str(order.tenant), PERSON: str(order.person)}
        params: Any = {
            "mode": "subscription",
            "client_reference_id": str(order.tenant),
            "currency": order.currency,
            "line_items": [{"price": price, "quantity": order.units}],
            "metadata": named,
            "subscription_data": {"metadata": named},
            "success_url": f"{order.back}?done=paid",
            "cancel_url": order.back,
        }
        if order.customer:
            params["customer"] = order.customer
        options: Any = {"idempotency_key": _key(order.key, params)}
        try:
            session = await self._ask(self._client.v1.checkout.sessions.create_async(params, options))
        except Invalid as refused:
            if order.customer is None or refused.code != MISSING:
                raise
            return await self.open_checkout(replace(order, customer=None))  # was deleted there
        return str(session.url)

    async def change(self, subscription: str, order: Order) -> str | None:
        price = await self._find_price(order)
        found = await self._ask(self._client.v1.subscriptions.retrieve_async(subscription))
        item = found["items"].data[0].id
        await self._ask(
            self._client.v1.subscriptions.update_async(
                subscription,
                {
                    "items": [{"id": item, "price": price, "quantity": order.units}],
                    "proration_behavior": "always_invoice",
                    "payment_behavior": "error_if_incomplete",
                    "cancel_at_period_end": False,
                },
            )
        )
        return None

    async def open_portal(self, customer: str, back: str) -> str:
        session = await self._ask(
            self._client.v1.billing_portal.sessions.create_async({"customer": customer, "return_url": back})
        )
        return str(session.url)

    async def end(self, subscription: str, *, refund: bool, key: str) -> None:
        ended = await self._ask(self._client.v1.subscriptions.retrieve_async(subscription))
        if ended.status not in {"canceled", "incomplete_expired"}:
            ended = await self._ask(
                self._client.v1.subscriptions.cancel_async(
                    subscription, {"prorate": False, "invoice_now": False}, {"idempotency_key": f"{key}:end"}
                )
            )
        if not refund or ended.latest_invoice is None:
            return
        invoice = await self._ask(
            self._client.v1.invoices.retrieve_async(str(ended.latest_invoice), {"expand": ["payments"]})
        )
        for payment in invoice.payments.data if invoice.payments else []:
            intent = payment.payment.payment_intent
            if payment.status == "paid" and intent is not None:
                await self._ask(
                    self._client.v1.refunds.create_async(
                        {"payment_intent": str(intent)}, {"idempotency_key": f"{key}:refund"}
                    )
                )

    async def list_subscriptions(self) -> AsyncIterator[Fact]:
        now = datetime.fromtimestamp(self._clock(), UTC)
        async for found in self._pages(self._client.v1.subscriptions.list_async, {"status": "all"}):
            if TENANT in (found.get("metadata") or {}):
                yield subscription_fact(f"read:{found['id']}", found, now, now, 0)

    async def list_facts(self) -> AsyncIterator[Fact]:
        """Stripe keeps events for 30 days (docs.stripe.com/api/events)."""
        now = datetime.fromtimestamp(self._clock(), UTC)
        async for event in self._pages(self._client.v1.events.list_async, {}):
            yield read_event(event, now)

    async def _pages(self, ask: Callable[[Any], Any], wanted: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """The newest first (docs.stripe.com/api/pagination)."""
        asked = {**wanted, "limit": 100}
        while True:
            page = await self._ask(ask(asked))
            for found in page.data:
                yield found.to_dict()
            if not page.has_more:
                return
            asked["starting_after"] = page.data[-1].id

    async def make_catalogue(self) -> list[str]:
        """Products and prices, found by their lookup key and made where they are missing or cost something else.
        Their lookup keys, as they are then. Whoever pays the old price goes on paying it.
        """
        made = []
        for plan, amounts in self._prices.items():
            currency, *others = sorted(amounts)
            product = await self._find_product(plan)
            found = await self._list_prices(lookup_key(plan))
            if found and _amounts(found[0].to_dict()) == dict(amounts):
                continue
            options: Any = {other: {"unit_amount": amounts[other]} for other in others}
            await self._ask(
                self._client.v1.prices.create_async(
                    {
                        "product": product,
                        "currency": currency,
                        "unit_amount": amounts[currency],
                        "currency_options": options,
                        "recurring": {"interval": "month"},
                        "lookup_key": lookup_key(plan),
                        "transfer_lookup_key": True,
                    }
                )
            )
            made.append(lookup_key(plan))
        return made

    def read_event(self, body: bytes, signature: str) -> Fact:
        """Raises `Invalid` for what Stripe did not sign, and for a signature of long ago or of the future."""
        try:
            event = stripe.Webhook.construct_event(body, signature, self._webhook_secret, tolerance=OLDEST)
        except stripe.SignatureVerificationError:
            raise Invalid("This is not signed by Stripe, or was signed too long ago.", code="bad_signature") from None
        except _UNREADABLE:
            raise _no_event() from None
        signed_at = _signed_at(signature)
        if signed_at > self._clock() + NEWEST:
            raise Invalid("This was signed in the future.", code="bad_signature")
        try:
            return read_event(event.to_dict(), datetime.fromtimestamp(self._clock(), UTC))
        except _UNREADABLE:
            raise _no_event() from None

    async def _find_price(self, order: Order) -> str:
        if order.currency not in self._prices.get(order.plan, {}):
            problem = Phrase("The {plan} plan has no price in {currency}.", plan=order.plan, currency=order.currency)
            raise Invalid(problem, field="currency")
        found = await self._list_prices(lookup_key(order.plan))
        if not found:
            raise Unavailable(
                "The price is not set up yet: whoever runs this Backline has to run `backline billing setup`.",
                retry_after=timedelta(hours=1),
            )
        return str(found[0].id)

    async def _list_prices(self, key: str) -> list[Any]:
        asked: Any = {"lookup_keys": [key], "active": True, "expand": ["data.currency_options"]}
        return list((await self._ask(self._client.v1.prices.list_async(asked))).data)

    async def _find_product(self, plan: Plan) -> str:
        identity = LOOKUP + plan
        try:
            return str((await self._client.v1.products.retrieve_async(identity)).id)
        except stripe.InvalidRequestError:
            made = self._client.v1.products.create_async({"id": identity, "name": f"Backline {plan}"})
            return str((await self._ask(made)).id)

    async def _ask(self, request: Any) -> Any:
        try:
            return await request
        except (stripe.APIConnectionError, stripe.RateLimitError, stripe.APIError) as error:
            raise Unavailable("Stripe does not answer just now: try again in a minute.", retry_after=_SOON) from error
        except stripe.CardError as error:
            problem = Phrase("The card was not charged. {reason}", reason=error.user_message or "")
            raise Invalid(problem, code="card") from None
        except stripe.InvalidRequestError as error:
            code = MISSING if error.code == MISSING else "provider"
            problem = Phrase("Stripe does not take this ({reason}).", reason=error.code or "invalid")
            raise Invalid(problem, code=code) from None


def open_gateway(config: Config) -> StripeGateway | None:
    """None where no account at Stripe is configured."""
    if config.stripe_secret_key is None or config.stripe_webhook_secret is None:
        return None
    return StripeGateway(
        config.stripe_secret_key.get_secret_value(),
        config.stripe_webhook_secret.get_secret_value(),
        without_stars(config.prices),
        api=config.stripe_api_root,
    )


def _no_event() -> Invalid:
    return Invalid("This is no event that Stripe sends.", code="bad_event")


def _key(order: str, params: Mapping[str, Any]) -> str:
    """Stripe refuses a key that comes again with other parameters (docs.stripe.com/api/idempotent_requests)."""
    return f"{order}:{sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()[:32]}"


def _amounts(price: Mapping[str, Any]) -> dict[str, int]:
    options = {name: option["unit_amount"] for name, option in (price.get("currency_options") or {}).items()}
    return {price["currency"]: price["unit_amount"], **options}


def _signed_at(signature: str) -> int:
    parts = dict(part.split("=", 1) for part in signature.split(",") if "=" in part)
    return int(parts["t"])
