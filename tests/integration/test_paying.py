"""From the pay page over Stripe to a plan that counts, and back, through the real library and over real HTTP."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from sandbox.stripe.trouble import Trouble
from tenants.access.administrators import Administrators
from tenants.billing.cashier import Cashier
from tenants.billing.reconciliation import reconcile
from tenants.billing.standing import Reason
from tenants.connections import Connections, Tenant
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.ids import UserId
from tenants.plans import Plan
from tests.billing_stage import SECRET, Till, read
from tests.factories import OWNER, make_tenant

ANOTHER = UserId(4242)


@pytest.fixture
async def tenant(database: Database, keyring: Keyring) -> Tenant:
    return await make_tenant(database, keyring, plan=Plan.FREE)


@pytest.fixture
async def cashier(till: Till, redis_url: str) -> AsyncIterator[Cashier]:
    async with Redis.from_url(redis_url) as redis:
        await redis.delete("billing:reconciled:stripe")
        yield Cashier(till.database, [till.gateway], redis)


async def test_what_is_paid_on_the_page_counts(till: Till, tenant: Tenant) -> None:
    page = await till.http.get(await till.link(tenant))
    assert "@" + tenant.bot_username in read(page)
    assert "€18.00 / $19.00 a month for each unit" in read(page)
    await till.pay(tenant, units=3)
    assert await till.plan(tenant) == (Plan.PRO, 3)
    assert await till.told(tenant) == ["plan_paid"]
    assert "You are on the pro plan, paid until" in read(await till.http.get(await till.link(tenant)))


async def test_a_change_is_asked_back_and_charged_at_once(till: Till, tenant: Tenant) -> None:
    subscription = await till.pay(tenant)
    link = await till.link(tenant)
    asked = await till.order(link, Plan.BUSINESS)
    assert "€95.00 a month" in read(asked)
    assert await till.plan(tenant) == (Plan.PRO, 1)
    done = await till.http.post(link, data={"plan": "business", "currency": "eur", "sure": "yes"})
    assert done.headers["location"].endswith("?done=changed")
    await till.settle()
    assert await till.plan(tenant) == (Plan.BUSINESS, 1)
    paid = [one["amount_paid"] for one in till.fake.account.newest("invoice") if _of(one) == subscription]
    assert paid[0] >= 7600, "the difference of the month that has just begun"
    assert len(till.fake.account.newest("subscription")) == 1


def _of(invoice: dict[str, Any]) -> str:
    return str(invoice["parent"]["subscription_details"]["subscription"])


async def test_a_change_that_the_card_does_not_pay_changes_nothing(till: Till, tenant: Tenant) -> None:
    subscription = await till.pay(tenant)
    customer = till.fake.account.get("subscription", subscription)["customer"]
    till.fake.acts.fail_card(customer)
    link = await till.link(tenant)
    sure = {"plan": "business", "currency": "eur", "sure": "yes"}
    refused = await till.http.post(link, data=sure)
    assert refused.status_code == 422
    assert "The card was not charged." in read(refused)
    await till.settle()
    assert await till.plan(tenant) == (Plan.PRO, 1)
    till.fake.acts.fail_card(customer, None)
    assert (await till.http.post(link, data=sure)).status_code == 303
    await till.settle()
    assert await till.plan(tenant) == (Plan.BUSINESS, 1)


async def test_a_card_that_fails_has_a_week_and_a_payment_brings_all_back(till: Till, tenant: Tenant) -> None:
    subscription = await till.pay(tenant)
    till.fake.acts.fail_card(till.fake.account.get("subscription", subscription)["customer"])
    await till.advance(days=32)
    assert await till.plan(tenant) == (Plan.PRO, 1)
    assert "counts for a week" in read(await till.http.get(await till.link(tenant)))
    await till.age(tenant, days=40)
    assert await till.plan(tenant) == (Plan.FREE, 1)
    assert "Nothing is deleted" in read(await till.http.get(await till.link(tenant)))
    invoice = next(one for one in till.fake.account.newest("invoice") if one["status"] == "open")
    till.fake.acts.pay_invoice(invoice["id"], "4242424242424242")
    await till.settle()
    assert await till.plan(tenant) == (Plan.PRO, 1)
    assert [entry.reason for entry in await till.ledger(tenant)] == [
        Reason.NONE,
        Reason.PAID,
        Reason.GRACE,
        Reason.UNPAID,
        Reason.PAID,
    ]


async def test_the_portal_ends_a_subscription_when_its_month_is_over(till: Till, tenant: Tenant) -> None:
    subscription = await till.pay(tenant)
    link = await till.link(tenant)
    portal = await till.http.post(f"{link}/portal")
    assert portal.status_code == 303
    assert portal.headers["location"].startswith(till.fake.url)
    async with _library(till) as client:
        await client.v1.subscriptions.update_async(subscription, {"cancel_at_period_end": True})
    await till.settle()
    assert await till.plan(tenant) == (Plan.PRO, 1)
    assert "It ends on" in read(await till.http.get(link))
    await till.advance(days=32)
    assert await till.plan(tenant) == (Plan.FREE, 1)
    assert "plan_ended" in await till.told(tenant)


def _library(till: Till) -> Any:
    from tests.stripe_stage import a_client  # the library takes a while to import

    return a_client(till.fake)


async def test_two_payments_at_once_are_one_and_the_other_is_given_back(
    till: Till, tenant: Tenant, cashier: Cashier
) -> None:
    await till.pay_twice(tenant)
    assert len(till.fake.account.newest("subscription")) == 2
    assert await cashier.end_what_is_due() == 1
    assert await cashier.end_what_is_due() == 0
    await till.settle()
    statuses = [one["status"] for one in till.fake.account.newest("subscription")]
    assert sorted(statuses) == ["active", "canceled"]
    assert [one["amount"] for one in till.fake.account.newest("refund")] == [1800]
    assert await till.plan(tenant) == (Plan.BUSINESS, 1)


async def test_the_same_button_pressed_twice_opens_one_checkout(till: Till, tenant: Tenant) -> None:
    link = await till.link(tenant)
    first, second = await asyncio.gather(till.order(link), till.order(link))
    assert first.headers["location"] == second.headers["location"]


async def test_an_erased_connection_costs_nothing_any_more(
    till: Till, tenant: Tenant, cashier: Cashier, keyring: Keyring
) -> None:
    await till.pay(tenant)
    await Connections(till.database, keyring, plan=Plan.FREE).erase(OWNER, tenant.id)
    await till.settle()
    assert await cashier.end_what_is_due() == 1
    await till.settle()
    assert [one["status"] for one in till.fake.account.newest("subscription")] == ["canceled"]
    assert till.fake.account.newest("refund") == []
    assert (await till.http.get(await till.link(tenant))).status_code == 403


async def test_what_stripe_does_not_end_now_is_ended_later(till: Till, tenant: Tenant, cashier: Cashier) -> None:
    await till.pay_twice(tenant)
    till.fake.troubles.add(Trouble(kind="error", status=500, path="/v1/subscriptions", times=None))
    assert await cashier.end_what_is_due() == 1
    async with till.database.fleet() as unit:
        error = (await unit.execute(text("SELECT error FROM subscription_endings"))).scalar_one()
        await unit.execute(text("UPDATE subscription_endings SET due_at = now()"))
    assert "Stripe does not answer" in error
    till.fake.troubles.clear()
    assert await cashier.end_what_is_due() == 1
    await till.settle()
    assert sorted(one["status"] for one in till.fake.account.newest("subscription")) == ["active", "canceled"]


async def test_stripe_away_is_said_and_loses_nothing(till: Till, tenant: Tenant) -> None:
    link = await till.link(tenant)
    till.fake.troubles.add(Trouble(kind="error", status=500, path="/v1/", times=None))
    refused = await till.order(link)
    assert refused.status_code == 422
    assert "Stripe does not answer just now: try again in a minute." in read(refused)
    till.fake.troubles.clear()
    assert (await till.order(link)).status_code == 303


async def test_events_that_we_were_away_for_arrive_later(till: Till, tenant: Tenant) -> None:
    till.fake.webhooks.set_faults(dropping=True)
    answer = await till.order(await till.link(tenant))
    till.fake.acts.pay(answer.headers["location"].rsplit("/", 1)[-1])
    till.fake.advance(hours=1)
    assert await till.plan(tenant) == (Plan.FREE, 1)
    till.fake.webhooks.clear_faults()
    await till.advance(hours=6)
    assert await till.plan(tenant) == (Plan.PRO, 1)


async def test_a_manager_who_does_not_pay_sees_the_plan_and_touches_nothing(
    till: Till, tenant: Tenant, keyring: Keyring
) -> None:
    await till.pay(tenant)
    people = Administrators(till.database, Connections(till.database, keyring, plan=Plan.FREE))
    await people.accept(ANOTHER, "Ann", await people.invite(OWNER, tenant.id))
    link = await till.link(tenant, ANOTHER)
    page = read(await till.http.get(link))
    assert "You are on the pro plan" in page
    assert "Somebody else pays for this connection" in page
    assert "Choose a plan" not in page
    assert "Card, invoices" not in page
    for path, form in (("", {"plan": "business", "currency": "eur", "sure": "yes"}), ("/portal", {})):
        refused = await till.http.post(f"{link}{path}", data=form)
        assert refused.status_code == 422
        assert "only they can change or end it" in read(refused)
    assert await till.plan(tenant) == (Plan.PRO, 1)


async def test_links_that_are_forged_foreign_or_of_somebody_removed_open_nothing(
    till: Till, tenant: Tenant, database: Database, keyring: Keyring
) -> None:
    other = await make_tenant(database, keyring, bot=6001, owner=ANOTHER, plan=Plan.FREE)
    good, foreign = await till.link(tenant), await till.link(other, OWNER)
    forged = good[:-4] + ("AAAA" if not good.endswith("AAAA") else "BBBB")
    for link in (forged, foreign, f"{till.url}/pay/nonsense"):
        for answer in (await till.http.get(link), await till.order(link), await till.http.post(f"{link}/portal")):
            assert answer.status_code == 403
            assert "Choose a plan" not in read(answer)
    assert till.fake.account.newest("checkout.session") == []


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"plan": "free", "currency": "eur"}, "Choose one of the plans that are sold."),
        ({"plan": "gold", "currency": "eur"}, "Choose a plan and a whole number of units."),
        ({"plan": "pro", "units": "x", "currency": "eur"}, "Choose a plan and a whole number of units."),
        ({"plan": "pro", "units": "0", "currency": "eur"}, "Choose from 1 to 1000 units."),
        ({"plan": "pro", "units": "1001", "currency": "eur"}, "Choose from 1 to 1000 units."),
        ({"plan": "pro", "currency": "chf"}, "The pro plan has no price in CHF."),
        ({"plan": "pro", "currency": "xtr"}, "The pro plan has no price in XTR."),
        ({"plan": "pro"}, "The pro plan has no price in ."),
        ({}, "Choose a plan and a whole number of units."),
    ],
)
async def test_orders_that_make_no_sense_are_said_so(
    till: Till, tenant: Tenant, form: dict[str, str], words: str
) -> None:
    refused = await till.http.post(await till.link(tenant), data=form or {"x": "y"})
    assert refused.status_code == 422
    assert words in read(refused)
    assert till.fake.account.newest("checkout.session") == []


async def test_a_price_that_is_not_set_up_is_said_so(till: Till, tenant: Tenant) -> None:
    for price in till.fake.account.newest("price"):
        price["active"] = False
    refused = await till.order(await till.link(tenant))
    assert "`backline billing setup`" in read(refused)


async def test_the_catalogue_is_made_once_and_again_where_a_price_changes(till: Till) -> None:
    assert await till.gateway.make_catalogue() == []
    assert len(till.fake.account.newest("price")) == 2
    async with _library(till) as client:
        keys = {"lookup_keys": ["backline_pro"], "expand": ["data.currency_options"]}
        price = (await client.v1.prices.list_async(keys)).data[0].to_dict()
    assert (price["currency"], price["unit_amount"]) == ("eur", 1800)
    assert price["currency_options"]["usd"]["unit_amount"] == 1900


async def test_a_customer_that_was_deleted_at_stripe_ends_what_was_paid_for(till: Till, tenant: Tenant) -> None:
    subscription = await till.pay(tenant)
    till.fake.acts.delete_customer(till.fake.account.get("subscription", subscription)["customer"])
    await till.settle()
    assert await till.plan(tenant) == (Plan.FREE, 1)
    await till.pay(tenant)
    assert await till.plan(tenant) == (Plan.PRO, 1)


async def test_refunds_and_disputes_are_noted_and_change_no_plan(till: Till, tenant: Tenant) -> None:
    await till.pay(tenant)
    charge = till.fake.account.newest("charge")[0]["id"]
    till.fake.acts.refund(charge, 500)
    till.fake.acts.dispute(charge)
    await till.settle()
    assert await till.plan(tenant) == (Plan.PRO, 1)
    async with till.database.fleet() as unit:
        noted = (await unit.execute(text("SELECT DISTINCT kind FROM billing_facts"))).scalars().all()
    assert {"refunded", "disputed", "paid"} <= set(noted)


async def test_both_sides_are_compared_and_what_differs_is_told(
    till: Till, tenant: Tenant, cashier: Cashier, capsys: pytest.CaptureFixture[str]
) -> None:
    subscription = await till.pay(tenant)
    assert await reconcile(till.database, till.gateway) == []
    till.fake.webhooks.set_faults(dropping=True)
    async with _library(till) as client:
        await client.v1.subscriptions.cancel_async(subscription)
    found = await reconcile(till.database, till.gateway)
    assert [str(one) for one in found] == [f"{subscription}: here active pro × 1, there ended"]
    assert await cashier.reconcile_if_due() == 1
    assert await cashier.reconcile_if_due() == 0
    assert "billing.differs" in capsys.readouterr().out


async def test_what_the_webhook_never_got_is_fetched(till: Till, tenant: Tenant) -> None:
    for endpoint in till.fake.account.newest("webhook_endpoint"):
        endpoint["status"] = "disabled"
    answer = await till.order(await till.link(tenant))
    till.fake.acts.pay(answer.headers["location"].rsplit("/", 1)[-1])
    await till.settle()
    assert await till.plan(tenant) == (Plan.FREE, 1)
    fetched = [fact async for fact in till.gateway.list_facts()]
    assert SECRET not in repr(fetched)
    assert await till.note(fetched) > 0
    assert await till.note(fetched) == 0
    assert await till.plan(tenant) == (Plan.PRO, 1)
