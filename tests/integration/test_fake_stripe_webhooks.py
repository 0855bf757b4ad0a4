"""Events of the fake Stripe arrive signed, at least once, however they are spoiled on the way."""

import time
from typing import Any

import pytest

from sandbox.stripe.server import FakeStripe
from tests.stripe_stage import Listener, Shop, a_client, a_listener


async def _make_five(shop: Shop) -> list[str]:
    """The events that it makes, in order."""
    before = len(shop.fake.account.newest("event"))
    for number in range(5):
        await shop.client.v1.customers.create_async({"name": f"customer {number}"})
    made = shop.fake.account.newest("event")
    return [event["id"] for event in reversed(made[: len(made) - before])]


async def test_an_endpoint_hears_what_it_asked_for_and_its_secret_is_shown_once(stripe_shop: Shop) -> None:
    v1 = stripe_shop.client.v1
    async with a_listener() as listener:
        made = await v1.webhook_endpoints.create_async(
            {"url": listener.url, "enabled_events": ["customer.created"], "description": "ours"}
        )
        listener.secret = str(made.secret)
        assert "secret" not in (await v1.webhook_endpoints.retrieve_async(made.id)).to_dict()
        await stripe_shop.subscribe(await stripe_shop.customer())
        await stripe_shop.fake.webhooks.settled()
        assert listener.types == ["customer.created"]
        assert (await v1.webhook_endpoints.delete_async(made.id)).deleted is True
        await stripe_shop.customer()
        assert len(listener.events) == 1


async def test_events_can_be_read_again_when_they_did_not_arrive(
    stripe_shop: Shop, stripe_listener: Listener
) -> None:
    stripe_shop.fake.webhooks.set_faults(dropping=True)
    made = await _make_five(stripe_shop)
    v1 = stripe_shop.client.v1
    missed = await v1.events.list_async({"delivery_success": False, "types": ["customer.created"]})
    assert [event.id for event in missed.data] == made[::-1]
    assert (await v1.events.retrieve_async(made[0])).pending_webhooks == 1
    assert stripe_listener.events == []
    stripe_shop.fake.webhooks.clear_faults()
    await stripe_shop.fake.webhooks.settled()
    assert [identity for identity in stripe_listener.ids if identity in made] == made
    assert (await v1.events.list_async({"delivery_success": False})).data == []


async def test_an_endpoint_that_fails_is_tried_again_until_it_takes_it(
    stripe_shop: Shop, stripe_listener: Listener
) -> None:
    stripe_listener.status = 500
    made = await _make_five(stripe_shop)
    with pytest.raises(TimeoutError):
        await stripe_shop.fake.webhooks.settled(within=0.2)
    stripe_listener.status = 200
    await stripe_shop.fake.webhooks.settled()
    assert set(made) <= set(stripe_listener.ids)
    tries = [attempt.status for attempt in stripe_shop.fake.webhooks.attempts if attempt.event == made[0]]
    assert tries[0] == 500
    assert tries[-1] == 200


async def test_an_event_may_arrive_more_than_once(stripe_shop: Shop, stripe_listener: Listener) -> None:
    stripe_shop.fake.webhooks.set_faults(duplicates=2)
    made = await _make_five(stripe_shop)
    await stripe_shop.fake.webhooks.settled()
    assert [stripe_listener.ids.count(identity) for identity in made] == [3] * 5


async def test_events_may_arrive_in_another_order(stripe_shop: Shop, stripe_listener: Listener) -> None:
    await stripe_shop.fake.webhooks.settled()
    stripe_listener.events.clear()
    stripe_shop.fake.webhooks.set_faults(reorder=5)
    made = await _make_five(stripe_shop)
    await stripe_shop.fake.webhooks.settled()
    assert sorted(stripe_listener.ids) == sorted(made)
    assert stripe_listener.ids != made
    await stripe_shop.client.v1.customers.create_async({"name": "alone"})
    assert stripe_shop.fake.webhooks.outstanding == 1
    stripe_shop.fake.webhooks.release()
    await stripe_shop.fake.webhooks.settled()


async def test_events_may_be_late(stripe_shop: Shop, stripe_listener: Listener) -> None:
    await stripe_shop.fake.webhooks.settled()
    stripe_shop.fake.webhooks.set_faults(delay=0.2)
    before = time.monotonic()
    await stripe_shop.client.v1.customers.create_async({"name": "Ann"})
    await stripe_shop.fake.webhooks.settled()
    assert time.monotonic() - before >= 0.2
    assert stripe_listener.types[-1] == "customer.created"


@pytest.mark.parametrize(
    ("fault", "said"),
    [({"wrong_signature": True}, "No signatures found"), ({"skew": -400.0}, "outside the tolerance")],
)
async def test_what_is_signed_wrong_or_too_long_ago_is_refused_and_arrives_once_it_is_right(
    stripe_shop: Shop, stripe_listener: Listener, fault: dict[str, Any], said: str
) -> None:
    await stripe_shop.fake.webhooks.settled()
    stripe_shop.fake.webhooks.set_faults(**fault)
    await stripe_shop.client.v1.customers.create_async({"name": "Ann"})
    await stripe_listener.until(lambda: bool(stripe_listener.refused))
    assert said in stripe_listener.refused[0]
    stripe_shop.fake.webhooks.clear_faults()
    await stripe_shop.fake.webhooks.settled()
    assert stripe_listener.types[-1] == "customer.created"


async def test_a_signature_of_the_future_is_taken_by_the_library(
    stripe_shop: Shop, stripe_listener: Listener
) -> None:
    """Which is why a program has to look at it itself."""
    stripe_shop.fake.webhooks.set_faults(skew=4000.0)
    await stripe_shop.client.v1.customers.create_async({"name": "Ann"})
    await stripe_shop.fake.webhooks.settled()
    assert stripe_listener.refused == []


async def test_an_event_of_a_type_that_nobody_knows(stripe_server: FakeStripe, stripe_listener: Listener) -> None:
    stripe_server.acts.emit("something.never_heard_of", {"id": "thing_9", "object": "thing", "colour": "blue"})
    await stripe_server.webhooks.settled()
    assert stripe_listener.last("something.never_heard_of").colour == "blue"


async def test_an_event_says_whose_request_it_was(stripe_shop: Shop, stripe_listener: Listener) -> None:
    made = await stripe_shop.client.v1.customers.create_async({"name": "Ann"}, {"idempotency_key": "mine"})
    stripe_shop.fake.acts.delete_customer(made.id)
    await stripe_shop.fake.webhooks.settled()
    created, deleted = stripe_listener.events[-2:]
    assert made.last_response is not None
    assert (created.request.id, created.request.idempotency_key) == (made.last_response.request_id, "mine")
    assert (deleted.type, deleted.request.id) == ("customer.deleted", None)


async def test_two_endpoints_are_signed_for_each_with_its_own_secret(stripe_server: FakeStripe) -> None:
    async with a_listener() as one, a_listener() as two, a_client(stripe_server) as client:
        one.secret = stripe_server.add_endpoint(one.url)["secret"]
        two.secret = stripe_server.add_endpoint(two.url, secret="whsec_of_mine")["secret"]
        assert two.secret == "whsec_of_mine"
        await client.v1.customers.create_async({"name": "Ann"})
        await stripe_server.webhooks.settled()
        assert one.types == two.types == ["customer.created"]
