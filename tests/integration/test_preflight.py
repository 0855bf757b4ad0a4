"""Servers that refuse us are told apart, in a sentence without a password."""

import asyncio
import errno
import json
import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from backline.cli import main
from backline.failure import Failure
from backline.preflight import check_database, check_port, check_redis

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def empty_database_url(postgres_url):
    server = postgres_url.rpartition("/")[0]
    name = f"empty_{os.getpid()}"

    async def run(statement: str) -> None:
        connection = await asyncpg.connect(f"{server}/postgres")
        await connection.execute(statement)
        await connection.close()

    asyncio.run(run(f"CREATE DATABASE {name}"))
    yield f"{server}/{name}"
    asyncio.run(run(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def closed_port():
    """A port at which nobody answers: bound, never listening."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def sentence(check: Callable[..., Awaitable[None]], url: str) -> str:
    async def ask() -> None:
        await check(url)

    with pytest.raises(Failure) as failure:
        asyncio.run(ask())
    said = str(failure.value)
    assert said.endswith(".")
    assert "\n" not in said
    password = urlsplit(url).password
    assert not password or password not in said
    return said


def address(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}"


def with_password(url: str, password: str) -> str:
    return url.replace(f":{urlsplit(url).password}@", f":{password}@")


def test_a_migrated_database_and_redis_pass(database_url, redis_url):
    asyncio.run(check_database(database_url))
    asyncio.run(check_redis(redis_url))


def test_a_database_that_nobody_serves(closed_port):
    said = sentence(check_database, f"postgresql://me:secret@127.0.0.1:{closed_port}/desk")
    assert (
        said == f"The database at 127.0.0.1:{closed_port} can't be reached (connection refused): check DATABASE_URL."
    )


def test_a_database_host_that_does_not_exist():
    said = sentence(check_database, "postgresql://me:secret@database.invalid/desk")
    assert said.startswith("The database at database.invalid:5432 can't be reached (")


def test_a_wrong_database_password(postgres_url):
    said = sentence(check_database, with_password(postgres_url, "wrong-secret"))
    assert said == f"The database at {address(postgres_url)} refuses the user or the password of DATABASE_URL."


def test_a_database_that_does_not_exist(postgres_url):
    said = sentence(check_database, postgres_url.rpartition("/")[0] + "/nowhere")
    assert said == (f"There is no database 'nowhere' at {address(postgres_url)}: create it, or correct DATABASE_URL.")


def test_a_database_without_tables_is_sent_to_migrate(empty_database_url, monkeypatch, capsys):
    said = sentence(check_database, empty_database_url)
    assert said == f"The database at {address(empty_database_url)} has no tables yet: run `backline migrate`."
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    assert main(["migrate"]) == 0, capsys.readouterr()
    asyncio.run(check_database(empty_database_url))


def test_a_redis_that_nobody_serves(closed_port):
    said = sentence(check_redis, f"redis://:secret@127.0.0.1:{closed_port}/0")
    assert said == f"Redis at 127.0.0.1:{closed_port} can't be reached (connection refused): check REDIS_URL."


def test_a_wrong_redis_password(redis_url):
    for url in (with_password(redis_url, "wrong-secret"), f"redis://{address(redis_url)}/0"):
        assert sentence(check_redis, url) == (
            f"Redis at {address(redis_url)} refuses the user or the password of REDIS_URL."
        )


@pytest.mark.parametrize(
    ("check", "url", "name"),
    [
        (check_database, "postgresql://me:secret@127.0.0.1:99999/desk", "DATABASE_URL"),
        (check_redis, "redis://:secret@127.0.0.1:port/0", "REDIS_URL"),
    ],
)
def test_a_malformed_port(check, url, name):
    assert sentence(check, url) == f"{name}: the port must be a number from 1 to 65535."


def test_a_port_that_is_taken_or_not_ours_is_named():
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(Failure, match=f"^Port {port} is in use by another program: set API_PORT to a free port"):
            check_port("127.0.0.1", port, variable="API_PORT")
    check_port("127.0.0.1", port, variable="API_PORT")
    with pytest.raises(Failure, match=os.strerror(errno.EADDRNOTAVAIL)):
        check_port("192.0.2.1", port, variable="API_PORT")


def test_a_new_api_key_is_shown_once(database_url, monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert main(["api-key", "--owner", "42"]) == 0
    key = capsys.readouterr().out.strip()
    assert key.startswith("bl_")

    async def digests() -> list[bytes]:
        connection = await asyncpg.connect(database_url)
        try:
            return [
                row["digest"] for row in await connection.fetch("SELECT digest FROM api_keys WHERE owner_id = 42")
            ]
        finally:
            await connection.close()

    assert len(asyncio.run(digests())) == 1


SERVICE = "async def run(config, ready):\n    print('it runs', flush=True)\n"


@pytest.fixture
def run(tmp_path, database_url, closed_port):
    """Run a service whose work is a stand-in, without a Redis."""

    def run(command: str, module: str) -> subprocess.CompletedProcess[str]:
        stand_in = tmp_path / module
        stand_in.parent.mkdir()
        (stand_in.parent / "__init__.py").touch()
        stand_in.write_text(SERVICE)
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{tmp_path}:{CHECKOUT}",
            "DATABASE_URL": database_url,
            "REDIS_URL": f"redis://:secret@127.0.0.1:{closed_port}/0",
            "BACKLINE_KEYRING": "none.json",
        }
        program = [sys.executable, "-m", "backline", command]
        return subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


AWAY = "Redis at 127.0.0.1:{} can't be reached (connection refused): check REDIS_URL."


def test_while_redis_is_away_a_worker_starts_and_says_so(run, closed_port):
    done = run("worker", "worker/main.py")
    warning, *others = done.stderr.splitlines()
    told = json.loads(warning)
    assert (told["event"], told["level"], told["problem"]) == ("redis.away", "warning", AWAY.format(closed_port))
    assert (done.stdout, others, done.returncode) == ("it runs\n", [], 0)


@pytest.mark.parametrize(("command", "module"), [("tasks", "worker/tasks.py"), ("setup-bot", "setup_bot/main.py")])
def test_while_redis_is_away_what_needs_it_does_not_start(run, closed_port, command, module):
    done = run(command, module)
    assert (done.stdout, done.stderr, done.returncode) == ("", f"{AWAY.format(closed_port)}\n", 1)
