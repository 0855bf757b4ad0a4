"""`backline up` in a process of its own, with everything below it, as a person starts and ends it."""

import os
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from backline.embedded import temporary_folder
from backline.embedded.folders import lock

CHECKOUT = Path(__file__).parents[2]
DEADLINE = 60
PORTS = ("API_PORT", "SANDBOX_PORT", "SANDBOX_MTPROTO_PORT", "SANDBOX_STRIPE_PORT")


@contextmanager
def data_folder() -> Iterator[Path]:
    """A data folder, removed when nothing below a killed `up` is at work in it."""
    with temporary_folder() as folder:
        yield folder / "data"
        for path in folder.glob("data/*/server.lock"):
            os.close(lock(path, patience=DEADLINE, sentence=f"{path} is still held"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Up:
    """One `backline up`, and everything below it."""

    def __init__(self, place: Path, data: Path, **environment: str) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        ports = {name: str(free_port()) for name in PORTS}
        self.environment = {
            **kept,
            **ports,
            "BACKLINE_DATA": str(data),
            "PYTHONPATH": f"{place}:{CHECKOUT}",
            **environment,
        }
        self.data = data
        self.said: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "backline", "up"],
            env=self.environment,
            cwd=place,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._pidfds: dict[int, int] = {}

    def hear(self, pattern: str) -> str:
        """Read on until a line matches."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if re.search(pattern, line):
                self._remember_processes()
                return line
        pytest.fail(f"never said {pattern!r}: {self.said} {self.process.communicate()[1]}")

    def find(self, words: str) -> psutil.Process:
        return next(p for p in self.below() if words in " ".join(p.cmdline()))

    def log(self, name: str) -> str:
        return (self.data / "logs" / f"{name}.log").read_text()

    def end(self, number: signal.Signals | None = None) -> tuple[int, str, str]:
        if number is not None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, out, err

    def nothing_is_left(self) -> bool:
        return all(select.select([pidfd], [], [], DEADLINE)[0] for pidfd in self._pidfds.values())

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        assert self.nothing_is_left()
        for pidfd in self._pidfds.values():
            os.close(pidfd)

    def below(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def _remember_processes(self) -> None:
        if self.process.poll() is None:
            for process in self.below():
                with suppress(ProcessLookupError):
                    if process.pid not in self._pidfds:
                        self._pidfds[process.pid] = os.pidfd_open(process.pid)


@contextmanager
def running(place: Path, data: Path, **environment: str) -> Iterator[Up]:
    """Modules in `place` stand in for those of the checkout."""
    up = Up(place, data, **environment)
    try:
        yield up
    finally:
        up.close()
