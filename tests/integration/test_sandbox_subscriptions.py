"""Subscriptions for Stars as months go by: renewed, canceled, failed, refunded."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiogram.methods import EditUserStarSubscription

from sandbox.memory import Memory
from sandbox.world import NotAllowed, World, real_clock
from tests.integration.scene import open_scene
from tests.integration.star_shop import MONTH, PRICE, StarShop, open_star_shop, seconds


@pytest.fixture
async def shop() -> AsyncIterator[StarShop]:
    async with open_star_shop() as opened:
        yield opened


async def edit(shop: StarShop, charge_id: str, *, is_canceled: bool) -> bool:
    return await shop.program.edit_user_star_subscription(shop.carl.id, charge_id, is_canceled)


async def test_each_month_is_a_payment_of_its_own(shop: StarShop) -> None:
    first = await shop.sell(await shop.link())
    charges = {first.telegram_payment_charge_id}
    for month in (1, 2):
        shop.advance(MONTH - timedelta(seconds=1))
        assert await shop.updates() == []
        shop.advance(timedelta(seconds=1))
        [renewed] = await shop.payments()
        assert (renewed.is_recurring, renewed.is_first_recurring) == (True, None)
        assert seconds(renewed.subscription_expiration_date) == shop.in_a_month()
        assert renewed.telegram_payment_charge_id not in charges
        charges.add(renewed.telegram_payment_charge_id)
        assert shop.balance() == 10_000 - (month + 1) * PRICE


async def test_months_that_pass_at_once_are_charged_one_by_one(shop: StarShop) -> None:
    first = await shop.sell(await shop.link())
    shop.advance(3 * MONTH)
    dates = [message.date for message in shop.scene.dialog.messages.values() if message.kind == "successful_payment"]
    assert [date - dates[0] for date in dates] == [n * MONTH for n in range(4)]
    assert seconds(first.subscription_expiration_date) == int(dates[1].timestamp())
    assert shop.balance() == 10_000 - 4 * PRICE


async def test_a_renewal_comes_by_itself_when_the_clock_is_there(shop: StarShop) -> None:
    await shop.sell(await shop.link())
    shop.scene.clock.advance(MONTH)
    await shop.scene.world.wait_for(lambda: shop.balance() == 10_000 - 2 * PRICE, what="the renewal")


async def test_without_enough_stars_it_ends_and_the_bot_hears_that_it_failed(shop: StarShop) -> None:
    await shop.sell(await shop.link())
    shop.scene.world.give_stars(shop.carl, PRICE - 1 - shop.balance())
    said = shop.scene.said(shop.scene.dialog)
    shop.advance(MONTH)
    assert await shop.states() == [("plus", "failed")]
    assert shop.scene.said(shop.scene.dialog) == said
    shop.scene.world.give_stars(shop.carl, 10_000)
    shop.advance(2 * MONTH)
    assert await shop.updates() == []


async def test_who_cancels_has_it_to_the_end_of_the_month(shop: StarShop) -> None:
    await shop.sell(await shop.link())
    subscription = shop.scene.world.cancel_subscription(shop.carl, shop.scene.bot)
    assert await shop.states() == [("plus", "canceled")]
    shop.advance(MONTH - timedelta(seconds=1))
    assert subscription.has_ended is False
    shop.advance(timedelta(seconds=1))
    assert subscription.has_ended is True
    assert await shop.updates() == []
    assert shop.balance() == 10_000 - PRICE
    with pytest.raises(NotAllowed, match="You have no such subscription"):
        shop.scene.world.renew_subscription(shop.carl, shop.scene.bot)


async def test_who_thinks_better_of_it_goes_on(shop: StarShop) -> None:
    world, bot = shop.scene.world, shop.scene.bot
    charge = (await shop.sell(await shop.link())).telegram_payment_charge_id
    world.cancel_subscription(shop.carl, bot, charge)
    with pytest.raises(NotAllowed, match="canceled already"):
        world.cancel_subscription(shop.carl, bot)
    world.renew_subscription(shop.carl, bot, charge)
    assert await shop.states() == [("plus", "canceled"), ("plus", "active")]
    with pytest.raises(NotAllowed, match="renews already"):
        world.renew_subscription(shop.carl, bot)
    with pytest.raises(NotAllowed, match="no such subscription"):
        world.cancel_subscription(shop.carl, bot, "stx")
    shop.advance(MONTH)
    assert len(await shop.payments()) == 1


async def test_what_the_bot_cancels_only_the_bot_allows_again(shop: StarShop) -> None:
    world, bot = shop.scene.world, shop.scene.bot
    charge = (await shop.sell(await shop.link())).telegram_payment_charge_id
    assert await edit(shop, charge, is_canceled=True)
    with pytest.raises(NotAllowed, match="The bot has canceled this subscription"):
        world.renew_subscription(shop.carl, bot)
    assert await edit(shop, charge, is_canceled=False)
    [subscription] = world.stars.lasting(shop.carl, bot)
    assert subscription.renews is False
    world.renew_subscription(shop.carl, bot)
    assert await shop.states() == [("plus", "active")]
    shop.advance(MONTH)
    assert len(await shop.payments()) == 1


async def test_what_the_bot_cancels_ends_without_a_word(shop: StarShop) -> None:
    charge = (await shop.sell(await shop.link())).telegram_payment_charge_id
    await edit(shop, charge, is_canceled=True)
    shop.advance(2 * MONTH)
    assert await shop.updates() == []
    assert shop.balance() == 10_000 - PRICE


async def test_a_subscription_is_known_by_its_first_payment(shop: StarShop) -> None:
    first = await shop.sell(await shop.link())
    shop.advance(MONTH)
    [renewed] = await shop.payments()

    async def refusal(user: int, charge_id: str) -> str:
        given: dict[str, Any] = {"user_id": user, "telegram_payment_charge_id": charge_id}
        return await shop.refusal(EditUserStarSubscription(**given, is_canceled=True))

    assert await refusal(shop.carl.id, renewed.telegram_payment_charge_id) == "CHARGE_ID_INVALID"
    assert await refusal(shop.carl.id, "") == "CHARGE_ID_INVALID"
    assert await refusal(shop.scene.olga.id, first.telegram_payment_charge_id) == "CHARGE_ID_INVALID"
    assert await refusal(1, first.telegram_payment_charge_id) == "USER_ID_INVALID"
    await edit(shop, first.telegram_payment_charge_id, is_canceled=True)
    shop.advance(MONTH)
    assert await refusal(shop.carl.id, first.telegram_payment_charge_id) == "CHARGE_ID_INVALID"


async def test_a_renewal_is_refunded_and_the_subscription_goes_on(shop: StarShop) -> None:
    await shop.sell(await shop.link())
    shop.advance(MONTH)
    [renewed] = await shop.payments()
    await shop.program.refund_star_payment(shop.carl.id, renewed.telegram_payment_charge_id)
    assert shop.balance() == 10_000 - PRICE
    shop.advance(MONTH)
    assert shop.balance() == 10_000 - 2 * PRICE


async def test_a_refund_may_end_the_subscription(shop: StarShop) -> None:
    shop.scene.world.rules.refunds_end_subscriptions = True
    link = await shop.link()
    paid, other = await shop.sell(link), await shop.sell(await shop.link(payload="other"))
    await shop.program.refund_star_payment(shop.carl.id, paid.telegram_payment_charge_id)
    [lasting] = shop.scene.world.stars.lasting(shop.carl, shop.scene.bot)
    assert lasting.charge_id == other.telegram_payment_charge_id


@pytest.mark.parametrize("gone", ["person", "bot"])
async def test_nobody_pays_for_who_is_gone(shop: StarShop, gone: str) -> None:
    await shop.sell(await shop.link())
    if gone == "person":
        shop.scene.world.delete_user(shop.carl)
    else:
        shop.scene.world.delete_bot(shop.scene.bot)
    shop.advance(MONTH)
    assert shop.balance() == 10_000 - PRICE
    assert shop.scene.world.stars.lasting(shop.carl, shop.scene.bot) == []


async def test_a_clock_that_goes_by_itself_is_moved_on() -> None:
    async with open_scene(clock=real_clock) as scene:
        before = scene.world.now()
        scene.world.advance(MONTH)
        scene.world.advance(timedelta(hours=1))
        with pytest.raises(NotAllowed, match="goes forward only"):
            scene.world.advance(timedelta(seconds=-1))
        assert timedelta(0) <= scene.world.now() - before - MONTH - timedelta(hours=1) < timedelta(minutes=5)


async def test_a_world_that_is_kept_remembers_who_is_subscribed(shop: StarShop, tmp_path: Path) -> None:
    await shop.sell(await shop.link())
    memory = Memory(tmp_path / "world")
    memory.keep(shop.scene.world, {})
    recalled = memory.recall()
    assert recalled is not None
    again: World = recalled[0]
    again.advance(MONTH)
    assert again.balance(again.user(shop.carl.id)) == 10_000 - 2 * PRICE


class TestControl:
    """The same over HTTP, for the page and for tests in other processes."""

    @staticmethod
    async def get(shop: StarShop, path: str, **query: Any) -> Any:
        async with shop.scene.http.get(f"{shop.scene.sandbox.url}/sandbox/{path}", params=query) as response:
            return await response.json()

    @staticmethod
    async def post(shop: StarShop, path: str, **body: Any) -> Any:
        async with shop.scene.http.post(f"{shop.scene.sandbox.url}/sandbox/{path}", json=body) as response:
            return await response.json()

    async def test_a_subscription_from_the_offer_to_its_end(self, shop: StarShop) -> None:
        carl, bot = shop.carl.id, shop.scene.bot.id
        offer = await self.get(shop, "invoice", **{"as": carl, "link": await shop.link()})
        assert (offer["title"], offer["amount"], offer["is_subscription"]) == ("Plus", PRICE, True)
        assert (offer["bot"]["name"], offer["balance"]) == ("Shop", 10_000)
        checkout = await self.post(shop, "act", do="pay", link=offer["link"], **{"as": carl})
        assert checkout["outcome"] == "waiting"
        await shop.program.answer_pre_checkout_query(checkout["id"], ok=True)
        closed = await self.get(shop, f"checkout/{checkout['id']}")
        assert closed["outcome"] == "paid"
        seen = await self.get(shop, "stars", **{"as": carl, "bot": bot})
        [subscription] = seen["subscriptions"]
        assert (seen["balance"], subscription["renews"]) == (10_000 - PRICE, True)
        assert subscription["charge_id"] == closed["charge_id"]
        deed = {"as": carl, "bot": bot}
        assert (await self.post(shop, "act", do="cancel_subscription", **deed))["renews"] is False
        assert (await self.post(shop, "act", do="renew_subscription", **deed))["renews"] is True
        await self.post(shop, "act", do="give_stars", amount=1_000, **deed)
        before = shop.scene.world.now()
        moved = await self.post(shop, "clock/advance", days=30)
        assert datetime.fromisoformat(moved["now"]) == before + MONTH
        seen = await self.get(shop, "stars", **{"as": carl, "bot": bot})
        assert seen["balance"] == 11_000 - 2 * PRICE

    async def test_what_can_not_be_done_is_a_sentence(self, shop: StarShop) -> None:
        assert await self.get(shop, "checkout/7") == {"error": "There is no such checkout."}
        wrong = await self.get(shop, "invoice", **{"as": shop.carl.id, "link": "t.me/$7"})
        assert wrong == {"error": "This link leads to no invoice."}
        for length in ({"moons": 1}, {"days": "x"}, {"days": 10**12}):
            assert "That is no length of time" in (await self.post(shop, "clock/advance", **length))["error"]
