"""The tenant's own program alone with the sandbox: a customer sees the same whether it polls or has a webhook."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Sandbox
from sandbox.world import Bot, Callback, ManualClock, Message, User
from tests.e2e.program import Mode, Program

MODES: tuple[Mode, ...] = ("polling", "webhook")
UPDATES = 8
"""So many are in the conversation."""


@dataclass
class Shop:
    sandbox: Sandbox
    clock: ManualClock
    customer: User
    bot: Bot

    def answers(self) -> list[Message]:
        chat = self.sandbox.world.private(self.customer, self.bot)
        return [message for message in self.sandbox.world.history(chat) if message.sender is self.bot]

    def program(self, mode: Mode, folder: Path) -> Program:
        return Program(mode, self.bot.token, self.sandbox.url, folder)

    def write(self, text: str) -> Message:
        return self.sandbox.world.send(self.customer, self.bot, text)

    async def sees(self, *texts: str) -> Message:
        """Until these are the last things that the bot said; the last of them."""
        wanted = list(texts)

        def said() -> bool:
            return [message.text for message in self.answers()[-len(wanted) :]] == wanted

        await self.sandbox.world.wait_for(said, 30, f"{wanted}")
        return self.answers()[-1]

    async def taps(self, message: Message, label: str, then: str) -> Message:
        """The button with this label: answered, and the message is another one."""
        labels = [row[0]["text"] for row in message.keyboard]
        callback: Callback = self.sandbox.world.press(self.customer, message, labels.index(label))
        after = await self.sees(then)
        assert after.id == message.id
        assert callback.answer is not None
        assert callback.answer["text"] == label
        return after


@asynccontextmanager
async def opened() -> AsyncIterator[Shop]:
    """Ids and times are the same each time."""
    clock = ManualClock()
    async with Sandbox(latency=timedelta(0), flood_control=False, clock=clock) as sandbox:
        customer = sandbox.world.add_user("Anna", last_name="Petrova")
        bot = sandbox.world.add_bot("Tea", "tea_shop_bot", owner=sandbox.world.add_user("Olivia"))
        yield Shop(sandbox, clock, customer, bot)


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with opened() as running:
        yield running


async def converse(shop: Shop) -> None:
    """Everything that the program can do."""
    shop.sandbox.world.start(shop.customer, shop.bot)
    menu = await shop.sees("Welcome to the tea shop, Anna!")
    prices = await shop.taps(menu, "Prices", "Tea 2 €, coffee 3 €.")
    hours = await shop.taps(prices, "Opening hours", "We are open from 9 to 18.")
    menu = await shop.taps(hours, "Back", "What would you like to know?")
    await shop.taps(menu, "Call me", "We will call you.")
    shop.write("Do you have green tea?")
    echo = await shop.sees("You wrote: Do you have green tea?")
    shop.write("album")
    await shop.sees("one.png", "two.png")
    one, two = shop.answers()[-2:]
    assert (one.kind, two.kind) == ("photo", "photo")
    assert one.album_id == two.album_id is not None
    shop.write("/late")
    await shop.sees(f"{echo.text} (That was a while ago.)", "one.png", "two.png")


async def run(mode: Mode, folder: Path) -> list[dict[str, Any]]:
    async with opened() as shop, shop.program(mode, folder) as program:
        await converse(shop)
    return program.updates()


@pytest.mark.parametrize("mode", MODES)
async def test_a_customer_uses_the_menu(shop: Shop, mode: Mode, tmp_path: Path) -> None:
    async with shop.program(mode, tmp_path) as program:
        await converse(shop)
    kinds = [next(kind for kind in update if kind != "update_id") for update in program.updates()]
    assert kinds == ["message", *["callback_query"] * 4, *["message"] * 3]
    numbers = [update["update_id"] for update in program.updates()]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


async def test_both_ways_bring_the_very_same_updates(tmp_path: Path) -> None:
    polled = await run("polling", tmp_path)
    assert len(polled) == UPDATES
    assert await run("webhook", tmp_path) == polled


@pytest.mark.parametrize("mode", MODES)
async def test_what_was_written_while_the_program_was_down_is_answered_afterwards(
    shop: Shop, mode: Mode, tmp_path: Path
) -> None:
    async with shop.program(mode, tmp_path):
        shop.write("first")
        await shop.sees("You wrote: first")
    shop.write("second")
    shop.clock.advance(timedelta(seconds=2))
    async with shop.program(mode, tmp_path) as program:
        await shop.sees("You wrote: first", "You wrote: second")
    assert "second" in [update["message"]["text"] for update in program.updates()]


async def test_a_program_moves_from_polling_to_a_webhook_and_back(shop: Shop, tmp_path: Path) -> None:
    for number, mode in enumerate(("polling", "webhook", "polling")):
        async with shop.program(mode, tmp_path):
            shop.write(f"{number} by {mode}")
            await shop.sees(f"You wrote: {number} by {mode}")
