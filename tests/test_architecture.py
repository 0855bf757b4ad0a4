"""The house rules that no linter knows. A rule without a check is a wish."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("backline", "api", "connecting", "tenants", "sessions", "worker", "setup_bot", "sandbox")
LONGEST_FILE = 400
LONGEST_FUNCTION = 50
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc", "manager", "impl"}


def sources(*places: str) -> Iterator[Path]:
    for place in places:
        yield from (p for p in sorted((ROOT / place).rglob("*.py")) if "versions" not in p.parts)


def everything() -> list[Path]:
    return list(sources(*PACKAGES, "tests", "bench", "chaos", "live_check"))


def test_no_file_is_longer_than_a_sitting() -> None:
    long = {
        str(p.relative_to(ROOT)): n for p in everything() if (n := len(p.read_text().splitlines())) > LONGEST_FILE
    }
    assert long == {}


def test_no_function_is_longer_than_a_screen() -> None:
    long = []
    for path in sources(*PACKAGES):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    long.append((str(path.relative_to(ROOT)), node.name, lines))
    assert long == []


def test_every_file_says_first_why_it_exists() -> None:
    silent = [str(p.relative_to(ROOT)) for p in sources(*PACKAGES) if not ast.get_docstring(ast.parse(p.read_text()))]
    assert silent == []


def test_no_module_is_a_drawer_for_everything() -> None:
    assert [p for p in everything() if p.stem in FORBIDDEN_NAMES] == []


def test_only_the_unit_of_work_commits() -> None:
    commits = re.compile(r"\.commit\(|\bCOMMIT\b")
    committing = [
        p
        for p in sources("api", "connecting", "tenants", "sessions", "worker", "setup_bot")
        if commits.search(p.read_text())
    ]
    assert set(committing) == {ROOT / "tenants/db.py", ROOT / "tenants/migrations/env.py"}


def test_status_codes_stand_in_one_file_of_the_api() -> None:
    pattern = re.compile(r"\b(HTTP_\d{3}|status_code\s*=\s*\d{3})")
    found = {p.name for p in sources("api") if pattern.search(p.read_text())}
    assert found <= {"problems.py"}


@pytest.mark.parametrize("package", [p for p in PACKAGES if p != "backline"])
def test_importing_a_package_has_no_side_effect(package: str) -> None:
    """No socket, no file, no thread, no log line: in an interpreter of its own, with the current folder read-only."""
    program = (
        "import importlib, pkgutil, sys, threading, socket\n"
        "import stripe\n"  # its HTTP library asks the kernel for IPv6 when it is imported
        "def refuse(*args, **kwargs): raise SystemExit('a socket at import')\n"
        "socket.socket.bind = refuse; socket.socket.connect = refuse\n"
        f"package = importlib.import_module('{package}')\n"
        "for found in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "    if not found.name.endswith(('__main__', '.env')) and '.versions.' not in found.name:\n"
        "        importlib.import_module(found.name)\n"
        "assert threading.active_count() == 1, threading.enumerate()\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_tests_never_sleep() -> None:
    sleeping = re.compile(r"\b(asyncio|time)\.sleep\((?!0\))")  # sleep(0) lets others run and waits for nothing
    assert [p for p in sources("tests") if sleeping.search(p.read_text()) and p.name != Path(__file__).name] == []


def test_the_tree_names_no_registry_and_no_machine() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    secret = re.compile(r"(pypi\.org|files\.pythonhosted|registry\.npmjs|deb\.debian\.org|/work/main|/root/)")
    naming = [
        name
        for name in listed
        if name != "tests/test_architecture.py"
        and (ROOT / name).is_file()
        and secret.search((ROOT / name).read_text(errors="ignore"))
    ]
    assert naming == []
