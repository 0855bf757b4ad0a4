"""The command line's refusals: one sentence on stderr, exit code 1, nothing started."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from backline.cli import main

CHECKOUT = Path(__file__).parents[2]
COMPLETE = {
    "DATABASE_URL": "postgresql://me:hidden@127.0.0.1:5432/desk",
    "REDIS_URL": "redis://:hidden@127.0.0.1:6379/0",
    "BACKLINE_KEYRING": "keyring.json",
}
MTPROTO = ("SANDBOX_MTPROTO_PORT", "TELEGRAM_API_ID", "TELEGRAM_API_HASH", "TELEGRAM_DC", "TELEGRAM_DC_KEY")
SERVICES = ["api", "worker", "tasks", "setup-bot"]


@pytest.fixture
def refused(monkeypatch, capsys, tmp_path):
    """Run a command that must be refused; returns its sentence."""

    def run(*arguments: str, **environment: str) -> str:
        for name in (
            "DATABASE_URL",
            "REDIS_URL",
            "SETUP_BOT_TOKEN",
            "TELEGRAM_API_ROOT",
            "API_PORT",
            "SANDBOX_PORT",
            *MTPROTO,
        ):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("BACKLINE_DATA", str(tmp_path / "data"))
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        assert main(arguments) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err.count("\n") == 1
        assert err.endswith(".\n")
        assert "hidden" not in err
        assert not (tmp_path / "data").exists()
        return err

    return run


def test_help_names_every_command_and_imports_nothing_heavy():
    program = (
        "import sys\nfrom backline.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'pydantic', 'sqlalchemy', 'aiogram', 'litestar', 'asyncpg', 'redis', 'dramatiq'}\n"
        "print(sorted(heavy & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    for command in ("up", "api", "worker", "tasks", "setup-bot", "migrate", "api-key"):
        assert re.search(rf"^    {command}\s", done.stdout, re.MULTILINE)
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_unknown_command_is_answered_with_the_usage(capsys):
    with pytest.raises(SystemExit) as end:
        main(["upp"])
    assert end.value.code == 2
    assert "invalid choice: 'upp'" in capsys.readouterr().err


@pytest.mark.parametrize("command", [*SERVICES, "migrate"])
def test_a_missing_database_url_is_named(refused, command):
    assert refused(command) == "DATABASE_URL is not set.\n"


@pytest.mark.parametrize("command", SERVICES)
def test_a_missing_redis_url_is_named(refused, command):
    assert refused(command, DATABASE_URL=COMPLETE["DATABASE_URL"]) == "REDIS_URL is not set.\n"


@pytest.mark.parametrize("command", ["api", "migrate", "up"])
@pytest.mark.parametrize("url", ["mysql://me:hidden@127.0.0.1/desk", "postgresql://me:hidden@127.0.0.1", "hidden"])
def test_a_malformed_database_url_is_refused_without_showing_it(refused, command, url):
    said = refused(command, **{**COMPLETE, "DATABASE_URL": url})
    assert said == "DATABASE_URL: must look like postgresql://user:password@host:5432/database.\n"


def test_a_malformed_port_in_the_database_url_is_refused(refused):
    said = refused("migrate", DATABASE_URL="postgresql://me:hidden@127.0.0.1:54x2/desk")
    assert said == "DATABASE_URL: the port must be a number from 1 to 65535.\n"


@pytest.mark.parametrize("command", [*SERVICES, "up"])
@pytest.mark.parametrize("port", ["eighty", "70000", "-1"])
def test_a_malformed_api_port_is_refused(refused, command, port):
    assert refused(command, **COMPLETE, API_PORT=port).startswith("API_PORT: ")


@pytest.mark.parametrize("port", ["eighty", "70000", "-1", "0"])
def test_a_malformed_sandbox_port_is_refused(refused, port):
    assert refused("up", SANDBOX_PORT=port) == "SANDBOX_PORT must be a port number from 1 to 65535.\n"


def test_one_port_for_both_is_refused(refused):
    said = refused("up", API_PORT="18080", SANDBOX_PORT="18080")
    assert said == "API_PORT can't be 18080 here: choose another port.\n"
    said = refused("up", API_PORT="18080", SANDBOX_MTPROTO_PORT="18080")
    assert said == "API_PORT can't be 18080 here: choose another port.\n"
    said = refused("up", SANDBOX_PORT="18080", SANDBOX_MTPROTO_PORT="18080")
    assert said == "SANDBOX_MTPROTO_PORT can't be 18080 here: choose another port.\n"


@pytest.mark.parametrize("command", [*SERVICES, "up"])
def test_half_an_application_is_refused(refused, command):
    said = refused(command, **COMPLETE, TELEGRAM_API_ID="12345")
    assert said == "TELEGRAM_API_ID is set, but TELEGRAM_API_HASH is not: set both, or none.\n"


@pytest.mark.parametrize("command", [*SERVICES, "up"])
@pytest.mark.parametrize("root", ["api.telegram.org", "ftp://api.telegram.org", "https://me:hidden@proxy.example"])
def test_a_malformed_api_root_is_refused(refused, command, root):
    said = refused(command, **COMPLETE, TELEGRAM_API_ROOT=root)
    assert said == "TELEGRAM_API_ROOT: must look like https://api.telegram.org.\n"


def test_an_api_root_without_a_token_is_refused(refused):
    """The sandbox would be ignored, or a real Telegram asked with an invented token."""
    said = refused("up", TELEGRAM_API_ROOT="https://api.telegram.org")
    assert said == "TELEGRAM_API_ROOT is set, but SETUP_BOT_TOKEN is not: set both, or none to use the sandbox.\n"


def test_a_keyring_that_is_not_there_is_refused(refused, tmp_path):
    missing = tmp_path / "keyring.json"
    assert refused("up", BACKLINE_KEYRING=str(missing)) == f"BACKLINE_KEYRING: there is no file {missing}.\n"


def test_an_api_key_needs_an_owner(capsys):
    with pytest.raises(SystemExit) as end:
        main(["api-key"])
    assert end.value.code == 2
    assert "--owner" in capsys.readouterr().err
