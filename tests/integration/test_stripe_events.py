"""What arrives at the address for Stripe's events: only what Stripe signed, just now, each event once."""

import hmac
import json
import time
from hashlib import sha256
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import func, select

from api.app import create_app
from tenants.billing.tables import billing_facts
from tenants.connections import Tenant
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.plans import Plan
from tests.api_client import make_config
from tests.api_server import serving
from tests.billing_stage import PRICES, SECRET, Till
from tests.factories import make_tenant
from tests.fakes import FakeSessions


@pytest.fixture
async def tenant(database: Database, keyring: Keyring) -> Tenant:
    return await make_tenant(database, keyring, plan=Plan.FREE)


def an_event(tenant: Tenant) -> bytes:
    item = {"quantity": 1, "price": {"lookup_key": "backline_business"}, "current_period_end": 4_000_000_000}
    subscription = {
        "id": "sub_invented",
        "object": "subscription",
        "status": "active",
        "customer": "cus_invented",
        "metadata": {"backline_tenant": str(tenant.id)},
        "items": {"data": [item]},
    }
    event = {
        "id": "evt_invented",
        "object": "event",
        "type": "customer.subscription.created",
        "created": int(time.time()),
        "data": {"object": subscription},
    }
    return json.dumps(event).encode()


def signed(body: bytes, *, at: float = 0, secret: str = SECRET) -> dict[str, str]:
    """`at` seconds from now (docs.stripe.com/webhooks#verify-manually)."""
    moment = int(time.time() + at)
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, sha256).hexdigest()
    return {"Stripe-Signature": f"t={moment},v1={digest}"}


async def tell(till: Till, body: bytes, headers: dict[str, str]) -> httpx.Response:
    answer = await till.http.post(f"{till.url}/billing/stripe", content=body, headers=headers)
    await till.settle()
    return answer


async def noted(till: Till) -> int:
    async with till.database.fleet() as unit:
        return int((await unit.execute(select(func.count()).select_from(billing_facts))).scalar_one())


async def test_an_event_counts_once_however_often_it_is_told(till: Till, tenant: Tenant) -> None:
    body = an_event(tenant)
    for _ in range(3):
        assert (await tell(till, body, signed(body))).status_code == 204
    assert await noted(till) == 1
    assert await till.plan(tenant) == (Plan.BUSINESS, 1)
    assert await till.told(tenant) == ["plan_paid"]


@pytest.mark.parametrize(
    "headers",
    [
        lambda _: {},
        lambda _: {"Stripe-Signature": "nonsense"},
        lambda _: {"Stripe-Signature": f"t={int(time.time())},v1={'0' * 64}"},
        lambda body: signed(body, secret="whsec_of_somebody_else"),
        lambda body: signed(body + b" "),
        lambda body: signed(body, at=-400),
        lambda body: signed(body, at=120),
    ],
    ids=["unsigned", "nonsense", "forged", "another secret", "changed on its way", "old", "of the future"],
)
async def test_what_stripe_did_not_sign_just_now_is_refused(till: Till, tenant: Tenant, headers: Any) -> None:
    body = an_event(tenant)
    refused = await tell(till, body, headers(body))
    assert refused.status_code == 400
    assert refused.json()["code"] == "bad_signature"
    assert SECRET not in refused.text
    assert await noted(till) == 0
    assert await till.plan(tenant) == (Plan.FREE, 1)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"object": "event"}'])
async def test_signed_nonsense_is_no_event(till: Till, body: bytes) -> None:
    refused = await tell(till, body, signed(body))
    assert refused.status_code == 400
    assert await noted(till) == 0


async def test_what_is_too_large_is_not_read(till: Till) -> None:
    body = b'{"padding": "' + b"x" * 1_100_000 + b'"}'
    assert (await tell(till, body, signed(body))).status_code == 413


async def test_a_price_that_is_none_of_ours_opens_nothing(till: Till, tenant: Tenant) -> None:
    body = an_event(tenant).replace(b"backline_business", b"somebody_elses")
    assert (await tell(till, body, signed(body))).status_code == 204
    assert await till.plan(tenant) == (Plan.FREE, 1)


async def test_while_the_database_is_away_stripe_is_told_to_come_again(
    till: Till, tenant: Tenant, keyring: Keyring, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    body, link = an_event(tenant), (await till.link(tenant)).rsplit("/", 1)[-1]
    away = Database("postgresql://nobody:x@127.0.0.1:1/nothing")
    variables = {"STRIPE_SECRET_KEY": "sk_invented", "STRIPE_WEBHOOK_SECRET": SECRET, "BILLING_PRICES": PRICES}
    async with Redis.from_url(redis_url) as redis:
        config = make_config("postgresql://db/backline", redis_url, **variables)
        app = create_app(config, away, keyring, redis, sessions=FakeSessions())
        async with serving(app) as url:
            answer = await till.http.post(f"{url}/billing/stripe", content=body, headers=signed(body))
            page = await till.http.get(f"{url}/pay/{link}")
    await away.close()
    assert answer.status_code >= 500
    assert page.status_code >= 500
    assert link not in page.text + capsys.readouterr().out, "whoever reads the log must not be able to pay"
    assert (await tell(till, body, signed(body))).status_code == 204
    assert await till.plan(tenant) == (Plan.BUSINESS, 1)


async def test_duplicates_reordering_and_delay_change_nothing(till: Till, tenant: Tenant) -> None:
    till.fake.webhooks.set_faults(duplicates=2, reorder=3)
    answer = await till.order(await till.link(tenant), Plan.PRO, 2)
    till.fake.acts.pay(answer.headers["location"].rsplit("/", 1)[-1])
    till.fake.webhooks.release()
    await till.settle()
    assert await till.plan(tenant) == (Plan.PRO, 2)
    assert await till.told(tenant) == ["plan_paid"]
