"""/ban and /unban: they change IGNORE_CHATS, as the owner could in the setup bot."""

import json
from typing import Any

from sqlalchemy import text

from tenants.db import UnitOfWork
from tenants.ids import ChatId, TenantId
from tenants.plans import Plan
from tenants.settings.catalog import effective, get_entry

SETTING = "IGNORE_CHATS"

_READ = text("SELECT settings, plan FROM tenants WHERE id = :tenant FOR NO KEY UPDATE")
_SAVE = text("UPDATE tenants SET settings = CAST(:settings AS jsonb), version = version + 1 WHERE id = :tenant")


async def ban(unit: UnitOfWork, tenant: TenantId, chat: ChatId) -> bool:
    """Whether that is news. Raises `Invalid` where the list is full."""
    overrides, plan, ignored = await _read(unit, tenant)
    if chat in ignored:
        return False
    await _save(unit, tenant, {**overrides, SETTING: get_entry(SETTING).check([*ignored, chat], plan)})
    return True


async def unban(unit: UnitOfWork, tenant: TenantId, chat: ChatId) -> bool:
    """Whether it was banned."""
    overrides, _, ignored = await _read(unit, tenant)
    if chat not in ignored:
        return False
    await _save(unit, tenant, {**overrides, SETTING: [other for other in ignored if other != chat]})
    return True


async def _read(unit: UnitOfWork, tenant: TenantId) -> tuple[dict[str, Any], Plan, list[int]]:
    row = (await unit.execute(_READ, {"tenant": tenant})).one()
    plan = Plan(row.plan)
    return row.settings, plan, effective(row.settings, plan).IGNORE_CHATS


async def _save(unit: UnitOfWork, tenant: TenantId, overrides: dict[str, Any]) -> None:
    await unit.execute(_SAVE, {"tenant": tenant, "settings": json.dumps(overrides)})
