"""The local Telegram as the proof drives it: a sandbox process, its people, and what its switches and journal say."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

RIGHTS = ["manage_topics", "delete_messages", "pin_messages"]
ROOMY = {"per_group": 90, "private_burst": 40, "private_interval": 0.5, "per_bot": 60}
"""Flood control stays on; with these limits it seldom refuses by itself."""
ALL_CALLS = 60_000
LATENCY_MS = 30


@dataclass
class Voice:
    """What one person writes into one conversation, numbered: `said` are Telegram's ids of the messages."""

    key: str
    letter: str
    source: int
    """The chat that it is written in, as the bot knows it."""
    said: list[int] = field(default_factory=list)

    def next_text(self) -> str:
        return f"{self.key} {self.letter}{len(self.said) + 1}"


@dataclass
class Customer:
    name: str
    id: int
    asks: Voice
    answers: Voice
    topic: int | None = None


@dataclass
class Desk:
    number: int
    bot: int
    token: str
    username: str
    group: int
    owner: int
    operator: int
    customers: list[Customer]


class Telegram:
    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url = url
        self._http = http

    async def act(self, do: str, *, by: int | None = None, **values: Any) -> Any:
        actor = {} if by is None else {"as": by}
        return await self._ask("POST", "act", json={"do": do, **actor, **values})

    async def settings(self, **values: Any) -> None:
        await self._ask("POST", "settings", json=values)

    async def fault(self, **values: Any) -> None:
        await self._ask("POST", "faults", json=values)

    async def clear_faults(self) -> None:
        await self._ask("DELETE", "faults")

    async def state(self) -> Any:
        return await self._ask("GET", "state")

    async def texts(self) -> dict[str, dict[str, list[tuple[int, str]]]]:
        return await self._ask("GET", "texts")

    async def last_pollers(self) -> dict[int, str]:
        """By bot, as the sandbox names programs."""
        return {poll["bot"]: poll["caller"] for poll in await self._ask("GET", "polls")}

    async def journal(self, method: str) -> Any:
        return await self._ask("GET", "journal", params={"method": method, "limit": ALL_CALLS})

    async def _ask(self, verb: str, path: str, **values: Any) -> Any:
        async with self._http.request(verb, f"{self.url}/sandbox/{path}", **values) as answer:
            found = await answer.json(content_type=None)
            if answer.status != 200:
                raise RuntimeError(f"the sandbox refused {path} {values}: {found}")
            return found


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Telegram]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as http:
        yield Telegram(url, http)


@contextmanager
def sandbox() -> Iterator[str]:
    """The address of a sandbox process."""
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--latency-ms", str(LATENCY_MS)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().rpartition(" ")[2].strip()
    finally:
        process.terminate()
        process.wait(20)


async def people(telegram: Telegram, tenants: int) -> list[Desk]:
    await telegram.settings(flood_control=True, **ROOMY)
    return [await _desk(telegram, number) for number in range(tenants)]


async def _desk(telegram: Telegram, number: int) -> Desk:
    """Every fifth has two customers."""
    owner = (await telegram.act("add_user", first_name=f"Owner {number}"))["id"]
    bot = await telegram.act("add_bot", by=owner, name=f"Bot {number}", username=f"chaos_{number}_bot")
    group = (await telegram.act("add_forum", by=owner, title=f"Desk {number}"))["id"]
    await telegram.act("add_member", by=owner, chat=group, who=bot["id"])
    await telegram.act("promote", by=owner, chat=group, who=bot["id"], rights=RIGHTS)
    operator = (await telegram.act("add_user", first_name=f"Operator {number}"))["id"]
    await telegram.act("add_member", by=owner, chat=group, who=operator)
    customers = []
    for letter in "ab" if number % 5 == 0 else "a":
        name = f"c{number}{letter}"
        person = (await telegram.act("add_user", first_name=name))["id"]
        customers.append(Customer(name, person, Voice(name, "q", person), Voice(name, "a", group)))
    return Desk(number, bot["id"], bot["token"], bot["username"], group, owner, operator, customers)
