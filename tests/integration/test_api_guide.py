"""The guide to the API: every command in it works as it stands there."""

import asyncio
import json
import os
import re
from pathlib import Path

import pytest

from tests.api_client import open_api
from tests.api_server import serving
from tests.factories import make_running, make_tenant, make_token

GUIDE = Path(__file__).parents[2] / "docs" / "api.md"
COMMANDS = re.compile(r"^```sh\n(.*?)^```$(?:\s+^```json\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)


@pytest.fixture
async def environ(database, keyring, redis_url):
    async with open_api(database, keyring, redis_url) as api, serving(api.app) as url:
        tenant = await make_tenant(database, keyring)
        await make_running(database, tenant)
        values = {"API": url, "KEY": api.key, "TENANT": str(tenant.id), "TOKEN": make_token(7001)}
        yield {**values, "PATH": os.environ["PATH"]}


async def _run(commands: str, environ: dict[str, str]) -> str:
    program = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", commands),
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complaints = await program.communicate()
    assert program.returncode == 0, (commands, said, complaints)
    return said.decode()


async def test_every_command_works_and_answers_what_is_shown(environ: dict[str, str]):
    found = COMMANDS.findall(GUIDE.read_text())
    assert len(found) == 9
    heard = ""
    for commands, shown in found:
        said = await _run(commands, environ)
        assert said, commands
        if shown:
            assert json.loads(said) == json.loads(shown)
        heard += said
    assert "idempotency-replayed: true" in heard
    assert environ["TOKEN"].partition(":")[2] not in heard
