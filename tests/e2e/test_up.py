"""`backline up` as a person sees it: real servers, real processes, real signals.

The product's own processes are stand-ins here: what is tested is who starts, waits for, revives and ends them.
"""

import http.client
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from backline.embedded import Postgres, Valkey, temporary_folder
from backline.processes import PATIENCE
from tests.e2e.up_stage import data_folder, free_port, running

CHECKOUT = Path(__file__).parents[2]
DEADLINE = 30
SERVICE = """
import asyncio, http.client, os, urllib.parse

async def run(config, ready):
    if os.environ.get("REFUSES") == NAME:
        raise SystemExit(NAME + " can't work like this.")
    print("token", os.environ.get("SETUP_BOT_TOKEN"), "root", config.telegram_api_root, flush=True)
    key = config.telegram_dc_key and config.telegram_dc_key.read_text()
    print("api", config.telegram_api_id, "centre", config.telegram_dc, "key", key, flush=True)
    ready()
    try:
        await asyncio.Event().wait()
    finally:
        if os.environ.get("STUBBORN") == NAME:
            await asyncio.Event().wait()
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(config.telegram_api_root).netloc, timeout=5)
        try:
            connection.request("GET", "/sandbox/state")
            print("drained, Telegram says", connection.getresponse().status, flush=True)
        except OSError as error:
            print("drained, Telegram is gone", error, flush=True)
"""
SERVER = """
import json, os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

def answer(port, documents):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path in documents else 404)
            self.end_headers()
            self.wfile.write(json.dumps(documents.get(self.path)).encode())
    print("knows the database:", "DATABASE_URL" in os.environ, flush=True)
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""
SANDBOX = """
port, mtproto = (int(sys.argv[sys.argv.index(name) + 1]) for name in ("--port", "--mtproto-port"))
face = {"host": "127.0.0.1", "port": mtproto, "dc": 2, "public_key": "PEM", "api_id": 7, "api_hash": "a" * 32}
answer(port, {"/sandbox/state": {"setup_bot_token": "42:sandbox"}, "/sandbox/mtproto": face})
"""
STAND_INS = {
    "answering.py": SERVER,
    "api/__init__.py": "",
    "api/app.py": "from answering import answer\n"
    "def serve(config, ready, sessions):\n    answer(config.api_port, {'/readyz': {}})\n",
    "worker/__init__.py": "",
    "worker/main.py": f"NAME = 'worker'\n{SERVICE}",
    "worker/tasks.py": f"NAME = 'tasks'\n{SERVICE}",
    "setup_bot/__init__.py": "",
    "setup_bot/main.py": f"NAME = 'setup-bot'\n{SERVICE}",
    "sandbox/__init__.py": "",
    "sandbox/__main__.py": f"import sys\nfrom answering import answer\n{SANDBOX}",
}


@pytest.fixture(scope="module")
def stand_ins() -> Iterator[Path]:
    with temporary_folder() as folder:
        for name, text in STAND_INS.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
        yield folder


@pytest.fixture
def data() -> Iterator[Path]:
    with data_folder() as folder:
        yield folder


def test_everything_comes_up_on_loopback_and_ends_with_ctrl_c(stand_ins, data):
    with running(stand_ins, data, BILLING_LINK="off") as up:
        assert str(data) in up.hear("Backline starts")
        assert f"http://127.0.0.1:{up.environment['SANDBOX_PORT']}/" in up.hear("Backline is ready")
        assert str(data) in up.hear("data, logs")
        names = {
            "backline api",
            "backline worker",
            "backline tasks",
            "backline setup-bot",
            "sandbox --port",
            "valkey-server",
            "bin/postgres",
        }
        for name in names:
            assert up.find(name).is_running()
        listening = [c.laddr.ip for p in up.below() for c in p.net_connections() if c.status == psutil.CONN_LISTEN]
        assert {*listening} == {"127.0.0.1"}
        code, out, err = up.end(signal.SIGINT)
        assert (code, err) == (0, "")
        assert "Stopped." in out
        assert up.nothing_is_left()


def test_the_token_and_the_api_root_come_from_the_sandbox_which_outlives_the_others(stand_ins, data):
    with running(stand_ins, data, BILLING_LINK="off") as up:
        up.hear("Backline is ready")
        assert up.end(signal.SIGTERM)[0] == 0
        for name in ("worker", "setup-bot"):
            assert f"token 42:sandbox root http://127.0.0.1:{up.environment['SANDBOX_PORT']}" in up.log(name)
            assert "drained, Telegram says 200" in up.log(name)
            centre = f"127.0.0.1:{up.environment['SANDBOX_MTPROTO_PORT']}"
            assert f"api 7 centre {centre} key PEM" in up.log(name)
        assert "knows the database: False" in up.log("sandbox")
        assert "knows the database: True" in up.log("api")


def test_a_killed_child_is_revived_and_one_sentence_says_so(stand_ins, data):
    with running(stand_ins, data, BILLING_LINK="off") as up:
        up.hear("Backline is ready")
        for words, name in (("backline worker", "worker"), ("sandbox --port", "sandbox")):
            killed = up.find(words).pid
            os.kill(killed, signal.SIGKILL)
            assert up.hear(f"^{name} ") == f"{name} was ended by SIGKILL; it starts again.\n"
            assert up.hear(f"^{name} ") == f"{name} is back.\n"
            assert up.find(words).pid != killed
        assert up.end(signal.SIGTERM)[0] == 0


def test_a_killed_server_is_revived_at_the_same_address(stand_ins, data):
    with running(stand_ins, data, BILLING_LINK="off") as up:
        up.hear("Backline is ready")
        for words, title in (("bin/postgres", "PostgreSQL"), ("valkey-server", "Valkey")):
            server = up.find(words)
            ports = {c.laddr.port for c in server.net_connections() if c.status == psutil.CONN_LISTEN}
            os.kill(server.pid, signal.SIGKILL)
            up.hear(f"{title} has died; it starts again")
            up.hear(f"{title} is back")
            assert ports == {c.laddr.port for c in up.find(words).net_connections() if c.status == psutil.CONN_LISTEN}
        assert up.end(signal.SIGTERM)[0] == 0


def test_kill_9_ends_everything_and_the_next_start_goes_on(stand_ins, data):
    with running(stand_ins, data, BILLING_LINK="off") as up:
        up.hear("Backline is ready")
        keyring = (data / "keyring.json").read_text()
        up.end(signal.SIGKILL)
        assert up.nothing_is_left()
    with running(stand_ins, data, BILLING_LINK="off", API_PORT=up.environment["API_PORT"]) as again:
        again.hear("Backline is ready")
        assert (data / "keyring.json").read_text() == keyring
        assert again.end(signal.SIGTERM)[0] == 0


def test_a_child_that_never_starts_ends_it_with_the_childs_own_sentence(stand_ins, data):
    with running(stand_ins, data, BILLING_LINK="off", REFUSES="worker") as up:
        code, out, err = up.end()
        assert (code, err) == (1, "worker does not start: worker can't work like this.\n")
        assert "ready" not in out


def test_a_second_ctrl_c_waits_for_nobody(stand_ins, data):
    with running(stand_ins, data, BILLING_LINK="off", STUBBORN="worker") as up:
        up.hear("Backline is ready")
        up.process.send_signal(signal.SIGINT)
        up.hear("Stopping")
        asked = time.monotonic()
        assert up.end(signal.SIGINT)[0] == 0
        assert time.monotonic() - asked < PATIENCE.until_stopped / 2


def test_a_second_up_on_the_same_folder_is_refused_in_a_sentence(stand_ins, data):
    with running(stand_ins, data, BILLING_LINK="off") as up:
        up.hear("Backline starts")
        with running(stand_ins, data, BILLING_LINK="off") as second:
            code, out, err = second.end()
        assert (code, out) == (1, "")
        assert err == (
            f"Backline already runs with the data folder {data} (process {up.process.pid}):"
            " stop it, or set BACKLINE_DATA to another folder.\n"
        )


def test_an_application_of_ones_own_is_used_instead_of_the_sandboxs(stand_ins, data):
    with running(stand_ins, data, BILLING_LINK="off", TELEGRAM_API_ID="12345", TELEGRAM_API_HASH="b" * 32) as up:
        up.hear("Backline is ready")
        assert up.end(signal.SIGTERM)[0] == 0
        assert "api 12345 centre None key None" in up.log("worker")


@pytest.mark.parametrize("variable", ["API_PORT", "SANDBOX_PORT", "SANDBOX_MTPROTO_PORT"])
def test_a_busy_port_is_a_sentence_before_anything_is_started(stand_ins, data, variable):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with running(stand_ins, data, BILLING_LINK="off", **{variable: str(port)}) as up:
            code, out, err = up.end()
    assert (code, out) == (1, "")
    assert err == f"Port {port} is in use by another program: set {variable} to a free port.\n"
    assert not data.exists()


def test_a_database_that_cant_be_reached_is_a_sentence(stand_ins, data):
    url = f"postgresql://me:secret@127.0.0.1:{free_port()}/desk"
    with running(stand_ins, data, BILLING_LINK="off", DATABASE_URL=url) as up:
        code, _, err = up.end()
    assert code == 1
    assert re.fullmatch(
        r"The database at 127\.0\.0\.1:\d+ can't be reached \(connection refused\): check DATABASE_URL\.\n", err
    )


def test_given_servers_and_a_real_token_are_used_instead_of_our_own(stand_ins, data):
    given = {"SETUP_BOT_TOKEN": "7:real", "TELEGRAM_API_ROOT": "http://127.0.0.1:9"}
    with (
        temporary_folder() as folder,
        Postgres(folder / "postgres", durable=False) as postgres,
        Valkey(folder / "valkey", durable=False) as valkey,
        running(stand_ins, data, BILLING_LINK="off", DATABASE_URL=postgres.url, REDIS_URL=valkey.url, **given) as up,
    ):
        assert f"http://127.0.0.1:{up.environment['API_PORT']}/" in up.hear("Backline is ready")
        assert sorted(path.name for path in data.iterdir()) == ["keyring.json", "logs", "up.lock"]
        assert "token 7:real root http://127.0.0.1:9" in up.log("worker")
        connection = http.client.HTTPConnection("127.0.0.1", int(up.environment["SANDBOX_PORT"]))
        with pytest.raises(ConnectionRefusedError):
            connection.request("GET", "/sandbox/state")
        assert up.end(signal.SIGTERM)[0] == 0
