"""A worker in a process of its own whose log is read line by line, and which is asked how it is."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from tenants.config import Config

ROOT = Path(__file__).parent.parent.parent
LEASE_SECONDS = 3
SOON = 30

Line = dict[str, Any]


class WatchedWorker:
    def __init__(self, process: asyncio.subprocess.Process, http: aiohttp.ClientSession) -> None:
        self.process = process
        self.lines: list[Line] = []
        self.port = 0
        self._http = http
        self._grew = asyncio.Condition()

    async def read(self) -> None:
        """What is no line of the log is a crash's trace, and is shown."""
        assert self.process.stderr is not None
        async for raw in self.process.stderr:
            try:
                line = json.loads(raw)
            except ValueError:
                sys.stderr.write(raw.decode())
                continue
            async with self._grew:
                self.lines.append(line)
                self._grew.notify_all()

    def has_said(self, event: str, *, after: int = 0, **fields: object) -> list[Line]:
        """Its lines of this kind; `after` so many lines of any kind."""
        wanted = {"event": event, **fields}
        return [line for line in self.lines[after:] if wanted.items() <= line.items()]

    async def says(self, event: str, *, after: int = 0, times: int = 1, **fields: object) -> Line:
        """Until it has said it so many times; the last of them."""
        try:
            async with asyncio.timeout(SOON), self._grew:
                await self._grew.wait_for(lambda: len(self.has_said(event, after=after, **fields)) >= times)
        except TimeoutError:
            said = sorted({line.get("event", "?") for line in self.lines[after:]})
            raise AssertionError(f"{event} {fields} was not said, only: {said}") from None
        return self.has_said(event, after=after, **fields)[times - 1]

    async def ask(self, path: str) -> tuple[int, str]:
        async with self._http.get(f"http://127.0.0.1:{self.port}{path}") as answer:
            return answer.status, await answer.text()

    async def count(self, metric: str, **labels: str) -> float:
        """The sum of the samples that have these labels."""
        _, exposition = await self.ask("/metrics")
        samples = [sample for family in text_string_to_metric_families(exposition) for sample in family.samples]
        return sum(s.value for s in samples if s.name == metric and labels.items() <= s.labels.items())


@asynccontextmanager
async def watched_worker(config: Config, **more: str) -> AsyncIterator[WatchedWorker]:
    environ = {
        **os.environ,
        "DATABASE_URL": config.database_url.get_secret_value(),
        "REDIS_URL": config.redis_url.get_secret_value(),
        "BACKLINE_KEYRING": str(config.backline_keyring),
        "TELEGRAM_API_ROOT": config.telegram_api_root,
        "WORKER_PORT": "0",
        "LEASE_SECONDS": str(LEASE_SECONDS),
        "GROUP_SENDS_PER_MINUTE": "1000",  # the sandbox has flood control off
        **more,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "backline", "worker"),
        cwd=ROOT,
        env=environ,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SOON)) as http:
        worker = WatchedWorker(process, http)
        reading = asyncio.create_task(worker.read())
        try:
            worker.port = (await worker.says("health.listening"))["port"]
            yield worker
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGCONT)
                process.send_signal(signal.SIGTERM)
            await process.wait()
            await reading
