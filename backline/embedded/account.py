"""Who runs the servers: PostgreSQL refuses to be root, so root hands them to an unprivileged user.

`setpriv` changes the user; no user is added and no folder above ours is opened up.
"""

import os
import pwd
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from backline.embedded.errors import EmbeddedError
from backline.embedded.parent_death import bound_to_us

# Nothing of our environment is the servers' business: it may hold secrets, or PG* variables.
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
SERVER_USERS = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int
    name: str

    @classmethod
    def for_data(cls, data: Path) -> "Account":
        """The account that owns the data, or the one that new data will belong to."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid(), _name_of(os.geteuid()))
        owner = data.stat() if data.exists() else None
        if owner is not None and owner.st_uid != 0:
            return cls(owner.st_uid, owner.st_gid, _name_of(owner.st_uid))
        entry = _server_user()
        return cls(entry.pw_uid, entry.pw_gid, entry.pw_name)

    @property
    def is_someone_else(self) -> bool:
        return self.uid != os.geteuid()

    def own(self, path: Path) -> None:
        if self.is_someone_else:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def can_enter(self, folder: Path) -> bool:
        """Really tries it: a folder anywhere above may be closed."""
        return not self.is_someone_else or self.run(["/usr/bin/test", "-x", str(folder)]).returncode == 0

    def run(
        self, command: Sequence[str], *, stdin: str = "", keep_open: Sequence[int] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end."""
        try:
            return subprocess.run(  # noqa: S603 — the programs are ours
                bound_to_us(command, signal.SIGKILL, identity=self._identity),
                input=stdin,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=120,
                check=False,
                env=ENVIRONMENT,
                cwd="/",
                pass_fds=keep_open,
                start_new_session=True,
            )
        except subprocess.TimeoutExpired:
            raise EmbeddedError(f"{command[0]} did not end within two minutes.") from None

    def spawn(
        self, command: Sequence[str], *, dies_by: signal.Signals, log: IO[bytes], keep_open: Sequence[int]
    ) -> subprocess.Popen[bytes]:
        """Start a server in a session of its own, so that Ctrl-C reaches it through us and not before us."""
        return subprocess.Popen(  # noqa: S603 — the programs are ours
            bound_to_us(command, dies_by, identity=self._identity),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=ENVIRONMENT,
            cwd="/",
            pass_fds=keep_open,
            start_new_session=True,
        )

    @property
    def _identity(self) -> tuple[str, ...]:
        if not self.is_someone_else:
            return ()
        return ("--reuid", str(self.uid), "--regid", str(self.gid), "--clear-groups")


def _server_user() -> pwd.struct_passwd:
    for name in SERVER_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedError("Root can't run the embedded servers: there is no user 'nobody' to run them as.")


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
