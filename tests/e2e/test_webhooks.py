"""Webhooks end to end: what people write, over real sockets, to a program's own web server that checks signatures."""

import asyncio
import contextlib
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import text

from tenants.access.keys import create_key
from tenants.connections import Connections
from tenants.plans import Plan
from tenants.settings.service import SettingsService
from tenants.settings.webhooks import EVENTS
from tests.api_client import ApiUnderTest, open_api
from tests.e2e.conftest import Stage
from worker.tasks import run as run_tasks

ANNA = "Anna Petrova"


@dataclass
class Program:
    """The owner's: it takes what is signed with its secret, and fails as often as it is told to."""

    url: str = ""
    secret: str = ""
    failures: int = 0
    forged: int = 0
    refused: list[str] = field(default_factory=list)
    taken: dict[str, dict[str, Any]] = field(default_factory=dict)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def events(self) -> list[str]:
        return sorted(event["type"] for event in self.taken.values())

    async def handle(self, request: web.Request) -> web.Response:
        body, number = await request.read(), request.headers["webhook-id"]
        async with self.changed:
            self.changed.notify_all()
            if not self._is_signed(request, body):
                self.forged += 1
                return web.Response(status=400)
            if self.failures:
                self.failures -= 1
                self.refused.append(number)
                return web.Response(status=500)
            self.taken[number] = json.loads(body)
            return web.Response(status=204)

    def _is_signed(self, request: web.Request, body: bytes) -> bool:
        """As the specification of Standard Webhooks says, in words of this test's own."""
        said = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + body
        digest = hmac.new(b64decode(self.secret.removeprefix("whsec_")), said, "sha256").digest()
        return f"v1,{b64encode(digest).decode()}" in request.headers["webhook-signature"].split(" ")

    async def until(self, met: Any) -> None:
        async with asyncio.timeout(30), self.changed:
            await self.changed.wait_for(met)


@pytest.fixture
async def program() -> AsyncIterator[Program]:
    one = Program()
    app = web.Application()
    app.router.add_post("/hook", one.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield one
    await runner.cleanup()


@contextlib.asynccontextmanager
async def _tasks(desk: Stage, *, loopback: bool = True) -> AsyncIterator[None]:
    """The process of that name, in this one."""
    ready = asyncio.Event()
    running = asyncio.create_task(run_tasks(desk.config.model_copy(update={"webhook_loopback": loopback}), ready.set))
    async with asyncio.timeout(20):
        await ready.wait()
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def api(desk: Stage, redis_url: str) -> AsyncIterator[ApiUnderTest]:
    async with open_api(desk.database, desk.keyring, redis_url, WEBHOOK_LOOPBACK="on") as under_test:
        yield under_test


async def _subscribe(desk: Stage, api: ApiUnderTest, program: Program, *events: str) -> None:
    """As the owner does, with the secret that is shown once."""
    connections = Connections(desk.database, desk.keyring, plan=Plan.BUSINESS)
    settings = SettingsService(connections, loopback=True)
    await settings.change(desk.tenant.owner_id, desk.tenant.id, {"WEBHOOKS": {program.url: list(events)}})
    api.key = await create_key(desk.database, desk.tenant.owner_id, "the owner's")
    answer = await api.ask("POST", f"/v1/tenants/{desk.tenant.id}/webhooks/secret")
    program.secret = answer.json()["secret"]


async def _due_now(desk: Stage) -> None:
    """The pause before the next attempt is over."""
    async with desk.database.tenant(desk.tenant.id) as unit:
        await unit.execute(text("UPDATE webhook_deliveries SET due_at = now() WHERE state = 'waiting'"))
        unit.notify("webhooks", str(desk.tenant.id))


async def test_a_program_is_told_of_a_conversation_and_of_no_word_in_it(
    desk: Stage, api: ApiUnderTest, program: Program
) -> None:
    await _subscribe(desk, api, program, *EVENTS)
    async with _tasks(desk):
        desk.world.send(desk.customer, desk.bot, "Hello, is anybody there?")
        await desk.until(lambda: desk.in_topic(ANNA))
        topic = desk.topic(ANNA)
        answer = desk.world.send(desk.operator, desk.group, "Which size?", topic=topic)
        await desk.until(lambda: desk.seen_by() and desk.seen_by()[-1].text == "Which size?")
        desk.world.send(desk.operator, desk.group, "/close", topic=topic)
        await desk.until(lambda: topic.closed)
        again = desk.world.send(desk.customer, desk.bot, "One more thing")
        expected = ["dialog_closed", "dialog_created", "dialog_reopened", *["message_received"] * 2, "message_sent"]
        await program.until(lambda: program.events == expected)
    assert program.forged == 0
    told = list(program.taken.values())
    assert {event["data"]["customer_id"] for event in told} == {desk.customer.id}
    assert len({event["data"]["dialog_id"] for event in told}) == 1
    received = {event["data"]["message_id"] for event in told if event["type"] == "message_received"}
    assert again.id in received
    (sent,) = (event["data"]["message_id"] for event in told if event["type"] == "message_sent")
    assert sent == desk.seen_by()[1].id != answer.id
    whole = json.dumps(told)
    assert not any(words in whole for words in ("anybody", "size", "thing", "Anna", "Petrova", "anna_p"))


async def test_a_program_that_fails_is_told_again_until_it_takes_it(
    desk: Stage, api: ApiUnderTest, program: Program
) -> None:
    await _subscribe(desk, api, program, "dialog_created")
    program.failures = 2
    async with _tasks(desk):
        desk.world.send(desk.customer, desk.bot, "Hello")
        for number in (1, 2):
            await program.until(lambda number=number: len(program.refused) == number)
            await _recorded(desk, number)
            await _due_now(desk)
        await program.until(lambda: program.events == ["dialog_created"])
        await _recorded(desk, 3)
    assert {*program.refused} == {*program.taken}
    items = (await api.ask("GET", f"/v1/tenants/{desk.tenant.id}/webhooks/deliveries")).json()["items"]
    assert [(item["state"], item["attempts"], item["status"]) for item in items] == [("delivered", 3, 204)]


async def _recorded(desk: Stage, attempts: int) -> None:
    """Until what became of that attempt is stored: while it is being made, it counts as lost after a minute."""
    ended = "SELECT 1 FROM webhook_deliveries WHERE attempts = :n AND due_at - tried_at NOT BETWEEN '59 s' AND '61 s'"
    async with asyncio.timeout(30):
        while not await desk.rows(ended, n=attempts):
            pass


async def test_where_the_deployment_is_not_for_trying_this_machine_is_out_of_reach(
    desk: Stage, api: ApiUnderTest, program: Program
) -> None:
    await _subscribe(desk, api, program, "dialog_created")
    async with _tasks(desk, loopback=False):
        desk.world.send(desk.customer, desk.bot, "Hello")
        async with asyncio.timeout(30):
            while not await desk.rows("SELECT 1 FROM webhook_deliveries WHERE error = 'private'"):
                pass
    assert (program.taken, program.refused, program.forged) == ({}, [], 0)
