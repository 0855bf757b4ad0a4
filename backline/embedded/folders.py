"""Folders and locks of the embedded servers; what the disk refuses becomes one sentence."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from backline.embedded.errors import EmbeddedError

LONGEST_LOG = 10_000_000  # bytes


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        where = error.filename or folder
        raise EmbeddedError(
            f"The data folder {folder} can't be used ({where}: {reason}): set BACKLINE_DATA to a folder of yours."
        ) from None


def private_mode() -> int:
    """Root's folders can be passed through by the account that runs the servers, but not listed."""
    return 0o711 if os.geteuid() == 0 else 0o700


def make_folder(folder: Path, mode: int | None = None) -> None:
    """Make a folder and those above it; folders that exist keep their modes."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        path.chmod(0o755)
    if missing:
        folder.chmod(private_mode() if mode is None else mode)


def write_private(path: Path, text: str) -> None:
    """Write a file that only we can read, whole or not at all."""
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)


def open_log(path: Path) -> BinaryIO:
    """Append to a log that only we can read; what is too long starts anew, the last one is kept."""
    make_folder(path.parent)
    if path.exists() and path.stat().st_size > LONGEST_LOG:
        path.rename(path.with_name(f"{path.name}.1"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "ab")


def lock(path: Path, *, patience: float, sentence: str) -> int:
    """Hold a file lock until the returned descriptor, and each copy that a child inherited, is closed."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise EmbeddedError(sentence) from None
            time.sleep(0.01)
        else:
            return descriptor


@contextmanager
def claim(path: Path, sentence: str) -> Iterator[None]:
    descriptor = lock(path, patience=60, sentence=sentence)
    try:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A throw-away folder that the servers' account can reach, whoever we are: for tests and benchmarks."""
    folder = Path(tempfile.mkdtemp(prefix="backline-"))
    folder.chmod(private_mode())
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
