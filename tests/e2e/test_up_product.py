"""`backline up` with nothing set: the whole product, with a Telegram of its own, from a checkout."""

import http.client
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.e2e.up_stage import CHECKOUT, Up, data_folder, running


@pytest.fixture
def data() -> Iterator[Path]:
    with data_folder() as folder:
        yield folder


def ask(up: Up, variable: str, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", int(up.environment[variable]), timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def state(up: Up) -> Any:
    return json.loads(ask(up, "SANDBOX_PORT", "/sandbox/state")[1])


def test_the_product_comes_up_revives_its_worker_and_goes_on_after_a_stop(data):
    with running(CHECKOUT, data) as up:
        up.hear("Backline is ready")
        assert ask(up, "SANDBOX_PORT", "/")[0] == 200
        assert ask(up, "API_PORT", "/readyz")[0] == 200
        listening = [c.laddr.ip for p in up.below() for c in p.net_connections() if c.status == psutil.CONN_LISTEN]
        assert {*listening} == {"127.0.0.1"}
        token = state(up)["setup_bot_token"]
        os.kill(up.find("backline worker").pid, signal.SIGKILL)
        up.hear("worker was ended by SIGKILL; it starts again")
        up.hear("worker is back")
        code, _, err = up.end(signal.SIGTERM)
        assert (code, err) == (0, "")
        assert up.nothing_is_left()
    with running(CHECKOUT, data) as again:
        again.hear("Backline is ready")
        assert state(again)["setup_bot_token"] == token
        assert again.end(signal.SIGINT)[0] == 0


def test_no_secret_is_printed_or_logged(data):
    with running(CHECKOUT, data) as up:
        up.hear("Backline is ready")
        passwords = [(data / name / "password").read_text() for name in ("postgres", "valkey")]
        secrets = {state(up)["setup_bot_token"], *passwords}
        out = up.end(signal.SIGTERM)[1]
        said = "".join([*up.said, out, *(path.read_text() for path in (data / "logs").iterdir())])
        assert len(secrets) == 3
        assert [secret for secret in secrets if secret in said] == []
