"""Finds what the domain and Telegram's errors say to people, in the source: a new sentence needs no registration."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOMAIN = {"Conflict", "Forbidden", "Invalid", "PlanRequired", "Unavailable"}
"""With the sentence in the first place."""
PLACES = {"Phrase": 0, "Flaky": 1, "Rejected": 1, "MarkupError": 1, "Gone": 2, "_Text": 3} | dict.fromkeys(DOMAIN, 0)
FOR_PROGRAMS = {
    "tenants/archive/pages.py",
    "tenants/billing/gateway.py",
    "tenants/dead_letters.py",
    "tenants/errors.py",
    "tenants/set_aside.py",
    "tenants/webhooks/service.py",
}
"""Modules whose sentences only the API says."""
MADE_OF_PARTS = "f-string"


def find_sentences() -> dict[str, str]:
    """Where each stands, by the English sentence or template."""
    found: dict[str, str] = {}
    for path in _modules():
        tree = ast.parse(path.read_text())
        for call in ast.walk(tree):
            if isinstance(call, ast.Call):
                where = f"{path.relative_to(ROOT)}:{call.lineno}"
                found |= dict.fromkeys(_said_by(call, tree), where)
    return found


def _modules() -> Iterator[Path]:
    for directory in ("tenants", "connecting", "sessions"):
        for path in sorted((ROOT / directory).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            if name not in FOR_PROGRAMS and not name.startswith("sessions/mtproto"):
                yield path


def _said_by(call: ast.Call, tree: ast.Module) -> Iterator[str]:
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    if name == "NotFound" and isinstance(call.args[0], ast.Constant):
        yield f"There is no such {call.args[0].value}."
    elif name in PLACES and len(call.args) > PLACES[name]:
        yield from _read(call.args[PLACES[name]], tree)


def _read(said: ast.expr, tree: ast.Module) -> Iterator[str]:
    """The constants that stand there, also by way of a name. What was an error's already is found where it was made."""
    if isinstance(said, ast.Constant):
        yield str(said.value)
    elif isinstance(said, ast.JoinedStr):
        yield MADE_OF_PARTS
    elif isinstance(said, ast.IfExp):
        yield from _read(said.body, tree)
        yield from _read(said.orelse, tree)
    elif isinstance(said, ast.Name):
        for assigned in ast.walk(tree):
            if isinstance(assigned, ast.Assign) and _names(assigned.targets) == [said.id]:
                yield from _read(assigned.value, tree)


def _names(targets: list[ast.expr]) -> list[str]:
    return [target.id for target in targets if isinstance(target, ast.Name)]
