"""The fake Stripe behaves as its model does: keys, errors, pages of lists, expansion, trouble on the way."""

import asyncio
from typing import Any

import aiohttp
import pytest
import stripe

from sandbox.stripe.server import FakeStripe
from sandbox.stripe.trouble import Trouble
from tests.stripe_stage import Shop, a_client

ANN: Any = {"name": "Ann"}


class Wall:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def wall() -> Wall:
    return Wall()


async def test_another_key_and_no_key_are_refused(stripe_server: FakeStripe) -> None:
    async with a_client(stripe_server, key="sk_test_of_somebody_else") as stranger:
        with pytest.raises(stripe.AuthenticationError) as refused:
            await stranger.v1.products.list_async()
    assert refused.value.http_status == 401
    assert "somebody" not in str(refused.value)
    async with aiohttp.ClientSession() as http, http.get(f"{stripe_server.url}/v1/products") as answer:
        assert answer.status == 401
        assert (await answer.json())["error"]["type"] == "invalid_request_error"


async def test_another_version_of_the_api_is_refused(stripe_shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Invalid Stripe API version"):
        await stripe_shop.client.v1.products.list_async({}, {"stripe_version": "2020-08-27"})
    answered = await stripe_shop.client.v1.products.list_async()
    assert answered.last_response is not None
    assert answered.last_response.headers["Stripe-Version"] == "2026-10-28.endive"
    assert answered.last_response.request_id.startswith("req_")


async def test_the_same_key_and_request_give_the_same_answer_once(stripe_shop: Shop) -> None:
    create = stripe_shop.client.v1.customers.create_async
    first = await create(ANN, {"idempotency_key": "one"})
    again = await create(ANN, {"idempotency_key": "one"})
    assert again.id == first.id
    assert again.last_response is not None
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert len((await stripe_shop.client.v1.customers.list_async()).data) == 1
    with pytest.raises(stripe.IdempotencyError) as refused:
        await create({"name": "Bob"}, {"idempotency_key": "one"})
    assert refused.value.http_status == 400


async def test_a_failure_is_remembered_by_its_key_but_not_one_of_the_parameters(stripe_shop: Shop) -> None:
    customer = await stripe_shop.customer("pm_card_chargeCustomerFail")
    asked = {"payment_behavior": "error_if_incomplete"}
    for _ in range(2):
        with pytest.raises(stripe.CardError):
            await stripe_shop.client.v1.subscriptions.create_async(
                {"customer": customer.id, "items": [{"price": stripe_shop.basic.id}], **asked},  # type: ignore[typeddict-item]
                {"idempotency_key": "a"},
            )
    assert [asked.replayed for asked in stripe_shop.fake.troubles.journal][-2:] == [False, True]
    wrong: Any = {"nmae": "Ann"}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await stripe_shop.client.v1.customers.create_async(wrong, {"idempotency_key": "b"})
    assert (refused.value.code, refused.value.param) == ("parameter_unknown", "nmae")
    assert (await stripe_shop.client.v1.customers.create_async(ANN, {"idempotency_key": "b"})).name == "Ann"


async def test_a_key_is_forgotten_after_a_day(wall: Wall) -> None:
    async with FakeStripe(wall=wall) as fake, a_client(fake) as client:
        first = await client.v1.customers.create_async(ANN, {"idempotency_key": "one"})
        wall.now += 86_401
        assert (await client.v1.customers.create_async(ANN, {"idempotency_key": "one"})).id != first.id


async def test_two_requests_of_one_key_at_once_are_carried_out_once(stripe_shop: Shop) -> None:
    made = await asyncio.gather(
        *(stripe_shop.client.v1.customers.create_async(ANN, {"idempotency_key": "one"}) for _ in range(5))
    )
    assert len({customer.id for customer in made}) == 1


async def test_what_was_carried_out_before_the_connection_broke_is_not_done_twice(stripe_server: FakeStripe) -> None:
    stripe_server.troubles.add(Trouble(kind="drop_answer", path="/v1/customers"))
    async with a_client(stripe_server, retries=2) as client:
        made = await client.v1.customers.create_async(ANN)
        assert made.last_response is not None
        assert made.last_response.headers["Idempotent-Replayed"] == "true"
        assert len((await client.v1.customers.list_async()).data) == 1


@pytest.mark.parametrize(
    ("status", "error"), [(503, stripe.APIError), (500, stripe.APIError), (429, stripe.RateLimitError)]
)
async def test_stripe_may_be_down_or_say_that_it_is_too_much(
    stripe_shop: Shop, status: int, error: type[stripe.StripeError]
) -> None:
    trouble = stripe_shop.fake.troubles.add(Trouble(kind="error", status=status, times=None))
    with pytest.raises(error) as refused:
        await stripe_shop.client.v1.customers.create_async(ANN)
    assert refused.value.http_status == status
    assert trouble.happened == 1
    stripe_shop.fake.troubles.clear()
    assert (await stripe_shop.client.v1.customers.list_async()).data == []


async def test_connections_may_be_refused_and_cut(stripe_shop: Shop) -> None:
    stripe_shop.fake.troubles.add(Trouble(kind="cut"))
    with pytest.raises(stripe.APIConnectionError):
        await stripe_shop.client.v1.customers.create_async(ANN)
    refusing = asyncio.create_task(stripe_shop.fake.refuse(0.3))
    await asyncio.sleep(0)
    with pytest.raises(stripe.APIConnectionError):
        async with a_client(stripe_shop.fake) as fresh:
            await fresh.v1.customers.create_async(ANN)
    await refusing
    assert (await stripe_shop.client.v1.customers.list_async()).data == []


async def test_an_answer_may_be_late(stripe_shop: Shop) -> None:
    stripe_shop.fake.troubles.add(Trouble(kind="delay", seconds=0.2))
    before = asyncio.get_running_loop().time()
    await stripe_shop.client.v1.customers.list_async()
    assert asyncio.get_running_loop().time() - before >= 0.2


async def test_a_list_is_read_in_pages_from_either_end(stripe_shop: Shop) -> None:
    create, read = stripe_shop.client.v1.customers.create_async, stripe_shop.client.v1.customers.list_async
    names = [f"customer {number}" for number in range(7)]
    for name in names:
        await create({"name": name})
    first = await read({"limit": 3})
    assert ([c.name for c in first.data], first.has_more) == (names[:3:-1], True)
    assert [c.name async for c in first.auto_paging_iter()] == names[::-1]
    last = await read({"limit": 3, "starting_after": first.data[2].id})
    assert ([c.name for c in last.data], last.has_more) == (names[3:0:-1], True)
    before = await read({"limit": 2, "ending_before": last.data[0].id})
    assert [c.name for c in before.data] == names[5:3:-1]
    assert before.has_more is True


async def test_metadata_is_merged_and_forgotten_key_by_key(stripe_shop: Shop) -> None:
    customer = await stripe_shop.client.v1.customers.create_async({"metadata": {"a": "1", "b": "2"}})
    update = stripe_shop.client.v1.customers.update_async
    changed = await update(customer.id, {"metadata": {"b": "", "c": "3"}})
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"a": "1", "c": "3"}
    changed = await update(customer.id, {"metadata": ""})
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {}


async def test_a_lookup_key_belongs_to_one_price_and_can_be_taken_over(stripe_shop: Shop) -> None:
    v1 = stripe_shop.client.v1
    with pytest.raises(stripe.InvalidRequestError, match="already uses that lookup key"):
        await stripe_shop.make_price("Basic", 1200, "basic")
    recurring: Any = {"interval": "month"}
    dearer = await v1.prices.create_async(
        {
            "product": str(stripe_shop.basic.product),
            "currency": "eur",
            "unit_amount": 1200,
            "recurring": recurring,
            "lookup_key": "basic",
            "transfer_lookup_key": True,
        }
    )
    found = await v1.prices.list_async(
        {"lookup_keys": ["basic"], "expand": ["data.currency_options", "data.product"]}
    )
    assert [price.id for price in found.data] == [dearer.id]
    assert found.data[0].product.name == "Basic"  # type: ignore[union-attr]
    assert (found.data[0].currency_options or {})["eur"].unit_amount == 1200
    assert (await v1.prices.retrieve_async(stripe_shop.basic.id)).lookup_key is None


async def test_what_cannot_be_expanded_or_is_not_there_is_named(stripe_shop: Shop) -> None:
    v1 = stripe_shop.client.v1
    with pytest.raises(stripe.InvalidRequestError, match=r"cannot be expanded \(data\.name\)"):
        await v1.products.list_async({"expand": ["data.name"]})
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        await v1.subscriptions.retrieve_async("sub_nothing")
    assert (unknown.value.code, unknown.value.http_status) == ("resource_missing", 404)
    assert str(unknown.value.user_message) == "No such subscription: 'sub_nothing'"
    with pytest.raises(stripe.InvalidRequestError) as lacking:
        await v1.products.create_async({})  # type: ignore[typeddict-item]
    assert (lacking.value.code, lacking.value.param) == ("parameter_missing", "name")
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
        await v1.coupons.list_async()


async def test_a_real_card_is_never_taken(stripe_shop: Shop) -> None:
    card: Any = {"number": "4111111111111111", "exp_month": 1, "exp_year": 2030, "cvc": "123"}
    with pytest.raises(stripe.CardError) as refused:
        await stripe_shop.client.v1.payment_methods.create_async({"type": "card", "card": card})
    assert refused.value.code == "incorrect_number"
