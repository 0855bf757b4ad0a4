"""Beside a running program a worker is killed at each named edge, and Telegram's answers are lost: nothing is lost or
doubled, in neither direction, and what the program sends stands between, in true order.

KILLS=N kills N times at each edge.
"""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from difflib import unified_diff
from itertools import product
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.mtproto.faults import Fault
from sandbox.server import Sandbox
from sandbox.world import User
from sessions.port import MIRROR_MARK
from tenants.config import Config
from tenants.crypto import Keyring
from tenants.db import Database
from tests.e2e.conftest import Stage
from tests.e2e.killing import KILLS, MOST_PASSES, Talk, Workers, die, workers_of
from tests.e2e.parallel import parallel_stage
from worker.checkpoints import NAMES

CREATE = "messages.createForumTopic"
MIRROR_PHOTO, MIRROR_ALBUM = "messages.sendMedia", "messages.sendMultiMedia"
METHODS = ("messages.sendMessage", "messages.forwardMessages", MIRROR_PHOTO, MIRROR_ALBUM, CREATE)
ROUNDS = max(1, KILLS // 10)
LOGIN = "auth.importBotAuthorization"
AT_ONCE = 50
SOME = 20
"""Kills in a row. What dies with each of them waits longer each time, up to five minutes."""


@pytest.fixture
async def stage(config: Config, database: Database, keyring: Keyring, tmp_path: Path) -> AsyncIterator[Stage]:
    async with Sandbox(latency=timedelta(milliseconds=10), flood_control=False, mtproto_port=0) as sandbox:
        made = await parallel_stage(sandbox, config, database, keyring, tmp_path)
        await made.change(WELCOME="")
        yield made


@pytest.fixture
async def talk(stage: Stage) -> AsyncIterator["TalkOfThree"]:
    async with aiohttp.ClientSession() as http:
        yield TalkOfThree(stage, http)


class TalkOfThree(Talk):
    """The program answers each question at once, over the Bot API. Now and then somebody sends an album."""

    def __init__(self, stage: Stage, http: aiohttp.ClientSession) -> None:
        super().__init__(stage)
        self._http = http
        self._sent = 0
        self.replied: dict[int, list[str]] = {}

    async def go_on(self) -> None:
        before = {customer.id: len(self.said[customer.id]) for customer in self.customers}
        await super().go_on()
        if self.turns % 7 == 0:
            self._customer_sends_album()
        elif self.turns % 7 == 3:
            self._operator_sends_album()
        for customer in self.customers:
            if len(self.said[customer.id]) > before[customer.id]:
                await self.program_says(customer)
        if self.turns % 7 == 5:
            await self.program_shows(2)

    def _customer_sends_album(self) -> None:
        customer = self.customers[-1]
        words = [f"question {len(self.said[customer.id]) + n} of {customer.name}" for n in range(2)]
        self.stage.world.send_album(customer, self.stage.bot, _pictures(words))
        self.said[customer.id] += words

    def _operator_sends_album(self) -> None:
        customer = self.customers[-1]
        topic = self.stage.topic(customer.name)
        if topic is None:
            return
        words = [f"answer {len(self.answered[customer.id]) + n} to {customer.name}" for n in range(2)]
        self.stage.world.send_album(self.stage.operator, self.stage.group, _pictures(words), topic=topic)
        self.answered[customer.id] += words

    async def program_says(self, customer: User) -> None:
        text = self._reply_to(customer)
        await self._call("sendMessage", json={"chat_id": customer.id, "text": text})

    async def program_shows(self, size: int) -> None:
        """A picture, or an album."""
        customer = self.customers[-1]
        words = [self._reply_to(customer) for _ in range(size)]
        form = aiohttp.FormData({"chat_id": str(customer.id)})
        for number, text in enumerate(words):
            form.add_field(f"file{number}", text.encode(), filename=f"{number}.png")
        media = [
            {"type": "photo", "media": f"attach://file{number}", "caption": text} for number, text in enumerate(words)
        ]
        if size == 1:
            form.add_field("photo", "attach://file0")
            form.add_field("caption", words[0])
        else:
            form.add_field("media", json.dumps(media))
        await self._call("sendPhoto" if size == 1 else "sendMediaGroup", data=form)

    def _reply_to(self, customer: User) -> str:
        self._sent += 1
        text = f"reply {self._sent} to {customer.name}"
        self.replied.setdefault(customer.id, []).append(text)
        return text

    async def _call(self, method: str, **values: Any) -> None:
        url = f"{self.stage.sandbox.url}/bot{self.stage.bot.token}/{method}"
        async with self._http.post(url, **values) as answer:
            assert answer.status == 200, await answer.text()

    def wanted(self, customer: User) -> dict[str, list[str]]:
        """The private chat's own order is the true one."""
        own = [m for m in self.stage.world.history(self.stage.chat(customer)) if not m.text.startswith("answer")]
        return {
            "topic": [m.text if m.sender is customer else f"{MIRROR_MARK}{m.text}" for m in own],
            "said": self.said[customer.id],
            "replied": self.replied.get(customer.id, []),
            "answered": self.answered[customer.id],
        }

    def found(self, customer: User) -> dict[str, list[str]]:
        topic, answered = self.shown(customer)
        chat = self.stage.world.history(self.stage.chat(customer))
        return {
            "topic": topic,
            "said": [m.text for m in chat if m.sender is customer],
            "replied": [m.text for m in chat if m.text.startswith("reply")],
            "answered": answered,
        }

    def is_complete(self) -> bool:
        """Each exactly once, in both directions."""
        return all(self.found(customer) == self.wanted(customer) for customer in reversed(self.customers))

    async def catch_up(self, workers: Workers) -> None:
        """One that nobody kills brings everything to an end."""
        worker = await workers.start(None)
        await self.until_complete()
        await self._until_recorded()
        assert await workers.stop(worker) == 0

    async def end(self, workers: Workers) -> None:
        """And what stands there then."""
        await self.catch_up(workers)
        for customer in self.customers:
            assert self.found(customer) == self.wanted(customer)
        assert len(self.stage.topics()) == len(self.customers)
        everything = (self.said, self.answered, self.replied)
        counted = await self.stage.dispositions()
        assert counted.pop("relayed") == sum(len(words) for kind in everything for words in kind.values())
        assert set(counted) <= {"ignored", "handled"}

    async def _until_recorded(self) -> None:
        """What stands there already may yet have to be found and noted by the call that looks for it."""
        async with asyncio.timeout(60):
            while "waiting" in await self.stage.dispositions():
                await self._until_moved(1)

    async def until_complete(self) -> None:
        """Looked at now and then only: the sandbox runs in this process, and reading everything takes its time."""
        try:
            async with asyncio.timeout(60 + KILLS):
                while not self.is_complete():
                    await self._until_moved(AT_ONCE)
        except TimeoutError:
            raise AssertionError("\n".join(self._differences())) from None

    async def _until_moved(self, calls: int) -> None:
        """Until so many more calls have ended, a second at most."""
        seen = self.stage.sandbox.journal.number
        with contextlib.suppress(TimeoutError):
            await self.stage.until(lambda: self.stage.sandbox.journal.number >= seen + calls, seconds=1)

    def _differences(self) -> Iterator[str]:
        """Where something is missing (-) or too much (+)."""
        for customer in self.customers:
            found = self.found(customer)
            for place, wanted in self.wanted(customer).items():
                yield from unified_diff(wanted, found[place], f"{place} of {customer.name}", "found", lineterm="")


def _pictures(words: list[str]) -> list[dict[str, Any]]:
    return [{"photo": text.encode(), "caption": text} for text in words]


@pytest.fixture
async def workers(stage: Stage, talk: TalkOfThree) -> AsyncIterator[Workers]:
    """One has logged in: what happened before is nobody's business."""
    async with workers_of(stage) as made:
        first = await made.start(None)
        await stage.until(lambda: stage.sandbox.journal.count("updates.getState"), "the session listens")
        await talk.go_on()
        await talk.until_complete()
        assert await made.stop(first) == 0
        yield made


@pytest.mark.timeout(60 + 50 * KILLS)
@pytest.mark.parametrize("part", ["relay", "turn", "sender", "errand"])
async def test_kills_at_a_checkpoint_lose_nothing_and_double_nothing(
    stage: Stage, talk: TalkOfThree, workers: Workers, part: str
) -> None:
    chance = random.Random(part)  # noqa: S311  # a seed, so that a failure comes again
    for checkpoint in (name for name in NAMES if name.startswith(part)):
        for number in range(KILLS):
            if number % 5 == 3:
                talk.newcomer()
            passes = 1 if part == "errand" else chance.randint(1, MOST_PASSES)
            await die(workers, talk, checkpoint, passes)
            if number % SOME == SOME - 1:
                await talk.catch_up(workers)
    await talk.end(workers)
    assert stage.sandbox.journal.count(LOGIN) == 1


class Trouble:
    """What is done to the stage's MTProto face, while people go on writing."""

    def __init__(self, stage: Stage, talk: TalkOfThree) -> None:
        self._stage = stage
        self._talk = talk

    def add(self, kind: Any, **values: Any) -> Fault:
        assert self._stage.sandbox.mtproto is not None
        return self._stage.sandbox.mtproto.faults.add(Fault(kind=kind, bot=self._stage.bot.id, **values))

    async def lose_answer(self, method: str) -> None:
        """Until such a call was carried out and its answer cut off."""
        before = self._lost(method)
        fault = self.add("drop_answer", method=method)
        if method == CREATE:
            self._talk.newcomer()
        for _ in range(60):
            await self._talk.go_on()
            if method in {MIRROR_PHOTO, MIRROR_ALBUM}:
                await self._talk.program_shows(1 if method == MIRROR_PHOTO else 2)
            if await self._happens(lambda: self._lost(method) > before):
                return
            if fault.happened:  # it met a call that was refused
                fault = self.add("drop_answer", method=method)
        raise AssertionError(f"{method} was never called")

    async def cut(self) -> None:
        """Until it was: faults that wait for a connection would meet the ones to come."""
        fault = self.add("cut")
        for _ in range(60):
            await self._talk.go_on()
            if await self._happens(lambda: fault.happened):
                return
        raise AssertionError("nothing was cut")

    async def lose_updates(self, times: int) -> None:
        """Until one was lost: somebody goes on writing, since nobody may have listened yet."""
        lost = self.add("lose_update", times=times)
        for _ in range(60):
            await self._talk.go_on()
            if await self._happens(lambda: lost.happened):
                return
        raise AssertionError("no update was lost")

    def _lost(self, method: str) -> int:
        return self._stage.sandbox.journal.count(method, fault="drop_answer", carried_out=True)

    async def _happens(self, what: Any) -> bool:
        try:
            await self._stage.until(what, seconds=0.5)
        except TimeoutError:
            return False
        return True

    async def until_listening(self) -> None:
        assert self._stage.sandbox.mtproto is not None
        stream = self._stage.sandbox.mtproto.api.stream
        await self._stage.until(lambda: stream.sessions_of(self._stage.bot), "a session listens")


@pytest.mark.timeout(60 + 20 * KILLS)
@pytest.mark.parametrize("killed", [False, True], ids=["alive", "killed"])
async def test_what_was_sent_without_an_answer_is_not_sent_again(
    stage: Stage, talk: TalkOfThree, workers: Workers, *, killed: bool
) -> None:
    """Not even by a new login, which knows no random_ids."""
    stage.world.rules.random_ids_end_with_the_login = True
    trouble = Trouble(stage, talk)
    worker = await workers.start(None)
    for method, revoked in product(METHODS * ROUNDS, (False, True)):
        await trouble.lose_answer(method)
        if killed:
            await workers.murder(worker)
        if revoked:
            trouble.add("revoke")
        if killed:
            worker = await workers.start(None)
        await talk.until_complete()
    assert await workers.stop(worker) == 0
    await talk.end(workers)
    assert stage.sandbox.journal.count(LOGIN) == 1 + len(METHODS) * ROUNDS


@pytest.mark.timeout(60 + 20 * KILLS)
async def test_lost_updates_and_cut_connections_lose_nothing_and_double_nothing(
    stage: Stage, talk: TalkOfThree, workers: Workers
) -> None:
    trouble = Trouble(stage, talk)
    worker = await workers.start(None)
    for cut, killed, times in product((False, True), (False, True), (1, 2, 3) * ROUNDS):
        await trouble.until_listening()
        await trouble.lose_updates(times)
        if cut:
            await trouble.cut()
        await talk.go_on()
        if killed:
            await workers.murder(worker)
            worker = await workers.start(None)
        if cut or killed:  # what breaks again as soon as it has begun anew waits longer each time
            await talk.until_complete()
    assert await workers.stop(worker) == 0
    await talk.end(workers)
