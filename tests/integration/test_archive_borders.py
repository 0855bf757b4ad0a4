"""Whose the archive is: its owner's and its tenant's, on the plans that have it."""

import pytest
from sqlalchemy.exc import IntegrityError

from tenants.archive.reading import Archive
from tenants.connections import Connections
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.errors import NotFound, PlanRequired
from tenants.plans import Plan
from tenants.settings.service import SettingsService
from tests.factories import OWNER, STRANGER, make_tenant
from tests.letters import Mail


async def test_a_foreign_owner_and_a_foreign_tenant_read_nothing(database: Database, keyring: Keyring) -> None:
    mine = await make_tenant(database, keyring)
    other = await make_tenant(database, keyring, owner=STRANGER, bot=6000)
    dialogs = {}
    for tenant in (mine, other):
        mail = Mail(database, keyring, tenant)
        talk = await mail.open_dialog()
        await mail.keep(talk, f"of {tenant.bot_id}", message=1)
        dialogs[tenant.id] = talk.id
    service = Archive(database, Connections(database, keyring, plan=Plan.PRO), keyring)
    (found,) = await service.list_page(OWNER, mine.id, dialogs[mine.id], limit=10)
    assert found.text == "of 5000"
    for tenant, dialog in ((other, dialogs[other.id]), (mine, dialogs[other.id]), (other, dialogs[mine.id])):
        with pytest.raises(NotFound):
            await service.list_page(OWNER, tenant.id, dialog, limit=10)


async def test_nobody_keeps_anything_in_a_foreign_dialog(database: Database, keyring: Keyring) -> None:
    mine = await make_tenant(database, keyring)
    other = await make_tenant(database, keyring, owner=STRANGER, bot=6000)
    theirs = await Mail(database, keyring, other).open_dialog()
    with pytest.raises(IntegrityError, match="foreign key"):
        await Mail(database, keyring, mine).keep(theirs, "crossing", message=1)


async def test_the_free_plan_has_none(database: Database, keyring: Keyring) -> None:
    free = await make_tenant(database, keyring, plan=Plan.FREE)
    service = SettingsService(Connections(database, keyring, plan=Plan.FREE))
    with pytest.raises(PlanRequired) as refused:
        await service.change(OWNER, free.id, {"ARCHIVE": 1})
    assert refused.value.params == {"plan": "pro"}
    await service.change(OWNER, free.id, {"ARCHIVE": 0})
