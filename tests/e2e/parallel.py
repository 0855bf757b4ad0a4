"""A connection in parallel mode: the stage, with the sandbox's MTProto face."""

from pathlib import Path

from pydantic import SecretStr

from sandbox.server import Sandbox
from tenants.config import Config
from tenants.connections import Connections
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.parallel import Mode
from tenants.plans import Plan
from tests.e2e.conftest import Stage, set_stage


def with_mtproto(config: Config, sandbox: Sandbox, folder: Path) -> Config:
    """The configuration of processes that connect to this sandbox."""
    assert sandbox.mtproto is not None
    about = sandbox.mtproto.about()
    key = folder / "telegram.pem"
    key.write_text(about["public_key"])
    values = {
        "telegram_api_root": sandbox.url,
        "telegram_api_id": about["api_id"],
        "telegram_api_hash": SecretStr(about["api_hash"]),
        "telegram_dc": f"{about['host']}:{about['port']}",
        "telegram_dc_key": key,
        "group_sends_per_minute": 100_000,
    }
    return config.model_copy(update=values)


async def parallel_stage(
    sandbox: Sandbox, config: Config, database: Database, keyring: Keyring, folder: Path
) -> Stage:
    stage = await set_stage(sandbox, with_mtproto(config, sandbox, folder), database, keyring)
    connections = Connections(database, keyring, plan=Plan.BUSINESS, parallel=True)
    stage.tenant = await connections.set_mode(stage.owner.id, stage.tenant.id, Mode.PARALLEL)
    return stage
