"""`backline billing …` as whoever runs a deployment types it."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tenants.connections import Tenant
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.plans import Plan
from tests.billing_stage import PRICES, SECRET, Till
from tests.factories import make_tenant

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
async def tenant(database: Database, keyring: Keyring) -> Tenant:
    return await make_tenant(database, keyring, plan=Plan.FREE)


async def backline(database_url: str, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """Its exit code, and what it said and complained."""
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "backline", *arguments),
        cwd=CHECKOUT,
        env={"PATH": os.environ["PATH"], "DATABASE_URL": database_url, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await program.communicate()
    return program.returncode or 0, said.decode().strip(), complained.decode().strip()


def stripe_of(till: Till, prices: str = PRICES) -> dict[str, str]:
    return {
        "STRIPE_SECRET_KEY": till.fake.secret_key,
        "STRIPE_WEBHOOK_SECRET": SECRET,
        "STRIPE_API_ROOT": till.fake.url,
        "BILLING_PRICES": prices,
    }


async def test_prices_are_made_once_and_anew_when_they_change(till: Till, database_url: str) -> None:
    setup = ("billing", "setup")
    assert await backline(database_url, *setup, **stripe_of(till)) == (0, "Stripe has all prices already.", "")
    dearer = stripe_of(till, PRICES.replace("eur:1800", "eur:2000"))
    assert await backline(database_url, *setup, **dearer) == (0, "Made at Stripe: backline_pro.", "")
    assert await backline(database_url, *setup, **dearer) == (0, "Stripe has all prices already.", "")
    named = [price for price in till.fake.account.newest("price") if price["lookup_key"] == "backline_pro"]
    assert [price["unit_amount"] for price in named] == [2000]


async def test_what_differs_is_said_and_what_never_arrived_is_fetched(
    till: Till, tenant: Tenant, database_url: str
) -> None:
    variables = stripe_of(till)
    for endpoint in till.fake.account.newest("webhook_endpoint"):
        endpoint["status"] = "disabled"
    answer = await till.order(await till.link(tenant))
    till.fake.acts.pay(answer.headers["location"].rsplit("/", 1)[-1])
    code, _, complained = await backline(database_url, "billing", "check", **variables)
    assert code == 1
    assert "Stripe and the books differ:" in complained
    assert "here unknown, there active pro × 1" in complained
    code, said, _ = await backline(database_url, "billing", "fetch", **variables)
    assert (code, said.endswith("events that had not arrived are noted.")) == (0, True)
    assert await till.plan(tenant) == (Plan.FREE, 1)
    code, said, _ = await backline(database_url, "billing", "replay", **variables)
    assert (code, said) == (0, "The plans of 1 connections follow from what is noted.")
    assert await till.plan(tenant) == (Plan.PRO, 1)
    code, said, _ = await backline(database_url, "billing", "check", **variables)
    assert (code, said) == (0, "Stripe and the books say the same.")


async def test_without_an_account_it_says_what_to_set(database_url: str) -> None:
    code, said, complained = await backline(database_url, "billing", "check")
    assert (code, said) == (1, "")
    assert complained == "Set STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET: without them no card is taken."


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"BILLING_LINK": "web"}, "BILLING_LINK is web, but BILLING_PRICES is not set."),
        (
            {"BILLING_LINK": "stars", "BILLING_PRICES": "pro=usd:5"},
            "is stars, but BILLING_PRICES has no price in xtr",
        ),
        ({"BILLING_LINK": "web", "BILLING_PRICES": "pro=usd:5"}, "is web, but STRIPE_SECRET_KEY is not set"),
        ({"BILLING_LINK": "shop"}, "BILLING_LINK"),
        ({"BILLING_PRICES": "gold=usd:5"}, "BILLING_PRICES: must look like"),
        ({"BILLING_PRICES": "pro=usd:0"}, "BILLING_PRICES: must be more than nothing"),
        ({"STRIPE_SECRET_KEY": "sk_invented"}, "STRIPE_WEBHOOK_SECRET is not"),
    ],
)
async def test_what_does_not_go_together_is_one_sentence(
    database_url: str, variables: dict[str, str], sentence: str
) -> None:
    code, said, complained = await backline(database_url, "billing", "setup", **variables)
    assert (code, said) == (1, "")
    assert sentence in complained
    assert len(complained.splitlines()) == 1
    assert "sk_invented" not in complained
