"""What the setup bot does, done by a program over HTTP: from a token to a customer's message in a topic."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from backline.sessions_on_demand import SessionsOnDemand
from sandbox.server import Sandbox
from sandbox.world import Bot, Chat
from tenants.access.keys import create_key
from tenants.config import Config
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.ids import UserId
from tests.api_client import ApiUnderTest, open_api, problem_of
from tests.e2e.setup_bot_stage import Person, Stage, running_stage
from tests.e2e.test_setup_bot_people import follow
from worker.main import run as run_worker


@dataclass
class Program:
    """Somebody's program with that person's key."""

    stage: Stage
    api: ApiUnderTest
    person: Person
    key: str

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return await self.api.ask(method, path, key=self.key, json=body, headers=headers)

    async def get(self, path: str) -> Any:
        answer = await self.ask("GET", path)
        assert answer.is_success, answer.text
        return answer.json()

    async def connect(self, bot: Bot) -> str:
        """The connection's address."""
        answer = await self.ask("POST", "/v1/tenants", {"token": bot.token})
        assert answer.is_success, answer.text
        return f"/v1/tenants/{answer.json()['id']}"

    async def choose(self, home: str, bot: Bot, group: Chat) -> None:
        """The person opens the link and chooses the group; the worker hears of it."""
        link = (await self.ask("POST", f"{home}/group-link")).json()["link"]
        self.stage.world.open_link(self.person.user, link, group)
        await self.stage.until(lambda: bot.id in group.bots and not bot.updates.waiting, "the worker to hear of it")


@pytest.fixture
async def stage(sandbox: Sandbox, config: Config, database: Database) -> AsyncIterator[Stage]:
    ready = asyncio.Event()
    async with running_stage(sandbox, config, database) as running:
        worker = asyncio.create_task(run_worker(running.config, ready.set))
        async with asyncio.timeout(20):
            await ready.wait()
        yield running
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


@pytest.fixture
async def api(stage: Stage, keyring: Keyring, redis_url: str) -> AsyncIterator[ApiUnderTest]:
    sessions = SessionsOnDemand(stage.sandbox.url)
    token = {"SETUP_BOT_TOKEN": stage.bot.token}
    async with open_api(stage.database, keyring, redis_url, sessions=sessions, **token) as under_test:
        yield under_test
    await sessions.close()


async def _program(stage: Stage, api: ApiUnderTest, person: Person) -> Program:
    return Program(stage, api, person, await create_key(stage.database, UserId(person.user.id), "a program"))


@pytest.fixture
async def olivia(stage: Stage, api: ApiUnderTest) -> Program:
    return await _program(stage, api, stage.person("Olivia"))


async def test_from_a_token_to_the_first_relay(stage: Stage, olivia: Program) -> None:
    world = stage.world
    bot, group = stage.shop(olivia.person), world.add_forum("Acme Support", olivia.person.user)
    home = await olivia.connect(bot)
    assert (await olivia.get(f"{home}/group")) == {"current": None, "proposed": None}
    await olivia.choose(home, bot, group)
    proposed = (await olivia.get(f"{home}/group"))["proposed"]
    assert (proposed["id"], proposed["title"], proposed["usable"]) == (group.id, "Acme Support", True)
    assert {check["state"] for check in proposed["checks"]} == {"ok"}
    taken = (await olivia.ask("PUT", f"{home}/group", {"id": group.id})).json()
    assert (taken["state"], taken["group_title"]) == ("running", "Acme Support")
    world.send(world.add_user("Anna"), bot, "Hello, is anybody there?")
    await stage.until(lambda: any(m.text == "Hello, is anybody there?" for m in world.history(group)), "the message")
    assert (await olivia.get(f"{home}/group"))["current"]["usable"]
    (dialog,) = (await olivia.get(f"{home}/dialogs"))["items"]
    assert dialog["customer"] == "Anna"


async def test_a_group_that_is_not_ready_says_how_to_mend_it(stage: Stage, olivia: Program) -> None:
    world, person = stage.world, olivia.person
    bot, group = stage.shop(person), world.add_forum("Acme Support", person.user)
    home = await olivia.connect(bot)
    await olivia.choose(home, bot, group)
    world.promote(group, bot, ["pin_messages"], by=person.user)
    checks = {check["name"]: check for check in (await olivia.get(f"{home}/group"))["proposed"]["checks"]}
    assert checks["bot_manages_topics"]["state"] == "missing"
    assert checks["bot_manages_topics"]["text"] == (
        "Allow the bot to manage topics, among the administrators of the group."
    )
    assert (checks["topics"]["state"], checks["topics"]["text"]) == ("ok", None)
    assert checks["bot_deletes_messages"]["state"] == "unknown"
    problem = problem_of(await olivia.ask("PUT", f"{home}/group", {"id": group.id}), 409)
    assert problem["code"] == "group_unusable"
    assert problem["detail"].endswith("Allow the bot to manage topics, among the administrators of the group.")
    world.promote(group, bot, ["manage_topics", "pin_messages"], by=person.user)
    checks = {check["name"]: check for check in (await olivia.get(f"{home}/group"))["proposed"]["checks"]}
    assert (checks["bot_deletes_messages"]["state"], checks["bot_deletes_messages"]["required"]) == ("missing", False)
    assert (await olivia.ask("PUT", f"{home}/group", {"id": group.id})).is_success


async def test_a_group_that_was_not_proposed_is_not_taken(stage: Stage, olivia: Program) -> None:
    home = await olivia.connect(stage.shop(olivia.person))
    problem = problem_of(await olivia.ask("PUT", f"{home}/group", {"id": -100123}), 409)
    assert problem["code"] == "not_proposed"


async def test_a_bot_is_connected_once_however_often_it_is_asked_for(stage: Stage, olivia: Program) -> None:
    bot = stage.shop(olivia.person)
    word = {"Idempotency-Key": "connect-acme"}
    first, again = [await olivia.ask("POST", "/v1/tenants", {"token": bot.token}, **word) for _ in range(2)]
    assert first.content == again.content
    assert bot.token.partition(":")[2] not in first.text
    assert (
        problem_of(await olivia.ask("POST", "/v1/tenants", {"token": bot.token}), 409)["code"] == "already_connected"
    )
    assert len((await olivia.get("/v1/tenants"))["items"]) == 1


async def test_a_token_that_can_not_be_used_is_refused_in_a_sentence(stage: Stage, olivia: Program) -> None:
    dead = stage.shop(olivia.person)
    token = dead.token
    stage.world.revoke_token(dead)
    for sent, code in (("not a token", "bad_token"), (token, "token_revoked"), (stage.bot.token, "own_token")):
        answer = await olivia.ask("POST", "/v1/tenants", {"token": sent})
        assert problem_of(answer, 400)["code"] == code
        assert sent.partition(":")[2] not in answer.text or ":" not in sent


async def test_with_a_new_token_the_relay_goes_on(stage: Stage, olivia: Program) -> None:
    world, customer = stage.world, stage.world.add_user("Anna")
    await olivia.person.open()
    tenant = await stage.desk(olivia.person)
    home, bot = f"/v1/tenants/{tenant.id}", world.bot("acme_shop_bot")
    await stage.until(lambda: bot.updates.on_arrival, "the worker to poll")
    world.revoke_token(bot)
    await olivia.person.sees("Telegram does not accept the token of @acme_shop_bot any more")
    assert (await olivia.get(home))["state"] == "revoked"
    other = stage.shop(olivia.person, "other_shop_bot")
    answer = await olivia.ask("PUT", f"{home}/token", {"token": other.token})
    assert problem_of(answer, 400)["code"] == "another_bot"
    answer = await olivia.ask("PUT", f"{home}/token", {"token": bot.token})
    assert answer.json()["state"] == "running"
    assert bot.token.partition(":")[2] not in answer.text
    world.send(customer, bot, "is anybody there?")
    group = world.chat(tenant.group_id)
    await stage.until(lambda: any(m.text == "is anybody there?" for m in world.history(group)), "the message")


async def test_a_connection_is_shared_and_given_away(stage: Stage, api: ApiUnderTest, olivia: Program) -> None:
    tenant = await stage.desk(olivia.person)
    home = f"/v1/tenants/{tenant.id}"
    adam = await _program(stage, api, stage.person("Adam"))
    problem_of(await adam.ask("GET", home), 404)
    link = (await olivia.ask("POST", f"{home}/invitations")).json()["link"]
    assert link.startswith("https://t.me/backline_setup_bot?start=join_")
    follow(adam.person, link)
    await adam.person.sees("Manage @acme_shop_bot together?")
    await adam.person.tap("Accept", "You manage @acme_shop_bot now")
    listed = await olivia.get(f"{home}/administrators")
    assert [one["name"] for one in listed["items"]] == ["Adam"]
    assert (await adam.get(home))["bot_username"] == "acme_shop_bot"
    refused = await adam.ask("POST", f"{home}/transfer", {"to": adam.person.user.id, "name": "Adam"})
    assert problem_of(refused, 403)["code"] == "owner_only"
    gift = {"to": adam.person.user.id, "name": "Olivia"}
    assert (await olivia.ask("POST", f"{home}/transfer", gift)).is_success
    listed = await adam.get(f"{home}/administrators")
    assert listed["owner"] == adam.person.user.id
    assert [one["name"] for one in listed["items"]] == ["Olivia"]
    removed = await adam.ask("DELETE", f"{home}/administrators/{olivia.person.user.id}")
    assert removed.status_code == 204
    problem_of(await olivia.ask("GET", home), 404)
