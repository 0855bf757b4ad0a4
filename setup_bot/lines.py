"""Order for each person, speed for all: one line of jobs per person, many lines at once."""

import asyncio
from collections.abc import Awaitable, Callable

AT_ONCE = 32
Job = Callable[[], Awaitable[None]]


class Lines:
    """Jobs must not raise: they know best whom to tell what went wrong."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._slots = asyncio.Semaphore(at_once)
        self._last: dict[int, asyncio.Task[None]] = {}
        self._running: set[asyncio.Task[None]] = set()

    def submit(self, person: int, job: Job) -> asyncio.Task[None]:
        """Runs the job after all earlier ones of this person."""
        task = asyncio.create_task(self._run(self._last.get(person), job))
        self._last[person] = task
        self._running.add(task)
        task.add_done_callback(lambda done: self._forget(person, done))
        return task

    async def _run(self, before: asyncio.Task[None] | None, job: Job) -> None:
        if before is not None:
            await asyncio.wait([before])
        async with self._slots:
            await job()

    def _forget(self, person: int, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if self._last.get(person) is task:
            del self._last[person]

    async def drain(self, seconds: float) -> None:
        """Lets what runs finish, but no longer than that."""
        if self._running:
            await asyncio.wait(set(self._running), timeout=seconds)
        await self.cancel()

    async def cancel(self) -> None:
        running = set(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
