"""A setting that is declared and nothing more has its section, its screen and its lock in the setup bot."""

from collections.abc import AsyncIterator

import pytest

from sandbox.server import Sandbox
from tenants.config import Config
from tenants.db import Database
from tests.e2e.setup_bot_stage import Stage, running_stage
from tests.e2e.test_setup_bot_settings import at_settings
from tests.invented import Invented


@pytest.fixture
async def stage(sandbox: Sandbox, config: Config, database: Database) -> AsyncIterator[Stage]:
    async with running_stage(sandbox, config, database, Invented) as running:
        yield running


async def test_it_is_found_typed_refused_and_reset(stage: Stage) -> None:
    owner = await at_settings(stage, plan="free")
    await owner.tap("Sky", "Phase of the moon: 1")
    await owner.tap("Phase of the moon", "Days since the last new moon.", "Now: 1", "Example: 7", "at most 14")
    owner.send("30")
    await owner.sees("should be 29 or less", "Now: 1")
    owner.send("15")
    await owner.sees("at most 14. The pro plan allows more.")
    owner.send("7")
    await owner.sees("✅ Saved: Phase of the moon.", "Phase of the moon: 7")
    assert (await stage.tenant(owner)).overrides == {"MOON_PHASE": 7}
    await owner.tap("Phase of the moon", "Now: 7")
    await owner.tap("Reset to default", "Now: 1")
    assert (await stage.tenant(owner)).overrides == {}
