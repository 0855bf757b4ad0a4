"""The API does what its description says: Schemathesis reads it and asks thousands of things, right and wrong."""

import asyncio
import json
import os
import sys
from pathlib import Path

import asyncpg
import pytest

from tests.api_client import ApiUnderTest, open_api
from tests.api_server import serving
from tests.factories import fill_every_table, make_running, make_tenant

EXAMPLES = 25
"""For each operation and way of asking. What it draws is the same each time."""
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "ignored_auth",
)
CONFIGURATION = """
[auth.openapi.key]
bearer = {key}

[checks.negative_data_rejection]
expected-statuses = ["4xx"]

[phases.coverage]
unexpected-methods = ["TRACE", "OPTIONS"]

[parameters]
"path.tenant_id" = {tenant}
"path.dialog_id" = {dialog}

[[operations]]
include-operation-id = "erase_tenant"
parameters = {{ "path.tenant_id" = {doomed} }}
"""


@pytest.fixture
async def api(database, keyring, redis_url):
    async with open_api(database, keyring, redis_url, API_REQUESTS_PER_MINUTE="0") as under_test:
        yield under_test


async def _configure(api: ApiUnderTest, folder: Path, database_url: str) -> Path:
    tenant, doomed = [await make_tenant(api.database, api.keyring, bot=bot) for bot in (5000, 5001)]
    await make_running(api.database, tenant)
    await fill_every_table(api.database, tenant)
    connection = await asyncpg.connect(database_url)
    dialog = await connection.fetchval("SELECT id FROM dialogs")
    await connection.execute("DELETE FROM archive; DELETE FROM webhook_secrets")  # no ciphertexts of ours
    await connection.close()
    path = folder / "schemathesis.toml"
    values = {"key": api.key, "tenant": str(tenant.id), "dialog": str(dialog), "doomed": str(doomed.id)}
    path.write_text(CONFIGURATION.format(**{name: json.dumps(value) for name, value in values.items()}))
    return path


async def test_everything_that_is_asked_is_answered_as_described(api: ApiUnderTest, tmp_path: Path, database_url):
    configuration = await _configure(api, tmp_path, database_url)
    async with serving(api.app) as url:
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(configuration), "run"),
            *(f"{url}/schema/openapi.json", "--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing"),
            *("--max-examples", str(EXAMPLES), "--generation-deterministic", "--continue-on-failure"),
            *("--no-color", "--warnings", "off", "--suppress-health-check", "all"),
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": ""},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await program.communicate()
    assert program.returncode == 0, said.decode()
