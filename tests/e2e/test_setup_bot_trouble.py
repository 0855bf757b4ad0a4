"""Stories of trouble: Telegram, Redis, the database, other replicas; one person's misfortune is nobody else's."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from backline.embedded import Valkey, temporary_folder
from sandbox.faults import Fault
from sandbox.server import Sandbox
from setup_bot.main import run
from tenants.config import Config, ConfigError
from tenants.connections import Tenant
from tenants.db import Database
from tenants.tokens import mark_revoked
from tests.e2e.setup_bot_stage import Stage, open_stage, running_stage


@pytest.fixture
async def idle(sandbox: Sandbox, config: Config, database: Database) -> AsyncIterator[Stage]:
    """Not started yet."""
    async with open_stage(sandbox, config, database) as stage:
        yield stage


@pytest.fixture
async def stage(sandbox: Sandbox, config: Config, database: Database) -> AsyncIterator[Stage]:
    async with running_stage(sandbox, config, database) as running:
        yield running


def never() -> None:
    raise AssertionError("It was not ready.")


@pytest.mark.parametrize("token", [None, "no token", "123456:" + "A" * 35])
async def test_a_missing_or_wrong_token_ends_with_a_sentence(idle: Stage, token: str | None) -> None:
    secret = None if token is None else SecretStr(token)
    with pytest.raises(ConfigError, match="SETUP_BOT_TOKEN") as caught:
        await run(idle.config.model_copy(update={"setup_bot_token": secret}), never)
    assert token is None or token not in str(caught.value)


async def test_a_token_that_is_revoked_while_it_runs_ends_with_a_sentence(stage: Stage) -> None:
    stage.world.revoke_token(stage.bot)
    with pytest.raises(ConfigError, match="SETUP_BOT_TOKEN: Telegram does not accept this token"):
        async with asyncio.timeout(20):
            await stage.task


async def test_telegram_away_at_the_start_is_waited_for(idle: Stage) -> None:
    idle.sandbox.faults.add(Fault(kind="error", method="getMe", bot=idle.bot.id, code=502, html=True, times=2))
    await idle.start()
    await idle.person("Olivia").open()


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "code": 502, "html": True},
        {"kind": "error", "code": 500, "description": "Internal Server Error: restart"},
        {"kind": "error", "code": 429, "description": "Too Many Requests", "parameters": {"retry_after": 1}},
        {"kind": "error", "code": 409, "description": "Conflict: terminated by other getUpdates request"},
        {"kind": "cut"},
        {"kind": "drop_answer"},
    ],
)
async def test_polling_goes_on_after_trouble(stage: Stage, fault: dict[str, Any]) -> None:
    owner = stage.person("Olivia")
    await owner.open()
    added = stage.sandbox.faults.add(Fault(method="getUpdates", bot=stage.bot.id, **fault))
    owner.send("one")  # ends the poll that is parked
    await stage.until(lambda: added.happened, "the trouble to happen")
    owner.send("two")
    await stage.until(lambda: sum("I know /start" in m.text for m in owner.read()) == 2)


async def test_updates_nobody_understands_do_not_spoil_the_others(stage: Stage) -> None:
    owner = stage.person("Olivia")
    stage.bot.updates.allowed |= {"my_chat_member"}  # as if Telegram sent what was not asked for
    owner.send("hello")
    stage.world.block(owner.user, stage.bot)
    stage.world.unblock(owner.user, stage.bot)
    owner.send("/start")
    await owner.sees("Your connections")


async def test_what_fails_for_one_is_told_with_a_number_and_others_are_served(
    stage: Stage, capfd: pytest.CaptureFixture[str]
) -> None:
    unlucky, lucky = stage.person("Ulla"), stage.person("Lars")
    await unlucky.open()
    stage.sandbox.faults.add(
        Fault(
            kind="error", method="sendMessage", chat=unlucky.user.id, code=400, description="Bad Request: secret-text"
        )
    )
    unlucky.send("my secret-words")
    lucky.send("/start")
    await lucky.sees("Your connections")
    await unlucky.sees("Something went wrong on our side", "the number")
    number = unlucky.screen().text.rpartition("number ")[2].rstrip(".")
    log = capfd.readouterr().out
    assert f"reference={number}" in log
    assert "secret" not in log


async def test_one_who_blocked_the_bot_harms_nobody(stage: Stage) -> None:
    gone, there = stage.person("Gone"), stage.person("There")
    await gone.open()
    gone.send("hello")
    stage.world.block(gone.user, stage.bot)
    await there.open()


async def test_one_persons_slow_call_does_not_hold_up_the_others(stage: Stage) -> None:
    slow, quick = stage.person("Slow"), stage.person("Quick")
    bot = stage.shop(slow)
    stage.sandbox.faults.add(Fault(kind="hang", method="getMe", bot=bot.id))
    await slow.open()
    slow.send(bot.token)
    await stage.until(lambda: slow.typed() == ["/start"], "the token to go")
    await quick.open()
    quick.send("more")
    await quick.sees("I know /start")


async def test_the_messages_of_one_person_are_handled_in_order(stage: Stage) -> None:
    owner = stage.person("Olivia")
    await owner.open()
    for _ in range(5):
        owner.send("/start")
        owner.send("words")
    await stage.until(lambda: len(owner.read()) == 11)
    kinds = ["list" if "Your connections" in message.text else "help" for message in owner.read()]
    assert kinds == ["list", *["list", "help"] * 5]


@pytest.fixture
def own_redis() -> Iterator[Valkey]:
    with temporary_folder() as folder, Valkey(folder, durable=False) as server:
        yield server


async def test_without_redis_the_person_gets_a_sentence_and_nothing_crashes(
    sandbox: Sandbox, config: Config, database: Database, own_redis: Valkey
) -> None:
    config = config.model_copy(update={"redis_url": SecretStr(own_redis.url)})
    async with running_stage(sandbox, config, database) as stage:
        owner = stage.person("Olivia")
        tenant = await stage.desk(owner)
        await owner.open()
        await asyncio.to_thread(own_redis.__exit__, None, None, None)
        owner.send("/start")
        await owner.sees("I can't reach a part of my own memory right now. Try again in a minute.")
        assert "part of my own memory" in await owner.hears(owner.press("New connection", owner.read()[0]))
        assert not stage.task.done()
        assert (await stage.tenant(owner)).id == tenant.id


async def revoke(stage: Stage, tenant: Tenant) -> None:
    """What a worker does when Telegram does not know the token any more."""
    async with stage.database.tenant(tenant.id) as unit:
        await mark_revoked(unit, tenant.id)


async def told(stage: Stage) -> list[tuple[str, str | None]]:
    async with stage.database.fleet() as unit:
        rows = await unit.execute(text("SELECT state, error FROM owner_notices ORDER BY created_at"))
        return [(row.state, row.error) for row in rows]


async def until_told(stage: Stage, *states: str) -> None:
    async with asyncio.timeout(30):
        while [state for state, _ in await told(stage)] != [*states]:
            pass


async def test_a_dead_token_is_told_once_although_telegram_fails_and_replicas_come_and_go(stage: Stage) -> None:
    owner = stage.person("Olivia")
    tenant = await stage.desk(owner)
    await owner.open()
    fault = stage.sandbox.faults.add(
        Fault(kind="error", method="sendMessage", bot=stage.bot.id, code=500, description="Internal", times=2)
    )
    ready = asyncio.Event()
    second = asyncio.create_task(run(stage.config, ready.set))
    try:
        async with asyncio.timeout(20):
            await ready.wait()
        for _ in range(2):
            await revoke(stage, tenant)
        await stage.until(lambda: fault.happened, "the first attempt")
        await stage.stop()
        await owner.sees("Telegram does not accept the token of @acme_shop_bot any more")
        await until_told(stage, "delivered")
        await stage.start()
    finally:
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
    await revoke(stage, tenant)
    owner.send("hello")
    await owner.sees("I know /start")
    assert len([m for m in owner.read() if "does not accept the token" in m.text]) == 1
    assert await told(stage) == [("delivered", None)]


async def test_what_was_noted_while_nobody_was_there_is_told_in_order_afterwards(stage: Stage) -> None:
    owner = stage.person("Olivia")
    first, second = await stage.desk(owner), await stage.desk(owner, "other_shop_bot", "Other")
    await owner.open()
    await stage.stop()
    await revoke(stage, second)
    await revoke(stage, first)
    await stage.start()
    await until_told(stage, "delivered", "delivered")
    said = [message.text for message in owner.read() if "does not accept" in message.text]
    assert ["@other_shop_bot" in said[0], "@acme_shop_bot" in said[1]] == [True, True]
    await owner.tap("@acme_shop_bot", "🔴 the token is not valid any more")


async def test_one_who_blocked_the_bot_is_not_told_and_others_are(stage: Stage) -> None:
    gone, there = stage.person("Gone"), stage.person("There")
    first, second = await stage.desk(gone), await stage.desk(there, "other_shop_bot", "Other")
    await gone.open()
    await there.open()
    stage.world.block(gone.user, stage.bot)
    await revoke(stage, first)
    await revoke(stage, second)
    await there.sees("does not accept the token of @other_shop_bot")
    await until_told(stage, "buried", "delivered")
    assert await told(stage) == [("buried", "TelegramForbiddenError"), ("delivered", None)]


async def test_a_flood_wait_is_waited_out_and_the_owner_told(stage: Stage) -> None:
    owner = stage.person("Olivia")
    tenant = await stage.desk(owner)
    await owner.open()
    stage.sandbox.faults.add(
        Fault(
            kind="error",
            method="sendMessage",
            code=429,
            description="Too Many Requests",
            parameters={"retry_after": 1},
        )
    )
    await revoke(stage, tenant)
    await owner.sees("Telegram does not accept the token of @acme_shop_bot any more")
    await until_told(stage, "delivered")


async def test_a_flushed_redis_loses_half_finished_steps_only(stage: Stage) -> None:
    owner = stage.person("Olivia")
    await stage.desk(owner)
    await owner.open()
    await owner.tap("@acme_shop_bot", "🟢 running")
    await owner.tap("Settings", "Settings of")
    await owner.tap("Dialogs", "Close after")
    await owner.tap("Close after", "Now: 48")
    async for key in stage.redis.scan_iter("setup_bot:*"):
        await stage.redis.delete(key)
    owner.send("24")
    await owner.sees("I know /start")
    assert (await stage.tenant(owner)).overrides == {}


async def test_a_second_replica_stands_by_and_takes_over_at_once_when_the_first_stops(stage: Stage) -> None:
    owner = stage.person("Olivia")
    await owner.open()
    ready = asyncio.Event()
    second = asyncio.create_task(run(stage.config, ready.set))
    try:
        async with asyncio.timeout(10):
            await ready.wait()
        polls = stage.sandbox.journal.count("getUpdates")
        owner.send("/start")
        await stage.until(lambda: len(owner.read()) == 2)
        assert stage.sandbox.journal.errors() == {}
        assert stage.sandbox.journal.count("getUpdates") == polls + 1
        await stage.stop()
        owner.send("hello")
        await owner.sees("I know /start")
        assert stage.sandbox.journal.errors() == {}
        assert len(owner.read()) == 3
    finally:
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)


async def test_a_replica_that_loses_its_lease_stops_polling_and_stands_by(stage: Stage) -> None:
    owner = stage.person("Olivia")
    await owner.open()
    async with stage.database.fleet() as unit:
        await unit.execute(
            text(
                "UPDATE leases SET holder = gen_random_uuid(), term = term + 1, "
                "expires_at = clock_timestamp() + interval '4 seconds' WHERE shard = 256"
            )
        )
    polls = stage.sandbox.journal.count("getUpdates")
    await stage.until(lambda: stage.sandbox.journal.count("getUpdates") > polls, "the poll to end", 20)
    owner.send("hello")
    await owner.sees("I know /start")
    assert not stage.task.done()


async def test_what_was_handled_before_a_stop_is_not_handled_again(stage: Stage) -> None:
    owner = stage.person("Olivia")
    await owner.open()
    owner.send("hello")
    await owner.sees("I know /start")
    await stage.stop()
    await stage.start()
    owner.send("/cancel")
    await owner.sees("There is nothing to leave")
    assert len(owner.read()) == 3


async def test_what_came_while_nobody_was_there_is_handled_afterwards(stage: Stage) -> None:
    owner = stage.person("Olivia")
    await owner.open()
    await stage.stop()
    owner.send("/cancel")
    callback = owner.press("New connection")
    await stage.start()
    await owner.hears(callback)
    await stage.until(lambda: any("Send me the token" in message.text for message in owner.read()))
    await stage.until(lambda: any("nothing to leave" in message.text for message in owner.read()))
