"""The data folder of `backline up`: where it is, who has it, and the secrets that live in it."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from backline.embedded import Account, EmbeddedError
from backline.embedded.folders import disk_errors, lock, make_folder

ROOTS_PLACE = Path("/var/lib/backline")


def choose_data_folder(environ: Mapping[str, str], checkout: Path) -> Path:
    """BACKLINE_DATA, else `.backline` where we stand, if the account that runs the servers gets there."""
    if chosen := environ.get("BACKLINE_DATA", "").strip():
        return Path(chosen).expanduser().absolute()
    here = checkout.absolute() / ".backline"
    try:
        reachable = Account.for_data(here / "postgres" / "cluster").can_enter(checkout)
    except EmbeddedError:
        reachable = False
    if reachable:
        return here
    digest = hashlib.sha256(str(checkout.absolute()).encode()).hexdigest()[:8]
    return ROOTS_PLACE / f"{checkout.absolute().name or 'root'}-{digest}"


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Make the folder, and keep a second `backline up` out of it."""
    with disk_errors(folder):
        make_folder(folder)
        path = folder / "up.lock"
        holder = path.read_text().strip() if path.exists() else ""
        sentence = (
            f"Backline already runs with the data folder {folder} (process {holder}):"
            " stop it, or set BACKLINE_DATA to another folder."
        )
        descriptor = lock(path, patience=0, sentence=sentence)
    try:
        os.truncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        os.close(descriptor)


def keyring_in(folder: Path) -> Path:
    """The generated keyring. It is written once and whole: a half of it would lock out every secret."""
    from tenants.crypto import generate_keyring  # noqa: PLC0415 — only a first start needs cryptography

    path = folder / "keyring.json"
    if not path.exists():
        unfinished = path.with_name("keyring.json.new")
        unfinished.unlink(missing_ok=True)
        generate_keyring(unfinished)
        unfinished.rename(path)
    return path
