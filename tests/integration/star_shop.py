"""A bot that sells for Stars: its program speaks aiogram to the sandbox, Carl pays in the app."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramBadRequest
from aiogram.methods import TelegramMethod
from aiogram.types import LabeledPrice, PreCheckoutQuery, SuccessfulPayment, Update

from sandbox.world import Checkout, User
from tests.integration.scene import Scene, open_scene

MONTH = timedelta(seconds=2_592_000)
PRICE = 250


@dataclass
class StarShop:
    scene: Scene
    program: Bot

    @property
    def carl(self) -> User:
        return self.scene.carl

    async def link(self, amount: int = PRICE, **about: Any) -> str:
        """A subscription, unless the period is taken away."""
        given: dict[str, Any] = {
            "title": "Plus",
            "description": "Everything, for a month",
            "payload": "plus",
            "provider_token": "",
            "currency": "XTR",
            "prices": [LabeledPrice(label="A month", amount=amount)],
            "subscription_period": int(MONTH.total_seconds()),
        }
        return await self.program.create_invoice_link(**given | about)

    async def updates(self) -> list[Update]:
        """Those that are new."""
        found = await self.program.get_updates()
        if found:
            await self.program.get_updates(offset=found[-1].update_id + 1)
        return found

    async def query(self) -> PreCheckoutQuery:
        [update] = await self.updates()
        assert update.pre_checkout_query is not None
        return update.pre_checkout_query

    async def payments(self) -> list[SuccessfulPayment]:
        """All updates are payments; those are."""
        messages = [update.message for update in await self.updates()]
        assert all(message is not None and message.successful_payment is not None for message in messages)
        return [message.successful_payment for message in messages if message and message.successful_payment]

    async def states(self) -> list[tuple[str, str]]:
        """All updates are of subscriptions: payload and state."""
        changes = [update.subscription for update in await self.updates()]
        assert all(change is not None and change.user.id == self.carl.id for change in changes)
        return [(change.invoice_payload, change.state) for change in changes if change is not None]

    async def agree(self, checkout: Checkout) -> None:
        await self.program.answer_pre_checkout_query(checkout.id, ok=True)

    async def sell(self, link: str) -> SuccessfulPayment:
        checkout = self.scene.world.pay(self.carl, link)
        await self.query()
        await self.agree(checkout)
        [payment] = await self.payments()
        return payment

    async def refusal(self, call: TelegramMethod[Any]) -> str:
        with pytest.raises(TelegramBadRequest) as refused:
            await self.program(call)
        return refused.value.message.removeprefix("Bad Request: ")

    def advance(self, by: timedelta) -> None:
        self.scene.world.advance(by)

    def in_a_month(self) -> int:
        return int((self.scene.world.now() + MONTH).timestamp())

    def balance(self) -> int:
        return self.scene.world.balance(self.carl)


def seconds(moment: datetime | int | None) -> int:
    """aiogram keeps Unix times now as numbers, now as moments."""
    assert moment is not None
    return moment if isinstance(moment, int) else int(moment.timestamp())


@contextlib.asynccontextmanager
async def open_star_shop() -> AsyncIterator[StarShop]:
    async with open_scene() as scene:
        session = AiohttpSession(api=TelegramAPIServer.from_base(scene.sandbox.url))
        async with Bot(scene.bot.token, session=session) as program:
            yield StarShop(scene, program)
