"""A Telegram of the benchmark's own: the sandbox with desks made beforehand, driven in bulk, over TLS on demand.

Counting and speaking happen in its process, so that measuring costs as little as it can.
Reads its orders as one JSON line from standard input, and answers with one: where it is, and the desks.
"""

import asyncio
import base64
import contextlib
import json
import re
import ssl
import sys
from collections import Counter
from datetime import timedelta
from typing import Any

from aiohttp import web

from sandbox.server import Sandbox
from sandbox.world import Bot, Change, Chat, User

RIGHTS = ["manage_topics", "delete_messages", "pin_messages"]
MARK = re.compile(r"\bm\d+\b")
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
COPIES = frozenset({"copyMessage", "copyMessages", "sendMessage", "messages.forwardMessages", "messages.sendMessage"})


class Desk:
    """A bot, its group, its owner, who answers as well, and its customers."""

    def __init__(self, sandbox: Sandbox, number: int, customers: int) -> None:
        world = sandbox.world
        self.number = number
        self.owner: User = world.add_user(f"Owner {number}")
        self.bot: Bot = world.add_bot(f"Bot {number}", f"bench_{number}_bot", owner=self.owner)
        self.group: Chat = world.add_forum(f"Desk {number}", self.owner)
        world.add_member(self.group, self.bot, by=self.owner)
        world.promote(self.group, self.bot, RIGHTS, by=self.owner)
        self.customers: list[User] = []
        self.hire(sandbox, customers)
        self.bot.updates.waiting.clear()  # that it was made an administrator

    def hire(self, sandbox: Sandbox, customers: int) -> None:
        first = len(self.customers)
        self.customers += [
            sandbox.world.add_user(f"Customer {self.number} {number}") for number in range(first, first + customers)
        ]

    def told(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "bot": self.bot.id,
            "token": self.bot.token,
            "username": self.bot.username,
            "group": self.group.id,
            "owner": self.owner.id,
            "customer": self.customers[0].id,
        }


class Theatre:
    """What the benchmark asks for under /bench/, beside the sandbox's own doors."""

    def __init__(self, sandbox: Sandbox, desks: int, customers: int) -> None:
        self._sandbox = sandbox
        self._world = sandbox.world
        self.desks = [Desk(sandbox, number, customers) for number in range(desks)]
        self._calls: Counter[tuple[int, str, bool]] = Counter()
        self._copies = 0
        self._moved = asyncio.Event()
        self._world.listen(self._note)

    def routes(self) -> list[web.RouteDef]:
        deeds = (
            self.say,
            self.wait,
            self.calls,
            self.parked,
            self.listening,
            self.mirrored,
            self.answer,
            self.units,
            self.housekeeper,
        )
        return [web.post(f"/bench/{deed.__name__}", _answering(deed)) for deed in deeds]

    def _note(self, change: Change) -> None:
        if change.kind != "call.finished" or not change.subject.carried_out:
            return
        record = change.subject
        self._calls[record.bot_id, record.method, record.chat.startswith("-")] += 1
        if record.method in COPIES and record.chat.startswith("-"):
            self._copies += 1
            self._moved.set()

    async def say(self, given: dict[str, Any]) -> Any:
        """Messages of customers: desk, which customer, text, whether it is a photo."""
        for number, customer, text, photo in given["messages"]:
            desk = self.desks[number]
            if customer >= len(desk.customers):
                desk.hire(self._sandbox, customer + 1 - len(desk.customers))
            content: dict[str, Any] = {"photo": PIXEL, "caption": text} if photo else {"text": text}
            self._world.send(desk.customers[customer], desk.bot, **content)
        return {"copies": self._copies}

    async def answer(self, given: dict[str, Any]) -> Any:
        """The owner answers in each topic of the desk."""
        desk = self.desks[given["desk"]]
        topics = [topic for topic in desk.group.topics.values() if topic.id != 1]
        for topic in topics:
            self._world.send(desk.owner, desk.group, given["text"], topic=topic)
        return {"answers": len(topics)}

    async def wait(self, given: dict[str, Any]) -> Any:
        """Until so many copies stand in groups since the start, or it takes too long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(given["seconds"]):
                while self._copies < given["copies"]:
                    self._moved.clear()
                    await self._moved.wait()
        return {"copies": self._copies}

    async def calls(self, _: dict[str, Any]) -> Any:
        """Carried out so far: by bot and method, and whether into a group."""
        return [[bot, method, count, in_group] for (bot, method, in_group), count in self._calls.items()]

    async def parked(self, _: dict[str, Any]) -> Any:
        """The bots for whose updates a program waits now."""
        return [bot.id for bot in self._world.bots.values() if bot.updates.on_arrival is not None]

    async def listening(self, _: dict[str, Any]) -> Any:
        """The bots of which an MTProto session has asked where the updates stand."""
        return list({bot for bot, method, _ in self._calls if method == "updates.getState"})

    async def mirrored(self, _: dict[str, Any]) -> Any:
        """For each desk: marked messages that stand in its group, and how many of them stand there twice."""
        found = []
        for desk in self.desks:
            marks = [mark for message in desk.group.messages.values() for mark in MARK.findall(message.text or "")]
            found.append({"desk": desk.number, "mirrored": len(set(marks)), "again": len(marks) - len(set(marks))})
        return found

    async def units(self, given: dict[str, Any]) -> Any:
        """What flood control has charged for the desk's group: to its own bot, and to others."""
        desk = self.desks[given["desk"]]
        now = self._world.now()
        own = self._sandbox.flood.budget(desk.bot.id, desk.group, now).used
        others = sum(
            self._sandbox.flood.budget(bot.id, desk.group, now).used
            for bot in desk.group.bots.values()
            if bot is not desk.bot
        )
        return {"own": own, "others": others}

    async def housekeeper(self, given: dict[str, Any]) -> Any:
        """A setup bot that is an administrator of the desk's group, too."""
        desk = self.desks[given["desk"]]
        bot = self._world.add_bot("Setup", "bench_setup_bot", owner=desk.owner)
        self._world.add_member(desk.group, bot, by=desk.owner)
        self._world.promote(desk.group, bot, RIGHTS, by=desk.owner)
        return {"token": bot.token}


def _answering(deed: Any) -> Any:
    async def respond(request: web.Request) -> web.Response:
        return web.json_response(await deed(await request.json()))

    return respond


async def main(orders: dict[str, Any]) -> None:
    latency = timedelta(milliseconds=orders.get("latency_ms", 0))
    port = 0 if orders.get("mtproto") else None
    async with Sandbox(latency=latency, flood_control=False, mtproto_port=port) as sandbox:
        theatre = Theatre(sandbox, orders["desks"], orders.get("customers", 1))
        address = await _open(theatre.routes(), None)
        secure = ""
        if orders.get("certificate"):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(orders["certificate"], orders["key"])
            secure = await _open(sandbox.routes(), context)
        told = {
            "url": sandbox.url,
            "bench": address,
            "secure": secure,
            "mtproto": sandbox.mtproto.about() if sandbox.mtproto else None,
            "desks": [desk.told() for desk in theatre.desks],
        }
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)  # until whoever started it is gone


async def _open(routes: list[web.RouteDef], context: ssl.SSLContext | None) -> str:
    app = web.Application(client_max_size=60 << 20)
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context, backlog=4096).start()
    return f"{'https' if context else 'http'}://127.0.0.1:{runner.addresses[0][1]}"


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.stdin.readline())))
