"""The commands that operators type: one file each, found by being here.

A file's name is its command's, with a `_` behind where Python reserves the word.
"""

from importlib import import_module
from pkgutil import iter_modules

from worker.decisions.command import Command


def scan(package: str, path: list[str]) -> dict[str, Command]:
    """Raises where a file declares no command, or one of another name."""
    found: dict[str, Command] = {}
    for module in sorted(iter_modules(path), key=lambda module: module.name):
        command = getattr(import_module(f"{package}.{module.name}"), "COMMAND", None)
        if not isinstance(command, Command) or command.name != module.name.removesuffix("_"):
            raise RuntimeError(f"{package}.{module.name} declares no command of its own name")
        if (command.act is None) == (command.answer is None):
            raise RuntimeError(f"/{command.name} needs either an act or an answer")
        found[command.name] = command
    if not found:
        raise RuntimeError(f"{package} holds no command")
    return found


COMMANDS = scan(__name__, list(__path__))
