"""Plans that are paid with Telegram Stars, as an owner does it: in the setup bot, over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import TypeVar, cast

import pytest
from redis.asyncio import Redis
from sqlalchemy import delete, select

from sandbox.server import Sandbox
from tenants.billing.books import read_facts
from tenants.billing.facts import Fact, Kind
from tenants.billing.tables import billing_facts
from tenants.config import Config
from tenants.connections import Connections, Tenant
from tenants.crypto import load_keyring
from tenants.db import Database
from tenants.models import tenants
from tenants.plans import Plan
from tests.e2e.setup_bot_stage import Person, Stage, running_stage
from tests.work import do_jobs

PRICES = "pro=usd:1900,xtr:900 business=usd:9900,xtr:4700"
MONTH = timedelta(days=30)
T = TypeVar("T")


@pytest.fixture
async def stage(sandbox: Sandbox, config: Config, database: Database) -> AsyncIterator[Stage]:
    selling = config.model_copy(update={"billing_prices": PRICES, "billing_link": "stars"})
    async with Redis.from_url(config.redis_url.get_secret_value()) as redis:
        await redis.delete("billing:reconciled:stars")
    async with running_stage(sandbox, selling, database) as running:
        keyring = load_keyring(config.backline_keyring)
        running.connections = Connections(database, keyring, plan=Plan.FREE)
        yield running


@pytest.fixture
async def owner(stage: Stage) -> Person:
    person = stage.person("Olivia")
    await stage.desk(person)
    await person.open()
    await person.tap("acme_shop_bot", "Plan: free")
    return person


async def invoice(owner: Person, plan: str = "pro") -> str:
    """From the card to the link at which Stars are paid."""
    await owner.open()
    await owner.tap("acme_shop_bot", "Status")
    await owner.tap("Plan", "The plan of @acme_shop_bot")
    await owner.tap(f"{plan}:", f"Backline {plan}", "Telegram asks you once more")
    return owner.link()


async def wait(stage: Stage, met: Callable[[], Awaitable[T]]) -> T:
    """Until it is something; jobs are done meanwhile."""
    async with asyncio.timeout(30):
        while True:
            await do_jobs(stage.database)
            if found := await met():
                return found


async def plan_is(stage: Stage, owner: Person, plan: Plan) -> Tenant:
    async def met() -> Tenant | None:
        found = await stage.tenant(owner)
        return found if found.plan is plan else None

    return cast("Tenant", await wait(stage, met))


async def facts_of(stage: Stage, tenant: Tenant) -> list[Fact]:
    async with stage.database.tenant(tenant.id) as unit:
        return sorted(await read_facts(unit, tenant.id), key=lambda fact: fact.at)


async def test_from_a_locked_setting_to_a_paid_plan_and_to_its_end(stage: Stage, owner: Person) -> None:
    await owner.tap("Settings", "Settings of")
    await owner.tap("Dialogs", "Welcome")
    await owner.tap("Welcome", "The pro plan allows everything here, for 900 ⭐ a month.")
    owner.send("OFF")
    await owner.sees("WELCOME on the free plan", "The pro plan allows more")
    await owner.tap("Plan", "You are on the free plan.", "· 900 ⭐ a month", "· 4700 ⭐ a month")
    await owner.tap("pro: 900 ⭐ a month", "A month of the pro plan for @acme_shop_bot costs 900 ⭐")
    assert (await owner.pay(owner.link())).outcome == "paid"
    assert owner.balance == 10_000 - 900
    await plan_is(stage, owner, Plan.PRO)
    await owner.sees("✅ @acme_shop_bot is on the pro plan now.")
    await owner.open()
    await owner.tap("acme_shop_bot", "Plan: pro")
    await owner.tap("Plan", "You are on the pro plan, paid until")
    await owner.tap("End the subscription", "It ends on")
    await owner.tap("Go on with the subscription", "paid until")
    await owner.tap("End the subscription", "It ends on")
    stage.world.advance(MONTH)
    assert owner.balance == 10_000 - 900, "it was ended"


async def test_every_month_is_paid_and_noted(stage: Stage, owner: Person) -> None:
    await owner.pay(await invoice(owner))
    tenant = await plan_is(stage, owner, Plan.PRO)
    stage.world.advance(MONTH)
    assert owner.balance == 10_000 - 2 * 900

    async def both() -> list[Fact]:
        found = await facts_of(stage, tenant)
        return found if len(found) > 1 else []

    first, second = await wait(stage, both)
    assert first.subscription == second.subscription
    assert second.paid_until is not None
    assert first.paid_until is not None
    assert timedelta(days=29) < second.paid_until - first.paid_until < timedelta(days=31)
    await plan_is(stage, owner, Plan.PRO)


async def test_what_is_ended_in_telegram_is_ended_here(stage: Stage, owner: Person) -> None:
    await owner.pay(await invoice(owner))
    tenant = await plan_is(stage, owner, Plan.PRO)
    owner.cancel_subscription()

    async def noted() -> bool:
        return any(fact.ends_at for fact in await facts_of(stage, tenant))

    await wait(stage, noted)
    await do_jobs(stage.database)
    await owner.open()
    await owner.tap("acme_shop_bot", "Plan: pro")
    await owner.tap("Plan", "It ends on")


async def test_a_month_that_is_not_paid_is_told_and_the_plan_counts_on(stage: Stage, owner: Person) -> None:
    await owner.pay(await invoice(owner))
    await plan_is(stage, owner, Plan.PRO)
    stage.world.give_stars(owner.user, -9000)
    stage.world.advance(MONTH)

    async def told() -> bool:
        return any("The payment for @acme_shop_bot has failed" in m.text for m in owner.read())

    await wait(stage, told)
    assert (await stage.tenant(owner)).plan is Plan.PRO
    await owner.tap("Plan", "The last payment has failed. The pro plan counts for a week")


async def test_a_bigger_plan_ends_the_smaller_and_gives_its_month_back(stage: Stage, owner: Person) -> None:
    await owner.pay(await invoice(owner))
    await plan_is(stage, owner, Plan.PRO)
    await owner.pay(await invoice(owner, "business"))
    await plan_is(stage, owner, Plan.BUSINESS)
    await stage.until(lambda: owner.balance == 10_000 - 4700, "the smaller plan's month, given back")
    stage.world.advance(MONTH)
    assert owner.balance == 10_000 - 2 * 4700, "one subscription goes on"


async def test_an_invoice_is_for_one_person_once_and_at_todays_price(stage: Stage, owner: Person) -> None:
    link = await invoice(owner)
    thief = stage.person("Mallory")
    foreign = await thief.pay(link)
    assert (foreign.outcome, foreign.error) == (
        "refused",
        "This invoice was made for somebody else: open the plan in the bot yourself.",
    )
    assert (await owner.pay(link)).outcome == "paid"
    await plan_is(stage, owner, Plan.PRO)
    again = await owner.pay(link)
    assert (again.outcome, again.error) == ("refused", "@acme_shop_bot has the pro plan already.")
    assert owner.balance == 10_000 - 900
    assert thief.balance == 10_000


async def test_an_invoice_of_yesterdays_price_is_not_taken(stage: Stage, owner: Person) -> None:
    link = await invoice(owner)
    await stage.stop()
    stage.config = stage.config.model_copy(update={"billing_prices": PRICES.replace("xtr:900", "xtr:950")})
    await stage.start()
    stale = await owner.pay(link)
    assert stale.error == "This invoice is not valid any more: open the plan in the bot again."


async def test_an_invoice_of_a_connection_that_is_gone_is_not_taken(stage: Stage, owner: Person) -> None:
    link = await invoice(owner)
    tenant = await stage.tenant(owner)
    await stage.connections.erase(tenant.owner_id, tenant.id)
    assert (await owner.pay(link)).error == "There is no such connection."


async def test_an_erased_connection_costs_no_stars_any_more(stage: Stage, owner: Person) -> None:
    await owner.pay(await invoice(owner))
    tenant = await plan_is(stage, owner, Plan.PRO)
    await stage.connections.erase(tenant.owner_id, tenant.id)
    await stage.until(
        lambda: not any(one.renews for one in stage.world.stars.lasting(owner.user, stage.bot)), "its end"
    )
    stage.world.advance(MONTH)
    assert owner.balance == 10_000 - 900


async def test_a_payment_that_was_never_told_is_found_in_telegrams_books(stage: Stage, owner: Person) -> None:
    await owner.pay(await invoice(owner))
    tenant = await plan_is(stage, owner, Plan.PRO)
    async with stage.database.tenant(tenant.id) as unit:
        await unit.execute(delete(billing_facts))
    await stage.redis.delete("billing:reconciled:stars")
    (found,) = await wait(stage, lambda: facts_of(stage, tenant))
    assert (found.kind, found.plan, found.person) == (Kind.SUBSCRIPTION, Plan.PRO, owner.user.id)


async def test_a_plan_that_only_whoever_pays_may_end(stage: Stage, owner: Person) -> None:
    await owner.pay(await invoice(owner))
    tenant = await plan_is(stage, owner, Plan.PRO)
    other = stage.person("Adam")
    async with stage.database.tenant(tenant.id) as unit:
        await unit.execute(tenants.update().where(tenants.c.id == tenant.id).values(owner_id=other.user.id))
        assert (await unit.execute(select(tenants.c.owner_id))).scalar_one() == other.user.id
    await other.open()
    await other.tap("acme_shop_bot", "Plan: pro")
    await other.tap("Plan", "Somebody else pays for this connection")
    assert other.labels() == ["◀️ Back"]
