"""A child process is awaited, revived, and given up or not: small programs, really started."""

import asyncio
import os
import re
import signal
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from backline.failure import Failure
from backline.processes import Child, Patience, Program, run_to_end
from backline.readiness import READY_FD, announce_ready

CHECKOUT = Path(__file__).parents[2]
DEADLINE = 30
READY = "from backline.readiness import announce_ready; announce_ready()\n"
LIVE = "import signal\nwhile True:\n    signal.pause()\n"


class Stage:
    """What a child says, awaitable."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self._heard = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def program(self, code: str) -> Program:
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT)}
        return Program("worker", ("-c", code), self.folder / "worker.log", environment)

    def child(self, code: str, **patience: float) -> Child:
        return Child(self.program(code), self._say, Patience(**{"first_delay": 0.001, **patience}))

    @asynccontextmanager
    async def running(self, child: Child):
        task = asyncio.create_task(child.keep_running())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def hear(self, pattern: str) -> str:
        async with asyncio.timeout(DEADLINE), self._heard:
            await self._heard.wait_for(lambda: any(re.search(pattern, line) for line in self.said))
        return next(line for line in self.said if re.search(pattern, line))

    def _say(self, line: str) -> None:
        self.said.append(line)
        task = asyncio.ensure_future(self._wake())
        self._tasks.add(task)

    async def _wake(self) -> None:
        async with self._heard:
            self._heard.notify_all()


@pytest.fixture
def stage(tmp_path):
    return Stage(tmp_path)


async def test_a_child_is_ready_when_it_says_so_and_is_stopped_by_cancellation(stage):
    drain = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('drained')))\n"
    child = stage.child(f"{drain}{READY}{LIVE}")
    async with stage.running(child):
        await asyncio.wait_for(child.ready.wait(), DEADLINE)
        pidfd = os.pidfd_open(child.pid)
    with pytest.raises(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGCONT)
    os.close(pidfd)
    assert child.program.log.read_text() == "drained\n"
    assert stage.said == []


async def test_a_child_that_ignores_sigterm_is_killed(stage):
    code = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{READY}{LIVE}"
    child = stage.child(code, until_stopped=0.05)
    async with stage.running(child):
        await asyncio.wait_for(child.ready.wait(), DEADLINE)
        pidfd = os.pidfd_open(child.pid)
    with pytest.raises(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGCONT)
    os.close(pidfd)


async def test_a_child_that_was_never_ready_is_given_up_after_five_deaths(stage):
    child = stage.child("print('one more', flush=True); raise SystemExit('The moon is missing.')")
    with pytest.raises(Failure, match=r"^worker does not start: The moon is missing\.$"):
        await asyncio.wait_for(child.keep_running(), DEADLINE)
    assert child.program.log.read_text().count("one more") == 5
    assert stage.said == ["worker did not start, and is tried again: The moon is missing."]


async def test_a_child_that_once_worked_is_tried_until_it_works_again(stage):
    lives = stage.folder / "lives"
    lives.touch()
    code = (
        f"from pathlib import Path\n"
        f"lives = Path({str(lives)!r})\n"
        f"lived = len(lives.read_text())\n"
        f"lives.write_text('.' * (lived + 1))\n"
        f"if 1 <= lived <= 7: raise SystemExit('The moon is missing.')\n"
        f"{READY}"
        f"if lived == 0: raise SystemExit(3)\n"
        f"{LIVE}"
    )
    async with stage.running(stage.child(code)):
        await stage.hear("is back")
    assert stage.said == [
        "worker ended with code 3; it starts again.",
        "worker did not start, and is tried again: The moon is missing.",
        "worker is back.",
    ]


async def test_a_child_that_hangs_before_it_is_ready_is_killed_and_tried_again(stage):
    child = stage.child(LIVE, until_ready=0.05, failures=2)
    with pytest.raises(Failure, match=r"^worker does not start: worker was not ready after 0 seconds"):
        await asyncio.wait_for(child.keep_running(), DEADLINE)


async def test_a_traceback_is_followed_by_the_name_of_the_log(stage):
    program = stage.program("raise ValueError('a bug')")
    with pytest.raises(Failure, match=f"^ValueError: a bug \\(see {program.log}\\)$"):
        await run_to_end(program)


async def test_a_program_that_was_killed_in_silence_is_named(stage):
    program = stage.program("import os; os.kill(os.getpid(), 9)")
    with pytest.raises(Failure, match=r"^worker was ended by SIGKILL\.$"):
        await run_to_end(program)


async def test_only_the_words_of_the_last_run_are_told(stage):
    program = stage.program("print('fine')")
    await run_to_end(program)
    with pytest.raises(Failure, match=r"^worker ended with code 4\.$"):
        await run_to_end(stage.program("raise SystemExit(4)"))


def test_readiness_is_announced_once_and_to_nobody_if_nobody_asked(monkeypatch):
    monkeypatch.delenv(READY_FD, raising=False)
    announce_ready()
    reading, writing = os.pipe()
    monkeypatch.setenv(READY_FD, str(writing))
    announce_ready()
    announce_ready()
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b"READY=1\n"
