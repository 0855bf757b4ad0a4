"""The workers: real processes, each with a log of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

GOODBYE_SECONDS = 30.0


def name_of(number: int | str) -> str:
    return f"worker {number}"


class Worker:
    def __init__(self, number: int, log: Path, environ: Mapping[str, str]) -> None:
        self.number = number
        self.log = log
        self.expected_to_live = True
        with log.open("wb") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "backline", "worker"],
                env={**os.environ, **environ},
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )
        self.pid = self._process.pid

    @property
    def name(self) -> str:
        return name_of(self.number)

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    @property
    def code(self) -> int | None:
        return self._process.poll()

    def send(self, what: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(what)

    def kill(self) -> None:
        self.expected_to_live = False
        self._process.kill()
        self._process.wait()

    def terminate(self) -> None:
        self.expected_to_live = False
        self._process.terminate()

    def ended(self) -> bool:
        """Whether it ended by itself after `terminate`; otherwise it does now. Who was still starting just dies."""
        try:
            self._process.wait(GOODBYE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        never_began = self._process.returncode == -signal.SIGTERM and not self.log.stat().st_size
        return self._process.returncode == 0 or never_began


class Fleet:
    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.everybody: list[Worker] = []
        self.deaths: list[str] = []
        self.bad_goodbyes: list[str] = []
        self._folder = folder
        self._environ = environ

    @property
    def alive(self) -> list[Worker]:
        return [worker for worker in self.everybody if worker.expected_to_live and worker.is_alive]

    def hire(self) -> Worker:
        number = len(self.everybody) + 1
        environ = {**self._environ, "TELEGRAM_API_ROOT": f"{self._environ['TELEGRAM_API_ROOT']}/as/{number}"}
        worker = Worker(number, self._folder / f"worker-{number}.log", environ)
        self.everybody.append(worker)
        return worker

    def keep(self, wanted: int) -> None:
        """Who died without being asked to is replaced, and remembered."""
        for worker in self.everybody:
            if worker.expected_to_live and not worker.is_alive:
                worker.expected_to_live = False
                self.deaths.append(f"{worker.name} (pid {worker.pid}) ended with {worker.code}")
        while len(self.alive) < wanted:
            self.hire()

    def dismiss(self) -> None:
        """All of them, kindly; nobody is left behind."""
        self.keep(0)
        leaving = self.alive
        for worker in leaving:
            worker.send(signal.SIGCONT)
            worker.terminate()
        self.bad_goodbyes += [f"{worker.name}: {worker.code}" for worker in leaving if not worker.ended()]

    def kill_all(self) -> None:
        for worker in self.everybody:
            if worker.is_alive:
                worker.kill()
