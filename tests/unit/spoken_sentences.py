"""Finds what the domain and Telegram's errors say to people, in the source: a new sentence needs no registration."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOMAIN = {"Conflict", "Forbidden", "Invalid", "PlanRequired", "Unavailable"}
"""With the sentence in the first place."""
PLACES = dict.fromkeys(DOMAIN, 0) | {
    "Phrase": 0,
    "Flaky": 1,
    "MarkupError": 1,
    "NetworkTrouble": 1,
    "Rejected": 1,
    "Gone": 2,
    "_Text": 3,
}
FOR_PROGRAMS = {
    "tenants/archive/pages.py",
    "tenants/billing/gateway.py",
    "tenants/billing/links.py",
    "tenants/dead_letters.py",
    "tenants/set_aside.py",
    "tenants/webhooks/service.py",
}
"""Modules whose sentences only the API and its pages say."""
MADE_OF_PARTS = "f-string"


def find_sentences() -> dict[str, str]:
    """Where each stands, by the English sentence or template."""
    found: dict[str, str] = {}
    for path in _modules():
        tree, name = ast.parse(path.read_text()), str(path.relative_to(ROOT))
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and _reaches_people(call, name):
                found |= dict.fromkeys(_said_by(call, tree), f"{name}:{call.lineno}")
    return found


def _reaches_people(call: ast.Call, module: str) -> bool:
    """Of a parallel session's errors only those that are noted as the group's trouble."""
    return not module.startswith("sessions/mtproto") or _name(call) == "Gone"


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _modules() -> Iterator[Path]:
    for directory in ("tenants", "connecting", "sessions", "setup_bot"):
        for path in sorted((ROOT / directory).rglob("*.py")):
            if str(path.relative_to(ROOT)) not in FOR_PROGRAMS:
                yield path


def _said_by(call: ast.Call, tree: ast.Module) -> Iterator[str]:
    name = _name(call)
    if name == "NotFound" and isinstance(call.args[0], ast.Constant):
        yield f"There is no such {call.args[0].value}."
    elif name in PLACES and len(call.args) > PLACES[name]:
        yield from _read(call.args[PLACES[name]], tree)
    elif _begins_an_error(call):
        yield from (arg.value for arg in call.args if isinstance(arg, ast.Constant) and " " in str(arg.value))


def _begins_an_error(call: ast.Call) -> bool:
    """An error whose class has the sentence: `super().__init__("…")`."""
    func = call.func
    return isinstance(func, ast.Attribute) and func.attr == "__init__" and ast.unparse(func.value) == "super()"


def _read(said: ast.expr, tree: ast.Module) -> Iterator[str]:
    """The constants that stand there, also by way of a name or a function. What was an error's already is found where
    that was made.
    """
    if isinstance(said, ast.Constant):
        yield str(said.value)
    elif isinstance(said, ast.JoinedStr):
        yield MADE_OF_PARTS
    else:
        for part in _parts(said, tree):
            yield from _read(part, tree)


def _parts(said: ast.expr, tree: ast.Module) -> list[ast.expr]:
    if isinstance(said, ast.IfExp):
        return [said.body, said.orelse]
    nodes = list(ast.walk(tree))
    if isinstance(said, ast.Name):
        return [node.value for node in nodes if isinstance(node, ast.Assign) and _names(node.targets) == [said.id]]
    if isinstance(said, ast.Call):
        made = [node for node in nodes if isinstance(node, ast.FunctionDef) and node.name == _name(said)]
        returns = [node for function in made for node in ast.walk(function) if isinstance(node, ast.Return)]
        return [node.value for node in returns if node.value is not None]
    return []


def _names(targets: list[ast.expr]) -> list[str]:
    return [target.id for target in targets if isinstance(target, ast.Name)]
