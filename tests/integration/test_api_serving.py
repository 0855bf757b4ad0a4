"""The process that serves the API: it says when it listens, ends when asked, and tells nobody's secrets."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from api.app import _listen
from tenants.access.keys import create_key
from tenants.config import ConfigError
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.ids import TenantId
from tests.factories import OWNER, make_tenant, make_token

ROOT = Path(__file__).parents[2]
KEY = "bl_" + "k" * 43
SERVE = """
import os
from api.app import serve
from backline.sessions_on_demand import SessionsOnDemand
from tenants.config import Config, ConfigError
try:
    config = Config.from_env(os.environ)
    serve(config, lambda: print("ready", flush=True), SessionsOnDemand(config.telegram_api_root))
except ConfigError as error:
    print(error)
else:
    print("returned")
"""


@dataclass
class Served:
    process: subprocess.Popen[str]

    def said(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def listening(self) -> str:
        """Its address, from its first log line."""
        assert self.said() == "ready"
        assert self.process.stderr is not None
        line = json.loads(self.process.stderr.readline())
        assert line["event"] == "api.listening"
        return f"http://{line['host']}:{line['port']}"

    def ended(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out.strip(), err


@pytest.fixture
def environ(database_url: str, redis_url: str, keyring_file: Path) -> dict[str, str]:
    ours = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "BACKLINE_KEYRING": str(keyring_file),
        "API_PORT": "0",
    }
    return {**os.environ, **ours}


@contextmanager
def _served(environ: dict[str, str]) -> Iterator[Served]:
    command = [sys.executable, "-c", SERVE]
    with subprocess.Popen(
        command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Served(process)
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_asked_to_stop_and_returns(environ, number):
    with _served(environ) as served:
        address = served.listening()
        answer = httpx.get(f"{address}/readyz")
        assert (answer.status_code, answer.text) == (200, "ready")
        assert "server" not in answer.headers
        served.process.send_signal(number)
        assert served.ended() == (0, "returned", "")


def test_it_listens_on_loopback_unless_told_otherwise(environ):
    with _served(environ) as served:
        assert served.listening().startswith("http://127.0.0.1:")


def test_no_key_and_no_address_is_in_its_log(environ):
    with _served(environ) as served:
        address = served.listening()
        token = make_token(123456789)
        assert httpx.get(f"{address}/v1/tenants", headers={"Authorization": f"Bearer {KEY}"}).status_code == 401
        assert httpx.get(f"{address}/bot{token}/getMe?key={KEY}").status_code == 404
        served.process.send_signal(signal.SIGTERM)
        assert served.ended() == (0, "returned", "")


async def _make_key(database_url: str) -> str:
    database = Database(database_url)
    key = await create_key(database, OWNER, "tests")
    await database.close()
    return key


async def _make_tenant(database_url: str, keyring: Keyring) -> TenantId:
    database = Database(database_url)
    made = await make_tenant(database, keyring)
    await database.close()
    return made.id


def test_a_request_that_never_ends_keeps_it_for_three_seconds_only(environ, database_url, keyring):
    key = asyncio.run(_make_key(database_url))
    tenant = asyncio.run(_make_tenant(database_url, keyring))
    head = f"PATCH /v1/tenants/{tenant} HTTP/1.1", "Host: api", f"Authorization: Bearer {key}", "Content-Length: 9"
    half = "\r\n".join((*head, "", "{"))
    with _served(environ) as served:
        host, _, port = served.listening().removeprefix("http://").rpartition(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(half.encode())
            assert httpx.get(f"http://{host}:{port}/readyz").status_code == 200  # the half has been taken up
            served.process.send_signal(signal.SIGTERM)
            code, out, err = served.ended()
    assert (code, out) == (0, "returned")
    assert "timeout graceful shutdown exceeded" in err
    assert key not in err


def test_a_busy_port_is_one_sentence(environ):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with _served({**environ, "API_PORT": str(port)}) as served:
            assert served.ended()[1] == f"Port {port} is in use by another program: set API_PORT to a free port."


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1"])
def test_an_address_that_is_not_ours_is_one_sentence(host):
    with pytest.raises(ConfigError, match=f"^{host} is no address of this machine: set API_HOST to one that is\\.$"):
        _listen(host, 0)


def test_it_listens_on_ipv6_too():
    with _listen("::1", 0) as listener:
        assert listener.family is socket.AF_INET6
