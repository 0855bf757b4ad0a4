"""Order and offsets: one line per person, and nothing confirmed before it was handled."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from aiogram import Bot, Dispatcher
from aiogram.client.session.base import BaseSession
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramConflictError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import GetMe, GetUpdates
from aiogram.types import CallbackQuery
from redis.exceptions import ConnectionError as RedisAway

from sessions.errors import FloodWait, Rejected
from setup_bot.failures import explain, where
from setup_bot.handling import Handling, read_person
from setup_bot.lines import Lines
from setup_bot.polling import LONGEST_BACKOFF, Window, delay_after
from tenants.backoff import backoff
from tenants.config import ConfigError
from tenants.errors import Invalid, NotFound


async def done(task: "asyncio.Task[None]") -> None:
    await asyncio.wait([task])


async def test_one_persons_jobs_run_in_order_and_others_meanwhile() -> None:
    lines, log = Lines(), []
    gate = asyncio.Event()

    async def job(name: str, *, waits: bool = False) -> None:
        log.append(f"{name} begins")
        if waits:
            await gate.wait()
        log.append(f"{name} ends")

    first = lines.submit(1, lambda: job("a", waits=True))
    second = lines.submit(1, lambda: job("b"))
    await done(lines.submit(2, lambda: job("c")))
    assert log == ["a begins", "c begins", "c ends"]
    gate.set()
    await asyncio.gather(first, second)
    assert log[3:] == ["a ends", "b begins", "b ends"]


async def test_only_so_many_run_at_once() -> None:
    lines, running, most = Lines(at_once=2), 0, 0

    async def job() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    await asyncio.gather(*(lines.submit(person, job) for person in range(10)))
    assert most == 2


async def test_a_cancelled_line_ends_and_the_next_job_of_that_person_runs() -> None:
    lines, ran = Lines(), asyncio.Event()

    async def forever() -> None:
        await asyncio.Event().wait()

    async def job() -> None:
        ran.set()

    stuck = lines.submit(1, forever)
    await asyncio.sleep(0)
    await lines.drain(0)
    assert stuck.cancelled()
    await lines.submit(1, job)
    assert ran.is_set()


async def test_the_offset_stops_at_the_first_update_that_is_not_done() -> None:
    window, gate = Window(), asyncio.Event()
    quick = asyncio.create_task(asyncio.sleep(0))
    slow = asyncio.create_task(gate.wait())
    window.add(10, quick)
    window.add(11, slow)
    window.add(12, asyncio.create_task(asyncio.sleep(0)))
    await window.settle(0.01)
    assert window.offset == 11
    assert 12 in window
    assert 10 not in window
    gate.set()
    await window.settle(1)
    assert window.offset == 13
    assert 12 not in window


async def test_a_cancelled_update_is_never_confirmed() -> None:
    window = Window()
    task = asyncio.create_task(asyncio.Event().wait())
    window.add(10, task)
    task.cancel()
    await window.settle(1)
    assert window.offset is None


async def test_the_offset_follows_ids_that_start_anew() -> None:
    window = Window()
    for update_id in (900, 17, 18):
        window.add(update_id, asyncio.create_task(asyncio.sleep(0)))
    await window.settle(1)
    assert window.offset == 19


@pytest.mark.parametrize(
    "error",
    [
        TelegramUnauthorizedError(GetMe(), "Unauthorized"),
        TelegramNotFound(GetMe(), "Not Found"),
        TelegramAPIError(GetMe(), "Logged out"),
    ],
)
def test_a_dead_token_is_no_reason_to_wait(error: TelegramAPIError) -> None:
    with pytest.raises(ConfigError, match="SETUP_BOT_TOKEN"):
        delay_after(error, 1)


def test_everything_else_is_waited_out() -> None:
    assert delay_after(TelegramRetryAfter(GetUpdates(), "Too Many Requests", 17), 1) == 17
    for error in (TelegramConflictError(GetUpdates(), "Conflict"), TelegramServerError(GetUpdates(), "restart")):
        assert 0.5 <= delay_after(error, 1) <= 1
        assert LONGEST_BACKOFF / 2 <= delay_after(error, 1000) <= LONGEST_BACKOFF
    assert backoff(3) <= 4


@pytest.mark.parametrize(
    ("raw", "person"),
    [
        ({"message": {"from": {"id": 5}}}, 5),
        ({"callback_query": {"from": {"id": 6}}}, 6),
        ({"message": {"chat": {"id": 5}}}, 0),
        ({"message": None}, 0),
        ({"message": {"from": {"id": "5"}}}, 0),
        ({"poll": {"from": {"id": 5}}}, 0),
        ({}, 0),
    ],
)
def test_an_update_belongs_to_whoever_sent_it(raw: dict[str, Any], person: int) -> None:
    assert read_person(raw) == person


@pytest.mark.parametrize(
    "raw",
    [
        {"update_id": 1},
        {"update_id": 1, "hologram": {"from": {"id": 1}}},
        {"update_id": 1, "message": {"text": "no chat, no date", "from": {"id": 1}}},
        {"update_id": 1, "message": "not an object"},
        {"update_id": 1, "callback_query": {"id": 5}},
        {"update_id": 1, "message": {"message_id": 1, "date": 0, "chat": {"id": 1, "type": "hologram"}, "new": {}}},
    ],
)
async def test_an_update_of_any_shape_raises_nothing(raw: dict[str, Any]) -> None:
    bot = Bot("42:" + "A" * 35)
    await Handling(bot, Dispatcher(disable_fsm=True)).handle(raw)
    await bot.session.close()


class Recorder(BaseSession):
    """Telegram, as far as it is told things."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    async def make_request(self, bot: Bot, method: Any, timeout: int | None = None) -> Any:  # noqa: ASYNC109
        self.said.append(method.text)
        return True

    async def stream_content(self, *args: Any, **kwargs: Any) -> AsyncGenerator[bytes, None]:
        yield b""

    async def close(self) -> None:
        pass


async def press(_: CallbackQuery) -> None:
    await asyncio.Event().wait()


async def test_an_update_that_takes_too_long_is_given_up_and_the_person_told() -> None:
    session, dispatcher = Recorder(), Dispatcher(disable_fsm=True)
    dispatcher.callback_query.register(press)
    user = {"id": 7, "is_bot": False, "first_name": "Olivia"}
    pressed = {"update_id": 1, "callback_query": {"id": "5", "from": user, "chat_instance": "1", "data": "x"}}
    await Handling(Bot("42:" + "A" * 35, session=session), dispatcher, longest=0.01).handle(pressed)
    assert session.said == ["That took too long, so I gave up. Try again in a minute."]


def test_expected_errors_are_their_own_sentences() -> None:
    assert explain(Invalid("Send a number.")) == "Send a number."
    assert explain(NotFound("connection")) == "There is no such connection."
    assert explain(FloodWait(3)) == "Telegram asks to wait 3 s."
    assert explain(Rejected("x", "No.")) == "No."
    assert "part of my own memory" in str(explain(RedisAway("redis://:password@host")))
    assert "part of my own memory" in str(explain(TimeoutError()))
    assert "slow down" in str(explain(TelegramRetryAfter(GetMe(), "Too Many Requests", 3)))


def test_an_unexpected_error_is_a_number_and_its_words_are_in_no_log(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="A") as caught:
        int("123456:" + "A" * 35)
    sentence = explain(caught.value)
    assert where(caught.value)[-1].startswith("test_setup_bot_order.py:")
    assert sentence is not None
    log = capsys.readouterr().out
    assert sentence.rpartition(" ")[2].rstrip(".") in log
    assert "ValueError" in log
    assert "A" * 35 not in log + sentence
