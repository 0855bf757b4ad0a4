"""Changing settings: all or nothing, what differs is stored, nobody's change is lost in silence."""

import pytest

from tenants.connections import Connections, Tenant
from tenants.crypto import Keyring
from tenants.db import Database
from tenants.errors import Conflict, Invalid, NotFound, PlanRequired
from tenants.plans import Plan
from tenants.settings.catalog import effective, entries
from tenants.settings.service import SettingsService, show_all
from tests.factories import OWNER, STRANGER, make_tenant


@pytest.fixture
def connections(database: Database, keyring: Keyring) -> Connections:
    return Connections(database, keyring, plan=Plan.PRO)


@pytest.fixture
def service(connections: Connections) -> SettingsService:
    return SettingsService(connections)


@pytest.fixture
async def tenant(database: Database, keyring: Keyring) -> Tenant:
    return await make_tenant(database, keyring)


async def test_every_setting_is_typed_stored_and_reset(service: SettingsService, connections, tenant):
    for name, entry in entries().items():
        value = entry.setting.kind.parse(entry.setting.example)
        changed = await service.change_typed(OWNER, tenant.id, name.lower(), entry.setting.example)
        assert changed.overrides == {name: value}
        assert await connections.get(OWNER, tenant.id) == changed
        shown = {item.entry.name: item for item in show_all(changed)}
        assert (shown[name].value, shown[name].stored) == (value, value)
        assert shown[name].text == entry.setting.kind.show(value)
        assert (await service.change(OWNER, tenant.id, {name: None})).overrides == {}


async def test_a_change_leaves_the_other_settings_alone(service: SettingsService, tenant):
    await service.change(OWNER, tenant.id, {"AUTOCLOSE": 7, "SILENT_MODE": True})
    changed = await service.change(OWNER, tenant.id, {"AUTOCLOSE": None, "WELCOME": ""})
    assert changed.overrides == {"SILENT_MODE": True, "WELCOME": ""}


async def test_a_bad_value_or_name_changes_nothing(service: SettingsService, connections, tenant):
    for bad in ({"AUTOCLOSE": 0}, {"NO_SUCH": 1}, {"WHITE_LIST": "1001"}):
        with pytest.raises(Invalid) as refused:
            await service.change(OWNER, tenant.id, {"SILENT_MODE": True, **bad})
        assert refused.value.field in bad
    assert await connections.get(OWNER, tenant.id) == tenant


async def test_every_change_has_a_version_of_its_own(service: SettingsService, tenant):
    first = await service.change(OWNER, tenant.id, {"AUTOCLOSE": 1})
    second = await service.change(OWNER, tenant.id, {"AUTOCLOSE": 1}, version=first.version)
    assert tenant.version < first.version < second.version


async def test_a_change_upon_an_older_version_is_refused(service: SettingsService, connections, tenant):
    newest = await service.change(OWNER, tenant.id, {"AUTOCLOSE": 1})
    with pytest.raises(Conflict):
        await service.change(OWNER, tenant.id, {"AUTOCLOSE": 2}, version=tenant.version)
    with pytest.raises(Conflict):
        await connections.save_overrides(OWNER, tenant, {"AUTOCLOSE": 2})
    assert await connections.get(OWNER, tenant.id) == newest


async def test_another_owners_settings_are_not_there(service: SettingsService, connections, tenant):
    with pytest.raises(NotFound):
        await service.change(STRANGER, tenant.id, {"AUTOCLOSE": 1})
    with pytest.raises(NotFound):
        await connections.save_overrides(STRANGER, tenant, {"AUTOCLOSE": 1})
    assert (await connections.get(OWNER, tenant.id)).overrides == {}


async def test_what_the_plan_forbids_is_refused_and_stored_values_survive_a_downgrade(
    service: SettingsService, database, keyring
):
    free = await make_tenant(database, keyring, bot=5001, plan=Plan.FREE)
    with pytest.raises(PlanRequired) as refused:
        await service.change(OWNER, free.id, {"AUTOCLOSE": 100})
    assert refused.value.params == {"plan": "pro"}
    stored = {"AUTOCLOSE": 100, "WELCOME": ""}
    assert effective(stored, Plan.FREE).AUTOCLOSE == 48
    assert effective(stored, Plan.FREE).WELCOME
    assert effective(stored, Plan.PRO).AUTOCLOSE == 100
