"""The embedded Valkey, which speaks Redis' protocol."""

import signal
import socket
from pathlib import Path
from typing import ClassVar

from backline.embedded.binaries import Installation, valkey_of_wheel
from backline.embedded.folders import write_private
from backline.embedded.server import Server


class Valkey(Server):
    title: ClassVar[str] = "Valkey"
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    last_resort: ClassVar[signal.Signals] = signal.SIGKILL

    def __init__(
        self,
        folder: Path,
        *,
        durable: bool = True,
        log: Path | None = None,
        installation: Installation | None = None,
    ) -> None:
        super().__init__(folder, installation or valkey_of_wheel(), durable=durable, log=log)

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def _prepare(self, lock_descriptor: int) -> None:
        del lock_descriptor  # nothing runs before the server
        self.data.mkdir(0o700, exist_ok=True)
        self.account.own(self.data)

    def _command(self) -> list[str]:
        settings = self.folder / "valkey.conf"  # not arguments: `ps` would show the password
        write_private(settings, self._settings())
        self.account.own(settings)
        return [self._installation.program("valkey-server"), str(settings)]

    def _settings(self) -> str:
        lines = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "requirepass": self.password,
            "dir": _quoted(str(self.data)),
            "appendonly": "yes" if self.durable else "no",
            "save": '""',
            "logfile": '""',
            "daemonize": "no",
        }
        return "".join(f"{name} {value}\n" for name, value in lines.items())

    def _is_ready(self, pid: int) -> bool:
        """It answers to our password, and it has read its data back."""
        del pid
        try:
            with (
                socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection,
                connection.makefile("rb") as answers,
            ):
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                return answers.readline() == b"+OK\r\n" and answers.readline() == b"+PONG\r\n"
        except OSError:
            return False


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
