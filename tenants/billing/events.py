"""Stripe's events and objects as facts of ours. Nothing here asks Stripe anything.

Shapes are those of API version 2026-10-28.endive (docs.stripe.com/api).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tenants.billing.facts import Fact, Kind, Provider, Status, describe_state
from tenants.ids import TenantId, UserId
from tenants.plans import Plan

LOOKUP = "backline_"
"""Before the plan's name in a price's lookup key."""
TENANT = "backline_tenant"
"""The key of metadata that says whose a subscription is."""
PERSON = "backline_person"
"""And who ordered it: a Telegram user id."""
_STATUSES: Mapping[str, Status] = {
    "incomplete": Status.INCOMPLETE,
    "incomplete_expired": Status.ENDED,
    "trialing": Status.ACTIVE,
    "active": Status.ACTIVE,
    "past_due": Status.PAST_DUE,
    "unpaid": Status.PAST_DUE,
    "canceled": Status.ENDED,
    "paused": Status.ENDED,
}
_RANKS = {"customer.subscription.created": 0, "customer.subscription.deleted": 9}
_KINDS: Mapping[str, Kind] = {
    "invoice.paid": Kind.PAID,
    "invoice.payment_failed": Kind.PAYMENT_FAILED,
    "invoice.payment_action_required": Kind.PAYMENT_FAILED,
    "charge.refunded": Kind.REFUNDED,
    "charge.dispute.created": Kind.DISPUTED,
    "customer.deleted": Kind.CUSTOMER_DELETED,
}


def lookup_key(plan: Plan) -> str:
    return LOOKUP + plan


def read_event(event: Mapping[str, Any], received_at: datetime) -> Fact:
    """An event as Stripe sends it (docs.stripe.com/api/events/object)."""
    at = datetime.fromtimestamp(int(event["created"]), UTC)
    body, kind = event["data"]["object"], str(event["type"])
    if body.get("object") == "subscription":
        rank = _RANKS.get(kind, 1 if body["status"] == "incomplete" else 2)
        return subscription_fact(
            str(event["id"]), body, at, received_at, rank, changed=event["data"].get("previous_attributes")
        )
    known = _KINDS.get(kind, Kind.OTHER)
    parent = (body.get("parent") or {}).get("subscription_details") or {}
    metadata = {**(parent.get("metadata") or {}), **(body.get("metadata") or {})}
    subscription = parent.get("subscription") or body.get("subscription")
    customer = body["id"] if body.get("object") == "customer" else body.get("customer")
    return Fact(
        id=str(event["id"]),
        provider=Provider.STRIPE,
        kind=known,
        at=at,
        received_at=received_at,
        tenant=_tenant(metadata.get(TENANT)),
        person=_person(metadata.get(PERSON)),
        subscription=_name(subscription),
        customer=_name(customer),
        note=kind,
    )


def subscription_fact(
    identity: str,
    body: Mapping[str, Any],
    at: datetime,
    received_at: datetime,
    rank: int,
    *,
    changed: Mapping[str, Any] | None = None,
) -> Fact:
    """`changed` are the values that were there before, of what changed."""
    metadata = body.get("metadata") or {}
    status, plan, units, ends_at = _state(body)
    return Fact(
        id=identity,
        provider=Provider.STRIPE,
        kind=Kind.SUBSCRIPTION,
        at=at,
        received_at=received_at,
        tenant=_tenant(metadata.get(TENANT)),
        person=_person(metadata.get(PERSON)),
        subscription=str(body["id"]),
        customer=_name(body.get("customer")),
        rank=rank,
        status=status,
        plan=plan,
        units=units,
        paid_until=_moment(_item(body).get("current_period_end")),
        ends_at=ends_at,
        before=None if changed is None else describe_state(*_state({**body, **changed})),
        note=str(body["status"]),
    )


def _state(body: Mapping[str, Any]) -> tuple[Status, Plan | None, int, datetime | None]:
    item = _item(body)
    ends = body.get("cancel_at") or (item.get("current_period_end") if body.get("cancel_at_period_end") else None)
    status = _STATUSES.get(str(body["status"]), Status.ENDED)
    return status, _plan(item.get("price") or {}), int(item.get("quantity") or 1), _moment(ends)


def _item(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """A subscription of ours has one."""
    items = body["items"]["data"]
    return items[0] if items else {}


def _plan(price: Mapping[str, Any]) -> Plan | None:
    """None for a price that is none of ours: of another product of the same account."""
    named = {lookup_key(plan): plan for plan in Plan}
    product = price.get("product")
    return named.get(str(price.get("lookup_key"))) or named.get(str(product))


def _tenant(typed: object) -> TenantId | None:
    try:
        return TenantId(UUID(str(typed)))
    except ValueError:
        return None


def _person(typed: object) -> UserId | None:
    return UserId(int(str(typed))) if str(typed).isdecimal() else None


def _name(found: object) -> str | None:
    """An id, or the object itself where it was expanded."""
    if isinstance(found, Mapping):
        found = found.get("id")
    return None if found is None else str(found)


def _moment(seconds: object) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(int(str(seconds)), UTC)
