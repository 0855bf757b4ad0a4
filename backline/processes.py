"""Child processes that are kept running: started, awaited until they are ready, started again when they die.

Cancelling `Child.keep_running` is how a child is stopped: SIGTERM, patience, SIGKILL.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from backline.embedded.folders import open_log
from backline.embedded.parent_death import bound_to_us
from backline.failure import Failure
from backline.readiness import READY_FD, announced, answers

TRACEBACK = "Traceback (most recent call last):"
LONGEST_LAST_WORDS = 65536  # bytes


@dataclass(frozen=True)
class Patience:
    """Seconds, and how often a program may fail before it is called broken."""

    failures: int = 5
    first_delay: float = 0.1
    longest_delay: float = 10.0
    long_life: float = 30.0
    until_ready: float = 60.0
    until_stopped: float = 10.0


PATIENCE = Patience()


@dataclass(frozen=True)
class Program:
    """What to run: arguments for this interpreter, and where its readiness shows."""

    name: str
    arguments: tuple[str, ...]
    log: Path
    environment: Mapping[str, str] = field(repr=False)
    ready_url: str | None = None  # None: it calls `announce_ready`


@asynccontextmanager
async def started(
    program: Program, patience: Patience = PATIENCE, **extra: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The running program; at the end of the block it is stopped."""
    ready_fd = int(extra.get(READY_FD, "-1"))
    with open_log(program.log) as log:
        process = await asyncio.create_subprocess_exec(
            *bound_to_us([sys.executable, *program.arguments], signal.SIGKILL),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**program.environment, "PYTHONUNBUFFERED": "1", **extra},
            pass_fds=(ready_fd,) if ready_fd >= 0 else (),
            start_new_session=True,  # Ctrl-C is ours: we stop the children in their order
        )
    try:
        yield process
    finally:
        await _stop(process, patience.until_stopped)


async def run_to_end(program: Program) -> None:
    """Raises `Failure` with the program's last line if it fails."""
    start = _size(program.log)
    async with started(program) as process:
        code = await process.wait()
    if code != 0:
        raise Failure(_last_words(program.log, start) or f"{program.name} {_how_it_ended(code)}.")


class Child:
    """A program that is started again whenever it dies."""

    def __init__(self, program: Program, say: Callable[[str], None], patience: Patience = PATIENCE) -> None:
        self.program = program
        self.ready = asyncio.Event()
        self.pid: int | None = None
        self._say = say
        self._patience = patience
        self._was_ready = False
        self._killed = False

    async def keep_running(self) -> None:
        """Returns when we killed it. Raises `Failure` when it died five times in a row and was never ready."""
        failures = quick_deaths = 0
        while not self._killed:
            born_at, log_start = time.monotonic(), _size(self.program.log)
            ended = await self._live()
            if self._killed:
                return
            failures = 0 if self.ready.is_set() else failures + 1
            quick_deaths = 0 if time.monotonic() - born_at > self._patience.long_life else quick_deaths + 1
            self._tell(ended, failures, log_start)
            self.ready.clear()
            await asyncio.sleep(min(self._patience.first_delay * 2**quick_deaths, self._patience.longest_delay))

    def _tell(self, ended: str, failures: int, log_start: int) -> None:
        """What never worked will not work; what worked may wait for something that comes back."""
        name = self.program.name
        if failures == 0:
            self._say(f"{name} {ended}; it starts again.")
            return
        reason = _last_words(self.program.log, log_start) or f"{name} {ended}"
        if failures == self._patience.failures and not self._was_ready:
            raise Failure(f"{name} does not start: {reason}")
        if failures == 1:
            self._say(f"{name} did not start, and is tried again: {reason}")

    def kill(self) -> None:
        """For a person who presses Ctrl-C twice: it does not come back."""
        self._killed = True
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    async def _live(self) -> str:
        """One life, from start to death; says how it ended."""
        read_end, write_end = os.pipe()
        extra = {READY_FD: str(write_end)} if self.program.ready_url is None else {}
        try:
            async with started(self.program, self._patience, **extra) as process:
                os.close(write_end)
                write_end = -1
                self.pid = process.pid
                readiness = asyncio.create_task(self._await_readiness(read_end))
                read_end = -1
                try:
                    return await self._await_death(process, readiness)
                finally:
                    readiness.cancel()
                    with suppress(asyncio.CancelledError):
                        await readiness
        finally:
            self.pid = None
            for descriptor in (read_end, write_end):
                if descriptor >= 0:
                    os.close(descriptor)

    async def _await_death(self, process: asyncio.subprocess.Process, readiness: "asyncio.Task[bool]") -> str:
        death = asyncio.create_task(process.wait())
        try:
            await asyncio.wait(
                {death, readiness}, timeout=self._patience.until_ready, return_when=asyncio.FIRST_COMPLETED
            )
            if not death.done() and not readiness.done():
                process.kill()
                await death
                return f"was not ready after {self._patience.until_ready:.0f} seconds"
            if readiness.done() and readiness.result():
                self.ready.set()
                if self._was_ready:
                    self._say(f"{self.program.name} is back.")
                self._was_ready = True
            return _how_it_ended(await death)
        finally:
            death.cancel()

    async def _await_readiness(self, descriptor: int) -> bool:
        if self.program.ready_url is None:
            return await announced(descriptor)
        os.close(descriptor)
        await answers(self.program.ready_url)
        return True


async def _stop(process: asyncio.subprocess.Process, seconds: float) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), seconds)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def _last_words(log: Path, start: int) -> str:
    """The last line since then. A traceback is a bug, not a sentence: then the log is named as well."""
    with log.open("rb") as file:
        file.seek(0 if _size(log) < start else max(start, _size(log) - LONGEST_LAST_WORDS))
        lines = file.read().decode(errors="replace").strip().splitlines()
    if not lines:
        return ""
    return f"{lines[-1].strip()} (see {log})" if TRACEBACK in lines else lines[-1].strip()
