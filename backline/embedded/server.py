"""One supervised server, whichever it is: its folder, its locks, its port, its start and its end."""

import os
import secrets
import signal
import socket
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from backline.embedded.account import Account
from backline.embedded.binaries import Installation
from backline.embedded.errors import EmbeddedError
from backline.embedded.folders import disk_errors, lock, make_folder, open_log, write_private

START_SECONDS = 60.0
STOP_SECONDS = 10.0
PREVIOUS_RUN_SECONDS = 30.0
PORT_ATTEMPTS = 5


class Server(ABC):
    """A subclass knows how its server is prepared, called, and found to be ready.

    Two locks: `in-use.lock` is ours and says at once that somebody else runs this folder; `server.lock`
    is inherited by the server, so that a new one waits for what a killed run left behind, down to the last
    orphaned backend. Whoever holds both may remove a stale pid file.
    """

    title: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]
    last_resort: ClassVar[signal.Signals]

    def __init__(self, folder: Path, installation: Installation, *, durable: bool, log: Path | None) -> None:
        self.folder = folder.absolute()
        self.log = log or self.folder / "server.log"
        self.durable = durable
        self.port = 0
        self.password = ""
        self._installation = installation
        self._in_use: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._log_starts_at = 0
        self._account: Account | None = None

    @property
    @abstractmethod
    def url(self) -> str: ...

    @property
    @abstractmethod
    def data(self) -> Path:
        """The folder that belongs to the server's account; ours around it belongs to us."""

    @abstractmethod
    def _prepare(self, lock_descriptor: int) -> None: ...

    @abstractmethod
    def _command(self) -> list[str]: ...

    @abstractmethod
    def _is_ready(self, pid: int) -> bool: ...

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def account(self) -> Account:
        if self._account is None:
            raise RuntimeError("the server was never started")
        return self._account

    def start(self) -> None:
        """Start, or start again after a death: the port and the password stay."""
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("the parent-death signal follows the thread: start servers from the main thread")
        with disk_errors(self.folder):
            try:
                self._start()
            except BaseException:
                self.stop()
                raise

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(self.stop_signal)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.send_signal(self.last_resort)
                process.wait()
        if self._in_use is not None:
            os.close(self._in_use)
            self._in_use = None

    def _start(self) -> None:
        make_folder(self.folder)
        if self._in_use is None:
            sentence = f"Another process already runs {self.title} in {self.folder}: stop it first."
            self._in_use = lock(self.folder / "in-use.lock", patience=0, sentence=sentence)
        self._account = Account.for_data(self.data)
        self._check_reach()
        self._installation = self._installation.usable_by(self.account, self.folder / "programs")
        self.password = self._remembered_password()
        sentence = f"{self.title} of a previous run still uses {self.folder}: try again in a minute."
        descriptor = lock(self.folder / "server.lock", patience=PREVIOUS_RUN_SECONDS, sentence=sentence)
        try:
            self._prepare(descriptor)
            self._start_on_a_free_port(descriptor)
        finally:
            os.close(descriptor)

    def _check_reach(self) -> None:
        if not self.account.can_enter(self.folder):
            raise EmbeddedError(
                f"The user {self.account.name}, who runs {self.title} for root, can't reach {self.folder}:"
                " set BACKLINE_DATA to a folder below /var/lib."
            )

    def _remembered_password(self) -> str:
        path = self.folder / "password"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(24))
        return path.read_text()

    def _start_on_a_free_port(self, descriptor: int) -> None:
        fixed = self.port
        for _ in range(PORT_ATTEMPTS):
            self.port = fixed or _free_port()
            if self._came_up(descriptor):
                return
            if "address already in use" not in self._said().lower():
                break
        lines = self._said().strip().splitlines()[-3:]
        raise EmbeddedError(f"{self.title} did not start; {self.log} says: {' / '.join(lines) or 'nothing'}")

    def _came_up(self, descriptor: int) -> bool:
        with open_log(self.log) as log:
            self._log_starts_at = log.tell()
            process = self.account.spawn(self._command(), dies_by=self.stop_signal, log=log, keep_open=(descriptor,))
        self._process = process
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            if self._is_ready(process.pid):
                return True
            time.sleep(0.005)
        if process.poll() is None:
            process.send_signal(self.last_resort)
        process.wait()
        self._process = None
        return False

    def _said(self) -> str:
        with self.log.open("rb") as log:
            log.seek(self._log_starts_at)
            return log.read().decode(errors="replace")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
